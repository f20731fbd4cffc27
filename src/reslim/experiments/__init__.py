"""Experiments: predictions, simulations and pictures put together into answers."""
