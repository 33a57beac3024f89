"""The window: one tab per family, and the frame that they share."""
