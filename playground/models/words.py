"""What models share that draw what words say: captioned drawings to learn from, and the numbers of a request's prompts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, Recipe, knob
from playground.data import Split, emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import words as emoji_words

ANY_STYLE = "any"
NUM_EXAMPLES = 80_000  # training pictures with captions, drawn once
# what the training record shows
FILM = "red heart; automobile; closed book; purple octopus; green house; grinning face; blue car on yellow; cat face; red car beside blue house; pizza"


class Prompted(Protocol):
    """What is read of a request."""

    @property
    def first_index(self) -> int: ...
    @property
    def num_samples(self) -> int: ...
    @property
    def prompt(self) -> str: ...
    @property
    def negative_prompt(self) -> str: ...
    @property
    def style(self) -> str: ...
    @property
    def each(self) -> tuple[tuple[str, str], ...]: ...


def prompt_knob(default: str = "purple octopus") -> Any:
    """The words."""
    return knob(
        default,
        label="prompt",
        longest=300,
        live=True,
        help="What the picture should show, in words. A semicolon separates several prompts, which are dealt out in turn.",
    )


def negative_knob() -> Any:
    """What guidance pushes away from."""
    return knob(
        "",
        label="negative_prompt",
        longest=300,
        live=True,
        help="What the picture should be pushed away from. Guidance pushes away from what the network draws when nothing is said; with words here, from what it draws for them.",
    )


def style_knob() -> Any:
    """Whose hand draws."""
    return knob(
        ANY_STYLE,
        label="style",
        choices=((ANY_STYLE, "any"), *((s, s) for s in emoji.STYLES)),
        help="Whose hand draws: each style is a set of emoji. It is one more word of the prompt.",
    )


def several_knob() -> Any:
    """As many pictures as a square shows."""
    return knob(9, label="num_samples", low=1, high=100, help="How many pictures are generated together.")


# --- training


def examples(split: Split, seed: int, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Pictures uint8 (N,C,H,W) and tokens int64 (N,T): about ``count`` (or ``NUM_EXAMPLES``) captioned ones, or the drawings of another split."""
    if split == "train":
        made = emoji_captions.grown(count or NUM_EXAMPLES, seed)
    else:
        held = emoji.load(emoji.split_for(split))
        said = tuple(emoji_captions.named(n) for n in held.names.tolist())
        made = emoji_captions.Captioned(held.images, said, tuple(held.styles.tolist()))
    pixels = torch.from_numpy(np.ascontiguousarray(made.images.transpose(0, 3, 1, 2)))
    return pixels, torch.from_numpy(emoji_words.encode(made.prompts, made.styles))


def forgetful(
    tokens: Tensor, word_dropout: float, prompt_dropout: float, generator: torch.Generator
) -> Tensor:
    """Some words, and some whole prompts, left out: int64 (B,T)."""
    device = tokens.device
    word = torch.rand(tokens.shape, generator=generator, device=generator.device).to(device)
    prompt = torch.rand((len(tokens), 1), generator=generator, device=generator.device).to(device)
    return tokens * ((word >= word_dropout) & (prompt >= prompt_dropout))


def recipe(id: str, config: Any, built_on: str, steps: int, decay_steps: int, **other: Any) -> Recipe:
    """What the models that are told words have in common in how they are trained; ``other`` are fields that differ."""
    common: dict[str, Any] = {
        "batch_size": 64,
        "optimizer": "muon",
        "learning_rate": 1.5e-3,
        "muon_learning_rate": 0.02,
        "warmup_steps": 200,
        "ema": 0.999,
        "stored": "int8",
        "snapshot": {"prompt": FILM, "num_samples": 10},
    }
    mine: dict[str, Any] = {
        "dataset": "emoji",
        "built_on": built_on,
        "steps": steps,
        "decay_steps": decay_steps,
    }
    return Recipe(id=id, config=config, **mine, **{**common, **other})


# --- prompts


def said_of(request: Prompted) -> list[tuple[str, str]]:
    """Style ("" for any) and prompt of each sample: semicolons part prompts, which are dealt out in turn."""
    index = range(request.first_index, request.first_index + request.num_samples)
    parts = request.prompt.split(";")
    any_style = "" if request.style == ANY_STYLE else request.style
    return list(request.each) or [(any_style, parts[i % len(parts)]) for i in index]


def tokens_of(request: Prompted) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of the prompt and of the negative prompt for each sample, int64 (B,T) each."""
    read = [(style, emoji_words.understood(prompt)) for style, prompt in said_of(request)]
    wanted = emoji_words.encode([p.text for _, p in read], [style or p.style for style, p in read])
    unwanted = emoji_words.understood(request.negative_prompt)
    negative = emoji_words.encode([unwanted.text], [unwanted.style]).repeat(request.num_samples, 0)
    return wanted, negative


def understood(request: Prompted) -> dict[str, Any]:
    """What the first frame of a run carries: ``readings``, knob -> what was understood of each of its prompts, and a ``notice``."""
    read = emoji_words.readings(request.prompt)
    unwanted = request.negative_prompt.strip()
    readings = {"prompt": read, "negative_prompt": emoji_words.readings(unwanted) if unwanted else ()}
    return {"readings": readings, "notice": emoji_words.missed(read)}


def introduced(frame: Frame, request: Prompted) -> Frame:
    """The first frame of a run, with what was understood of its prompts."""
    return replace(frame, extras={**frame.extras, **understood(request)})
