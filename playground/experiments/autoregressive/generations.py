"""Several models of text side by side: the same prompt, the same uniforms, one character each at every step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from playground.capabilities import WritesText
from playground.contract import Frame
from playground.data import characters


@torch.no_grad()
def side_by_side(models: Sequence[WritesText], request: Any) -> Iterator[Frame]:
    """The first text of a request, by each model; ``images`` (models,1,T,1), ``logits`` (models,128), ``text``.

    ``prompt_bits`` float64 (models,) are the bits per character that the prompt costs each (NaN if it is empty).
    """
    one = dataclasses.replace(request, num_samples=1)
    costs = np.array([prompt_bits(model, request.prompt) for model in models])
    for parts in zip(*(model.sample(one) for model in models), strict=True):
        extras = {
            "logits": np.concatenate([part.extras["logits"] for part in parts]),
            "text": tuple(part.extras["text"][0] for part in parts),
            "prompt_length": parts[0].extras["prompt_length"],
            "prompt_bits": costs,
        }
        images = np.concatenate([part.images for part in parts])
        yield Frame(parts[0].step, parts[0].total, sum(part.passes for part in parts), images, extras)


def prompt_bits(model: WritesText, prompt: str) -> float:
    """Exact bits per character of a text under a model, its first character given nothing; NaN for no text."""
    if not prompt:
        return math.nan
    codes = torch.from_numpy(characters.codes_of(prompt).copy()).to(next(model.parameters()).device)
    cost = model.score(codes[None, None, None])[0].value
    return math.nan if cost is None else float(cost)
