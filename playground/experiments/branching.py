"""Runs that were interfered with on the way, as one generator: branches of a sampler, and pixels changed by hand.

The window does these one gesture at a time on stored frames; here the same gestures are data, so that a kept picture
can be made again, with a window or without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch

from playground.capabilities import Denoises, Tokenizes, WritesText
from playground.contract import Frame, Model, Request, State, pixel_order
from playground.experiments.resuming import can_be_painted, state_after, with_paint

Edit = tuple[int, int, int, int]  # sample, row, column, grey level
NoisyEdit = tuple[int, int, int, int, int]  # step, sample, row, column, grey level
CodeEdit = tuple[int, int, int, int, int]  # sample, row, column, level, code


def _run(model: Model, request: Request, state: State | None = None) -> Generator[Frame, None, None]:
    """A run that can be closed on its way: every sampler is a generator."""
    return cast("Generator[Frame, None, None]", model.sample(request, state))


def _part(model: Model, request: Request, state: State | None, edits: Sequence[Any]) -> Iterator[Frame]:
    """One run of several, with the edits that fall into it."""
    if not edits:
        return _run(model, request, state)
    if isinstance(model, WritesText):
        if state is None:
            return model.write(request, edits)
        return _run(model, request, {**state, "edits": np.array(edits, np.int64)})
    if isinstance(model, Tokenizes):
        return recoded(model, request, edits, state)
    if state is not None and can_be_painted(state):
        here = [edit[1:] for edit in edits if edit[0] == state["step"]]
        return _run(model, request, with_paint(state, here) if here else state)
    if isinstance(model, Denoises):
        return _run(model, request, state)
    return edited(model, request, edits, state)


@torch.no_grad()
def branched(
    model: Model, trunk: Sequence[tuple[Request, int]], request: Request, edits: Sequence[Any] = ()
) -> Iterator[Frame]:
    """Run each request of ``trunk`` up to its step, and go on from there with the next, at last with ``request``.

    Args:
        edits: what was changed by hand on the way, as :func:`edited`, :func:`recoded` or ``WritesText.write`` take it; of a
            denoiser pixels of x_t (:data:`NoisyEdit`) at the steps where it branches.

    Raises:
        ValueError: if a run has no state to branch from at that step.
    """
    state: State | None = None
    for (part, until), after in zip(trunk, [*(r for r, _ in trunk[1:]), request], strict=True):
        carrier = None if state is None else Frame(0, 0, 0, np.zeros(0, np.uint8), state=state)
        frames, frame = cast("Generator[Frame, None, None]", _part(model, part, state, edits)), None
        for frame in frames:
            carrier = frame if frame.state is not None else carrier
            yield frame
            if frame.step == until:
                break
        frames.close()
        found = state_after(frame, carrier, part, after) if frame is not None else None
        if frame is None or frame.step != until or found is None:
            raise ValueError(f"The run cannot branch at step {until}.")
        state = found
    yield from _part(model, request, state, edits)


@torch.no_grad()
def painted(
    model: Denoises, request: Request, frame: Frame, pixels: Sequence[tuple[int, int, int, int]]
) -> Iterator[Frame]:
    """A stored frame of a denoiser with some pixels of x_t painted (``resuming.with_paint``), and what follows from it."""
    assert frame.state is not None, "a frame that keeps its state"
    state = with_paint(frame.state, pixels)
    x_t = torch.from_numpy(state["x_t"].copy()).to(model.device)
    yield dataclasses.replace(frame, images=model.to_pictures(x_t), state=state)
    yield from model.sample(request, state)


@torch.no_grad()
def edited(
    model: Model, request: Request, edits: Sequence[Edit], state: State | None = None
) -> Iterator[Frame]:
    """Draw pixel by pixel, and put a chosen grey level in place of a draw; everything after it follows from it.

    For samplers of one pixel after another whose states know ``images``, ``num_known`` and ``silent_until``.  Edits of
    pixels that ``state`` knows already are in its pictures.
    """
    frames, origin = _run(model, request, state), state or {}
    todo: list[tuple[int, Edit]] | None = None  # when in the run, and what
    while (frame := next(frames, None)) is not None:
        if todo is None:
            when = np.argsort(pixel_order(frame)).reshape(frame.images.shape[1:3])
            known = 0 if state is None else frame.step - 1
            todo = sorted((t, edit) for edit in edits if (t := int(when[edit[1:3]])) >= known)
        if not todo or frame.step <= todo[0][0]:
            origin = frame.state or origin
            yield frame
            continue
        pixel, images = todo[0][0], frame.images.copy()
        while todo and todo[0][0] == pixel:
            _, (sample, row, column, value) = todo.pop(0)
            images[sample, row, column] = value
        frames.close()
        change = {"images": images, "num_known": pixel + 1, "silent_until": pixel}
        frames = _run(model, request, {**origin, **change})


@torch.no_grad()
def recoded(
    model: Tokenizes, request: Request, edits: Sequence[CodeEdit], state: State | None = None
) -> Iterator[Frame]:
    """Draw cell by cell, and put a chosen code in place of a draw; everything after it follows from it.

    For samplers of codes (``Tokenizes``) whose states know ``codes``, ``known`` and ``step``.  Edits of cells that
    ``state`` knows already are in its codes.
    """
    frames, first = _run(model, request, state), 0 if state is None else int(state["step"])
    for sample, row, column, level, code in sorted(edits, key=lambda edit: edit[1:4]):
        cell = row * model.code_shape[1] + column
        if cell < first:
            continue
        for frame in frames:
            if frame.step > cell:
                break
            yield frame
        frames.close()
        frames = _run(model, request, with_code(frame, cell, (sample, row, column, level), code))
    yield from frames


def with_code(frame: Frame, cell: int, place: tuple[int, int, int, int], code: int) -> State:
    """The state in which the code at ``place`` (sample, row, column, level) of ``cell`` is this one, and no later one is drawn."""
    codes = frame.extras["codes"].copy()
    codes[place] = code
    return {"codes": codes, "known": cell * codes.shape[-1] + place[3] + 1, "step": cell}
