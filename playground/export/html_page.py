"""A run, a comparison or a whole lesson as one HTML file that plays without a network, a build or this program.

Pictures are inlined as PNG data, the script is plain and stands in ``assets/html/page.html``, and the page forbids itself
to load anything.  No Qt and no torch.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from playground import paths

MOST_BYTES = 5_000_000  # of a run
LONGEST = 240  # frames of a run
SHOWN = 640  # pixels on the screen that small pictures are enlarged to
PLAYING = 6.0  # seconds that a whole run takes
FASTEST, SLOWEST = 25.0, 2.0  # frames per second


@dataclass(frozen=True, eq=False)
class Part:
    """One run, or one scene of a lesson.

    Attributes:
        frames: uint8 (H,W) or (H,W,3) of one size, or texts; at least one.
        captions: a line for each frame (``step 3/20``), or () for none.
        formula: HTML that the program wrote itself; it is the only part that is not escaped.
        settings: names and values, for a table.
        here: the command that opens this state in the program.
        start: the frame that is shown first; None is the last.
    """

    title: str
    frames: Sequence[np.ndarray] | Sequence[str]
    captions: Sequence[str] = ()
    text: str = ""
    formula: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    here: str = ""
    question: str = ""
    answer: str = ""
    start: int | None = None


def write(path: Path, title: str, parts: Sequence[Part], most_bytes: int = MOST_BYTES) -> None:
    """Write the page in one atomic step.

    Args:
        most_bytes: how long the file may become; frames are left out, evenly, until it fits.

    Raises:
        ValueError: if there is no part, or a part has no frame.
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    text = page(title, parts, most_bytes)
    with paths.replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def page(title: str, parts: Sequence[Part], most_bytes: int = MOST_BYTES) -> str:
    """The whole page as text; see :func:`write`."""
    if not parts or not all(len(part.frames) for part in parts):
        raise ValueError("A page needs at least one picture in every part.")
    template = (paths.folder("assets") / "html" / "page.html").read_text(encoding="utf-8")
    room = (most_bytes - len(template.encode()) - 20_000) // len(parts)
    data = json.dumps([_as_data(part, room) for part in parts], ensure_ascii=False, allow_nan=False)
    data = data.replace("<", "\\u003c")  # so that no text of it can end the script
    return template.replace("@TITLE@", html.escape(title)).replace("@DATA@", data)


def _as_data(part: Part, room: int) -> dict[str, Any]:
    kept = _evenly(len(part.frames), LONGEST)
    first = part.frames[0]
    encoded = {i: f if isinstance(f := part.frames[i], str) else _png(f) for i in kept}
    while len(kept) > 1 and sum(len(encoded[i]) for i in kept) > room:
        kept = [kept[i] for i in _evenly(len(kept), (len(kept) + 1) // 2)]
    start = len(part.frames) - 1 if part.start is None else part.start
    return {
        "kind": "text" if isinstance(first, str) else "picture",
        "title": part.title,
        "text": part.text,
        "formula": part.formula,
        "settings": [[name, _said(value)] for name, value in part.settings.items()],
        "here": part.here,
        "question": part.question,
        "answer": part.answer,
        "frames": [encoded[i] for i in kept],
        "captions": [part.captions[i] for i in kept] if part.captions else [],
        "width": 0 if isinstance(first, str) else _width(first),
        "start": min(range(len(kept)), key=lambda i: abs(kept[i] - start)),
        "rate": min(max(len(kept) / PLAYING, SLOWEST), FASTEST),
    }


def _evenly(count: int, most: int) -> list[int]:
    """At most so many of ``range(count)``, evenly, with the first and the last one."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / max(most - 1, 1)) for i in range(most)} | {count - 1})[-most:]


def _png(pixels: np.ndarray) -> str:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format="PNG", optimize=True)
    return base64.b64encode(data.getvalue()).decode()


def _width(pixels: np.ndarray) -> int:
    """In CSS pixels: small pictures are enlarged a whole number of times, as in the window."""
    high, wide = pixels.shape[:2]
    return int(wide * max(min(SHOWN // wide, SHOWN // high), 1))


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
