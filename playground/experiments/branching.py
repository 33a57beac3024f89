"""Runs that were interfered with on the way, as one generator: branches of a sampler, and pixels changed by hand.

The window does these one gesture at a time on stored frames; here the same gestures are data, so that a kept picture
can be made again, with a window or without.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import cast

import numpy as np
import torch

from playground.capabilities import Tokenizes
from playground.contract import Frame, Model, Request, State, pixel_order

Edit = tuple[int, int, int, int]  # sample, row, column, grey level
CodeEdit = tuple[int, int, int, int, int]  # sample, row, column, level, code


def _run(model: Model, request: Request, state: State | None = None) -> Generator[Frame, None, None]:
    """A run that can be closed on its way: every sampler is a generator."""
    return cast("Generator[Frame, None, None]", model.sample(request, state))


@torch.no_grad()
def branched(model: Model, trunk: Sequence[tuple[Request, int]], request: Request) -> Iterator[Frame]:
    """Run each request of ``trunk`` up to its step, and go on from there with the next, at last with ``request``.

    Raises:
        ValueError: if a run has no state to branch from at that step.
    """
    state: State | None = None
    for part, until in trunk:
        frames = _run(model, part, state)
        for frame in frames:
            yield frame
            if frame.step == until:
                break
        frames.close()
        if frame.step != until or frame.state is None:
            raise ValueError(f"The run cannot branch at step {until}.")
        state = frame.state
    yield from model.sample(request, state)


@torch.no_grad()
def edited(model: Model, request: Request, edits: Sequence[Edit]) -> Iterator[Frame]:
    """Draw pixel by pixel, and put a chosen grey level in place of a draw; everything after it follows from it.

    For samplers of one pixel after another whose states know ``images``, ``num_known`` and ``silent_until``.
    """
    frames = _run(model, request)
    todo: list[tuple[int, Edit]] = []  # when in the run, and what
    origin: State = {}
    for frame in frames:
        when = np.argsort(pixel_order(frame)).reshape(frame.images.shape[1:3])
        todo = sorted((int(when[edit[1:3]]), edit) for edit in edits)
        origin = frame.state or origin
        yield frame
        break
    while todo:
        pixel = todo[0][0]
        frame = next(frames)
        if frame.step <= pixel:
            origin = frame.state or origin
            yield frame
            continue
        images = frame.images.copy()
        while todo and todo[0][0] == pixel:
            _, (sample, row, column, value) = todo.pop(0)
            images[sample, row, column] = value
        frames.close()
        state = {**origin, "images": images, "num_known": pixel + 1, "silent_until": pixel}
        frames = _run(model, request, state)
    yield from frames


@torch.no_grad()
def recoded(model: Tokenizes, request: Request, edits: Sequence[CodeEdit]) -> Iterator[Frame]:
    """Draw cell by cell, and put a chosen code in place of a draw; everything after it follows from it.

    For samplers of codes (``Tokenizes``) whose states know ``codes``, ``known`` and ``step``.
    """
    frames = _run(model, request)
    for sample, row, column, level, code in sorted(edits, key=lambda edit: edit[1:4]):
        cell = row * model.code_shape[1] + column
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
