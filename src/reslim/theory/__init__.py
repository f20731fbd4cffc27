"""Closed-form laws of random residual networks, and their infinite-width limits. Knows nothing of the simulation."""
