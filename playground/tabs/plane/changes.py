"""What was turned while a training ran, as plain JSON in an exported picture, and read back from one that anyone may have made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from playground.tabs.plane import target_spec
from playground.tabs.plane.moments import Change

_MOST = 5000


def written(own: target_spec.Spec | None, changes: Sequence[Change]) -> dict[str, Any]:
    """The user's own target, and every change if there was one after the beginning."""
    found: dict[str, Any] = {}
    if own is not None:
        found["own"] = own
    if any(change.moment > 0 for change in changes):
        found["changes"] = [[change.moment, change.rate, change.target] for change in changes]
    return found


def read_changes(state: Mapping[str, Any]) -> tuple[target_spec.Spec | None, tuple[Change, ...]]:
    """The two again.

    Raises:
        ValueError: one sentence, if they are not what this program wrote.
    """
    own, changes = state.get("own"), state.get("changes", [])
    if own is not None:
        target_spec.target_of(own)
    if not isinstance(changes, list) or len(changes) > _MOST:
        raise ValueError("The changes in it are not a list that this program wrote.")
    return own, tuple(_change(one) for one in changes)


def _change(found: Any) -> Change:
    if not isinstance(found, list) or len(found) != 3:
        raise ValueError("One of the changes in it is not one that this program wrote.")
    moment, rate, spec = found
    sound = type(moment) is int and 0 <= moment <= 10**6 and isinstance(rate, int | float)
    if not sound or isinstance(rate, bool) or not math.isfinite(rate) or not 0 < rate <= 100:
        raise ValueError("One of the changes in it is not one that this program wrote.")
    target_spec.target_of(spec)
    return Change(moment, float(rate), spec)
