"""Autoregressive models: p(x) is a product of p(x_i given the earlier ones)."""
