"""Models of text, one character after another."""
