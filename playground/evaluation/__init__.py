"""How good and how fast the models are: likelihoods, fidelity, speed.  No Qt."""
