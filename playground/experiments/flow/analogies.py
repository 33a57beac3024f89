"""One picture as every class: a flow that is told classes reads z again as another garment.  For the window.

Kingma, Rezende, Mohamed and Welling, "Semi-supervised learning with deep generative models", NeurIPS 2014
(arXiv:1406.5298), section 4.2, call such rows analogies: what the class says changes, the style that z holds stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch

from playground import data
from playground.contract import EACH_CLASS, Frame, Request, State, guidance_knob, knob, make_request
from playground.models import noise
from playground.models.flow.tarflow import TarFlow


@dataclass(frozen=True)
class AnalogiesRequest(Request):
    """Which picture becomes all the others."""

    index: int = knob(
        1, label="test image", low=0, high=9999, counts="test images", help="Which of the 10,000 test images."
    )
    noise: float = knob(
        0.0,
        label="noise",
        low=0.0,
        high=1.0,
        step=0.05,
        help="The flow knows noisy pictures. 1 gives the image all the noise of training: its z is as long as a drawn one, and of the noise each class makes something. With 0, z is shorter, as at a low temperature, and the pictures are smoother.",
    )
    guidance_scale: float = guidance_knob(
        1.0,
        "1 is the exact way back: told its own class, the picture returns. Above, every picture is pushed towards its class.",
        high=4.0,
        step=0.05,
    )
    num_samples: int = 1


@torch.no_grad()
def analogies(model: TarFlow, request: AnalogiesRequest, resume: State | None = None) -> Iterator[Frame]:
    """A test image goes to z, told its class, and z comes back once for every class: ``images`` uint8 (classes,H,W,C).

    The first frame is z, the others are those of ``model.sample``, with these extras: ``origin`` uint8 (1,H,W,C),
    its class ``origin_label``, and ``surplus`` float64 (classes,): how many bits more the image (with its noise) costs if the
    model is told this class in place of its own.
    """
    images, labels = data.load(model.card.dataset, "test")
    origin, own = images[request.index : request.index + 1], int(labels[request.index])
    x = torch.from_numpy(origin.transpose(0, 3, 1, 2).copy()).to(model.initialised.device)
    epsilon = noise.normal(request.seed, noise.identities(x), "dequantise", tuple(x.shape[1:]))
    y = model.noisy(x, torch.from_numpy(np.float32(request.noise) * epsilon).to(x.device))
    each = torch.arange(model.num_classes, device=x.device)
    log_p = model.log_density(y.expand(len(each), *y.shape[1:]), each).cpu().double().numpy()
    extras = {"origin": origin, "origin_label": own, "surplus": (log_p[own] - log_p) / math.log(2)}
    h = model.to_z(y, each[own : own + 1])[0].repeat(len(each), 1, 1, 1)
    z = model.as_picture(h).flatten(1).cpu().numpy()
    passes = 2 * model.num_passes
    values = h.flatten(1).cpu().numpy().copy()
    start = {"latent": z, "layer": "z", "values": values, "grey": False}
    state = {"z": z, "h": h.cpu().numpy().copy(), "undone": 0}
    asked = make_request(
        model.Request,
        {"num_samples": len(each), "label": EACH_CLASS, "guidance_scale": request.guidance_scale},
    )
    frames = model.sample(asked, state)
    first = next(frames)
    yield Frame(0, first.total, passes, model.show(h, is_picture=False), {**start, **extras})
    for frame in chain([first], frames):
        yield replace(frame, passes=passes + frame.passes, extras={**frame.extras, **extras}, state=None)
