"""Where a stored run can be taken up again: the state after any of its frames, from what the frames carry.  No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from playground.contract import Frame, Request, State, settings_of

# these fix the shape of a state, the length of a run or its beginning: a run with another of them is a new run
FIXED = ("num_samples", "num_steps", "num_tokens", "ordering", "start")
# these decide how the next draw is made; of what was drawn before, nothing that is remembered depends on them
_DRAWS = ("seed", "temperature", "top_k", "top_p")


def fixed(request: Request) -> dict[str, Any]:
    """The settings that a run and everything that branches off from it share."""
    names = [*FIXED, "prompt"] if hasattr(request, "num_tokens") else FIXED  # a text begins with its prompt
    return {name: getattr(request, name) for name in names if hasattr(request, name)}


def state_after(frame: Frame, carrier: Frame | None, before: Request, after: Request) -> State | None:
    """From where a run goes on behind ``frame``; None if that frame keeps no state and it cannot be made up.

    Pictures and texts that are drawn one place after another need no state of their own: what is drawn is taken from the
    frame, and read again by what the last state remembers; by nothing, if the network is told something else from now on.

    Args:
        frame: of the run of ``before``.
        carrier: the last frame up to there that has a state (``Timeline.state_before``).
        before: the run's request.
        after: what is asked for from there on.
    """
    state = carrier.state if carrier is not None else None
    if state is None or "num_known" not in state:
        return frame.state
    drawn = {"images": frame.images.copy(), "num_known": frame.step, "silent_until": frame.step}
    if "row" in state and _has_other_condition(before, after):
        return {**_only(state, "given"), "row": 0, **drawn}
    return frame.state if frame.state is not None else {**state, **drawn}


def can_be_painted(state: State | None) -> bool:
    """Whether pixels of x_t can be changed: it is a picture with noise, and what the network expects of it is known."""
    return state is not None and {"x_t", "alpha", "history_0"} <= state.keys()


def with_paint(state: State, pixels: Sequence[tuple[int, int, int, int]]) -> State:
    """A denoiser's state whose x_t was painted on: what the network expects of a pixel is exchanged, its noise stays.

    x_t = alpha x_0 + sigma epsilon: so much of x_0 goes as is expected there, and the new grey comes in its place.

    Args:
        pixels: (sample, row, column, grey level), of pictures in grey.
    """
    new = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in state.items()}
    for sample, row, column, grey in pixels:
        at, level = (sample, slice(None), row, column), np.float32(grey / 127.5 - 1)
        for name, alpha in (("x_t", "alpha"), ("x_before", "alpha_before")):
            if name in new:
                new[name][at] += new[alpha] * (level - new["history_0"][at])
        for k in range(3):  # what samplers remember of earlier steps is consistent with it
            if f"history_{k}" in new:
                new[f"history_{k}"][at] = level
    return new


def _has_other_condition(before: Request, after: Request) -> bool:
    same = {name: getattr(before, name) for name in _DRAWS if hasattr(before, name)}
    return settings_of(dataclasses.replace(after, **same)) != settings_of(before)


def _only(state: Mapping[str, Any], *names: str) -> State:
    return {name: state[name] for name in names if name in state}
