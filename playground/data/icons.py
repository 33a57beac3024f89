"""Line drawings as the dataset ``icons``: icons made of strokes, of nine open sets, held out by name.

A drawing is a picture of one line here, uint8 (1,T,3), as a text is: of each point x and y, and what the pen does: 0 the
drawing has ended, 1 a stroke begins here, 2 a line is drawn to here.  Coordinates of the box 0..1 are kept as ``MARGIN + SIDE x``.

The drawings lie in ``assets/icons`` whole (see ``collect.py`` there for how they were made and in which order their strokes
stand, ``index.json`` for names and licences).  A name is on one side only, whatever set draws it.  No torch.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

import numpy as np

from playground import paths
from playground.data.dataset import Dataset, Split
from playground.data.modality import Modality

MOST_POINTS = 72
MARGIN, SIDE = 32, 191
THINGS = {  # what a drawing may be asked for: words in the names of its icons
    "house": "house home", "building": "building tower hotel bank", "door": "door", "bed": "bed", "chair": "chair sofa armchair",
    "lamp": "lamp bulb lightbulb", "cup": "cup mug coffee tea", "glass": "wine glass cocktail", "bottle": "bottle",
    "cake": "cake cupcake", "bread": "burger hamburger pizza bread sandwich", "apple": "apple", "egg": "egg", "fish": "fish",
    "face": "face mood smile smiley emoji sad happy", "person": "user person man woman people", "hand": "hand finger",
    "eye": "eye", "brain": "brain", "heart": "heart", "star": "star", "sun": "sun", "moon": "moon", "cloud": "cloud",
    "drop": "droplet drop water", "fire": "fire flame", "tree": "tree plant trees", "leaf": "leaf leafs", "flower": "flower tulip rose lotus",
    "globe": "globe world earth", "car": "car", "truck": "truck", "bus": "bus", "train": "train", "boat": "boat ship sailboat",
    "plane": "plane airplane", "flag": "flag", "key": "key", "lock": "lock", "bell": "bell", "clock": "clock watch alarm stopwatch",
    "calendar": "calendar", "book": "book books", "pencil": "pen pencil", "letter": "mail envelope", "folder": "folder",
    "file": "file document", "camera": "camera", "computer": "computer laptop desktop imac monitor", "phone": "phone mobile smartphone",
    "mouse": "mouse", "battery": "battery", "headphones": "headphone headphones", "microphone": "microphone mic",
    "music": "music note", "bag": "bag handbag backpack luggage suitcase briefcase", "basket": "basket", "cart": "cart",
    "box": "box package", "gift": "gift", "crown": "crown", "medal": "medal", "diamond": "diamond gem", "shield": "shield",
    "hat": "hat", "shirt": "shirt clothes tshirt", "glasses": "glasses sunglasses", "umbrella": "umbrella", "scissors": "scissors scissor",
    "dice": "dice", "cube": "cube", "mask": "mask", "ghost": "ghost", "spider": "spider bug", "speech bubble": "message chat bubble",
}  # fmt: skip
ICONS = Dataset(
    "icons",
    "Line-drawn icons of nine sets",
    "MIT (Tabler, Hugeicons, Iconoir, Mynaui, Feather, Akar), ISC (Lucide, Lucide Lab), Apache-2.0 (IconPark)",
    (1, MOST_POINTS, 3),
    ("anything", *THINGS),
    num_test=585,
    modality=Modality.STROKES,
)
_SHARES = {"test": range(4), "validation": range(4, 7)}  # of a hundred names


@lru_cache(maxsize=4)
def load(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Drawings uint8 (N,1,MOST_POINTS,3) and what they are of, int64 (N,), a place in the classes of :data:`ICONS`."""
    every, names = _read()
    sides = np.array([_side(name) for name in names])
    chosen = np.flatnonzero(sides == split)
    labels = np.array([thing_of(names[i]) for i in chosen], np.int64)
    drawings = every[chosen]
    drawings.setflags(write=False)
    labels.setflags(write=False)
    return drawings, labels


def thing_of(name: str) -> int:
    """What an icon of this name is of: a place in the classes of :data:`ICONS`, 0 for none of them."""
    words = set(name.split("-"))
    return next((i for i, said in enumerate(THINGS.values(), 1) if words & set(said.split())), 0)


def strokes_of(codes: np.ndarray) -> np.ndarray:
    """Codes uint8 (T,3) as float32 (n,3): steps dx, dy of the box from point to point, the first from its middle, and pen up.

    Pen up is 1 where no line is drawn from a point.
    """
    ended = np.flatnonzero(codes[:, 2] == 0)
    codes = codes[: ended[0]] if len(ended) else codes
    points = (codes[:, :2].astype(np.float32) - MARGIN) / SIDE
    steps = np.diff(points, axis=0, prepend=np.full((1, 2), 0.5, np.float32))
    begins = np.append(codes[1:, 2] == 1, True) if len(codes) else np.zeros(0, bool)
    return np.concatenate([steps, begins[:, None].astype(np.float32)], 1)


def codes_of(strokes: np.ndarray) -> np.ndarray:
    """The way back: float32 (n,3), n at most :data:`MOST_POINTS`, as codes uint8 (MOST_POINTS,3); what leaves the page is cut.

    A step that is not a number ends the drawing.
    """
    strokes = strokes[np.isfinite(strokes).all(1).cumprod().astype(bool)][:MOST_POINTS]
    codes = np.zeros((MOST_POINTS, 3), np.uint8)
    points = np.cumsum(strokes[:, :2].astype(np.float64), 0) + 0.5
    codes[: len(points), :2] = np.clip(np.rint(MARGIN + SIDE * points), 0, 255)
    up = strokes[:, 2] > 0.5
    codes[: len(points), 2] = np.where(np.concatenate([[True], up[:-1]]), 1, 2)[: len(points)]
    return codes


def picture(codes: np.ndarray, side: int = 64) -> np.ndarray:
    """A drawing uint8 (T,3) in black on white, uint8 (side, side, 1), with smooth edges."""
    from PIL import Image, ImageDraw

    times = 4
    sheet = Image.new("L", (side * times, side * times), 255)
    pen = ImageDraw.Draw(sheet)
    scale, wide = side * times / (SIDE + MARGIN), max(round(side * times / 28), 1)
    points = [tuple((codes[i, :2].astype(float) - MARGIN / 2) * scale) for i in range(len(codes))]
    for i in range(1, len(codes)):
        if codes[i, 2] == 0:
            break
        if codes[i, 2] == 2:
            pen.line([points[i - 1], points[i]], fill=0, width=wide, joint="curve")
            for x, y in points[i - 1 : i + 1]:  # round ends, and dots
                pen.ellipse([x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2], fill=0)
    return np.asarray(sheet.resize((side, side), Image.Resampling.LANCZOS))[..., None].copy()


@lru_cache(maxsize=1)
def _read() -> tuple[np.ndarray, list[str]]:
    folder = paths.folder("assets") / "icons"
    with np.load(folder / "drawings.npz", allow_pickle=False) as kept:
        codes, lengths = kept["codes"], kept["lengths"].astype(int)
    names = json.loads((folder / "index.json").read_text())["names"]
    every = np.zeros((len(names), 1, MOST_POINTS, 3), np.uint8)
    there = np.arange(MOST_POINTS)[None] < lengths[:, None]
    every[:, 0][there] = codes
    return every, names


def _side(name: str) -> str:
    number = hashlib.blake2b(name.encode(), digest_size=2).digest()
    place = int.from_bytes(number, "big") % 100
    return next((split for split, places in _SHARES.items() if place in places), "train")
