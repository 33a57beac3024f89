"""A run that a tab shows, written as an HTML page; on the thread that writes it, so no widget is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from playground.export import html_page
from playground.export.window_state import command_of, state_of
from playground.tabs.frame.view_state import ViewState
from playground.ui.formulas.in_page import in_page

_SHEETS = 0.8  # of the time: laying out the sheets; the rest is packing them


def write_page(
    path: Path,
    title: str,
    view_state: ViewState,
    sheet: Callable[[int], np.ndarray],
    indices: Sequence[int],
    tick: Callable[[float], None],
) -> None:
    """Write the page.

    Args:
        sheet: the moments of the run as pictures, uint8 (H,W) or (H,W,3) of one size.
        indices: which of them.
        tick: called with the share that is done; it may raise to give up.

    Raises:
        OSError: if there is no space or no right to write there.
    """
    frames = []
    for done, index in enumerate(indices):
        tick(_SHEETS * done / len(indices))
        frames.append(sheet(index))
    part = html_page.Part(
        title="",
        frames=frames,
        captions=[view_state.animation.said(index) for index in indices],
        formula=in_page(view_state.formula),
        settings={"model": view_state.kept.model, "view": view_state.kept.view, **view_state.kept.settings},
        here=command_of(state_of(view_state.kept, stands=False)),
        start=0,
    )
    html_page.write(path, title, [part])
