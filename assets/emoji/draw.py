"""Draws the emoji data set from its vector files: ``python assets/emoji/draw.py FOLDER``.

``FOLDER`` holds the npm packages ``@iconify-json/<set>``, ``emojilib`` and ``emojibase-data`` (``node_modules``).  Each drawing
is painted on white at 128x128, filling the square, and reduced smoothly to 32x32.  The program itself never runs this: what it
makes lies in ``assets/emoji`` and is read by ``emoji.py``.
"""

from __future__ import annotations

import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from playground import paths
from playground.data import emoji
from playground.data.emoji import split as emoji_split
from playground.data.emoji import words as emoji_words

SIDE, PAINTED = 32, 128
STYLES = ("noto", "noto-v1", "fxemoji", "fluent-emoji-flat", "fluent-emoji", "twemoji")
LINES = "fluent-emoji-high-contrast"  # line drawings, kept apart
PER_ROW = 128  # drawings in a row of the sheet
_TONE = re.compile(r"-(tone[1-5]|(medium-)?(light|dark|medium)(-skin-tone.*)?|medium-skin-tone.*)$")
_CLIP = re.compile(r"<clipPath[^>]*>.*?</clipPath>")  # not known to QtSvg, which paints what is inside
_NOT_A_TONE = {"police-car-light", "horizontal-traffic-light", "vertical-traffic-light"}
_GROUPS_OF_FXEMOJI = {"Nature": "Animals & Nature", "People": "People & Body", "Places": "Travel & Places"}


def has_skin_tone(name: str) -> bool:
    """Whether a name is that of a skin-tone double."""
    return name not in _NOT_A_TONE and ("skin-tone" in name or bool(_TONE.search(name)))


def read_set(folder: Path, style: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The icons of a set, as ``{"width", "height", "icons": {name: {"body"}}}``, and name -> group where it says one."""
    icons = json.loads((folder / "@iconify-json" / style / "icons.json").read_text())
    metadata = json.loads((folder / "@iconify-json" / style / "metadata.json").read_text())
    groups = {
        n: _GROUPS_OF_FXEMOJI.get(g, g) for g, names in metadata.get("categories", {}).items() for n in names
    }
    return icons, groups


def paint(body: str, left: float, top: float, width: float, height: float, side: int = SIDE) -> np.ndarray:
    """One vector drawing, on white: uint8 (side, side, 3), reduced from four times the size."""
    from PySide6.QtCore import QByteArray, QRectF, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    body = _CLIP.sub("", body)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}">{body.replace("currentColor", "#000")}</svg>'
    )
    large = max(PAINTED, 4 * side)
    image = QImage(large, large, QImage.Format.Format_ARGB32_Premultiplied)  # masks need the fourth channel
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, large, large))
    painter.end()
    how = (Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    small = image.scaled(side, side, *how).convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(small.constBits(), np.uint8).reshape(side, small.bytesPerLine())
    return rows[:, : 3 * side].reshape(side, side, 3).copy()


def paint_set(folder: Path, style: str, side: int = SIDE) -> tuple[list[str], np.ndarray]:
    """The names of a set without skin tones, sorted, and their drawings uint8 (N, side, side, 3)."""
    icons, _ = read_set(folder, style)
    names = sorted(n for n in icons["icons"] if not has_skin_tone(n))
    drawn = [paint(icons["icons"][n]["body"], *_box(icons, n), side=side) for n in names]
    return names, np.stack(drawn)


def _box(icons: dict[str, Any], name: str) -> tuple[float, float, float, float]:
    icon = icons["icons"][name]
    left, top = (icon.get(k, icons.get(k, 0)) for k in ("left", "top"))
    width, height = (icon.get(k, icons.get(k, 16)) for k in ("width", "height"))
    return left, top, width, height


def common_names(own: list[str], known: set[str], words: set[str]) -> list[str]:
    """Names written without hyphens (those of fxemoji), as other sets write them, or else cut into known words."""
    joined = {n.replace("-", ""): n for n in sorted(known)}

    @cache
    def cut(text: str) -> tuple[int, tuple[str, ...]] | None:
        if not text:
            return 0, ()
        best = None
        for end in range(len(text), 0, -1):
            rest = cut(text[end:]) if text[:end] in words else None
            if rest is not None and (best is None or rest[0] + 1 < best[0]):
                best = rest[0] + 1, (text[:end], *rest[1])
        return best

    found = []
    for name in own:
        parts = cut(name)
        found.append(name if name in known else joined.get(name) or ("-".join(parts[1]) if parts else name))
    return found


def synonyms(folder: Path, names: dict[str, str]) -> dict[str, list[str]]:
    """Concept -> other words for it, from emojilib and emojibase; ``names`` maps code points to the sets' own names."""
    found: dict[str, set[str]] = {}
    library = json.loads((folder / "emojilib/dist/emoji-en-US.json").read_text())
    base = json.loads((folder / "emojibase-data/en/data.json").read_text())
    pairs = [("-".join(f"{ord(c):x}" for c in k), v) for k, v in library.items()]
    pairs += [(e["hexcode"].lower(), [e["label"], *e.get("tags", [])]) for e in base]
    for code, words in pairs:
        name = names.get(code) or names.get(code.removesuffix("-fe0f"))
        if name:
            plain = (w.lower().replace("_", " ") for w in words)
            found.setdefault(name, set()).update(w for w in plain if re.fullmatch(r"[a-z0-9 '-]+", w))
    return {name: sorted(words) for name, words in sorted(found.items())}


def main(folder: Path, out: Path) -> None:
    """Paint every set and write the sheets, the index, synonyms, what is held out and the vocabulary into ``out`` (``assets/emoji``)."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication([])
    painted = {style: paint_set(folder, style) for style in (*STYLES, LINES)}
    known = {n for style in (*STYLES, LINES) if style != "fxemoji" for n in painted[style][0]}
    library = json.loads((folder / "emojilib/dist/emoji-en-US.json").read_text())
    tags = {w for words in library.values() for tag in words for w in re.split(r"[_ -]", tag.lower())}
    words = {w for n in known for w in n.split("-") if len(w) > 1 or w == "a"} | {
        t for t in tags if len(t) > 2
    }
    groups: dict[str, str] = {}
    for style in reversed((*STYLES, LINES)):
        groups |= read_set(folder, style)[1]
    index: dict[str, Any] = {"side": SIDE, "per_row": PER_ROW, "styles": {}}
    for style, (own, _) in painted.items():
        names = common_names(own, known, words) if style == "fxemoji" else own
        info = json.loads((folder / "@iconify-json" / style / "info.json").read_text())
        index["styles"][style] = {
            "title": info["name"],
            "author": info["author"]["name"],
            "url": info["author"]["url"],
            "licence": info["license"]["spdx"],
            "names": names,
            "own_names": {n: o for n, o in zip(names, own, strict=True) if n != o},
            "groups": [groups.get(n) or groups.get(o, "Objects") for n, o in zip(names, own, strict=True)],
        }
    out.mkdir(parents=True, exist_ok=True)
    _write_sheet(out / "drawings.webp", np.concatenate([painted[s][1] for s in STYLES]))
    _write_sheet(out / "lines.webp", painted[LINES][1])
    (out / "index.json").write_text(json.dumps(index, indent=0, separators=(",", ":")) + "\n")
    codes: dict[str, str] = {}
    for style in ("twemoji", "fluent-emoji-flat", "noto"):
        codes |= json.loads((folder / "@iconify-json" / style / "chars.json").read_text())
    there = {n for style in STYLES for n in index["styles"][style]["names"]}
    told = {n: w for n, w in synonyms(folder, codes).items() if n in there}
    (out / "synonyms.json").write_text(json.dumps(told, indent=0, separators=(",", ":")) + "\n")
    emoji.index.cache_clear()
    emoji.drawings.cache_clear()
    held = emoji_split.held_out_list(emoji.drawings())
    (out / "held_out.json").write_text(json.dumps(held, indent=0, separators=(",", ":")) + "\n")
    (out / "words.txt").write_text("\n".join(emoji_words.words_of_the_drawings()) + "\n")
    del application


def _write_sheet(path: Path, drawings: np.ndarray) -> None:
    rows = -(-len(drawings) // PER_ROW)
    padded = np.full((rows * PER_ROW, SIDE, SIDE, 3), 255, np.uint8)
    padded[: len(drawings)] = drawings
    sheet = padded.reshape(rows, PER_ROW, SIDE, SIDE, 3).transpose(0, 2, 1, 3, 4).reshape(rows * SIDE, -1, 3)
    Image.fromarray(sheet).save(path, lossless=True, quality=100, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]), paths.folder("assets") / "emoji")
