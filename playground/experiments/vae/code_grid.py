"""A picture as a grid of code numbers, any of which can be changed: for any model that tokenizes (``capabilities.Tokenizes``).

What the entries near a chosen one would do in its place is decoded too: neighbours in the codebook look alike.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from playground import data, numerals
from playground.capabilities import Tokenizes
from playground.contract import Frame, Request, State, knob, make_request
from playground.models.blocks import to_uint8

NUM_NEAREST = 8  # entries that are shown beside the chosen one
Position = tuple[int, int, int]  # row, column, level
_STARTS: weakref.WeakKeyDictionary[Any, tuple[Any, np.ndarray, np.ndarray]] = weakref.WeakKeyDictionary()


class HasCodebook(Tokenizes, Protocol):
    """The entries behind the codes are there to be looked at; of a model built on a tokenizer they are that one's."""

    @property
    def quantizer(self) -> Any:
        """Its ``codebook`` (levels,num_codes,code_dim) and their ``usage`` (levels,num_codes)."""


@dataclass(frozen=True)
class CodesRequest(Request):
    """Where the codes come from, which were changed, and which is looked at."""

    start: str = knob(
        "image",
        label="start",
        choices=(("image", "test image"), ("sample", "sample")),
        help="Whose codes these are: those of a test image, or those of a sample of this model.",
    )
    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is encoded.",
    )
    place: str = knob(
        "4,4,1", label="place", help="The code that is looked at, as row,column,level; the first are 1."
    )
    moved: str = knob(
        "",
        label="moved",
        help="The codes that were changed, as row,column,level=code with semicolons between.",
    )
    num_samples: int = 1


def read_place(text: str, shape: tuple[int, ...]) -> Position:
    """``"4,4,1"`` -> (3, 3, 0).

    Raises:
        ValueError: one sentence, if it is not a place of a grid of this shape.
    """
    try:
        row, column, level = (numerals.parse(int, part) - 1 for part in numerals.split(text, int))
    except ValueError:
        raise ValueError(f"A code's place is written like 4,4,1, not {text[:40]!r}.") from None
    if not all(0 <= n < size for n, size in zip((row, column, level), shape, strict=True)):
        raise ValueError(f"There is no code at {text[:40]}: rows, columns and levels are {shape}.")
    return row, column, level


def write_place(place: Position) -> str:
    """The inverse of :func:`read_place`."""
    return ",".join(str(n + 1) for n in place)


def read_moves(text: str, shape: tuple[int, ...], num_codes: int) -> dict[Position, int]:
    """``"4,4,1=17; 1,1,2=3"`` -> place -> code.

    Raises:
        ValueError: one sentence, for anything else, or a place or a code that is not there.
    """
    moves: dict[Position, int] = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        place, _, code = part.partition("=")
        if not code.isdecimal() or int(code) >= num_codes:
            raise ValueError(
                f"A changed code is written like 4,4,1=17, below {num_codes}, not {part[:40]!r}."
            )
        moves[read_place(place, shape)] = int(code)
    return moves


def write_moves(moves: Mapping[Position, int]) -> str:
    """The inverse of :func:`read_moves`, the places in order."""
    return "; ".join(f"{write_place(p)}={moves[p]}" for p in sorted(moves))


@torch.no_grad()
def change_codes(model: HasCodebook, request: CodesRequest, resume: State | None = None) -> Iterator[Frame]:
    """The picture of the codes as they were changed, and then what the entries near the chosen one would make of it.

    Extras: ``codes`` and ``start`` int64 (1,*code_shape), ``origin`` uint8 (1,H,W,C) that was started from, ``usage`` float32
    (levels,num_codes), and in the second frame ``nearest`` int64 (n,), the entries nearest to the chosen one (itself the
    first) and ``decoded`` uint8 (n,H,W,C), the picture with each of them in its place.
    """
    start, origin = _start_kept(model, request)
    codes = start.copy()
    for place, code in read_moves(request.moved, model.code_shape, model.num_codes).items():
        codes[0][place] = code
    usage = model.quantizer.usage.float().cpu().numpy()
    extras = {"codes": codes, "start": start, "origin": origin, "usage": usage}
    images = _decoded(model, codes)
    yield Frame(1, 2, 1, images, dict(extras))
    row, column, level = read_place(request.place, model.code_shape)
    near = nearest_entries(model, int(codes[0, row, column, level]), level)
    others = codes.repeat(len(near), 0)
    others[:, row, column, level] = near
    yield Frame(
        2, 2, 2, images, {**extras, "nearest": near, "decoded": _decoded(model, others)}, {"codes": codes}
    )


def nearest_entries(model: HasCodebook, code: int, level: int) -> np.ndarray:
    """The ``NUM_NEAREST`` entries of a level's codebook nearest to ``code``, which is the first: int64."""
    book = model.quantizer.codebook[level]
    distance = (book - book[code]).square().sum(1)
    distance[code] = -1.0  # a twin does not go before it
    return distance.argsort(stable=True)[:NUM_NEAREST].cpu().numpy()


def _decoded(model: HasCodebook, codes: np.ndarray) -> np.ndarray:
    return to_uint8(model.decode_codes(torch.from_numpy(codes).to(model.quantizer.codebook.device)))


def _start_kept(model: HasCodebook, request: CodesRequest) -> tuple[np.ndarray, np.ndarray]:
    """The codes at the start and their picture; found once, since every change of a code asks for them."""
    key = (request.start, request.index if request.start == "image" else request.seed)
    if model not in _STARTS or _STARTS[model][0] != key:
        _STARTS[model] = key, *_start(model, request)
    return _STARTS[model][1:]


def _start(model: HasCodebook, request: CodesRequest) -> tuple[np.ndarray, np.ndarray]:
    if request.start == "image":
        image = data.load(model.card.dataset, "test")[0][request.index : request.index + 1]
        x = torch.from_numpy(image.transpose(0, 3, 1, 2).copy()).to(model.quantizer.codebook.device)
        return model.encode_codes(x).cpu().numpy(), image
    for frame in model.sample(make_request(model.Request, {"seed": request.seed, "num_samples": 1})):
        last = frame
    return last.extras["codes"], last.images
