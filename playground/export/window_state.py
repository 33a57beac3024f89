"""What the window shows, as something that can be written down: in a scene of a lesson, or as one line, a link.

A link reads ``playground:diffusion/ddpm-fashion/Generate?seed=7&num_steps=20&@step=12``: tab, model, view, then the knobs,
and after an ``@`` what is not a knob.  It comes from anywhere, so that every refusal is one sentence (:class:`LinkError`).
No Qt and no torch.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from playground.export.picture_metadata import PictureMetadata

SCHEME = "playground:"
LESSON = "lesson"  # ``playground:lesson/diffusion`` opens a lesson
LONGEST = 20_000  # characters of a link
MOST_SETTINGS = 100
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_TAB = re.compile(r"[a-z_]{1,40}")
_KNOB = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")


class LinkError(ValueError):
    """A link that cannot be opened, said in one sentence."""


@dataclass(frozen=True)
class WindowState:
    """A view of a model with its knobs.

    Attributes:
        tab: key of a family or of a page.
        model: id of a checkpoint, "" for the one that the tab opens with (or a page).
        view: its name on the switch, "" for the first.
        settings: knobs; those that are not named stand at their defaults.
        step: where the run stands still; None lets it play.
        state: what the view adds, as in an exported picture (edited pixels, a pointer).
        visible: the knobs that are shown; None shows all of them.
        enlarged: the picture that fills the canvas, from 1; None shows them all.
    """

    tab: str
    model: str = ""
    view: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    visible: tuple[str, ...] | None = None
    enlarged: int | None = None

    def as_picture_metadata(self) -> PictureMetadata:
        """The same for whoever restores exported pictures."""
        return PictureMetadata(
            family=self.tab,
            model=self.model,
            weights="",
            view=self.view,
            settings=dict(self.settings),
            step=self.step,
            state=dict(self.state),
        )


def state_of(kept: PictureMetadata, stands: bool) -> WindowState:
    """What an exported picture would be opened as; unless it ``stands`` still, the run plays when it is opened."""
    step = kept.step if stands else None
    return WindowState(kept.family, kept.model, kept.view, dict(kept.settings), step, dict(kept.state))


def link_of(state: WindowState) -> str:
    """The state as one line of plain characters."""
    path = "/".join(quote(part, safe="") for part in (state.tab, state.model, state.view)).rstrip("/")
    query = {name: _written(value) for name, value in state.settings.items()}
    extras: dict[str, Any] = {"step": state.step, "enlarged": state.enlarged}
    query |= {f"@{name}": str(value) for name, value in extras.items() if value is not None}
    if state.visible is not None:
        query["@visible"] = ",".join(state.visible)
    if state.state:
        query["@state"] = json.dumps(state.state, separators=(",", ":"), allow_nan=False)
    return SCHEME + path + ("?" + urlencode(query, quote_via=quote, safe="@,") if query else "")


def command_of(state: WindowState) -> str:
    """What opens the state from a terminal."""
    return f"playground --open {shlex.quote(link_of(state))}"


def is_link(text: str) -> bool:
    """Whether a text means to be a link."""
    return text.strip().lower().startswith(SCHEME)


def lesson_name(text: str) -> str:
    """The lesson that a link opens, "" if it opens a state."""
    path = text.strip()[len(SCHEME) :].partition("?")[0]
    tab, _, name = path.strip("/").partition("/")
    return unquote(name) if tab == LESSON else ""


def read_link(text: str) -> WindowState:
    """The state that a link names; whether its tab, model and view are here is for the caller to find out.

    Raises:
        LinkError: one sentence.
    """
    text = text.strip()
    if not is_link(text):
        raise LinkError(f"A link begins with {SCHEME}, not {text[:20]!r}.")
    if len(text) > LONGEST:
        raise LinkError(f"This link has {len(text):,} characters; the longest that is read has {LONGEST:,}.")
    path, _, query = text[len(SCHEME) :].partition("?")
    names = [unquote(part) for part in path.strip("/").split("/")]
    if len(names) > 3 or not _TAB.fullmatch(names[0]):
        raise LinkError("A link names a tab, a model and a view, with a / between them.")
    tab, model, view = (*names, "", "")[:3]
    if model and not _ID.fullmatch(model):
        raise LinkError(f"A link cannot name a model {model[:40]!r}.")
    if len(view) > 100 or "\n" in view:
        raise LinkError("A link cannot name such a view.")
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=MOST_SETTINGS
        )
    except ValueError:
        raise LinkError("What follows the ? of this link is not a list of name=value.") from None
    extras = {name[1:]: value for name, value in pairs if name.startswith("@")}
    settings = {name: _read(value) for name, value in pairs if not name.startswith("@")}
    _check_names(settings, extras)
    visible = tuple(n for n in extras["visible"].split(",") if n) if "visible" in extras else None
    return WindowState(
        tab,
        model,
        view,
        settings,
        _count(extras, "step"),
        _read_state(extras.get("state", "{}")),
        visible,
        _count(extras, "enlarged"),
    )


def _check_names(settings: Mapping[str, Any], extras: Mapping[str, str]) -> None:
    for name in settings:
        if not _KNOB.fullmatch(name):
            raise LinkError(f"A link cannot set {name[:40]!r}.")
    for name in extras:
        if name not in ("step", "enlarged", "visible", "state"):
            raise LinkError(f"A link knows no @{name[:40]}.")


def _count(extras: Mapping[str, str], name: str) -> int | None:
    text = extras.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise LinkError(f"@{name} of a link is a whole number, not {text[:40]!r}.")
    return int(text)


def _written(value: Any) -> str:
    """Numbers and truth values as they are, words in quotes where they could be taken for one of those."""
    text = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
    return json.dumps(text) if isinstance(value, str) and _read(text) != text else text


def _read(text: str) -> Any:
    """A number, a truth value, or a word (in quotes or not)."""
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str | int | float | bool) else text


def _read_state(text: str) -> dict[str, Any]:
    try:
        state = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise LinkError("The @state of this link is not JSON.") from None
    if not isinstance(state, dict):
        raise LinkError("The @state of this link is not a table.")
    return state


def _refuse(word: str) -> None:
    raise ValueError(word)
