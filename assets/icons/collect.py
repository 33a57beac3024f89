"""Makes the data set of line drawings from sets of icons: ``python assets/icons/collect.py FOLDER``.

``FOLDER`` holds the npm packages ``@iconify-json/<set>`` (``node_modules``).  Icons made of strokes alone are taken; paths become
lines (curves of so many pieces, then simplified to one in a hundred of the box), pieces that touch are joined, and what is
left is put into an order that depends on the drawing alone (see :func:`ordered`).  The program itself never runs this: what
it makes lies in ``assets/icons`` and is read by ``playground/data/icons.py``.
"""

from __future__ import annotations

import collections
import json
import re
import sys
from pathlib import Path

import numpy as np

from playground.data.icons import MARGIN, MOST_POINTS, SIDE
from playground.data.svg_lines import TOLERANCE, lines_of, simplified

SETS = {  # set: its licence
    "lucide": "ISC", "tabler": "MIT", "hugeicons": "MIT", "icon-park-outline": "Apache-2.0", "iconoir": "MIT",
    "mynaui": "MIT", "lucide-lab": "ISC", "feather": "MIT", "akar-icons": "MIT",
}  # fmt: skip
TOUCHING = 0.004
# no things: arrows, letters, logos, and marks that interfaces put on things
LEFT_OUT = frozenset(
    [
        "off",
        "slash",
        "dashed",
        "dotted",
        "arrow",
        "arrows",
        "chevron",
        "chevrons",
        "caret",
        "corner",
        "brand",
        "letter",
        "letters",
        "number",
        "numbers",
        "sort",
        "align",
        "text",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "bracket",
        "brackets",
        "logo",
        "google",
        "facebook",
        "twitter",
        "github",
        "gitlab",
        "apple-logo",
        "adobe",
        "amazon",
        "microsoft",
        "windows-logo",
        "react",
        "javascript",
        "typescript",
        "python-logo",
        "php",
        "html",
        "css",
        "figma",
        "slack",
        "spotify",
        "youtube",
        "instagram",
        "linkedin",
        "whatsapp",
        "telegram",
        "tiktok",
        "discord",
        "dribbble",
        "behance",
        "layout",
        "column",
        "columns",
        "row",
        "rows",
        "border",
        "spacing",
        "zodiac",
        "math",
        "currency",
        "superscript",
        "subscript",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "heading",
        "paragraph",
        "quote",
        "font",
        "typography",
        "grid",
        "table",
        "trending",
        "trend",
        "chart",
        "cell",
        "cells",
    ]
)


def joined(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Lines whose ends touch become one, as long as there are such."""
    lines = [line for line in lines if len(line) > 1]
    changed = True
    while changed:
        changed = False
        for i in range(len(lines)):
            for j in range(len(lines)):
                if i == j or _is_closed(lines[i]) or _is_closed(lines[j]):
                    continue
                for other in (lines[j], lines[j][::-1]):
                    if np.abs(lines[i][-1] - other[0]).max() < TOUCHING:
                        lines[i] = np.concatenate([lines[i], other[1:]])
                        del lines[j]
                        changed = True
                        break
                if changed:
                    break
            if changed:
                break
    return lines


def _is_closed(line: np.ndarray) -> bool:
    return bool(np.abs(line[0] - line[-1]).max() < TOUCHING)


def ordered(lines: list[np.ndarray]) -> list[np.ndarray]:
    """The largest stroke first; then always the one that begins nearest to where the pen is.

    A closed stroke begins at its highest point (of those, the leftmost) and goes clockwise; an open one at its end nearer to
    the upper left corner, the first, and nearer to the pen, the others.
    """
    left = sorted(
        lines, key=lambda line: (-float(np.ptp(line, axis=0).sum()), line[:, 1].min(), line[:, 0].min())
    )
    done: list[np.ndarray] = []
    pen = np.zeros(2)
    while left:
        best = 0 if not done else min(range(len(left)), key=lambda i: _reach(left[i], pen))
        line = left.pop(best)
        if _is_closed(line):
            line = _begun_at_the_top(line)
        elif np.abs(line[-1] - pen).sum() < np.abs(line[0] - pen).sum() - 1e-9:
            line = line[::-1]
        done.append(line)
        pen = line[-1]
    return done


def _reach(line: np.ndarray, pen: np.ndarray) -> float:
    if _is_closed(line):
        return float(np.abs(_begun_at_the_top(line)[0] - pen).sum())
    return float(min(np.abs(line[0] - pen).sum(), np.abs(line[-1] - pen).sum()))


def _begun_at_the_top(line: np.ndarray) -> np.ndarray:
    ring = line[:-1]
    x, y = ring.T
    area = float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
    if area < 0:  # y grows downwards: positive is clockwise
        ring = ring[::-1]
    first = int(np.lexsort((ring[:, 0], np.round(ring[:, 1], 3)))[0])
    ring = np.roll(ring, -first, 0)
    return np.concatenate([ring, ring[:1]])


def drawing(lines: list[np.ndarray]) -> np.ndarray | None:
    """Codes uint8 (T,3): x, y, and 1 where a stroke begins, else 2; None if it has too many points or none."""
    every = np.concatenate(lines)
    low, high = every.min(0), every.max(0)
    scale = float((high - low).max())
    if scale < 1e-6:
        return None
    fitted = [(line - (low + high) / 2) / scale + 0.5 for line in lines]
    kept = [simplified(line, TOLERANCE) for line in joined(fitted)]
    strokes = ordered(kept)
    if not strokes or sum(map(len, strokes)) > MOST_POINTS:
        return None
    points = np.concatenate(strokes)
    state = np.concatenate([[1] + [2] * (len(s) - 1) for s in strokes])
    return np.concatenate([np.rint(MARGIN + SIDE * points), state[:, None]], 1).astype(np.uint8)


def base_name(name: str) -> str:
    """An icon's name without what tells its variants apart: numbers, and words at the end such as ``outline``."""
    words = [w for w in name.split("-") if not re.fullmatch(r"\d+|[a-z]|\d+[a-z]*", w)]
    return "-".join(words)


def main(folder: Path) -> None:
    """Read every set, and write ``drawings.npz``, ``index.json`` and the licences."""
    here = Path(__file__).parent
    codes: list[np.ndarray] = []
    names: list[str] = []
    sets: list[int] = []
    seen: set[bytes] = set()
    why: collections.Counter[str] = collections.Counter()
    for number, (name, _) in enumerate(SETS.items()):
        icons = json.loads((folder / "@iconify-json" / name / "icons.json").read_text())["icons"]
        for title, icon in icons.items():
            base = base_name(title)
            if not base or LEFT_OUT & set(title.split("-")):
                why["name"] += 1
                continue
            lines = lines_of(icon["body"])
            one = drawing(lines) if lines else None
            if one is None:
                why["filled" if not lines else "long"] += 1
                continue
            if one.tobytes() in seen:
                why["twin"] += 1
                continue
            seen.add(one.tobytes())
            codes.append(one)
            names.append(base)
            sets.append(number)
        print(name, len(codes))
    print(dict(why))
    lengths = np.array([len(c) for c in codes])
    np.savez_compressed(here / "drawings.npz", codes=np.concatenate(codes), lengths=lengths.astype(np.uint8), sets=np.array(sets, np.uint8))  # fmt: skip
    (here / "index.json").write_text(json.dumps({"sets": SETS, "names": names}, separators=(",", ":")) + "\n")
    print(len(codes), "drawings,", lengths.mean(), "points each")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
