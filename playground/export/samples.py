"""What a run has made at its end, by modality, and the file it is kept in: pictures are for ``picture_metadata``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from playground import paths
from playground.contract import Frame
from playground.data import characters, mu_law
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
KINDS = {".wav": "WAV, a sound", ".svg": "SVG, lines", ".txt": "plain text", ".npy": "NumPy array"}


@dataclass(frozen=True, eq=False)
class Samples:
    """What a run has made up to one of its moments; ``made`` as :func:`of_run` says."""

    modality: Modality
    made: np.ndarray

    @property
    def kinds(self) -> dict[str, str]:
        """Names of the files that it can be written as, with words; pictures have a page of their own."""
        return {ending: KINDS[ending] for ending in self.modality.endings if ending in KINDS}

    def facts(self, ending: str) -> str:
        """What such a file will hold."""
        count = len(self.made)
        if ending == ".npy":
            return f"{self.made.dtype} ({', '.join(map(str, self.made.shape))})"
        if self.modality is Modality.SOUND:
            seconds = self.made.shape[2] / mu_law.RATE
            return f"{count} × {seconds:.3f} s, 16-bit PCM, mono, 8 kHz, with its complete settings inside"
        if self.modality is Modality.STROKES:
            lines = sum(len(strokes_svg.polylines(one)) for one in self.made)
            drawings = f"{count} drawing{'s' * (count > 1)}"
            return f"{drawings} of {lines} lines in all, with the complete settings inside"
        return f"{count} text{'s' * (count > 1)} of {self.made.shape[2]:,} characters"


def until(frames: Sequence[Frame], modality: Modality) -> Samples | None:
    """What the last of these frames shows as samples, where it is such (a grid of knobs of a sound is pictures); else None.

    Args:
        frames: a run from its beginning.
    """
    last = frames[-1]
    if modality is Modality.STROKES:
        return Samples(modality, of_run(frames, modality)) if STROKES in last.extras else None
    if modality is Modality.POINTS:
        return None
    if modality is Modality.CONTROL:
        drive = [frame for frame in frames if frame.step > 0]
        alike = drive and len({frame.images.shape for frame in drive}) == 1
        return Samples(modality, of_run(drive, modality)) if alike else None
    made = last.images
    if modality is not Modality.PICTURES:
        count = _come(last)
        if count is None or made.shape[1] != 1:
            return None
        made = made[:, :, :count]
    return Samples(modality, made) if made.size else None


def _come(frame: Frame) -> int | None:
    """How many characters or pressures there are by now, None of a frame that counts other things."""
    if "position" in frame.extras:
        return int(frame.extras["position"])
    return int(frame.extras["prompt_length"]) + frame.step if "prompt_length" in frame.extras else None


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
