"""Through the bottleneck and back: a test image, its code, and what the decoder makes of it, with what both cost.

The ELBO of Kingma and Welling 2013 (eq. 3) has two parts: what the picture costs once z is known, and what z costs.
Importance weights tighten it (Burda, Grosse and Salakhutdinov 2015, arXiv:1509.00519).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from playground import data
from playground.capabilities import ImportanceWeighted, PricesReconstruction, Reconstructs, SplitsElbo
from playground.contract import Frame, Message, Request, State, knob
from playground.models import noise

MOST_WEIGHTS = 256


@dataclass(frozen=True)
class ReconstructRequest(Request):
    """Which test image, and how many draws of its code."""

    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is encoded.",
    )
    draws: int = knob(
        3,
        label="draws of z",
        low=0,
        high=8,
        help="The encoder gives a whole distribution of codes, not one. So many are drawn from it and decoded.",
    )
    num_samples: int = 1


@torch.no_grad()
def reconstruct(
    model: Reconstructs, request: ReconstructRequest, resume: State | None = None
) -> Iterator[Frame]:
    """``images`` is uint8 (2 + draws,H,W,C): the test image, the decoded mean, the decoded draws; then what they cost.

    Extras: ``mu`` and ``sigma`` float32 (D,), ``latent`` float32 (1 + draws,D), ``label`` int, and in the second
    frame in bits/dim ``reconstruction``, ``kl``, and ``standard_error`` of the first.  A code without a distribution (a plain
    autoencoder's) has no draws, sigma 0 and no ``kl``: nothing pays for it.
    """
    images, labels = data.load(model.card.dataset, "test")
    image = images[request.index : request.index + 1]
    x = torch.from_numpy(image.transpose(0, 3, 1, 2).copy()).to(next(model.parameters()).device)
    mu, logvar = (part.float().cpu().numpy() for part in model.encode(x))
    bounded = model.likelihood != "none"
    sigma = np.exp(0.5 * logvar) if bounded else np.zeros_like(mu)
    count = request.draws if bounded else 0
    own = noise.identities(x)  # as the score draws them
    epsilon = [noise.normal(request.seed, own, "posterior", model.latent_shape, k) for k in range(count)]
    z = np.concatenate([mu, *(mu + sigma * e for e in epsilon)]).astype(np.float32)
    (decoded,) = model.decode_frames(z)
    extras: dict[str, Any] = {
        "mu": mu[0],
        "sigma": sigma[0],
        "latent": z,
        "label": int(labels[request.index]),
    }
    images = np.concatenate([image, decoded.images])
    yield Frame(1, 2, 2, images, dict(extras))  # at once: the price takes sixteen more draws
    if isinstance(model, SplitsElbo):
        parts = (part.item() for part in model.elbo_parts(x, request.seed))
        extras |= dict(zip(("reconstruction", "kl", "standard_error"), parts, strict=True))
    elif isinstance(model, PricesReconstruction):
        extras["reconstruction"] = model.reconstruction_bits(x).item()
    yield Frame(2, 2, 3, images, extras, {"z": z})


class Bounds(NamedTuple):
    """Importance-weighted bounds, the tighter the more weights."""

    k: np.ndarray  # int64, the powers of two up to the number of weights drawn so far
    bits: np.ndarray  # float64 of that length, bits/dim


@torch.no_grad()
def bounds(model: ImportanceWeighted, request: ReconstructRequest) -> Iterator[Message[Bounds]]:
    """The importance-weighted bound of the test image against the number k of weights, a message as often as k doubles.

    Each is averaged over all groups of k among the weights, so that every group counts once.
    """
    images, _ = data.load(model.card.dataset, "test")
    image = images[request.index : request.index + 1]
    x = torch.from_numpy(image.transpose(0, 3, 1, 2).copy()).to(next(model.parameters()).device)
    drawn, total = [], MOST_WEIGHTS.bit_length()
    for weight in model.weights_in_turn(x, MOST_WEIGHTS, request.seed):
        drawn.append(weight.item())
        count = len(drawn)
        if count & (count - 1):
            continue
        k = 2 ** np.arange(count.bit_length())
        bits = np.array([-_mean_bound(np.array(drawn), int(n)) for n in k]) / (model.num_dims * np.log(2))
        yield Message(Bounds(k, bits), len(k), total)


def _mean_bound(log_weights: np.ndarray, k: int) -> float:
    """log of the mean of k weights (Burda et al., eq. 8), averaged over disjoint groups of k, in nats."""
    groups = log_weights.reshape(-1, k)
    return float((np.logaddexp.reduce(groups, axis=1) - np.log(k)).mean())
