"""SVG drawings as lines: paths and basic shapes (SVG 1.1, sections 8 and 9), and what is drawn here as a path.

Curves become lines of so many pieces.  Nothing is painted: what is filled, turned or text is refused or left out.  No torch, no Qt.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np

BOX = 24.0  # side of a drawing's square in a path
TOLERANCE = 0.01  # of the box, to which lines are simplified
MAX_BYTES = 2**20
_TOKEN = re.compile(r"([MmLlHhVvCcSsQqTtAaZz])|(-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?)")


def path_of_file(path: str | Path) -> str:
    """The lines of an SVG file, fitted into the box and simplified, as the path that :func:`strokes_of_path` reads.

    Raises:
        ValueError: one sentence, if it is no SVG, or has no lines.
        OSError: if it cannot be read.
    """
    path = Path(path)
    content = path.read_bytes()[: MAX_BYTES + 1]
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path.name} is larger than a drawing made of strokes.")
    lines = lines_in(content.decode("utf-8", "replace"))
    if not lines:
        raise ValueError(f"{path.name} is not an SVG drawing made of lines.")
    every = np.concatenate(lines)
    low, high = every.min(0), every.max(0)
    scale = max(float((high - low).max()), 1e-6)
    return path_of_lines([simplified((line - (low + high) / 2) / scale + 0.5, TOLERANCE) for line in lines])


def lines_in(svg: str) -> list[np.ndarray]:
    """All the lines of an SVG text, float64 (n,2) each; none of one that is broken, filled or turned."""
    if "<!DOCTYPE" in svg or "<!ENTITY" in svg:  # entities can grow without end
        return []
    body = re.sub(r"<\?xml.*?\?>", "", svg, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL).replace(
        'xmlns="http://www.w3.org/2000/svg"', ""
    )
    try:
        return lines_of(body) or []
    except (ET.ParseError, RecursionError):
        return []


def path_of_lines(lines: list[np.ndarray]) -> str:
    """Lines in a box of side 1 as a path in the box of :data:`BOX`: ``M 3.0 4.0 L 5.0 6.0 ...``."""
    said = []
    for line in lines:
        places = [f"{x:.2f} {y:.2f}" for x, y in np.asarray(line) * BOX]
        said.append(f"M {places[0]}" + (f" L {' '.join(places[1:])}" if len(places) > 1 else ""))
    return " ".join(said)


def strokes_of_path(path: str) -> np.ndarray:
    """A path as steps of the pen, float32 (n,3): dx, dy in boxes, the first from the box's middle, and pen up after it.

    Raises:
        ValueError: one sentence, if it is no path, or leaves the box far behind.
    """
    try:
        lines = polylines_of_path(path, lone=True)
    except (ValueError, KeyError, IndexError):
        raise ValueError("That is not the path of an SVG drawing: it begins like M 3 4 L 5 6.") from None
    if not lines:
        if path.strip():
            raise ValueError("That is not the path of an SVG drawing: it begins like M 3 4 L 5 6.")
        return np.zeros((0, 3), np.float32)
    points = np.concatenate(lines) / BOX
    if not np.isfinite(points).all() or np.abs(points - 0.5).max() > 2:
        raise ValueError("The strokes lie outside of the box of 24 that a drawing has.")
    up = np.concatenate([[0.0] * (len(line) - 1) + [1.0] for line in lines])
    steps = np.diff(points, axis=0, prepend=np.full((1, 2), 0.5))
    return np.concatenate([steps, up[:, None]], 1).astype(np.float32)


def polylines_of_path(d: str, pieces: int = 12, lone: bool = False) -> list[np.ndarray]:
    """The lines of an SVG path (SVG 1.1, section 8.3), float64 (n,2) each; ``lone``: a point without a line is one, too.

    Raises:
        ValueError, KeyError, IndexError: if it is no path.
    """
    tokens = _flags_apart(d)
    lines: list[list[complex]] = []
    at = start = handle = 0j
    command, before, i = "", "", 0
    while i < len(tokens):
        if isinstance(tokens[i], str):
            command = tokens[i]
            i += 1
        low, relative = command.lower(), command.islower()
        base = at if relative else 0j
        take = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "t": 2, "a": 7, "z": 0}[low]
        n = [float(v) for v in tokens[i : i + take]]
        if len(n) < take or (command in "zZ" and i < len(tokens) and not isinstance(tokens[i], str)):
            raise ValueError(f"{command} takes {take} numbers.")
        i += take
        if low == "m":
            at = start = base + complex(*n)
            lines.append([at])
            command = "l" if relative else "L"
        elif low == "z":
            lines[-1].append(start)
            at = start
            lines.append([start])
        elif low in "lhv":
            x = n[0] + base.real if low != "v" else at.real
            y = n[-1] + base.imag if low != "h" else at.imag
            at = complex(x, y)
            lines[-1].append(at)
        elif low in "cs":
            smooth = 2 * at - handle if before in "cs" and before else at
            one = base + complex(n[0], n[1]) if low == "c" else smooth
            two, end = base + complex(*n[-4:-2]), base + complex(*n[-2:])
            t = np.arange(1, pieces + 1) / pieces
            lines[-1] += list(
                (1 - t) ** 3 * at + 3 * (1 - t) ** 2 * t * one + 3 * (1 - t) * t**2 * two + t**3 * end
            )
            handle, at = two, end
        elif low in "qt":
            smooth = 2 * at - handle if before in "qt" and before else at
            one = base + complex(n[0], n[1]) if low == "q" else smooth
            end = base + complex(*n[-2:])
            t = np.arange(1, pieces + 1) / pieces
            lines[-1] += list((1 - t) ** 2 * at + 2 * (1 - t) * t * one + t**2 * end)
            handle, at = one, end
        else:
            end = base + complex(*n[-2:])
            lines[-1] += arc(at, end, n)
            at = end
        before = low
    return [np.array([[p.real, p.imag] for p in line]) for line in lines if lone or len(line) > 1]


def _flags_apart(d: str) -> list[Any]:
    """Commands and numbers; the two flags of an arc may be written without a space."""
    found: list[Any] = []
    command, count, position = "", 0, 0
    while True:
        match = _TOKEN.search(d, position)
        if match is None:
            return found
        position = match.end()
        if match[1]:
            command, count = match[1], 0
            found.append(match[1])
            continue
        text = match[2]
        if command in "aA" and count % 7 in (3, 4):
            text, position = text[0], match.start() + 1
        found.append(float(text))
        count += 1


def arc(at: complex, end: complex, n: list[float]) -> list[complex]:
    """An elliptical arc by its centre (SVG 1.1, appendix F.6.5)."""
    rx, ry, turn, large, sweep = abs(n[0]), abs(n[1]), math.radians(n[2]), n[3] != 0, n[4] != 0
    if at == end or rx == 0 or ry == 0:
        return [end]
    spun = (at - end) / 2 * complex(math.cos(turn), -math.sin(turn))
    excess = (spun.real / rx) ** 2 + (spun.imag / ry) ** 2
    if excess > 1:
        rx, ry = rx * math.sqrt(excess), ry * math.sqrt(excess)
    x, y = spun.real, spun.imag
    rest = max((rx * ry) ** 2 / ((rx * y) ** 2 + (ry * x) ** 2) - 1, 0.0)
    sign = 1 if large != sweep else -1
    centre = sign * math.sqrt(rest) * complex(rx * y / ry, -ry * x / rx)
    first = math.atan2((y - centre.imag) / ry, (x - centre.real) / rx)
    last = math.atan2((-y - centre.imag) / ry, (-x - centre.real) / rx)
    if sweep and last < first:
        last += 2 * math.pi
    if not sweep and last > first:
        last -= 2 * math.pi
    steps = max(2, math.ceil(abs(last - first) / (math.pi / 16)))
    angles = np.linspace(first, last, steps + 1)[1:]
    back = complex(math.cos(turn), math.sin(turn))
    middle = centre * back + (at + end) / 2
    return [middle + complex(rx * math.cos(a), ry * math.sin(a)) * back for a in angles[:-1]] + [end]


def lines_of(body: str) -> list[np.ndarray] | None:
    """The strokes of an icon; None if it has anything that is filled, turned or no line."""
    found: list[np.ndarray] = []
    root = ET.fromstring(f'<g xmlns:xlink="x">{body}</g>')

    def walk(node: ET.Element, stroke: str, fill: str) -> bool:
        stroke, fill = node.get("stroke", stroke), node.get("fill", fill)
        number = {k: float(v) for k, v in node.attrib.items() if re.fullmatch(r"-?[\d.]+", v)}
        if node.get("transform") or node.tag in ("defs", "mask", "clipPath", "text", "use", "image"):
            return False
        if node.tag not in ("g", "svg") and (stroke == "none" or fill != "none"):
            return False
        if node.tag == "path":
            found.extend(polylines_of_path(node.get("d", "")))
        elif node.tag in ("circle", "ellipse"):
            rx, ry = number.get("r", number.get("rx", 0)), number.get("r", number.get("ry", 0))
            a = np.linspace(-np.pi / 2, 1.5 * np.pi, 33)
            found.append(
                np.stack([number.get("cx", 0) + rx * np.cos(a), number.get("cy", 0) + ry * np.sin(a)], 1)
            )
        elif node.tag == "rect":
            x, y, w, h = (number.get(k, 0.0) for k in ("x", "y", "width", "height"))
            r = min(number.get("rx", number.get("ry", 0.0)), w / 2, h / 2)
            corner = f"a{r} {r} 0 0 1 " if r else "l"
            found.extend(polylines_of_path(
                f"M{x + r} {y}h{w - 2 * r}{corner}{r} {r}v{h - 2 * r}{corner}{-r} {r}h{2 * r - w}{corner}{-r} {-r}v{2 * r - h}{corner}{r} {-r}"
            ))  # fmt: skip
        elif node.tag == "line":
            found.append(
                np.array([[number[a + i] for a in "xy"] for i in "12"])
                if {"x1", "x2", "y1", "y2"} <= set(number)
                else np.zeros((0, 2))
            )
        elif node.tag in ("polyline", "polygon"):
            points = np.array([float(v) for v in re.findall(r"-?[\d.]+", node.get("points", ""))]).reshape(
                -1, 2
            )
            found.append(np.concatenate([points, points[:1]]) if node.tag == "polygon" else points)
        elif node.tag not in ("g", "svg"):
            return False
        return all(walk(child, stroke, fill) for child in node)

    try:
        return found if walk(root, "none", "black") and found else None
    except (ValueError, KeyError, IndexError, ZeroDivisionError):
        return None


def simplified(line: np.ndarray, tolerance: float) -> np.ndarray:
    """Ramer, Douglas and Peucker: points that are nearer to the line without them are left out; both ends stay."""
    if len(line) < 3:
        return line
    a, b = line[0], line[-1]
    along = b - a
    length = math.hypot(*along)
    offset = line - a
    if length < 1e-9:
        far = np.hypot(*offset.T)
    else:
        t = np.clip(offset @ along / length**2, 0, 1)
        far = np.hypot(*(offset - t[:, None] * along).T)
    middle = int(far.argmax())
    if far[middle] <= tolerance:
        return line[[0, -1]]
    left, right = simplified(line[: middle + 1], tolerance), simplified(line[middle:], tolerance)
    return np.concatenate([left[:-1], right])
