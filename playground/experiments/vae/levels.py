"""What each level of a hierarchical code decides: those above are kept, those below are drawn anew.

Child 2021 (arXiv:2011.10650, figures 4 and 5) shows it of the very deep VAE: most of a picture is settled by few, low-resolution latents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.capabilities import DrawsBelow
from playground.contract import Frame, Request, State, knob, make_request


@dataclass(frozen=True)
class LevelsRequest(Request):
    """Of which test picture, and how often the rest is drawn."""

    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is encoded.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.0,
        high=1.5,
        step=0.05,
        help="Multiplies the standard deviation of every layer that is drawn anew. At 0 each takes what it expects, and all draws are alike.",
    )
    num_samples: int = 5
    seed: int = 0


@torch.no_grad()
def redraw(model: DrawsBelow, request: LevelsRequest, resume: State | None = None) -> Iterator[Frame]:
    """One frame: ``images`` uint8 (rows*(1+draws),H,W,1), a row for each number of levels that is kept, none first.

    A row begins with the picture in which all below stands at its expected value; then come the draws, with the same noise in every
    row.  Extras: ``original`` and ``reconstruction`` uint8 (1,H,W,1), ``label``, ``kept``, how many places a side the lowest kept
    level of each row has (0 for none), ``sizes`` int64 (layers,), and ``bits`` float64 (layers,), the KL term of every layer for
    this picture in bits/dim.
    """
    images, labels = data.load(model.card.dataset, "test")
    original = images[request.index : request.index + 1]
    x = torch.from_numpy(original.transpose(0, 3, 1, 2).copy()).to(next(model.parameters()).device)
    codes, bits = model.codes_of(x), model.kl_per_layer(x, request.seed)[:, 0].numpy()
    sizes = np.array(model.code_sizes)
    ends = [int(np.searchsorted(sizes, size)) for size in np.unique(sizes)]  # where each level begins
    rows = []
    for end in ends:
        rows.append(_finished(model, codes[:end], request, 1, 0.0))
        rows.append(_finished(model, codes[:end], request, request.num_samples, request.temperature))
    extras = {
        "original": original,
        "reconstruction": _finished(model, codes, request, 1, 0.0),
        "label": int(labels[request.index]),
        "kept": np.array([sizes[end - 1] if end else 0 for end in ends]),
        "sizes": sizes,
        "bits": bits,
    }
    yield Frame(1, 1, 1, np.concatenate(rows), extras, {})


def _finished(
    model: DrawsBelow, codes: list[np.ndarray], request: LevelsRequest, count: int, temperature: float
) -> np.ndarray:
    """``count`` pictures that have ``codes`` in common."""
    settings = {"seed": request.seed, "num_samples": count, "temperature": temperature}
    return model.draw_below([z.repeat(count, 0) for z in codes], make_request(model.Request, settings))
