"""Train here: a model learns the user's own pictures in the window, in a process of its own."""
