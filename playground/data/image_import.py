"""Any picture file as one picture of the data's size, grey or in colour, with a sentence about how it was converted.

A file comes from anywhere: only a few plain formats are tried, the size is looked at before a pixel is decoded, and
every refusal is one sentence.  No torch, no Qt.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageOps

from playground.data import file_kinds

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
ENDINGS = ("png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff", "pgm", "ppm")
MAX_FILE_BYTES = 64 * 2**20
MAX_PIXELS = 2**26
# of Pillow's formats: they start another program, or are names without a decoder
_LEFT_OUT = {"EPS", "WMF", "FPX", "MIC", "MPEG", "BUFR", "GRIB", "HDF5"}
_DETAIL = 4  # a JPEG may be decoded at a fraction of its size, if that is still so many times what is wanted
_BRIGHT = 127.5  # a border that is brighter than this on average is no garment's ground


Result = TypeVar("Result")


class PictureError(ValueError):
    """A file that is no picture, or none that is opened here, said in one sentence."""


@dataclass(frozen=True)
class Incoming:
    """A picture that came from outside.

    Attributes:
        pixels: uint8 (H,W,1), or (H,W,3) in colour.
        said: one sentence on how it was converted.
    """

    pixels: np.ndarray
    said: str


def read(path: Path, size: int = 28, colour: bool = False) -> Incoming:
    """A picture file of any size and mode as ``size`` x ``size`` grey levels, or colours.

    Raises:
        PictureError: one sentence.
    """
    return _opened(path, FORMATS, lambda image: convert(_loaded(image, path.name), path.name, size, colour))


def read_square(path: Path, size: int = 28, colour: bool = False) -> np.ndarray:
    """The middle of a picture in any format that Pillow reads: uint8 (size,size,1), or (size,size,3) in colour.

    Turned as its EXIF note says, cropped to a square and averaged down (or enlarged): nothing is laid around it.

    Raises:
        PictureError: one sentence.
    """
    return _opened(path, _every_format(), lambda image: _square(image, path.name, size, colour))


def _opened(path: Path, formats: Sequence[str], use: Callable[[Image.Image], Result]) -> Result:
    """What ``use`` makes of the picture in a file; whatever goes wrong is a :class:`PictureError`."""
    name = path.name
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PictureError(
                f"{name} is larger than {MAX_FILE_BYTES >> 20} MB, more than any picture opened here."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)  # small faults that Pillow reads past
            with Image.open(path, formats=list(formats)) as image:
                return use(image)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large(name)) from None
    except Image.UnidentifiedImageError:
        kind = file_kinds.kind_of(path)
        known = kind and kind not in file_kinds.OPENED
        what = f"is {file_kinds.article(kind)}" if known else "is not a picture"
        which = f": {', '.join(formats)} can be opened" if tuple(formats) == FORMATS else ""
        raise PictureError(f"{name} {what}{which}.") from None
    except OSError as error:
        said = error.strerror or "it is damaged or cut off"
        raise PictureError(f"{name} cannot be read: {said}.") from None
    except MemoryError:
        raise PictureError(f"There is not enough memory to open {name}.") from None
    except Exception:  # a decoder that trips over a hostile file may raise anything
        raise PictureError(f"{name} is damaged: it could not be decoded.") from None


@lru_cache
def _every_format() -> tuple[str, ...]:
    """What Pillow can decode here by itself."""
    Image.init()
    return tuple(sorted(set(Image.OPEN) - _LEFT_OUT))


def _square(image: Image.Image, name: str, size: int, colour: bool) -> np.ndarray:
    image.draft(
        None, (size * _DETAIL, size * _DETAIL)
    )  # only JPEG has such a way, which is many times quicker
    turned = ImageOps.exif_transpose(_loaded(image, name))
    flat, _ = _as_colours(turned) if colour else _as_grey(turned)
    side = min(flat.size)
    left, top = (flat.width - side) // 2, (flat.height - side) // 2
    how = Image.Resampling.BOX if side >= size else Image.Resampling.BICUBIC
    small = flat.resize((size, size), how, box=(left, top, left + side, top + side))
    return np.asarray(small).reshape(size, size, -1).copy()


def from_array(pixels: np.ndarray, name: str, size: int = 28, colour: bool = False) -> Incoming:
    """The same of pixels that are decoded already: uint8 (H,W) or (H,W,4), e.g. from the clipboard.

    Raises:
        PictureError: one sentence, if there are too many of them, or none.
    """
    if pixels.size == 0:
        raise PictureError(f"{name} holds no pixels.")
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        raise PictureError(_too_large(name))
    return convert(Image.fromarray(pixels), name, size, colour)


def convert(image: Image.Image, name: str, size: int = 28, colour: bool = False) -> Incoming:
    """The longer side averaged down or enlarged to ``size``: grey by luma over black, or in colour over white."""
    said = [f"{name}: {image.width} × {image.height} pixels"]
    if getattr(image, "n_frames", 1) > 1:
        said.append("the first of several pictures")
    turned = ImageOps.exif_transpose(image)
    if turned.size != image.size or image.getexif().get(0x0112, 1) != 1:
        said.append("turned as its EXIF note says")
    if colour:
        coloured, how = _as_colours(turned)
        fitted, fit = _fit(coloured, size, "white")
        return Incoming(fitted, "; ".join([*said, *how, *fit]) + ".")
    grey, how = _as_grey(turned)
    fitted, fit = _fit(grey, size)
    border = np.concatenate([fitted[0], fitted[-1], fitted[:, 0], fitted[:, -1]])
    bright = ", although its ground is bright" if border.mean() > _BRIGHT else ""
    return Incoming(fitted[..., None], "; ".join([*said, *how, *fit, f"not inverted{bright}"]) + ".")


def _loaded(image: Image.Image, name: str) -> Image.Image:
    if image.width * image.height > MAX_PIXELS:
        raise PictureError(_too_large(name))
    image.load()
    return image


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS >> 20} million pixels and is not opened."


def _as_grey(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """8-bit grey levels, and what had to be done."""
    how: list[str] = []
    if image.mode == "P":
        how.append("its palette looked up")
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image, words = _scaled(image)
        how.append(words)
    if image.mode == "1":
        how.append("black and white")
    if image.mode in ("RGB", "L", "1") and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        how.append("what is transparent laid over black")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    if image.mode not in ("L", "1"):
        image = image.convert("RGB")
        channels = np.asarray(image)
        coloured = bool((channels != channels[..., :1]).any())
        how.append("colours turned into grey by luma" if coloured else "grey already")
        image = image.convert("L") if coloured else Image.fromarray(np.ascontiguousarray(channels[..., 0]))
    return image.convert("L"), how or ["grey already"]


def _as_colours(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """8-bit red, green and blue, and what had to be done."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey, words = _scaled(image)
        return grey.convert("RGB"), [words]
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        clear = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, clear).convert("RGB"), ["what is transparent laid over white"]
    return image.convert("RGB"), []


def _scaled(image: Image.Image) -> tuple[Image.Image, str]:
    """More than 8 bits for each pixel, brought to 8."""
    values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=1e30, neginf=0.0)
    top = float(values.max(initial=0.0))
    if image.mode == "F":
        scale, words = (255.0, "fractions of 1 times 255") if top <= 1 else (1.0, "fractions rounded")
    else:
        deep = image.mode != "I" or top > 255
        scale, words = (255 / 65535, "16 bits brought to 8") if deep else (1.0, "whole numbers as they are")
    grey = np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
    return Image.fromarray(grey), words


def _fit(grey: Image.Image, size: int, ground: str = "black") -> tuple[np.ndarray, list[str]]:
    """uint8 (size,size) or (size,size,3): the whole picture in the middle of its ground."""
    if grey.size == (size, size):
        return np.asarray(grey).copy(), ["taken pixel for pixel"]
    longest = max(grey.size)
    inner = max(round(grey.width * size / longest), 1), max(round(grey.height * size / longest), 1)
    shown = inner[0] == inner[1] == size
    words = f"{'averaged down' if longest > size else 'enlarged'} to {inner[0]} × {inner[1]}"
    if longest == size:
        words = f"in the middle of {ground}"
    elif not shown:
        words += f" in the middle of {ground}"
    small: Any = grey if grey.size == inner else grey.resize(inner, Image.Resampling.BOX)
    field = np.full((size, size, *np.shape(small)[2:]), 0 if ground == "black" else 255, np.uint8)
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    field[top : top + inner[1], left : left + inner[0]] = np.asarray(small)
    return field, [words]
