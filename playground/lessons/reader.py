"""Lesson files: TOML, read strictly.  A file may come from anywhere, so every refusal is one sentence (:class:`LessonError`).

    title = "How a diffusion model works"
    summary = "From noise to a garment, and what happens on the way."
    order = 1                      # of the lessons that come with the program: its place among them

    [[scene]]
    title = "Noise becomes a garment"
    text = "Sixteen pictures begin as pure noise. At every step the network takes a little of it away."
    notes = "Let it run once, then drag the timeline back."
    tab = "diffusion"
    model = "ddpm-fashion"
    view = "Generate"
    seed = 7
    step = 12                      # it stands there; without it the run plays
    visible = ["num_steps"]        # the knobs that are shown; without it, all of them
    enlarged = 3                   # one picture fills the canvas
    settings = { num_steps = 20 }
    state = {}                     # what the view adds, as in an exported picture
    question = { text = "Why ...?", answer = "Because ..." }
    action = [{ kind = "drag", knob = "guidance_scale", to = 4.0, seconds = 3.0 }]

In place of tab, model, view, seed, step, settings, state, visible and enlarged there may stand ``link``, a copied link.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.export import window_state
from playground.export.window_state import WindowState
from playground.lessons.lesson import LAST, Action, Lesson, LessonScene, Question

MOST_BYTES = 2**20
MOST_SCENES = 200
LONGEST_LINE, LONGEST_TEXT = 200, 4000  # characters
_DEPTH = 8  # of tables within tables in ``state``

Spec = Mapping[str, str]  # key -> the kind of its value, a name in ``_KINDS``
_LESSON: Spec = {"title": "line", "summary": "text", "order": "whole number", "scene": "tables"}
_WORDS: Spec = {"title": "line", "text": "text", "notes": "text", "action": "tables", "question": "table"}
_STATE: Spec = {
    "tab": "line",
    "model": "line",
    "view": "line",
    "seed": "whole number",
    "step": "whole number",
    "settings": "table",
    "state": "table",
    "visible": "names",
    "enlarged": "whole number",
}
_SCENE: Spec = {**_WORDS, **_STATE, "link": "text"}
_ACTION: Spec = {"kind": "line", "knob": "line", "to": "number", "seconds": "number"}
_QUESTION: Spec = {"text": "text", "answer": "text"}
_CALLED = {
    "line": "a line of text",
    "text": "a text",
    "whole number": "a whole number of at least 0",
    "number": "a number",
    "table": "a table",
    "tables": "a list of tables",
    "names": "a list of names",
}


class LessonError(ValueError):
    """A lesson that cannot be opened, said in one sentence."""


def read(path: Path) -> Lesson:
    """The lesson in a file.  Whether its tabs, models and views are here, ``checking.py`` finds out.

    Raises:
        LessonError: one sentence.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise LessonError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if len(data) > MOST_BYTES:
        raise LessonError(f"{path.name} is larger than any lesson ({MOST_BYTES // 2**20} MB).")
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise LessonError(f"{path.name} is not a text file (UTF-8).") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise LessonError(f"{path.name} is not a lesson: {_one_line(error)}.") from None
    return from_table(raw, path)


def from_table(raw: Mapping[str, Any], path: Path) -> Lesson:
    """A lesson from what TOML made of a file; ``path`` is what sentences call it.

    Raises:
        LessonError: one sentence.
    """
    where = path.name
    _check(raw, _LESSON, ("title",), where)
    scenes = raw.get("scene", [])
    if not scenes:
        raise LessonError(f"{where} has no scenes: a lesson needs at least one [[scene]].")
    if len(scenes) > MOST_SCENES:
        raise LessonError(f"{where} has {len(scenes)} scenes; a lesson has at most {MOST_SCENES}.")
    read_scenes = tuple(_scene(one, f"{where}, scene {i + 1}") for i, one in enumerate(scenes))
    return Lesson(raw["title"], read_scenes, raw.get("summary", ""), raw.get("order", LAST), path)


def _scene(raw: Mapping[str, Any], where: str) -> LessonScene:
    _check(raw, _SCENE, ("title", "text"), where)
    question = raw.get("question")
    if question is not None:
        _check(question, _QUESTION, ("text", "answer"), f"{where}, question")
    return LessonScene(
        title=raw["title"],
        text=raw["text"],
        shows=_shows(raw, where),
        notes=raw.get("notes", ""),
        actions=tuple(_action(one, where) for one in raw.get("action", [])),
        question=Question(**question) if question is not None else None,
    )


def _shows(raw: Mapping[str, Any], where: str) -> WindowState:
    if "link" in raw:
        beside = next((name for name in _STATE if name in raw), "")
        if beside:
            raise LessonError(f"{where} has a link and {beside!r}: the link says all of it.")
        try:
            return window_state.read_link(raw["link"])
        except window_state.LinkError as error:
            raise LessonError(f"{where}: {error}") from None
    if "tab" not in raw:
        raise LessonError(f"{where} lacks 'tab' (or a 'link').")
    settings = dict(raw.get("settings", {}))
    if not all(isinstance(value, str | bool) or _is_number(value) for value in settings.values()):
        raise LessonError(f"{where}: each of its settings must be a number, a word, true or false.")
    if "seed" in raw:
        settings["seed"] = raw["seed"]
    state = raw.get("state", {})
    if not _is_plain(state):
        raise LessonError(
            f"{where}: its 'state' holds something that is neither number, word, list nor table."
        )
    if raw.get("enlarged", 1) < 1:
        raise LessonError(f"{where}: 'enlarged' counts pictures from 1.")
    visible = tuple(raw["visible"]) if "visible" in raw else None
    return WindowState(
        raw["tab"],
        raw.get("model", ""),
        raw.get("view", ""),
        settings,
        raw.get("step"),
        state,
        visible,
        raw.get("enlarged"),
    )


def _action(raw: Mapping[str, Any], where: str) -> Action:
    where = f"{where}, action"
    _check(raw, _ACTION, ("kind",), where)
    kind = raw["kind"]
    if kind not in ("play", "drag", "wait"):
        raise LessonError(f"{where}: there is no {kind!r}; there are play, drag and wait.")
    wanted = {"knob", "to"} if kind == "drag" else set()
    for name in sorted(wanted - set(raw)):
        raise LessonError(f"{where}: a drag needs {name!r}.")
    for name in sorted(set(raw) - {"kind"} - wanted - ({"seconds"} if wanted else set())):
        raise LessonError(f"{where}: {name!r} means nothing to {kind}.")
    if not 0 < raw.get("seconds", 1.0) <= 60:
        raise LessonError(f"{where}: a drag takes up to 60 seconds.")
    return Action(**{**raw, **({"to": float(raw["to"])} if wanted else {})})


# --- checks of keys and kinds


def _check(raw: Mapping[str, Any], spec: Spec, needed: Sequence[str], where: str) -> None:
    for name in raw:
        if name not in spec:
            raise LessonError(f"{where} has an unknown key {name[:40]!r}; there are {', '.join(spec)}.")
    for name in needed:
        if name not in raw:
            raise LessonError(f"{where} lacks {name!r}.")
    for name, value in raw.items():
        if not _is(spec[name], value):
            raise LessonError(f"{where}: {name!r} must be {_CALLED[spec[name]]}.")


def _is(kind: str, value: Any) -> bool:
    if kind == "line":
        return isinstance(value, str) and 0 < len(value) <= LONGEST_LINE and "\n" not in value
    if kind == "text":
        return isinstance(value, str) and len(value) <= max(LONGEST_TEXT, window_state.LONGEST)
    if kind == "whole number":
        return type(value) is int and 0 <= value < 2**31
    if kind == "number":
        return _is_number(value)
    if kind == "table":
        return isinstance(value, dict) and len(value) <= window_state.MOST_SETTINGS
    if kind == "tables":
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return isinstance(value, list) and all(_is("line", one) for one in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_plain(value: Any, depth: int = _DEPTH) -> bool:
    """Whether JSON could hold it."""
    if isinstance(value, dict):
        return depth > 0 and all(_is_plain(one, depth - 1) for one in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(one, depth - 1) for one in value)
    return isinstance(value, str | bool) or _is_number(value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
