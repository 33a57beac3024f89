"""The list of keys that ``?`` shows."""

from __future__ import annotations

KEYS = (
    ("Space", "play or pause"),
    ("Left, Right", "one step back or on"),
    ("Home, End", "first or newest step"),
    (
        "Escape",
        "close what is innermost: an enlarged picture, a lesson (and back to it), full screen; else stop",
    ),
    ("PageUp, PageDown", "previous or next view, in a lesson scene, whatever has the focus"),
    ("Alt+1 ... Alt+4", "a group of views: generate, look inside, give it a picture, training"),
    ("Ctrl+1 ... Ctrl+9, Ctrl+Tab", "a tab by its number; the next"),
    ("Tab", "to the next control, and to the picture"),
    ("Arrows on a picture", "move pointer, pixel or choice (Shift: further)"),
    ("Enter, double click", "enlarge a picture; again, or Escape: back"),
    ("Ctrl+Enter on a picture", "as a click on it"),
    (
        "Right click, Menu, Shift+F10",
        "what else can be done with a picture: score, encode, complete, send, save",
    ),
    ("Delete on a slider", "back to its default"),
    ("R", "new seed"),
    ("N, P, D", "next, previous, any test image or drawing"),
    ("1 ... 9, 0", "Words: look at a word of the prompt; at none"),
    (
        "I, Ctrl+V",
        "Compare, One image: invert the picture, paste one; Ctrl+V also where words change a picture",
    ),
    ("Ctrl+Z, Ctrl+Shift+Z", "undo and redo: a knob, a pixel, a code, a stroke, a branch"),
    ("B", "what the last edit changed: difference, blink, side by side, back"),
    ("E", "explain on or off"),
    ("L", "loop"),
    ("C", "continue from this step with other settings; again: no longer"),
    ("Ctrl +, Ctrl −, Ctrl 0", "larger, smaller, normal type"),
    ("F11", "lecture mode"),
    ("Ctrl+O", "open a checkpoint or an exported picture"),
    ("Ctrl+S", "export the picture, its run or its numbers"),
    ("Ctrl+C", "copy the picture"),
    ("Ctrl+Shift+C", "copy its settings"),
    ("Ctrl+V", "show a run again from settings that were copied"),
    ("?", "this list, and the words of the field; again, or Escape: closed"),
)
