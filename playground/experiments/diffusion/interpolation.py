"""Walks between two noises, or between two real pictures by way of the noises that DDIM inversion finds for them.

Song, Meng and Ermon 2021, sections 4.3 and 5.3 and appendix D.  Under a deterministic sampler the noise is the latent
of a picture.  Inversion runs the sampler backwards; it is exact only in the limit of many steps, so its error is shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.capabilities import Denoises
from playground.contract import Frame, Request, State, guidance_knob, knob, labels_of
from playground.experiments.interpolation import mix
from playground.models import noise
from playground.models.diffusion.samplers import CHOICES, SAMPLERS, Grid, SamplerState, ddim_inversion


@dataclass(frozen=True)
class BetweenRequest(Request):
    """Two ends, the way between them, and how the pictures on it are denoised."""

    ends: str = knob(
        "images",
        label="ends",
        choices=(("noises", "noises"), ("images", "test images")),
        help="Walk between two noises (the first ones of the seed are those of Generate), or between two test images, whose noises are found by running DDIM backwards.",
    )
    first: int = knob(
        0,
        label="first end",
        low=0,
        high=9999,
        counts="test images",
        help="Which noise of the seed, or which test image.",
    )
    second: int = knob(
        6,
        label="second end",
        low=0,
        high=9999,
        counts="test images",
        help="Which noise of the seed, or which test image.",
    )
    path: str = knob(
        "spherical",
        label="path",
        choices=(("straight", "straight"), ("spherical", "spherical")),
        help="Along the great circle the noise keeps its length, as every noise in training had it. Half-way along the straight line it is too weak.",
    )
    sampler: str = knob(
        "ddim",
        label="sampler",
        choices=CHOICES[1:],
        help="Deterministic rules only: the same noise must always lead to the same picture.",
    )
    num_steps: int = knob(
        24,
        label="num_steps",
        low=2,
        high=200,
        log=True,
        help="Steps from noise to picture, and from picture to noise. More make the inversion more exact.",
    )
    corrections: int = knob(
        1,
        label="corrections",
        low=0,
        high=4,
        help="Plain inversion (0) takes the noise predicted before a step for that behind it. Each correction asks again there, and so solves the backward step more exactly.",
    )
    label: int = knob(
        5, label="class", choices="classes", help="What the pictures between two noises should show."
    )
    guidance_scale: float = guidance_knob(1.5, "How loudly the network is told the class.")
    num_pictures: int = knob(
        7, label="num_pictures", low=3, high=15, help="Pictures on the walk, both ends included.", fold=True
    )
    num_samples: int = 1


@torch.no_grad()
def between(model: Denoises, request: BetweenRequest, resume: State | None = None) -> Iterator[Frame]:
    """A frame per step, backwards for test images first, then forwards; ``images`` uint8 (num_pictures,H,W,C) is x_t.

    While test images are inverted only the two ends are known (extra ``known``, bool per picture).  Further extras:
    ``x_0_pred``, ``alpha_bar``; ``ends`` uint8 (2,H,W,C), the test images (with noises: the ends so far); ``amounts``
    and ``lengths`` of x_T, float (num_pictures,); ``inverting`` bool; and in the last frame of a walk between test
    images ``errors`` (2,): what the way there and back changed at the two ends, in grey levels, root mean square.
    """
    show = _Show(model, request)
    inverted, start = request.ends == "images", 0
    if inverted:
        x_0 = model.to_x_0(torch.from_numpy(show.originals.transpose(0, 3, 1, 2).copy()).to(show.device))
        denoise = model.denoiser(torch.full((2,), model.num_classes, device=show.device))
        ends = x_0
        for moment in ddim_inversion(denoise, show.grid, x_0, model.config.log_snr_max, request.corrections):
            ends, start = moment.x_t, moment.step
            yield show.inversion(moment)
        noises = ends.cpu().numpy()
    else:
        noises = noise.normal(request.seed, [request.first, request.second], "x_T", model.shape)
    x_T = np.stack([mix(noises[0], noises[1], a, request.path) for a in show.amounts.tolist()])
    moment = SamplerState(0, torch.from_numpy(x_T).to(show.device))
    denoise = model.denoiser(*_condition(model, request, show.device))
    if not inverted:
        yield show.walk(moment, start, x_T)
    run = SAMPLERS[request.sampler](
        denoise, show.grid, moment, lambda step: torch.zeros_like(moment.x_t), 0.0
    )
    for moment in run:
        yield show.walk(moment, start, x_T)


def _condition(model: Denoises, request: BetweenRequest, device: torch.device) -> tuple[Tensor, float]:
    """Labels and guidance: none between test images, since inversion is exact only for the plain network."""
    if request.ends == "images":
        return torch.full((request.num_pictures,), model.num_classes, device=device), 1.0
    walk = dataclasses.replace(request, num_samples=request.num_pictures)
    return torch.from_numpy(labels_of(request.label, walk, model.num_classes)).to(
        device
    ), request.guidance_scale


class _Show:
    """Turns moments into frames."""

    def __init__(self, model: Denoises, request: BetweenRequest) -> None:
        self.request, self.model, self.device = request, model, model.device
        self.grid = Grid.make(request.num_steps, model.config.log_snr_min)
        self.amounts = np.linspace(0, 1, request.num_pictures)
        images = data.load(model.card.dataset, "test")[0]
        self.originals = images[[request.first, request.second]]
        self.inverted = request.ends == "images"
        self.total = request.num_steps * (2 if self.inverted else 1)
        self.guided = not self.inverted and request.guidance_scale != 1

    def inversion(self, moment: SamplerState) -> Frame:
        """Two pictures on their way into noise, at the two ends of a walk that is not known yet."""
        count = len(self.amounts)
        images, preds = (np.zeros((count, *self.originals.shape[1:]), np.uint8) for _ in range(2))
        images[[0, -1]], preds[[0, -1]] = (
            self.model.to_pictures(moment.x_t),
            self.model.to_pictures(moment.history[0]),
        )
        known = np.zeros(count, bool)
        known[[0, -1]] = True
        lengths = np.full(count, np.nan)
        lengths[[0, -1]] = moment.x_t.flatten(1).norm(dim=1).cpu().numpy()
        passes = moment.step * (1 + self.request.corrections)
        level = self.request.num_steps - moment.step
        return self._frame(moment.step, passes, images, preds, known, lengths, level, self.originals)

    def walk(self, moment: SamplerState, start: int, x_T: np.ndarray) -> Frame:
        """All pictures on their way out of noise."""
        images = self.model.to_pictures(moment.x_t)
        preds = self.model.to_pictures(moment.history[0] if moment.history else torch.zeros_like(moment.x_t))
        lengths = np.linalg.norm(x_T.reshape(len(x_T), -1), axis=1)
        passes = start * (1 + self.request.corrections) + moment.step * (2 if self.guided else 1)
        ends = self.originals if self.inverted else images[[0, -1]]
        known = np.ones(len(images), bool)
        frame = self._frame(start + moment.step, passes, images, preds, known, lengths, moment.step, ends)
        if not self.inverted or moment.step < self.request.num_steps:
            return frame
        change = images[[0, -1]].astype(float) - self.originals
        errors = np.sqrt((change**2).reshape(2, -1).mean(1))
        return dataclasses.replace(frame, extras={**frame.extras, "errors": errors})

    def _frame(
        self,
        step: int,
        passes: int,
        images: np.ndarray,
        preds: np.ndarray,
        known: np.ndarray,
        lengths: np.ndarray,
        level: int,
        ends: np.ndarray,
    ) -> Frame:
        extras = {
            "x_0_pred": preds,
            "known": known,
            "alpha_bar": self.grid.alpha[level] ** 2,
            "ends": ends,
            "amounts": self.amounts,
            "lengths": lengths,
            "inverting": not known.all(),
        }
        return Frame(step, self.total, passes, images, extras)
