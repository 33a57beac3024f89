"""A part of a picture filled in by a flow: the unknown pixels walk uphill in the density, with noise that dies down.

As the first flow was shown to do it (Dinh, Krueger and Bengio 2015, "NICE", arXiv:1410.8516, section 5.2): gradient ascent on
log p(x), which a flow knows exactly, in the unknown pixels alone.  Each filling begins with the unknown part of a picture that the
flow drew itself, the one of some draws that agrees best with what is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.capabilities import Invertible
from playground.contract import Frame
from playground.models import noise
from playground.models.flow.base import log_normal

_STEPS = 30
_DRAWS, _TEMPERATURE = 8, 0.8  # for each filling, of which the nearest is its start
_RATE = 10.0  # grey levels that a step goes at first
_CHANCE = 3.0  # standard deviation of the noise at first, in grey levels


@torch.no_grad()
def uphill(model: Invertible, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Iterator[Frame]:
    """From a drawn part to one that the flow finds probable beside what is known, a frame per step.

    Slopes differ by orders of magnitude, so each is divided by its usual size (RMSProp); steps and noise fall to nothing.
    """
    device = next(model.parameters()).device
    known = torch.from_numpy(np.ascontiguousarray(picture.transpose(0, 3, 1, 2))).to(device).float() + 0.5
    lost = torch.from_numpy(unknown).to(device)
    shape, indices = tuple(known.shape[1:]), range(request.num_samples)
    y = torch.where(lost, _start(model, known, lost, request), known)
    square, steps = torch.zeros_like(y), max(2, round(request.effort * _STEPS))
    for step in range(1, steps + 1):
        slope = _slope(model, y)
        square = torch.lerp(slope.square(), square, 0.9)
        left = 1 - (step - 1) / steps
        nudge = torch.from_numpy(noise.normal(request.seed, indices, "walk", shape, step)).to(known)
        ahead = _RATE * left * slope / ((square / (1 - 0.9**step)).sqrt() + 1e-12)
        y = torch.where(lost, (y + ahead + _CHANCE * left**2 * nudge).clamp(0.01, 255.99), known)
        images = y.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        yield Frame(step, steps, 1 + 2 * step, images)


def _start(model: Invertible, known: Tensor, lost: Tensor, request: Any) -> Tensor:
    """The nearest of some draws for each filling, grey levels (B,C,H,W)."""
    count = request.num_samples * _DRAWS
    z = noise.normal(request.seed, range(count), "z", model.latent_shape)
    drawn = model.from_z(_TEMPERATURE * torch.from_numpy(z).to(known)).nan_to_num(127.5).clamp(0.01, 255.99)
    far = ((drawn - known).square() * ~lost).flatten(1).sum(1).unflatten(0, (request.num_samples, _DRAWS))
    rows = far.argmin(1) + _DRAWS * torch.arange(request.num_samples, device=known.device)
    return drawn[rows]


def _slope(model: Invertible, y: Tensor) -> Tensor:
    """The gradient of log p in the grey levels, (B,C,H,W)."""
    with torch.enable_grad():
        asked = y.detach().requires_grad_()
        z, log_det = model.to_z(asked)
        (slope,) = torch.autograd.grad((log_normal(z) + log_det).sum(), asked)
    return slope.nan_to_num()
