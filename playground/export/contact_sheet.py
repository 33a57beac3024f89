"""Pictures laid out on a sheet: grids, strips and planes as numpy arrays, with words in the program's own type.

No Qt and no torch, so that the window, a thread that writes a file, and the command line make the same sheets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from playground import paths
from playground.data import plain_pixels

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Arrangement = Literal["screen", "row", "column"]
GROUND, WORDS = 30, 200  # grey levels: a sheet of grey pictures stays grey
_UNKNOWN = (44, 37)  # the checker over what is not drawn yet


@dataclass(frozen=True, eq=False)
class Content:
    """What one grid, strip or plane on a canvas shows.

    Attributes:
        panels: titles and pictures, uint8 (B,H,W,C) with C 1 or 3, of equal B, H, W.
        columns: pictures in a row.
        gap: source pixels between pictures.
        captions: a line under every picture, or ``panel_captions`` under those of each panel; or ``column_captions`` above and ``row_captions`` beside the grid.
        feet: a line below every panel; its title and this line are then as large as the panel allows.
        across: panels side by side, else one above the other.
        known: bool (H,W) or (B,H,W), False where a picture is not drawn yet.
        whole: one finished picture that is shown as it is, at no zoom.
    """

    name: str
    panels: Sequence[tuple[str, np.ndarray]]
    columns: int
    gap: int = 1
    captions: Sequence[str] | None = None
    panel_captions: Sequence[Sequence[str]] | None = None
    column_captions: Sequence[str] | None = None
    row_captions: Sequence[str] | None = None
    known: np.ndarray | None = None
    feet: Sequence[str] | None = None
    across: bool = True
    whole: bool = False

    @property
    def can_be_arranged(self) -> bool:
        """Whether its rows and columns mean nothing by themselves."""
        fixed = self.whole or not self.gap or self.column_captions or self.row_captions
        return not fixed and len(self.panels[0][1]) > 1

    def arranged(self, how: Arrangement) -> Content:
        """In one row or one column, if it can be."""
        if how == "screen" or not self.can_be_arranged:
            return self
        return replace(self, columns=len(self.panels[0][1]) if how == "row" else 1)


def tile(images: np.ndarray, columns: int | None = None, gap: int = 2, ground: int = 0) -> np.ndarray:
    """uint8 (N,H,W,C) -> one picture, nearly square or of so many columns, (H',W') or (H',W',3)."""
    n, h, w, c = images.shape
    columns = columns or (10 if n % 10 == 0 else math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), ground, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return plain_pixels(sheet)


def compose(contents: Sequence[Content], zoom: int, words: bool, caption: str = "") -> np.ndarray:
    """All contents, one above the other, at a whole zoom: uint8 (H,W), or (H,W,3) if anything has colours.

    Args:
        words: with titles and captions.
        caption: a line below everything.
    """
    parts = [_panels(content, zoom, words) for content in contents]
    wide = max(part.shape[1] for part in parts)
    if caption:
        parts.append(_line(caption, wide, _size(wide // 4), "left"))
    rows: list[np.ndarray] = []
    for part in parts:
        rows += [_blank(max(2 * zoom, 4), wide), _widened(part, wide)]
    sheet = _join(rows[1:], 0)
    margin = max(2 * zoom, 4) if words or caption or len(contents) > 1 else 0
    sheet = np.pad(sheet, ((margin, margin), (margin, margin), (0, 0)), constant_values=GROUND)
    return plain_pixels(sheet)


def size_of(contents: Sequence[Content], zoom: int, words: bool) -> tuple[int, int]:
    """Width and height of a sheet in pixels, roughly (without lines of words)."""
    wide = high = 0
    for content in contents:
        n, h, w = content.panels[0][1].shape[:3]
        times, columns = 1 if content.whole else zoom, min(content.columns, n)
        side, down = (len(content.panels), 1) if content.across else (1, len(content.panels))
        wide = max(wide, side * columns * (w + content.gap) * times)
        high += down * math.ceil(n / columns) * (h + content.gap) * times
    return wide, high


# --- one content


def _panels(content: Content, zoom: int, words: bool) -> np.ndarray:
    parts: list[np.ndarray] = []
    for number, (title, images) in enumerate(content.panels):
        own = (
            content
            if not content.panel_captions
            else replace(content, captions=content.panel_captions[number])
        )
        panel = _panel(own, title, images, 1 if content.whole else zoom, words)
        if words and content.feet:
            size = _size(panel.shape[1] // 2)
            panel = _join([panel, _line(content.feet[number], panel.shape[1], size, "left")], 0)
        between = max(3 * zoom, 6)
        blank = (panel.shape[0], between) if content.across else (between, panel.shape[1])
        parts += [_blank(*blank), panel]
    return _join(parts[1:], 1 if content.across else 0)


def _panel(content: Content, title: str, images: np.ndarray, zoom: int, words: bool) -> np.ndarray:
    if content.known is not None and content.known.shape[-2:] == images.shape[1:3]:
        images = _hatched(images, content.known)
    columns, w = min(content.columns, len(images)), images.shape[2] * zoom
    pitch, size = w + content.gap * zoom, _size(w)
    left = _row_words(content, size) if words else 0
    rows: list[np.ndarray] = []
    for number, first in enumerate(range(0, len(images), columns)):
        row = _deep(tile(images[first : first + columns], columns, content.gap, GROUND))
        row = row.repeat(zoom, 0).repeat(zoom, 1)
        if left:
            names = content.row_captions or ()
            name = names[number] if number < len(names) else ""
            row = _join([_line(name, left, size, "right", row.shape[0]), row], 1)
        rows += [_blank(content.gap * zoom, row.shape[1]), row]
        if words and content.captions:
            names = content.captions[first : first + columns]
            rows.append(_words(names, row.shape[1], pitch, w, size, left))
    rows = rows[1:]
    if words and content.column_captions:
        rows.insert(0, _words(content.column_captions[:columns], rows[0].shape[1], pitch, w, size, left))
    if words and title:
        size = _size(rows[0].shape[1] // 2) if content.feet else max(size, 11)
        rows.insert(0, _line(title, rows[0].shape[1], size, "left"))
    return _join(rows, 0)


def _hatched(images: np.ndarray, known: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(images.shape[1:3])
    checker = np.where((rows + columns) % 2, *_UNKNOWN).astype(np.uint8)
    seen = np.broadcast_to(known, images.shape[:3])[..., None]
    return np.where(seen, images, checker[None, :, :, None])


def _deep(sheet: np.ndarray) -> np.ndarray:
    """(H,W) or (H,W,C) -> (H,W,C)."""
    return sheet if sheet.ndim == 3 else sheet[..., None]


def _blank(high: int, wide: int) -> np.ndarray:
    return np.full((high, wide, 1), GROUND, np.uint8)


def _join(parts: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Side by side or one below the other; grey parts become coloured ones among colours."""
    channels = max(part.shape[2] for part in parts)
    return np.concatenate([np.broadcast_to(p, (*p.shape[:2], channels)) for p in parts], axis=axis)


def _widened(sheet: np.ndarray, wide: int) -> np.ndarray:
    return np.pad(sheet, ((0, 0), (0, wide - sheet.shape[1]), (0, 0)), constant_values=GROUND)


# --- words


def _size(wide: int) -> int:
    """Height of type that suits pictures of this width, in pixels."""
    return min(max(wide // 8, 9), 22)


@lru_cache(maxsize=32)
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont  # here and below: the window need not wait for it

    return ImageFont.truetype(str(paths.folder("assets") / "fonts" / "Inter-Medium.otf"), size)


def _fitted(text: str, size: int, room: float) -> str:
    if _font(size).getlength(text) <= room:
        return text
    while text and _font(size).getlength(text + "…") > room:
        text = text[:-1]
    return text + "…" if text else ""


def _row_words(content: Content, size: int) -> int:
    """Room for the words at the left, in pixels."""
    if not content.row_captions:
        return 0
    return math.ceil(max(_font(size).getlength(t) for t in content.row_captions)) + size


def _line(text: str, wide: int, size: int, align: str, high: int | None = None) -> np.ndarray:
    """One line on the ground, uint8 (high or 1.7 sizes, wide, 1)."""
    from PIL import Image, ImageDraw

    ground = Image.new("L", (wide, high or round(size * 1.7)), GROUND)
    text = _fitted(text, size, wide)
    x = wide - size * 0.6 if align == "right" else 0
    at = (x, ground.height / 2)
    ImageDraw.Draw(ground).text(
        at, text, fill=WORDS, font=_font(size), anchor="rm" if align == "right" else "lm"
    )
    return _deep(np.asarray(ground))


def _words(names: Sequence[str], wide: int, pitch: int, room: int, size: int, before: int = 0) -> np.ndarray:
    """A line of captions, each centred in its column."""
    from PIL import Image, ImageDraw

    ground = Image.new("L", (wide, round(size * 1.7)), GROUND)
    draw = ImageDraw.Draw(ground)
    for i, name in enumerate(names):
        at = (before + i * pitch + room / 2, ground.height / 2)
        draw.text(at, _fitted(name, size, pitch), fill=WORDS, font=_font(size), anchor="mm")
    return _deep(np.asarray(ground))


def page(text: str, given: int, room: int, columns: int = 80, size: int = 15) -> np.ndarray:
    """A text on the ground, the prompt (its first ``given`` characters) darker, uint8 (H,W,1).

    Args:
        room: how long the text will be: pages of one animation are all as high as that takes.
        columns: width in characters of average width.
    """
    from PIL import Image, ImageDraw

    font, wide = _font(size), round(columns * size * 0.53)
    high = round((room / columns * 1.25 + 4) * size * 1.45)
    ground = Image.new("L", (wide + 2 * size, high), GROUND)
    draw = ImageDraw.Draw(ground)
    x, y, at = 0.0, 0.0, 0
    text = re.sub(r"[^\n -~]", "?", text)  # no shape to draw
    for word in re.findall(r"\n|[^ \n]* |[^ \n]+", text):
        length = font.getlength(word.strip())
        if word == "\n" or (x and x + length > wide):
            x, y = 0.0, y + size * 1.45
        if word != "\n":
            draw.text((size + x, size + y), word, fill=WORDS if at >= given else WORDS * 5 // 8, font=font)
            x += font.getlength(word)
        at += len(word)
    return _deep(np.asarray(ground))
