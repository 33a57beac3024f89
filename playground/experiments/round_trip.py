"""One picture to a latent and back, by every model that has a way there: what comes back says what the latent keeps.

A flow's way is exact; a VAE's encoder and a codebook lose what they were not trained to keep; a diffusion model finds the noise of a
picture by running DDIM backwards (Song, Meng and Ermon 2021, section 4.3), nearly; a GAN has no encoder, so that one has to search.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.capabilities import Adversarial, Denoises, Invertible, Reconstructs, Tokenizes
from playground.contract import Frame, Model
from playground.experiments import latent_search
from playground.experiments.round_trip_request import ERROR_TIMES, RoundTripRequest
from playground.models.blocks import to_uint8
from playground.models.diffusion.samplers import Grid, SamplerState, ddim, ddim_inversion
from playground.models.flow.base import Flow

_STEPS = 24  # of DDIM, each way
_CORRECTIONS = 1

Way = Callable[[Any, np.ndarray, RoundTripRequest], Iterator[Frame]]


@dataclass(frozen=True)
class _Known:
    capability: type
    way: Way
    said: str


def _by_layers(model: Flow, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """Through all layers, from the middle of each grey level's bin."""
    h, _ = model.to_z(_pixels(picture, model).float() + 0.5)
    grey = model.from_z(model.as_picture(h).flatten(1)).floor().clamp(0, 255).to(torch.uint8)
    yield Frame(1, 1, 2, grey.permute(0, 2, 3, 1).cpu().numpy())


def _by_encoder(model: Reconstructs, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """The middle of the posterior, decoded."""
    mu, _ = model.encode(_pixels(picture, model))
    yield Frame(1, 1, 2, to_uint8(model.decode(mu)))


def _by_codes(model: Tokenizes, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """The nearest entries of the codebook, decoded."""
    yield Frame(1, 1, 2, to_uint8(model.decode_codes(model.encode_codes(_pixels(picture, model)))))


def _by_inversion(model: Denoises, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """DDIM backwards to the noise, and forwards again, told no class: a frame per step."""
    steps = max(2, round(request.effort * _STEPS))
    grid = Grid.make(steps, model.config.log_snr_min)
    denoise = model.denoiser(torch.full((1,), model.num_classes, device=model.device))
    x = model.to_x_0(_pixels(picture, model))
    for moment in ddim_inversion(denoise, grid, x, model.config.log_snr_max, _CORRECTIONS):
        x = moment.x_t
        yield Frame(moment.step, 2 * steps, 2 * moment.step, model.to_pictures(x))
    for moment in ddim(denoise, grid, SamplerState(0, x), lambda step: torch.zeros_like(x)):
        passes = 2 * steps + moment.step
        yield Frame(steps + moment.step, 2 * steps, passes, model.to_pictures(moment.x_t))


def _by_search(model: Adversarial, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """Downhill from the nearest of some draws."""
    yield from latent_search.search(model, picture, np.zeros(picture.shape[1:3], bool), request)


_WAYS = (
    _Known(
        Invertible, _by_layers, "Through all its layers and back: {numbers} numbers, and nothing is lost."
    ),
    _Known(Tokenizes, _by_codes, "As {numbers} codes, the nearest entries of its codebook."),
    _Known(Denoises, _by_inversion, "Its noise, {numbers} numbers, found by DDIM backwards: nearly exact."),
    _Known(Adversarial, _by_search, "It has no encoder: {numbers} numbers that a search finds."),
    _Known(Reconstructs, _by_encoder, "As {numbers} numbers, the middle of the posterior; the rest is lost."),
)


def _known(model: Model) -> _Known:
    found = next((one for one in _WAYS if isinstance(model, one.capability)), None)
    if found is None:
        raise ValueError(f"{model.card.id} has no latent that a picture could go through.")
    return found


def said(model: Model) -> str:
    """How a picture goes through a model, and as how many numbers.

    Raises:
        ValueError: one sentence, if it has no way.
    """
    return _known(model).said.format(numbers=numbers(model))


def numbers(model: Model) -> int:
    """How many numbers (or codes) a picture becomes."""
    for name in ("code_shape", "latent_shape", "shape"):
        if hasattr(model, name):
            return int(np.prod(getattr(model, name)))
    return 0


@torch.no_grad()
def there_and_back(model: Model, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """One picture uint8 (1,H,W,C) through a model: ``images`` uint8 (2,H,W,C) is what comes back, and its error.

    The error is brighter by ``ERROR_TIMES``; the extra ``error`` is its mean in grey levels.  On the way to the noise and back a
    diffusion model shows where it stands, with no error until the end.

    Raises:
        ValueError: one sentence, if the model has no way.
    """
    for frame in _known(model).way(model, picture, request):
        difference = np.abs(frame.images.astype(int) - picture)
        is_there = frame.step == frame.total or not isinstance(model, Denoises)
        shown = (difference * ERROR_TIMES * is_there).clip(0, 255).astype(np.uint8)
        extras = {"error": float(difference.mean())} if is_there else {}
        yield dataclasses.replace(frame, images=np.concatenate([frame.images, shown]), extras=extras)


def _pixels(picture: np.ndarray, model: Model) -> Tensor:
    """uint8 (1,C,H,W) where the weights are."""
    x = torch.from_numpy(picture.transpose(0, 3, 1, 2).copy())
    return x.to(next(iter(model.parameters())).device)
