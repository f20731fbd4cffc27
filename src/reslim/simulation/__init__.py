"""Exact samplers of random networks, and `simulate`, which chooses among them."""
