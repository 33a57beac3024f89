"""Two samplers of the same codes on one clock: in parallel, the surest first, and in reading order, one after another.

The clock counts steps; a guided step asks a network twice, in either.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground.capabilities import PromptsToCodes
from playground.contract import Frame, Request, guidance_knob, knob, knobs, make_request
from playground.models import words


@dataclass(frozen=True)
class TwoOrdersRequest(Request):
    """What both are asked for."""

    prompt: str = words.prompt_knob()
    style: str = words.style_knob()
    guidance_scale: float = guidance_knob(
        3.0, "Pushes each code's distribution towards the prompt and away from no prompt. 1 is off."
    )
    num_steps: int = knob(
        8,
        label="num_steps",
        low=1,
        high=64,
        log=True,
        help="In how many steps the parallel sampler fills its picture. The other one takes one for each cell.",
    )
    num_samples: int = knob(
        4, label="num_samples", low=1, high=9, help="How many pictures each of them draws."
    )


@torch.no_grad()
def beside(models: tuple[PromptsToCodes, PromptsToCodes], request: TwoOrdersRequest) -> Iterator[Frame]:
    """Step by step, until both are done; whoever is done waits.

    A frame's ``images`` are those of the first, ``others`` those of the second; ``passes_of`` and ``seconds_of`` (2,) are what
    each has asked of its network and how long it has worked; ``confidence`` and ``other_confidence`` float32 (B,rows,columns).
    """
    asked = {k: getattr(request, k) for k in ("seed", "num_samples", "prompt", "style", "guidance_scale")}
    runs: list[Iterator[Frame]] = []
    for model in models:
        known = {one.name for one in knobs(model.Request)}
        more = {"num_steps": request.num_steps} if "num_steps" in known else {}
        runs.append(model.sample(make_request(model.Request, {**asked, **more})))
    seconds, latest = np.zeros(2), [next(run) for run in runs]
    total = max(frame.total for frame in latest)
    for step in range(total + 1):
        if step:
            for side, run in enumerate(runs):
                began = time.perf_counter()
                frame = next(run, None)
                if frame is not None:
                    latest[side] = frame
                    seconds[side] += time.perf_counter() - began
        one, other = latest
        extras = {
            "others": other.images,
            "confidence": one.extras["confidence"],
            "other_confidence": other.extras["confidence"],
            "passes_of": np.array([one.passes, other.passes]),
            "seconds_of": seconds.copy(),
            **({k: one.extras[k] for k in ("readings", "notice")} if not step else {}),
        }
        state = {"step": step} if step in (0, total) else None
        yield Frame(step, total, one.passes + other.passes, one.images, extras, state)
