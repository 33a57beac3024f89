"""What the likelihood lens does on the worker: one picture before every model, the quick ones first, and a fresh sample."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from playground import checkpoints
from playground.checkpoints import Card
from playground.contract import Frame, knobs, make_request
from playground.evaluation import out_of_distribution
from playground.tabs.frame import model_cache as model_cache
from playground.tabs.frame.model_cache import ModelCache

_GUESS = {"energy": 20.0, "bound": 200.0, "exact": 300.0}  # milliseconds, of a model that nobody has measured


class Bench:
    """Models and histograms that are kept from picture to picture; used on the worker only, but for ``clear``."""

    def __init__(self, model_cache: ModelCache) -> None:
        self.model_cache = model_cache
        self._models: dict[str, Any] = {}
        self._censuses: dict[str, out_of_distribution.Census | None] = {}

    def clear(self) -> None:
        """The device has changed: load again."""
        self._models = {}

    def model(self, id: str) -> Any:
        """All of them stay: a shelf of six would load fifteen models again for every picture."""
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


def score_summaries(bench: Bench, cards: list[Card], image: np.ndarray) -> Iterator[Frame]:
    """A frame for every model: ``id``, and ``score_summary`` with ``census``, or ``error``; before them one with ``size``."""
    yield Frame(0, len(cards), 0, image[None], {"size": out_of_distribution.png_bytes(image)})
    for i, card in enumerate(sorted(cards, key=bench.milliseconds)):
        try:
            model = bench.model(card.id)
        except Exception as error:  # the others still have something to say
            yield Frame(
                i + 1, len(cards), i, image[None], {"id": card.id, "error": model_cache.sentence(error)}
            )
            continue
        census = bench.census(card.id)
        yield from model_cache.with_threads(model, _one(model, census, image, i + 1, len(cards)))


def _one(
    model: Any, census: out_of_distribution.Census | None, image: np.ndarray, step: int, total: int
) -> Iterator[Frame]:
    extras: dict[str, Any] = {"id": model.card.id}
    try:
        extras |= {"verdict": out_of_distribution.judge(model, image), "census": census}
    except Exception as error:
        extras["error"] = model_cache.sentence(error)
    yield Frame(step, total, step, image[None], extras)


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
