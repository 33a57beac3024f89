"""Views of a world model: driving in its dream, the dream beside a recorded drive, the controller that learned in dreams."""
