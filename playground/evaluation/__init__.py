"""How good and how fast the models are: likelihoods, distances between features, obedience to prompts, speed.  No Qt."""
