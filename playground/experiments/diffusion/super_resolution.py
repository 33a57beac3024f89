"""The second stage of a cascade under the glass: what bicubic interpolation and a network make of the same small picture.

Twice as large both can be measured: the held-out drawings are known at 64x64.  Twice again nobody knows the truth, and the network
works on what it has painted itself (Ho et al. 2022, "Cascaded diffusion models", arXiv:2106.15282, is about such errors adding up).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from playground.capabilities import DenoisesPrompts, Upscales
from playground.contract import Frame, Request, State, knob, make_request, settings_of
from playground.data import emoji
from playground.data.emoji import large as emoji_large
from playground.data.emoji import words as emoji_words
from playground.experiments.vae.first_stages import psnr
from playground.models.upscaling.super_resolution import bicubic
from playground.models.words import style_knob

DRAWING, DECODED, DRAWN = "drawing", "decoded", "drawn"


@dataclass(frozen=True)
class SuperResolutionViewRequest(Request):
    """Which small picture is made larger."""

    index: int = knob(
        6,
        label="drawing",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the drawings that training never saw, unless a picture was opened or pasted.",
    )
    source: str = knob(
        DRAWING,
        label="picture",
        choices=(
            (DRAWING, "a drawing"),
            (DECODED, "a drawing, decoded"),
            (DRAWN, "drawn from words"),
        ),
        help="What comes in: a held-out drawing as it is, the same through encoder and decoder of the first stage (with its artefacts), or what the model draws when it is told words. Of the last nobody knows the truth.",
    )
    prompt: str = knob(
        "purple octopus", label="prompt", longest=300, live=True, help="What is drawn, in words."
    )
    style: str = style_knob()
    num_samples: int = 1


@dataclass(frozen=True, eq=False)
class Beginning:
    """A small picture uint8 (1,32,32,3), itself at 64x64 where that is known, and network passes that it cost."""

    small: np.ndarray
    truth: np.ndarray | None
    passes: int = 0


@torch.no_grad()
def compare(
    model: DenoisesPrompts,
    upscaler: Upscales,
    request: SuperResolutionViewRequest,
    picture: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """One frame: ``images`` uint8 (1,64,64,3) is what the network makes of a small picture (``picture`` (32,32,3), if it is given).

    Extras: ``origin`` (1,32,32,3); ``bicubic`` (1,64,64,3); ``larger`` and ``bicubic_larger`` (1,128,128,3), twice as large again;
    where it is known ``truth`` (1,64,64,3), and ``psnr`` float64 (2,) in dB, of bicubic interpolation and of the network; and where
    words are told ``readings``.
    """
    begun = _beginning(model, request, picture)
    plain, made = bicubic(begun.small), upscaler.upscale(begun.small)
    extras: dict[str, Any] = {
        "origin": begun.small,
        "bicubic": plain,
        "larger": upscaler.upscale(made),
        "bicubic_larger": bicubic(begun.small, 4),
    }
    if begun.truth is not None:
        extras |= {"truth": begun.truth, "psnr": np.array([psnr(x, begun.truth)[0] for x in (plain, made)])}
    if picture is None and request.source == DRAWN:
        extras["readings"] = {"prompt": emoji_words.readings(request.prompt)}
    yield Frame(1, 1, begun.passes + 2, made, extras)


def _beginning(
    model: DenoisesPrompts, request: SuperResolutionViewRequest, picture: np.ndarray | None
) -> Beginning:
    if picture is not None:
        return Beginning(picture[None], None)
    if request.source == DRAWN:
        asked = settings_of(request)
        settings = {name: asked[name] for name in ("prompt", "style", "seed")}
        *_, frame = model.sample(make_request(model.Request, {**settings, "num_samples": 1}))
        return Beginning(frame.images, None, frame.passes)
    pairs = len(emoji.load("new-pairs"))  # stand before the new concepts, which are the test drawings
    small = emoji.load("new-concepts").images[request.index][None]
    truth = emoji_large.held_out()[pairs + request.index][None]
    if request.source == DRAWING:
        return Beginning(small, truth)
    pixels = torch.from_numpy(small.transpose(0, 3, 1, 2).copy()).to(model.device)
    return Beginning(model.to_pictures(model.to_x_0(pixels)), truth, 2)
