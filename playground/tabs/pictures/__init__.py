"""What every tab can do with the pictures on its canvas: show them larger, and say which training pictures lie near."""
