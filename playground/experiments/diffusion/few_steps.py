"""One noise, four ways to a picture: one, two and four jumps of a consistency model, and its teacher's many small steps."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from playground.capabilities import Denoises, JumpsToData
from playground.contract import Frame, Model, Request, State, class_knob, knob, make_request

JUMPS = (1, 2, 4)


@dataclass(frozen=True)
class FewStepsRequest(Request):
    """Which noises, told what."""

    label: int = class_knob("What the pictures should show.")
    fresh_noise: float = knob(
        0.0,
        label="fresh noise",
        low=0.0,
        high=1.0,
        step=0.05,
        help="Of the consistency model: 0 jumps along the path that the noise began, 1 jumps to the end and adds new noise before it jumps again.",
    )
    num_steps: int = knob(
        50,
        label="diffusion's steps",
        low=2,
        high=100,
        help="How many steps the diffusion model takes, with DDIM and the guidance that the consistency model has built in.",
    )
    num_samples: int = knob(
        4, label="num_samples", low=1, high=6, help="How many noises, a row of pictures for each."
    )


@torch.no_grad()
def few_steps(
    model: JumpsToData, teacher: Denoises, request: FewStepsRequest, resume: State | None = None
) -> Iterator[Frame]:
    """A frame per step of any column; ``images`` uint8 (num_samples*4,H,W,C), a row for each noise.

    Extras, of the columns: ``num_steps`` and ``passes`` int (4,), ``seconds`` float (4,) for all the noises together, and
    ``done`` bool (4,).
    """
    shared = {"seed": request.seed, "label": request.label, "num_samples": request.num_samples}
    runs = [
        model.sample(_asked(model, request, {**shared, "num_steps": n, "fresh_noise": request.fresh_noise}))
        for n in JUMPS
    ]
    guided = {
        "sampler": "ddim",
        "guidance_scale": model.config.guidance_scale,
        "num_steps": request.num_steps,
    }
    runs.append(teacher.sample(_asked(teacher, request, {**shared, **guided})))
    firsts = [next(run) for run in runs]
    columns, step, total = [f.images for f in firsts], 0, sum(f.total for f in firsts)
    extras: dict[str, Any] = {
        "num_steps": np.array([*JUMPS, request.num_steps]),
        "passes": np.zeros(4, int),
        "seconds": np.zeros(4),
        "done": np.zeros(4, bool),
    }
    yield _frame(columns, step, total, extras)
    for i, run in enumerate(runs):
        began = time.perf_counter()
        for frame in run:
            extras["seconds"][i] += time.perf_counter() - began
            extras["passes"][i], extras["done"][i] = frame.passes, frame.step == frame.total
            columns[i], step = frame.images, step + 1
            yield _frame(columns, step, total, extras)
            began = time.perf_counter()


def _asked(model: Model, request: Request, settings: dict[str, Any]) -> Request:
    return dataclasses.replace(make_request(model.Request, settings), first_index=request.first_index)


def _frame(columns: list[np.ndarray], step: int, total: int, extras: dict[str, Any]) -> Frame:
    images = np.stack(columns, axis=1)  # (rows, columns, H, W, C)
    kept = {name: values.copy() for name, values in extras.items()}
    return Frame(step, total, int(kept["passes"].sum()), images.reshape(-1, *images.shape[2:]), kept)
