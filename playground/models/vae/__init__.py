"""Variational autoencoders, and the plain autoencoder they are compared with."""
