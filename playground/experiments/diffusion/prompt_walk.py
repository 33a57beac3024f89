"""Two prompts on one noise, and the pictures on the way from one to the other: the words' vectors are mixed, the noise stays.

What words name is a point of a space, and what lies between two points can be drawn too, as in every "prompt interpolation" of
Stable Diffusion's users.  Two prompts of the same words in another order differ only in their places: with the order forgotten
they are one and the same, and which colour belongs to which thing is lost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground.capabilities import DenoisesPrompts
from playground.contract import Frame, Request, State, knob
from playground.data.emoji import words as emoji_words
from playground.models.diffusion.samplers import SAMPLERS, Grid, SamplerState
from playground.models.diffusion.text_to_image import TextRequest


@dataclass(frozen=True)
class _Both(Request):
    """The two prompts, which so stand first among the knobs."""

    prompt: str = ""
    second_prompt: str = knob(
        "blue car beside red house",
        label="second prompt",
        longest=300,
        live=True,
        help="The other end of the way, on the same noise.",
    )
    word_order: bool = True


@dataclass(frozen=True)
class WalkRequest(TextRequest, _Both):
    """Two ends, and how many pictures lie on the way."""

    prompt: str = knob(
        "red car beside blue house",
        label="first prompt",
        longest=300,
        live=True,
        help="Where the way begins, in words.",
    )
    word_order: bool = knob(
        True,
        label="word_order",
        help="Off: the words of both prompts lose their places, as in a bag. Then nothing says any more which colour belongs to which thing.",
    )
    negative_prompt: str = knob(
        "",
        label="negative_prompt",
        longest=300,
        live=True,
        fold=True,
        help="What all pictures should be pushed away from.",
    )
    num_pictures: int = knob(
        9,
        label="num_pictures",
        low=2,
        high=32,
        help="Pictures on the way, both ends included; 2 are the ends alone.",
    )
    num_samples: int = 1


@torch.no_grad()
def prompt_walk(model: DenoisesPrompts, request: WalkRequest, resume: State | None = None) -> Iterator[Frame]:
    """A frame per step, pure noise first: ``images`` uint8 (num_pictures,H,W,C) is what is expected, decoded.

    Extras: ``amounts`` (num_pictures,), 0 at the first prompt and 1 at the second; ``same_words``, whether the two prompts are
    of the same words; ``alpha_bar``; and in the first frame ``readings``.
    """
    count, grid = request.num_pictures, Grid.make(request.num_steps, model.config.log_snr_min)
    amounts = tuple(np.linspace(0, 1, count).tolist())
    first, second = request.prompt.split(";")[0], request.second_prompt.split(";")[0]
    both = dataclasses.replace(request, prompt=first, num_samples=count)
    denoise = model.prompt_denoiser(both, towards=(second, amounts))
    draw = model.uniforms(dataclasses.replace(request, num_samples=1))
    passes = 1 if request.guidance_scale == 1 else 2
    read = [emoji_words.understood(text) for text in (first, second)]
    extras = {"amounts": np.array(amounts), "same_words": sorted(read[0].words) == sorted(read[1].words)}
    readings = {"prompt": (read[0],), "second_prompt": (read[1],)}

    def frame(moment: SamplerState) -> Frame:
        expected = moment.history[0] if moment.history else moment.x_t
        more = {**extras, "alpha_bar": grid.alpha[moment.step] ** 2}
        more |= {} if moment.history else {"readings": readings}
        return Frame(moment.step, grid.num_steps, moment.step * passes, model.to_pictures(expected), more)

    moment = SamplerState(0, draw("x_T").repeat(count, 1, 1, 1))
    yield frame(moment)
    walk = SAMPLERS[request.sampler](
        denoise, grid, moment, lambda step: draw("noise", step).repeat(count, 1, 1, 1), request.eta
    )
    yield from map(frame, walk)
