"""A run as a part of an HTML page: its frames, and what the family's view says of them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from playground import data, families
from playground.contract import Frame, Model
from playground.data import characters
from playground.data.modality import Modality
from playground.export import contact_sheet, html_page
from playground.export.window_state import WindowState, command_of
from playground.tabs import registry
from playground.tabs.frame.view import View
from playground.ui.formulas.in_page import in_page


def part_of_run(model: Model, frames: Sequence[Frame], shows: WindowState) -> html_page.Part:
    """A run of a model, as its first suitable view explains it.

    Args:
        frames: at least one.
        shows: the state that opens the same run in the window.
    """
    is_text = data.modality(model.card.dataset) is Modality.TEXT
    view = view_of(model)
    return html_page.Part(
        title="",
        frames=[_text(f) for f in frames] if is_text else [contact_sheet.tile(f.images) for f in frames],
        captions=[caption(frame) for frame in frames],
        text=plain_words(view.words) if view is not None else "",
        formula=in_page(view.formula) if view is not None else "",
        settings={"model": model.card.id, **shows.settings},
        here=command_of(shows),
        start=0,
    )


def view_of(model: Model) -> type[View] | None:
    """The first view that suits a model: the one that draws."""
    kinds = registry.views_of(families.entry(model.card.family))  # type: ignore[arg-type]
    return next((kind for kind in kinds if kind.suits(model)), None)


def caption(frame: Frame) -> str:
    """Where in the run a frame stands."""
    return f"step {frame.step}/{frame.total}" if frame.total else f"step {frame.step}"


def plain_words(rich: str) -> str:
    """The first paragraph of a view's words, without their markup."""
    first = re.split(r"<br\s*/?>\s*<br\s*/?>", rich)[0]
    return html.unescape(re.sub(r"<[^>]+>", "", first))


def _text(frame: Frame) -> str:
    """All texts of a frame, uint8 (B,1,T,1), one below the other."""
    return "\n\n* * *\n\n".join(characters.text_of(codes[codes > 0]) for codes in frame.images[:, 0, :, 0])
