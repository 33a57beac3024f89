"""A picture as a beginning, and words for what it should become: image to image, painting over a part, colour for a grey picture.

*Image to image* noises the picture part of the way (Meng et al., "SDEdit", ICLR 2022, arXiv:2108.01073).  *Inpaint* keeps what is
known: wherever the latent is known the expected picture is replaced by it before every step, so that the known places walk along
their own path from noise to picture (Song et al., "Score-based generative modeling through SDEs", ICLR 2021, appendix I.2; Lugmayr et
al., "RePaint", CVPR 2022, arXiv:2201.09865, without its repetitions).  *Colourise* replaces what a grey picture says: the
brightness of the expected picture, which leaves its colours free (Wang et al., "DDNM", ICLR 2023, arXiv:2212.00490, section 3.2, by
way of decoder and encoder).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground import data
from playground.capabilities import DenoisesPrompts, TakesNoiseAway
from playground.contract import Frame, Request, State, knob
from playground.data.emoji import words as emoji_words
from playground.models.diffusion.samplers import SAMPLERS, Grid, SamplerState
from playground.models.diffusion.text_to_image import TextRequest

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_PROMPT = {"longest": 300, "live": True}


def _drawing_knob(default: int) -> Any:
    """Which held-out drawing; 6 is a green pepper, 37 a face."""
    return knob(
        default,
        label="drawing",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the drawings that training never saw is begun with, unless a picture was opened or pasted.",
    )


@dataclass(frozen=True)
class _Beginning(Request):
    """What stands first among the knobs."""

    index: int = _drawing_knob(6)
    prompt: str = ""
    strength: float = knob(
        0.7,
        label="strength",
        low=0.05,
        high=1.0,
        step=0.05,
        help="How far into the noise the picture goes before it comes back, as a part of the whole way. Little changes it little; 1 leaves nothing of it.",
    )


@dataclass(frozen=True)
class ImageToImageRequest(TextRequest, _Beginning):
    """What the picture should become."""

    prompt: str = knob("red apple", label="prompt", help="What it should become, in words.", **_PROMPT)
    num_samples: int = knob(4, label="num_samples", low=1, high=20, help="How many ways back.")


@dataclass(frozen=True)
class InpaintRequest(TextRequest, _Beginning):
    """What should be where the picture is painted over."""

    index: int = _drawing_knob(37)
    prompt: str = knob(
        "grinning face", label="prompt", help="What the whole should show, in words.", **_PROMPT
    )
    strength: float = knob(
        1.0,
        label="strength",
        low=0.05,
        high=1.0,
        step=0.05,
        help="How far into the noise the painted part goes. 1 leaves nothing of what was there.",
    )
    num_samples: int = knob(4, label="num_samples", low=1, high=20, help="How many ways to fill it in.")


@dataclass(frozen=True)
class ColouriseRequest(TextRequest, _Beginning):
    """Which grey picture, and what it shows."""

    prompt: str = knob(
        "red apple", label="prompt", help="What the grey picture shows, and in which colour.", **_PROMPT
    )
    strength: float = knob(
        1.0,
        label="strength",
        low=0.05,
        high=1.0,
        step=0.05,
        help="How far into the noise the grey picture goes. Little leaves it grey.",
    )
    num_samples: int = knob(4, label="num_samples", low=1, high=20, help="How many ways to colour it.")


def drawing(model: DenoisesPrompts, request: _Beginning, picture: np.ndarray | None = None) -> np.ndarray:
    """What is begun with, uint8 (H,W,3): ``picture``, or the test drawing that the request names."""
    if picture is not None:
        return picture
    found: np.ndarray = data.load(model.card.dataset, "test")[0][request.index]
    return found


@torch.no_grad()
def image_to_image(
    model: DenoisesPrompts,
    request: ImageToImageRequest,
    picture: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """The noised pictures first, then a frame per step; ``images`` uint8 (B,H,W,3) is what is expected.

    Extras: ``origin`` uint8 (1,H,W,3), the picture begun with; ``alpha_bar``; in the first frame ``readings``.
    """
    origin = drawing(model, request, picture)
    yield from _walk(model, request, origin, model.prompt_denoiser(request), lambda images: images)


@torch.no_grad()
def inpaint(
    model: DenoisesPrompts,
    request: InpaintRequest,
    picture: np.ndarray | None = None,
    unknown: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """As :func:`image_to_image`, with everything kept but where ``unknown`` bool (H,W) is; left out: the middle.

    A place of the latent is known where all its pixels are.  Known pixels are pasted back from the picture in every frame.
    """
    origin = drawing(model, request, picture)
    mask = middle(origin.shape[0]) if unknown is None else unknown
    plain = model.prompt_denoiser(request)
    z = _latent(model, origin)
    size = z.shape[-1]
    lost = F.adaptive_max_pool2d(torch.from_numpy(mask[None, None].astype(np.float32)), size) > 0
    lost = lost.to(z.device)

    def held(x_t: Tensor, log_snr: float) -> Tensor:
        return torch.where(lost, plain(x_t, log_snr), z)

    def pasted(images: np.ndarray) -> np.ndarray:
        return np.where(mask[..., None], images, origin)

    yield from _walk(model, request, origin, held, pasted)


@torch.no_grad()
def colourise(
    model: DenoisesPrompts,
    request: ColouriseRequest,
    picture: np.ndarray | None = None,
    resume: State | None = None,
) -> Iterator[Frame]:
    """As :func:`image_to_image` from the picture in grey, whose brightness every expected picture is given."""
    luma = drawing(model, request, picture).astype(np.float32) @ np.array(LUMA, np.float32)  # (H, W)
    grey = np.rint(luma)[..., None].repeat(3, -1).astype(np.uint8)
    plain = model.prompt_denoiser(request)

    def as_bright(images: np.ndarray) -> np.ndarray:
        own = images.astype(np.float32) @ np.array(LUMA, np.float32)
        return np.clip(np.rint(images + (luma - own)[..., None]), 0, 255).astype(np.uint8)

    def held(x_t: Tensor, log_snr: float) -> Tensor:
        bright = as_bright(model.to_pictures(plain(x_t, log_snr)))
        return _latent(model, bright)

    yield from _walk(model, request, grey, held, as_bright)


def middle(side: int) -> np.ndarray:
    """A square in the middle of a picture, bool (side, side): what is painted over until somebody paints."""
    inside = np.zeros((side, side), bool)
    inside[side // 4 : -(side // 4), side // 4 : -(side // 4)] = True
    return inside


def _latent(model: TakesNoiseAway, pictures: np.ndarray) -> Tensor:
    """uint8 (B,H,W,3) or (H,W,3) -> (B, *shape)."""
    many = pictures if pictures.ndim == 4 else pictures[None]
    return model.to_x_0(torch.from_numpy(many.transpose(0, 3, 1, 2).copy()).to(model.device))


def _walk(
    model: DenoisesPrompts,
    request: ImageToImageRequest | InpaintRequest | ColouriseRequest,
    origin: np.ndarray,
    denoise: Callable[[Tensor, float], Tensor],
    shown: Callable[[np.ndarray], np.ndarray],
) -> Iterator[Frame]:
    """The way back from the noised ``origin``; ``shown`` makes of decoded pictures what a frame holds."""
    grid = Grid.make(request.num_steps, model.config.log_snr_min)
    first = min(round((1 - request.strength) * grid.num_steps), grid.num_steps - 1)
    draw = model.uniforms(request)
    moment = SamplerState(first, grid.alpha[first] * _latent(model, origin) + grid.sigma[first] * draw("x_T"))
    passes = 1 if request.guidance_scale == 1 else 2
    readings = {"prompt": emoji_words.readings(request.prompt)}

    def frame(moment: SamplerState) -> Frame:
        done = moment.step - first
        extras = {"origin": origin[None], "alpha_bar": grid.alpha[moment.step] ** 2}
        extras |= {} if moment.history else {"readings": readings}
        images = model.to_pictures(moment.history[0] if moment.history else moment.x_t)
        return Frame(done, grid.num_steps - first, done * passes, shown(images), extras)

    yield frame(moment)
    walk = SAMPLERS[request.sampler](denoise, grid, moment, lambda step: draw("noise", step), request.eta)
    yield from map(frame, walk)
