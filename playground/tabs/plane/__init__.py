"""In the plane: a model learns a density before the user's eyes, in a process of its own; one view for every family."""
