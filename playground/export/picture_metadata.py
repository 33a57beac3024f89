"""What a kept picture carries inside: everything that is needed to make it again, as JSON in a PNG text chunk.

A file comes from anywhere, so reading trusts nothing: the picture itself is never decoded, sizes are bounded, and every
refusal is one sentence (:class:`PictureMetadataError`).  No torch, no Qt: the window and the command line share it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import playground
from playground import contract, earlier_names, paths
from playground.contract import Request
from playground.export import embedded_text

if TYPE_CHECKING:  # the window reads what it showed last before numpy is imported
    import numpy as np

PICTURES = (".png", ".jpg", ".jpeg", ".webp")  # what :func:`save` writes
_LONGEST_IN_JPEG = 65_533  # bytes of a comment
KEYWORD = "generative-playground"  # of the text chunk
_BEGINS = '{"program": "Generative Playground"'  # every text of settings


class PictureMetadataError(ValueError):
    """A picture that cannot be opened, said in one sentence."""


@dataclass(frozen=True)
class PictureMetadata:
    """The complete settings of a picture.  All of it is plain JSON."""

    family: str  # the tab
    model: str  # id of the checkpoint
    weights: str  # hash of its weights
    view: str
    settings: dict[str, Any]  # every knob, the seed included
    step: int | None = None  # where in the run; None is its end
    head: int | None = None  # how far the run had come
    # what the view adds: edited pixels, a branch, a pointer
    state: dict[str, Any] = field(default_factory=dict)
    precision: str = ""  # in which the sampler ran, where there is a choice
    count: int | None = None  # pictures in the file, where that is more than a window shows
    version: str = playground.__version__

    def to_json(self) -> str:
        """The text that stands in the picture."""
        return json.dumps({"program": "Generative Playground", **dataclasses.asdict(self)}, allow_nan=False)


# --- files


def save_png(path: Path, pixels: np.ndarray, kept: PictureMetadata) -> None:
    """Write uint8 (H,W) or (H,W,3) with its settings, in one atomic step.

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(KEYWORD, kept.to_json())
    with paths.replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG", pnginfo=info)


def save(path: Path, pixels: np.ndarray, kept: PictureMetadata) -> None:
    """As :func:`save_png`, in the format that the name ends in: PNG, JPEG (nearly lossless) or WebP (lossless).

    Raises:
        ValueError: one sentence, for another ending, or for settings that are longer than a JPEG can keep.
        OSError: as :func:`save_png`.
    """
    kind = path.suffix.lower()
    if kind == ".png":
        save_png(path, pixels, kept)
        return
    if kind not in PICTURES:
        raise ValueError(f"a picture ends in {', '.join(PICTURES)}, not {path.suffix!r}")
    from PIL import Image

    text = kept.to_json().encode()
    if kind != ".webp" and len(text) > _LONGEST_IN_JPEG:
        raise ValueError("its settings are longer than a JPEG can keep; PNG and WebP keep them")
    how: dict[str, Any] = {"format": "JPEG", "quality": 95, "subsampling": 0, "comment": text}
    if kind == ".webp":
        how = {"format": "WEBP", "lossless": True, "xmp": text}
    with paths.replacing(path) as partial:
        Image.fromarray(pixels).save(partial, **how)


def read(path: Path) -> PictureMetadata:
    """The settings inside a picture or film.

    Raises:
        PictureMetadataError: one sentence, if there are none or something is wrong with them.
    """
    try:
        text = embedded_text.find(path, KEYWORD, _BEGINS)
    except embedded_text.EmbeddedTextError as error:
        raise PictureMetadataError(str(error)) from None
    return from_json(text, path.name)


# --- the JSON inside


def from_json(text: bytes | str, name: str) -> PictureMetadata:
    """Read and check settings; ``name`` is what the sentence calls the file.

    Raises:
        PictureMetadataError: one sentence.
    """
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise PictureMetadataError(f"The settings in {name} are not JSON.") from None
    if not isinstance(found, dict):
        raise PictureMetadataError(f"The settings in {name} are not a table.")
    for one in dataclasses.fields(PictureMetadata):
        optional = one.name in ("step", "head", "state", "precision", "count")
        if one.name not in found and not optional:
            raise PictureMetadataError(f"The settings in {name} lack {one.name!r}.")
        if one.name in found and not _fits(one.name, found[one.name]):
            raise PictureMetadataError(f"The settings in {name} have an impossible value for {one.name!r}.")
    found["settings"] = earlier_names.settings(found["settings"])
    return PictureMetadata(
        **{f.name: found[f.name] for f in dataclasses.fields(PictureMetadata) if f.name in found}
    )


def _refuse_constant(word: str) -> None:
    raise ValueError(word)


def _fits(name: str, value: Any) -> bool:
    if name in ("step", "head", "count"):
        return value is None or (type(value) is int and 0 <= value <= 10**9)
    if name == "settings":
        plain = isinstance(value, dict) and len(value) <= 100
        return plain and all(isinstance(v, str | int | float | bool) for v in value.values())
    if name == "state":
        return isinstance(value, dict)
    pattern = {
        "weights": r"[0-9a-f]{0,64}",
        "model": r"[a-z0-9]+(-[a-z0-9]+)+",
        "family": r"[a-z_]{1,40}",
        "precision": r"[a-z0-9]{0,10}",
    }
    return isinstance(value, str) and bool(re.fullmatch(pattern.get(name, r"[^\n]{1,100}"), value))


# --- from settings to what a view works with


def request_of(kind: type[Request], settings: Mapping[str, Any], num_classes: int) -> Request:
    """A request from kept settings: nothing is parsed or rounded, and a class must be one of the model's.

    Raises:
        ValueError: one sentence.
    """
    for one in contract.knobs(kind):
        value: Any = settings.get(one.name, one.default)
        wanted: Any = (int, float) if one.type is float else one.type
        if not isinstance(value, wanted) or (isinstance(value, bool) and one.type is not bool):
            raise ValueError(f"{one.name} cannot be {str(value)[:40]!r}.")
        if one.choices == "classes" and not contract.EACH_CLASS <= int(value) < num_classes:
            raise ValueError(f"There is no class number {value}: the model knows {num_classes}.")
    return contract.make_request(kind, settings)


def numbers(values: Any, shape: tuple[int | None, ...], low: float, high: float) -> np.ndarray:
    """A list of lists of numbers as a float64 array, for ``View.checked``; None in ``shape`` is any length to 10,000.

    Raises:
        ValueError: one sentence, if it is anything else.
    """
    import numpy as np

    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("Its view was given something that is not numbers.") from None
    fits = array.ndim == len(shape) and all(
        n == wanted or (wanted is None and n <= 10_000) for n, wanted in zip(array.shape, shape, strict=True)
    )
    if array.size == 0 and None in shape:
        return np.zeros([0 if n is None else n for n in shape])
    if not fits or not ((array >= low) & (array <= high)).all():
        raise ValueError(f"Its view was given numbers that do not fit ({low:g} to {high:g} were expected).")
    return array


# --- as Python


def snippet(
    source: str,
    request: Request,
    model_request: type[Request],
    imports: Sequence[str],
    made_by: str,
    run: str,
    step: int | None,
    precision: str = "",
    saves: bool = True,
) -> str:
    """A program that makes the picture without a window.

    Args:
        source: what ``playground.load`` takes.
        model_request: the model's own request type, which needs no import.
        imports: lines that ``run`` and ``made_by`` need.
        made_by: an expression for the request's type, "" if it is the model's own or can be imported.
        run: an expression over ``model`` and ``request``: a generator of frames.
        step: where to stop, None for the end.
        precision: in which the sampler runs, if it is not the usual one.
        saves: it also writes the pictures into a file.
    """
    kind = type(request)
    settings = ", ".join(f"{name}={value!r}" for name, value in contract.settings_of(request).items())
    if not made_by and kind is model_request:
        made_by = "model.Request"
    elif not made_by:
        made_by = kind.__qualname__
        imports = [*imports, f"from {kind.__module__} import {kind.__qualname__}"]
    lines = ["import playground", *dict.fromkeys(imports), "", f"model = playground.load({source!r})"]
    lines += [f"model.set_precision({precision!r})"] * (precision == "bf16")
    lines += [f"request = {made_by}({settings})", f"for frame in {run}:"]
    lines += ["    pass"] if step is None else [f"    if frame.step == {step}:", "        break"]
    lines.append("images = frame.images  # uint8 (B, H, W, C)")
    if saves:
        lines += ["", "from PIL import Image", "from playground.export.contact_sheet import tile", ""]
        lines.append('Image.fromarray(tile(images).squeeze()).save("picture.png")')
    return "\n".join(lines) + "\n"
