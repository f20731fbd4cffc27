"""Sweeps: a grid of networks, drawn cell by cell in chunks that are written once, on any executor."""
