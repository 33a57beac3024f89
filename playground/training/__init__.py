"""Training: one loop that is a generator of progress.  Knows torch, not Qt."""
