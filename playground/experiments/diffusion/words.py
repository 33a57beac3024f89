"""What each place of a picture takes from each word of its prompt, and what becomes of it when a word is weighed otherwise.

The maps are those of the joint attention, as Tang et al. 2022 read them off Stable Diffusion ("What the DAAM",
arXiv:2210.04885): the mean over blocks and heads, of one step or of all steps so far.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from playground.capabilities import DenoisesPrompts
from playground.contract import Frame, State, knob
from playground.models.diffusion.text_to_image import TextRequest


@dataclass(frozen=True)
class WordsRequest(TextRequest):
    """One picture of one prompt."""

    prompt: str = knob(
        "purple octopus on yellow",
        label="prompt",
        longest=300,
        live=True,
        help="What the picture should show, in words. Press a word above the picture to see which places take from it.",
    )
    num_samples: int = 1


@torch.no_grad()
def words(
    model: DenoisesPrompts,
    request: WordsRequest,
    strengths: Sequence[float] = (),
    resume: State | None = None,
) -> Iterator[Frame]:
    """The model's own frames of the first prompt, with ``looks`` and ``tokens``.

    Args:
        strengths: of the words, the first first; 1 as trained, 0 takes a word's vector away. Words past the last have 1.
    """
    first = request.prompt.split(";")[0]
    wanted = dataclasses.replace(request, prompt=first, strengths=tuple(strengths), tells_looks=True)
    yield from model.sample(wanted, resume=resume)
