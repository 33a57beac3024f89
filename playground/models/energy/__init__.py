"""Energy-based models and Markov chains."""
