"""Who races, what each is asked for, and how it is played.

What a model is asked for is what it was measured with (the settings on its card), with the seed, the number of pictures
and the class of the race.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playground import families, labels
from playground.checkpoints import Card
from playground.checkpoints.figures import PICTURES
from playground.contract import EACH_CLASS, Frame, Model, Request, knob, knobs
from playground.evaluation import emoji_report
from playground.tabs.compare.model_list import Choice
from playground.tabs.frame import model_cache

FEWEST, MOST = 2, 8
DONE, SAME_TIME = "done", "time"


@dataclass(frozen=True)
class RaceRequest(Request):
    """What all entrants are asked for, and when the race is over."""

    rule: str = knob(
        DONE,
        label="rule",
        choices=((DONE, "until done"), (SAME_TIME, "same time")),
        help="Until done: everybody draws to the end, and the clocks say how long it took. Same time: each is stopped "
        "when its own clock has run so long; what has it to show?",
    )
    budget: float = knob(
        1.0,
        label="time for each",
        low=0.01,
        high=60.0,
        unit="s",
        log=True,
        help="Seconds of its own work that every model may have. A step that ends later does not count.",
    )
    label: int = knob(
        EACH_CLASS,
        label="class",
        choices="classes",
        help="What to draw, for the models that can be told. The others draw what they like.",
    )
    prompt: str = knob(
        "red heart",
        label="prompt",
        longest=300,
        help="What to draw, for the models that are told words: those of emoji, in colour.",
    )


@dataclass(frozen=True)
class Entrant:
    """A model that is loaded, and what it is asked for."""

    model: Model
    request: Request


def request_for(model: Model, race: RaceRequest) -> Request:
    """A model's own request: the settings that it was measured with, else those it opens with, and what the race says.

    Args:
        model: loaded, with its card.
        race: the seed, the number of pictures, the class and the prompt.
    """
    card: Card = model.card
    best = {**card.recipe.get("evaluate", {}), **_measured(card).get("settings", {})}
    best |= {"seed": race.seed, "num_samples": race.num_samples}
    known = {k.name: k for k in knobs(model.Request)}
    if "label" in known:
        best["label"] = race.label if race.label < len(card.classes) else EACH_CLASS
    if reads_prompts(known):
        best["prompt"] = race.prompt
    return model.Request(**{name: known[name].check(v) for name, v in best.items() if name in known})


def remark_on(entrant: Entrant, race: RaceRequest) -> str:
    """What an entrant cannot do of what is asked, in a few words; "" if it can do all of it."""
    known = {k.name for k in knobs(type(entrant.request))}
    takes_class = "label" in known or reads_prompts(known)
    return "cannot be told the class" if race.label != EACH_CLASS and not takes_class else ""


def reads_prompts(known: Collection[str]) -> bool:
    """Whether a request with knobs of these names is told words about a picture."""
    return {"prompt", "style"} <= set(known)


def reads_words(card: Card) -> bool:
    """Whether a model reads prompts, as far as its card says: it was shown with some while it was trained."""
    return "prompt" in card.recipe.get("snapshot", {})


def _measured(card: Card) -> dict[str, Any]:
    """The figures of its pictures, grey or in colours; each on the ruler of its own data."""
    found: dict[str, Any] = card.metrics.get(PICTURES) or card.metrics.get(emoji_report.PICTURES) or {}
    return found


def quality_of(card: Card) -> str:
    """How far its pictures are from real ones, as measured: of FID, 0 is real and 1 is blurred."""
    quality = _measured(card).get("quality")
    return f"FID {quality['value']:.2f} (1 = blurred)" if quality else ""


def so_what(finished: Sequence[tuple[Card, float]]) -> str:
    """What a race says, in two sentences; "" while fewer than two have finished.

    Args:
        finished: the card of each that has finished, and the seconds on its own clock.
    """
    if len(finished) < FEWEST:
        return ""
    order = sorted(finished, key=lambda pair: pair[1])
    (first, least), (last, most) = order[0], order[-1]
    times = (
        f", {most / least:,.0f} times as fast as {_name(last)}" if least > 0 and most / least >= 1.5 else ""
    )
    measured = [(_measured(card)["quality"]["value"], card) for card, _ in finished if quality_of(card)]
    said = f"By time alone {_name(first)} is fastest{times}."
    if len({card.dataset for _, card in measured}) != 1:  # figures of other data do not compare
        return said
    best, card = min(measured, key=lambda pair: pair[0])
    return f"{said} The best pictures, as measured, are those of {_name(card)} (FID {best:.2f}; 1 = blurred)."


def _name(card: Card) -> str:
    return labels.short(card.id, card.system)


def play(entrant: Entrant) -> Iterator[Frame]:
    """On the worker: the frames of an entrant."""
    model = entrant.model
    return model_cache.with_threads(
        model,
        model_cache.memory_guarded(model, entrant.request, lambda model, request: model.sample(request)),
    )


def warm_up(entrant: Entrant) -> None:
    """Let a model take its first steps on one picture: what a library does once is no part of the race."""
    small = Entrant(entrant.model, dataclasses.replace(entrant.request, num_samples=1))
    with contextlib.closing(play(small)) as frames:  # type: ignore[type-var]
        for _ in zip(range(3), frames, strict=False):
            pass


def choices(cards: Sequence[Card]) -> list[Choice]:
    """Everything that draws, family by family in the order of the tabs."""
    found = []
    for family in families.FAMILIES:
        for card in cards:
            if card.family == family.key:
                tip = f"{card.id}: {card.system}, {card.parameters / 1e6:.2f} million parameters"
                name = labels.short(card.id, card.system)
                found.append(Choice(card.id, family.key, family.title, tip, name))
    return found


def default_entrants(cards: Sequence[Card]) -> list[str]:
    """One of each family: the one that its tab opens with; two of the only family there is."""
    found = []
    for family in families.FAMILIES:
        own = [card.id for card in cards if card.family == family.key]
        if own:
            wanted = family.races or family.opens
            found.append(wanted if wanted in own else own[0])
    rest = [card.id for card in cards if card.id not in found]
    return [*found, *rest[: max(FEWEST - len(found), 0)]]


def classes_of(cards: Sequence[Card]) -> list[str]:
    """The classes of most of the models."""
    kinds = [tuple(card.classes) for card in cards if card.classes]
    most = max(kinds, key=kinds.count, default=())
    return list(most)
