"""Requests that are asked of one data set: how many test images, rows and columns there are to choose from, and which classes."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

from playground import labels
from playground.contract import Request
from playground.data import Dataset


def fitted(request: type[Request], dataset: Dataset) -> type[Request]:
    """The same request with knobs (those that say what they ``count``) that end where the data set does.

    Where somebody's own pictures have no classes, nothing is asked about them.

    A request that fits already is returned as it is.
    """
    return _fitted(request, dataset)  # type: ignore[arg-type]  # a class is hashable


@lru_cache
def _fitted(request: type[Request], dataset: Dataset) -> type[Request]:
    height, width, _ = dataset.image_shape
    numbers = {"test images": dataset.num_test, "rows": height, "columns": width}
    changed = []
    for field in dataclasses.fields(request):
        knob = field.metadata.get("knob", {})
        number = numbers.get(knob.get("counts", ""))
        if labels.is_own(dataset.name) and _is_about_classes(field.name, knob):
            default = 1.0 if field.name == "guidance_scale" else field.default
            changed.append((field.name, field.type, dataclasses.field(default=default)))
        elif number is not None and knob["high"] != number - 1 + knob["low"]:
            changed.append((field.name, field.type, _ending_at(field.default, knob, number)))
    if not changed:
        return request
    made = dataclasses.make_dataclass(request.__name__, changed, bases=(request,), frozen=True)
    made.__module__, made.__qualname__, made.__doc__ = (
        request.__module__,
        request.__qualname__,
        request.__doc__,
    )
    return made


def _is_about_classes(name: str, knob: dict[str, Any]) -> bool:
    return knob.get("choices") == "classes" or name.startswith("guidance_")


def _ending_at(default: Any, knob: dict[str, Any], number: int) -> Any:
    high = number - 1 + knob["low"]  # counted from 0, or from 1
    help = knob["help"].replace("10,000", f"{number:,}")
    return dataclasses.field(
        default=min(default, high), metadata={"knob": {**knob, "high": high, "help": help}}
    )
