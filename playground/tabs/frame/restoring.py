"""An exported picture is shown again: which view and knobs it asks for, and what is not as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.capabilities import HalvesPrecision
from playground.contract import Frame, Model, Request, settings_of
from playground.export.picture_metadata import PictureMetadata, request_of
from playground.tabs.frame.view import View, suiting


def view_kind(kept: PictureMetadata, model: Model, kinds: Sequence[type[View]]) -> type[View]:
    """The view that a picture was exported of; the first one for a state that names none.

    Raises:
        ValueError: one sentence, if the model has none of that name.
    """
    kind = next((k for k in suiting(kinds, model) if kept.view in ("", k.name)), None)
    if kind is None:
        raise ValueError(f"{kept.model} has no view called {kept.view!r}.")
    return kind


def read_back(kept: PictureMetadata, model: Model, view: View) -> tuple[Request, dict[str, Any]]:
    """A picture's request, and the settings that its view keeps beside the knobs; nothing is changed.

    Raises:
        ValueError: one sentence, if either does not fit the view and the model.
    """
    request = request_of(view.asked(model), kept.settings, len(model.card.classes))
    return request, view.checked(kept.state, request, model)


def put_back(view: View | None, kept: PictureMetadata, frame: Frame | None) -> None:
    """Show a moment of a view again: ``frame`` at once, and its run when it is made again.

    Raises:
        ValueError: one sentence, if the moment does not fit the view any more; then nothing is changed.
    """
    if view is None:
        return
    request, state = read_back(kept, view.model, view)
    view.tab.knobs.set_silently(settings_of(request))
    view.restore(request, state)
    view.player.halt_at(kept.step, kept.head, silently=frame is not None)
    if frame is not None:
        view.draw(frame)


def differences(kept: PictureMetadata, model: Model, request: Request) -> str:
    """Why the picture may look different from what was exported, as one sentence; "" if it will not."""
    made, here = kept.precision or "fp32", model.precision if isinstance(model, HalvesPrecision) else "fp32"
    if not kept.weights:
        return ""  # a state that was written down: no picture was made of it
    if kept.weights != model.weights_hash:
        return f"The weights of {kept.model} are others than those that made this picture, so it may look different."
    if made != here:
        return f"The picture was made in {made} and is made here in {here}, so pixels may differ."
    if kept.count and kept.count > request.num_samples:
        return f"The picture holds {kept.count}; here are the first {request.num_samples}."
    return ""
