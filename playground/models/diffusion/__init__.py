"""Diffusion models: noise is added by rule and removed by a network."""
