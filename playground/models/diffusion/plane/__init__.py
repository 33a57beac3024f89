"""Models of points in the plane, trained before the user's eyes."""
