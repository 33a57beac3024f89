"""The runs that a branch came from, each with the step at which it was left: written, read back, and made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playground.contract import Frame, Model, Request, knobs, settings_of
from playground.experiments.resuming import fixed
from playground.export.picture_metadata import request_of
from playground.tabs.frame.python_code import Code

Part = tuple[Request, int]  # a run, and the step up to which it was followed
_MOST = 1000
_LONGEST = 10**6  # steps of a run whose length its request does not say


def cut(trunk: Sequence[Part], request: Request, step: int, total: int) -> list[Part]:
    """What leads to ``step`` of a run of ``total`` steps that came along ``trunk`` and ends with ``request``."""
    whole = [*trunk, (request, total)]
    last = next(i for i, (_, until) in enumerate(whole) if until >= step)
    return [*whole[:last], (whole[last][0], step)]


def written(trunk: Sequence[Part]) -> list[dict[str, Any]]:
    """As plain JSON."""
    return [{"until": until, "settings": settings_of(part)} for part, until in trunk]


def read_back(settings: Mapping[str, Any], request: Request, model: Model) -> list[Part]:
    """What :func:`written` wrote, read from a file that anyone may have made.

    Raises:
        ValueError: one sentence, if steps do not rise or a request does not belong to the run.
    """
    trunk: list[Part] = []
    parts = settings.get("trunk", [])
    if not isinstance(parts, list) or len(parts) > _MOST:
        raise ValueError("its branches are not a list.")
    total = getattr(request, "num_steps", getattr(request, "num_tokens", _LONGEST))
    for part in parts:
        until, said = (part.get("until"), part.get("settings")) if isinstance(part, dict) else (0, None)
        after = trunk[-1][1] if trunk else -1
        if type(until) is not int or not isinstance(said, dict) or not after < until < total:
            raise ValueError("its branches do not follow one another.")
        trunk.append((request_of(type(request), said, len(model.card.classes)), until))
        if fixed(trunk[-1][0]) != fixed(request):
            raise ValueError("its branches do not belong to one run.")
    return trunk


def play(model: Model, trunk: Sequence[Part], request: Request, edits: Sequence[Any] = ()) -> Iterator[Frame]:
    """See ``experiments/branching.py``, which imports torch: on the worker, when it is called."""
    from playground.experiments import branching

    return branching.branched(model, trunk, request, edits)


def code(trunk: Sequence[Part], edits: Sequence[Any] = ()) -> Code:
    """How it is made without a window."""
    parts = ", ".join(f"(model.Request(**{settings_of(part)}), {until})" for part, until in trunk)
    more = f", {list(edits)}" if edits else ""
    return Code(
        f"branched(model, [{parts}], request{more})",
        ("from playground.experiments.branching import branched",),
    )


def difference(before: Request, after: Request) -> str:
    """What a branch changed, in words: ``class 8, seed 12``; "" if it did not."""
    labels = {knob.name: knob.label for knob in knobs(type(after))}
    old, new = settings_of(before), settings_of(after)
    changed = [f"{labels[name]} {value}" for name, value in new.items() if old.get(name) != value]
    return ", ".join(changed[:3])
