"""Training of real networks: the data, and what is learnt from them."""
