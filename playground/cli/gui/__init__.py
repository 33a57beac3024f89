"""Commands that open or draw the window."""
