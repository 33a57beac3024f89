"""Pictures as numpy arrays turned into QImages, without a copy per picture: the arithmetic under the image widgets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtGui import QImage

_UNKNOWN = (0xFF2C323B, 0xFF252A32)  # two tones of a checker: a colder grey than any pixel of a grey picture


def check_pictures(images: np.ndarray) -> None:
    """Pictures are uint8 (B,H,W,C) with C 1 or 3.

    Raises:
        ValueError: one sentence, if these are not.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        raise ValueError(f"Pictures are uint8 (B, H, W, 1 or 3), not {images.dtype} {images.shape}.")


def argb(images: np.ndarray) -> np.ndarray:
    """uint8 (B,H,W,C) with C 1 or 3 -> uint32 (B,H,W), opaque ARGB.

    Raises:
        ValueError: if the array is not of that kind.
    """
    check_pictures(images)
    if images.shape[3] == 1:
        out: np.ndarray = images[..., 0].astype(np.uint32)
        out *= 0x010101
    else:
        wide = images.astype(np.uint32)
        out = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return out | np.uint32(0xFF000000)


def hatch(pictures: np.ndarray, known: np.ndarray) -> None:
    """Cover what is not yet known, in place: ``pictures`` (B,H,W) ARGB, ``known`` bool (H,W) or (B,H,W)."""
    np.copyto(pictures, _checker(*pictures.shape[1:]), where=~known)


@lru_cache(maxsize=4)
def _checker(height: int, width: int) -> np.ndarray:
    rows, columns = np.indices((height, width), dtype=np.uint8)
    return np.where((rows + columns) % 2, np.uint32(_UNKNOWN[0]), np.uint32(_UNKNOWN[1]))


def sheet(pictures: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Lay (B,H,W) ARGB out in rows of ``columns``, transparent gaps of ``gap`` source pixels between."""
    b, h, w = pictures.shape
    rows = -(-b // columns)
    out = np.zeros((rows, h + gap, columns, w + gap), np.uint32)
    full = b // columns
    head = pictures[: full * columns].reshape(full, columns, h, w)
    out[:full, :h, :, :w] = head.transpose(0, 2, 1, 3)
    rest = b - full * columns
    if rest:
        out[full, :h, :rest, :w] = pictures[full * columns :].transpose(1, 0, 2)
    flat = out.reshape(rows * (h + gap), columns * (w + gap))
    return np.ascontiguousarray(flat[: rows * (h + gap) - gap, : columns * (w + gap) - gap])


def qimage(pixels: np.ndarray) -> QImage:
    """A QImage over (H,W) uint32 ARGB; it keeps the array alive by copying it once."""
    h, w = pixels.shape
    return QImage(pixels.data, w, h, 4 * w, QImage.Format.Format_ARGB32_Premultiplied).copy()


def column(images: np.ndarray, known: np.ndarray | None, count: int, times: int) -> QImage:
    """The first ``count`` pictures of uint8 (B,H,W,C) one under the other, every pixel ``times`` as wide and high.

    Args:
        known: bool (H,W) or (B,H,W); the rest is hatched.  None shows everything.
    """
    pictures = argb(images[:count])
    if known is not None:
        hatch(pictures, known if known.ndim == 2 else known[:count])
    height, width = pictures.shape[1:]
    image = qimage(pictures.reshape(-1, width))
    return image if times == 1 else image.scaled(width * times, len(pictures) * height * times)


def array(image: QImage) -> np.ndarray:
    """A QImage as uint8 (H,W,3)."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()


def picture(pixels: np.ndarray) -> QImage:
    """uint8 (H,W) or (H,W,3) as a QImage of its own."""
    solid = np.ascontiguousarray(pixels)
    kind = QImage.Format.Format_Grayscale8 if solid.ndim == 2 else QImage.Format.Format_RGB888
    return QImage(solid.data, solid.shape[1], solid.shape[0], solid.strides[0], kind).copy()


def array_of(image: QImage) -> np.ndarray:
    """The pixels of an image with their opacity, uint8 (H,W,4)."""
    plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 4 * plain.width()].reshape(plain.height(), plain.width(), 4).copy()
