"""What a run has made at its end, by modality, and the file it is kept in: pictures are for ``picture_metadata``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from playground import paths
from playground.contract import Frame
from playground.data import characters
from playground.data.modality import Modality
from playground.export import strokes_svg, wav

# the view that shows a run of the sampler again, by what it makes
VIEWS = {
    Modality.TEXT: "Write",
    Modality.SOUND: "Speak",
    Modality.STROKES: "Draw",
    Modality.CONTROL: "Controller",
}
STROKES = "strokes"  # the extra of a frame that holds them, float32 (B,T,3)


def of_run(frames: Sequence[Frame], modality: Modality) -> np.ndarray:
    """What a drained run has made.

    Returns:
        pictures uint8 (B,H,W,C); texts and sounds uint8 (B,1,T,1); strokes float32 (B,T,3); a drive uint8 (B,T,H,W,C).
    """
    if modality is Modality.CONTROL:
        return np.stack([frame.images for frame in frames if frame.step > 0], 1)
    if modality is Modality.STROKES:
        return np.asarray(frames[-1].extras[STROKES], np.float32)
    return frames[-1].images


def joined(parts: Sequence[np.ndarray], modality: Modality) -> np.ndarray:
    """Runs of several batches as one; strokes of fewer steps are filled with what is not a number (the drawing has ended)."""
    if modality is Modality.STROKES:
        longest = max(part.shape[1] for part in parts)
        fill = [((0, 0), (0, longest - part.shape[1]), (0, 0)) for part in parts]
        parts = [np.pad(p, f, constant_values=np.nan) for p, f in zip(parts, fill, strict=True)]
    return np.concatenate(parts)


def write(path: Path, made: np.ndarray, settings: str = "") -> None:
    """Write what :func:`of_run` gave as the kind of file that the name ends in, in one atomic step.

    Args:
        settings: a text that the file keeps inside, where its kind can (WAV, SVG).

    Raises:
        ValueError: if there is no such kind.
        OSError: if there is no space or no right to write there.
    """
    if path.suffix == ".wav":
        return wav.write(path, made, settings)
    if path.suffix == ".svg":
        return strokes_svg.write(path, made, settings)
    if path.suffix == ".txt":
        content = (
            "\n\n* * *\n\n".join(characters.text_of(codes) for codes in made[:, 0, :, 0]).encode() + b"\n"
        )
    elif path.suffix == ".npy":
        written = io.BytesIO()  # numpy itself would not say why a file could not be written
        np.save(written, made)
        content = written.getvalue()
    else:
        raise ValueError(f"Samples cannot be written as {path.suffix!r}.")
    with paths.replacing(path) as partial:
        partial.write_bytes(content)
