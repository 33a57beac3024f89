"""A picture half drowned in noise, and denoised as something else: Meng et al., "SDEdit", ICLR 2022 (arXiv:2108.01073).

The way back from noise need not begin at its end.  From a noised picture it keeps what the noise has left of it (first the
shape goes unharmed, last the brightness), and the class that the network is told decides the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from playground import data
from playground.capabilities import Denoises
from playground.contract import Frame, Request, State, class_knob, guidance_knob, knob, labels_of
from playground.models.diffusion.samplers import CHOICES, SAMPLERS, Grid, SamplerState


@dataclass(frozen=True)
class ImageToImageRequest(Request):
    """Which picture, how much of it is drowned, and what it should become."""

    index: int = knob(
        1,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is begun with.",
    )
    strength: float = knob(
        0.8,
        label="strength",
        low=0.05,
        high=1.0,
        step=0.05,
        help="How far into the noise the picture goes before it comes back, as a part of the whole way. Little changes it little; 1 leaves nothing of it.",
    )
    label: int = class_knob("What it should become.")
    guidance_scale: float = guidance_knob(2.0, "How loudly the network is told the class.")
    sampler: str = knob(
        "unipc",
        label="sampler",
        choices=CHOICES,
        help="The rule for one step. DDPM adds fresh noise at every step, so that more of the picture is lost on the way.",
        fold=True,
    )
    num_steps: int = knob(
        20,
        label="num_steps",
        low=2,
        high=100,
        log=True,
        help="Steps of the whole way from pure noise; only those after the start are walked.",
        fold=True,
    )
    num_samples: int = knob(
        10, label="num_samples", low=1, high=20, help="How many ways back from the same picture."
    )


@torch.no_grad()
def image_to_image(
    model: Denoises, request: ImageToImageRequest, resume: State | None = None
) -> Iterator[Frame]:
    """The noised pictures first, then a frame per step; ``images`` uint8 (B,H,W,C) is x_t.

    Extras: ``origin`` uint8 (1,H,W,C), the picture begun with, its class ``origin_label``, and ``alpha_bar``.
    """
    images, labels = data.load(model.card.dataset, "test")
    origin = images[request.index : request.index + 1]
    grid = Grid.make(request.num_steps, model.config.log_snr_min)
    first = min(round((1 - request.strength) * grid.num_steps), grid.num_steps - 1)
    draw = model.uniforms(request)
    x_0 = model.to_x_0(torch.from_numpy(origin.transpose(0, 3, 1, 2).copy()).to(model.device))
    moment = SamplerState(first, grid.alpha[first] * x_0 + grid.sigma[first] * draw("x_T"))
    wanted = torch.from_numpy(labels_of(request.label, request, model.num_classes)).to(model.device)
    denoise = model.denoiser(wanted, request.guidance_scale)
    passes = 1 if request.guidance_scale == 1 else 2

    def frame(moment: SamplerState) -> Frame:
        done = moment.step - first
        extras = {
            "origin": origin,
            "origin_label": int(labels[request.index]),
            "alpha_bar": grid.alpha[moment.step] ** 2,
        }
        pictures = model.to_pictures(moment.x_t)
        return Frame(done, grid.num_steps - first, done * passes, pictures, extras)

    yield frame(moment)
    walk = SAMPLERS[request.sampler](denoise, grid, moment, lambda step: draw("noise", step), 0.0)
    yield from map(frame, walk)
