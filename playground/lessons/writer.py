"""Lessons as TOML text that ``reader.py`` reads back unchanged, laid out as a person would write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground import paths
from playground.export.window_state import WindowState
from playground.lessons.lesson import LAST, Action, Lesson, LessonScene

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write(path: Path, lesson: Lesson) -> None:
    """Write a lesson in one atomic step.

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    with paths.replacing(path) as partial:
        partial.write_text(to_text(lesson), encoding="utf-8")


def to_text(lesson: Lesson) -> str:
    """The file's text."""
    head: dict[str, Any] = {"title": lesson.title, "summary": lesson.summary}
    if lesson.order != LAST:
        head["order"] = lesson.order
    parts = [_lines({name: value for name, value in head.items() if value})]
    parts += ["\n[[scene]]\n" + _lines(_table_of(scene)) for scene in lesson.scenes]
    return "".join(parts)


def _table_of(scene: LessonScene) -> dict[str, Any]:
    table: dict[str, Any] = {"title": scene.title, "text": scene.text, "notes": scene.notes}
    table = {name: value for name, value in table.items() if value or name != "notes"}
    table |= _state(scene.shows)
    if scene.question is not None:
        table["question"] = {"text": scene.question.text, "answer": scene.question.answer}
    if scene.actions:
        table["action"] = [_action(action) for action in scene.actions]
    return table


def _state(shows: WindowState) -> dict[str, Any]:
    settings = dict(shows.settings)
    table: dict[str, Any] = {"tab": shows.tab, "model": shows.model, "view": shows.view}
    seed = settings.get("seed")
    if type(seed) is int and seed >= 0:
        table["seed"] = settings.pop("seed")
    table |= {
        "step": shows.step,
        "enlarged": shows.enlarged,
        "settings": settings,
        "state": dict(shows.state),
    }
    table = {name: value for name, value in table.items() if value not in (None, "", {})}
    if shows.visible is not None:
        table["visible"] = list(shows.visible)
    return table


def _action(action: Action) -> dict[str, Any]:
    if action.kind != "drag":
        return {"kind": action.kind}
    return {"kind": action.kind, "knob": action.knob, "to": action.to, "seconds": action.seconds}


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return repr(value)


def _text(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, apart from one character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
