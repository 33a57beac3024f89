"""The latent of a given picture, found by gradient descent: a GAN has no encoder."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground import data
from playground.capabilities import Adversarial
from playground.contract import Frame, Request, State, knob
from playground.models.blocks import from_uint8, to_uint8


@functools.cache
def project_request(base: type[Request]) -> type[Request]:
    """A model's own knobs, and which picture is looked for."""
    index = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="The picture whose latent is looked for.",
    )
    steps = knob(150, label="num_steps", low=2, high=1000, log=True, help="Steps of gradient descent (Adam).")
    rate = knob(
        0.05,
        label="learning rate",
        low=0.005,
        high=0.5,
        log=True,
        help="How far each step goes. Too far, and the search jumps about.",
    )
    fields = [("index", int, index), ("num_steps", int, steps), ("learning_rate", float, rate)]
    return dataclasses.make_dataclass(
        "ProjectRequest", [*fields, ("num_samples", int, 1)], bases=(base,), frozen=True
    )


@torch.no_grad()
def project(model: Adversarial, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """Look for the latent of a test image by gradient descent, a frame per step: a GAN has no encoder.

    The distance is the mean square at full, half and quarter resolution, as in the coarse-to-fine search of Karras et
    al. 2020, section 5, without its perceptual network.  ``images`` is the target and the picture so far, (2,H,W,C).
    Extras: ``distance`` (mean square error on [-1, 1]), ``latent`` float32 (1,D), ``discriminator_output`` of the picture.
    """
    images, labels = data.load(model.card.dataset, "test")
    target = images[request.index : request.index + 1]
    device = next(model.parameters()).device
    goal = from_uint8(torch.from_numpy(target.transpose(0, 3, 1, 2).copy())).to(device)
    label = torch.tensor([int(labels[request.index])], device=device)
    if resume is None:
        latent = model.start_of_search(goal, label)
        moments, step = [torch.zeros_like(latent), torch.zeros_like(latent)], 0
    else:
        restored = [torch.from_numpy(resume[name].copy()).to(device) for name in ("latent", "mean", "square")]
        latent, moments, step = restored[0], restored[1:], int(resume["step"])
    while True:
        with torch.enable_grad():
            asked = latent.detach().requires_grad_()
            picture = model.decode(asked)
            distance = torch.stack(
                [F.mse_loss(F.avg_pool2d(picture, k), F.avg_pool2d(goal, k)) for k in (1, 2, 4)]
            ).sum()
            (gradient,) = torch.autograd.grad(distance, asked)
        picture = picture.detach()
        extras = {
            "distance": float(F.mse_loss(picture, goal)),
            "latent": latent.cpu().numpy().copy(),
            "discriminator_output": model.discriminator_output(picture, label).cpu().numpy(),
        }
        both = np.concatenate([target, to_uint8(picture)])
        state = {
            "step": step,
            "latent": extras["latent"],
            "mean": moments[0].cpu().numpy().copy(),
            "square": moments[1].cpu().numpy().copy(),
        }
        if resume is None or step > int(resume["step"]):
            yield Frame(step, request.num_steps, 2 * step + 1, both, extras, state)
        if step == request.num_steps:
            return
        step += 1
        latent = _adam(latent, gradient, moments, step, request.learning_rate)


def _adam(x: Tensor, gradient: Tensor, moments: list[Tensor], step: int, rate: float) -> Tensor:
    """One step of Adam (Kingma and Ba 2015, algorithm 1); its two moments are changed in place."""
    moments[0].lerp_(gradient, 0.1)
    moments[1].lerp_(gradient.square(), 0.01)
    mean, square = moments[0] / (1 - 0.9**step), moments[1] / (1 - 0.99**step)
    return x - rate * mean / (square.sqrt() + 1e-8)
