"""Latent traversals: one number of a picture's code moved from end to end, for two models beside each other.

Higgins et al., "beta-VAE: learning basic visual concepts with a constrained variational framework", ICLR 2017, show them as
evidence that a dimension has one meaning.  What that costs is measured with it: KL per dimension, how many dimensions
say anything, and the price of the pixels once the code is known.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.contract import Frame, Model, Request, State, knob
from playground.experiments.vae.latent_sliders import COLLAPSED
from playground.models.vae.vae import VAE

VALUES = np.linspace(-3, 3, 5)
DIMENSIONS = 6  # rows, the most telling first
NUM_MEASURED = 500
_MEASURED: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class TraversalsRequest(Request):
    """Which test picture's code is moved."""

    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is encoded.",
    )
    seed: int = 0
    num_samples: int = 1


@torch.no_grad()
def traverse(
    model: VAE, partner: VAE, request: TraversalsRequest, resume: State | None = None
) -> Iterator[Frame]:
    """One frame: ``images`` uint8 (2*rows*len(VALUES),H,W,C), the partner's after the model's, a row per dimension.

    Extras: ``original`` uint8 (1,H,W,C) and ``label``; for both models ``reconstructions`` (2,H,W,C), ``dimensions``, what
    each row moves, ``codes``, their values for this picture, and ``measured``, see :func:`measured`.
    """
    images, labels = data.load(model.card.dataset, "test")
    original, strips, extras = images[request.index : request.index + 1], [], []
    for one in (model, partner):
        found = measured(one)
        rows = found["order"][:DIMENSIONS]
        mu = one.encode(_as_tensor(original, one))[0].float().cpu().numpy()  # (1, D)
        z = mu.repeat(len(rows) * len(VALUES), 0).reshape(len(rows), len(VALUES), -1)
        for i, dimension in enumerate(rows):
            z[i, :, dimension] = VALUES
        (frame,) = one.decode_frames(np.concatenate([mu, z.reshape(-1, mu.shape[1])]).astype(np.float32))
        strips.append(frame.images[1:])
        extras.append((frame.images[0], rows, mu[0, rows], found))
    names = ("reconstructions", "dimensions", "codes", "measured")
    shown: dict[str, Any] = dict(zip(names, zip(*extras, strict=True), strict=True))
    shown |= {"original": original, "label": int(labels[request.index])}
    yield Frame(1, 1, 2, np.concatenate(strips), shown, {})


@torch.no_grad()
def measured(model: VAE) -> dict[str, Any]:
    """Over the first ``NUM_MEASURED`` test pictures, once for each loaded model.

    ``kl`` float64 (D,) in nats, ``order``, the dimensions by falling KL, ``active``, how many have not collapsed (as the sliders
    count it), ``num_dims`` D, and ``reconstruction``, bits/dim of the pixels given the mean code.
    """
    if model not in _MEASURED:
        x = _as_tensor(data.load(model.card.dataset, "test")[0][:NUM_MEASURED], model)
        mu, _ = model.encode(x)
        kl = model.kl_per_dimension(x).cpu().double().mean(0).numpy()
        given = torch.cat(
            [model.log_likelihood(*part) for part in zip(x.split(50), mu.split(50), strict=True)]
        )
        _MEASURED[model] = {
            "kl": kl,
            "order": np.argsort(-kl, kind="stable"),
            "active": int((kl >= COLLAPSED).sum()),
            "num_dims": len(kl),
            "reconstruction": -given.cpu().double().mean().item() / (model.num_dims * np.log(2)),
        }
    return _MEASURED[model]


def _as_tensor(pictures: np.ndarray, model: Model) -> Tensor:
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).to(next(model.parameters()).device)
