"""Views of a model of drawings: draw, go on with a drawing that was begun, the way between two, the pen's next step."""
