"""Figures of what is no picture: texts, sounds, drawings made of strokes, drives."""
