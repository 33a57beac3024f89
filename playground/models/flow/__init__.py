"""Normalising flows: invertible networks, so that the density of a picture follows from the change of variables."""
