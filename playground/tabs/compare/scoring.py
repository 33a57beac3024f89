"""What "One image" does on the worker: one picture before every model, the quick ones first, and a fresh sample."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checkpoints
from playground.checkpoints import Card
from playground.contract import Frame, Message, Model, knobs, make_request
from playground.evaluation import out_of_distribution
from playground.tabs.frame import model_cache as model_cache
from playground.tabs.frame.model_cache import ModelCache

_GUESS = {"energy": 20.0, "bound": 200.0, "exact": 300.0}  # milliseconds, of a model that nobody has measured


class Bench:
    """Models and histograms that are kept from picture to picture; used on the worker only, but for ``clear``."""

    def __init__(self, model_cache: ModelCache) -> None:
        self.model_cache = model_cache
        self._models: dict[str, Model] = {}
        self._censuses: dict[str, out_of_distribution.Census | None] = {}

    def clear(self) -> None:
        """The device has changed: load again."""
        self._models = {}

    def model(self, id: str) -> Model:
        """Loaded once, and kept here: more models score a picture than the cache holds, and it would load them for each anew."""
        models = self._models
        if id not in models:
            models[id] = self.model_cache.get(id)
        return models[id]

    def census(self, id: str) -> out_of_distribution.Census | None:
        """Its histograms, read once."""
        if id not in self._censuses:
            self._censuses[id] = out_of_distribution.read(checkpoints.resolve(id))
        return self._censuses[id]

    def milliseconds(self, card: Card) -> float:
        """What a picture costs this model, measured or guessed."""
        census = self.census(card.id)
        return census.milliseconds if census else _GUESS.get(card.likelihood, math.inf)


@dataclass(frozen=True)
class PngSize:
    """What the picture takes as a file, in bytes."""

    num_bytes: int


@dataclass(frozen=True)
class Scored:
    """What one model says of the picture, and what it said of many others if that was measured."""

    id: str
    score_summary: out_of_distribution.ScoreSummary
    census: out_of_distribution.Census | None


@dataclass(frozen=True)
class NotScored:
    """Why one model says nothing."""

    id: str
    sentence: str


def score_summaries(
    bench: Bench, cards: list[Card], image: np.ndarray
) -> Iterator[Message[PngSize | Scored | NotScored]]:
    """The size of the picture's PNG file, and then a message for every model, the quick ones first."""
    yield Message(PngSize(out_of_distribution.png_bytes(image)), 0, len(cards))
    for i, card in enumerate(sorted(cards, key=bench.milliseconds)):
        try:
            model = bench.model(card.id)
        except Exception as error:  # the others still have something to say
            yield Message(NotScored(card.id, bench.model_cache.sentence(error)), i + 1, len(cards))
            continue
        yield from model_cache.with_threads(model, _one(bench, model, image, i + 1, len(cards)))


def _one(
    bench: Bench, model: Model, image: np.ndarray, step: int, total: int
) -> Iterator[Message[PngSize | Scored | NotScored]]:
    try:
        summary = out_of_distribution.judge(model, image)
    except Exception as error:
        yield Message(NotScored(model.card.id, bench.model_cache.sentence(error)), step, total)
    else:
        yield Message(Scored(model.card.id, summary, bench.census(model.card.id)), step, total)


def fresh_sample(bench: Bench, card: Card, seed: int) -> Iterator[Frame]:
    """One picture as the model draws it; of any class, where it can be told one."""
    model = bench.model(card.id)
    settings: dict[str, Any] = {"seed": seed, "num_samples": 1}
    classes = [k.name for k in knobs(model.Request) if k.choices == "classes"]
    for name in classes:
        settings[name] = random.Random(seed).randrange(len(card.classes))
    request = make_request(model.Request, settings)
    run = model_cache.memory_guarded(model, request, lambda model, request: model.sample(request))
    return model_cache.with_threads(model, run)
