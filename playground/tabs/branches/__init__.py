"""Runs that go on from any of their frames with other settings: the views that can, the sides of a fork, what is kept of them."""
