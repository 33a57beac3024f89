"""The garbage collector while the program starts: importing makes hundreds of thousands of objects, none of them garbage."""

from __future__ import annotations

import gc


def pause() -> None:
    """Look for no garbage while modules are imported: each look finds none, and together they take a sixth of the time."""
    gc.disable()


def resume() -> None:
    """Go on after :func:`pause`, and never look again at what is here now: one look at all of torch stops the window for 0.1 s."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
