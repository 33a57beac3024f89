"""Drawings made of strokes, crisp at any size: sheets of them, a pad to draw on, and the pen's next step as a mixture."""
