"""Sweeps: a grid of networks and a task in every cell, done in chunks that are written once, on any executor."""
