"""A run as a moving picture: GIF, animated WebP, and MP4 where ``imageio-ffmpeg`` is installed (the extra ``mp4``).

Nothing here knows Qt, so that a thread of its own can write while the window goes on; ``tick`` is called all the while
with the share that is done, and may raise to give up: then no file is left, and an older one stays.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from playground import paths
from playground.export import gif, webp

Tick = Callable[[float], object]
MOST_FRAMES = 240  # longer runs are thinned
HUNDREDTH = 0.01  # of a second: in these GIF counts how long a frame stands
SHORTEST = 4  # of them: 25 frames a second
REST = 1.5  # seconds for which the result stands before the animation begins again


def kinds() -> dict[str, str]:
    """Ending -> name of what can be written here."""
    known = {".gif": "GIF", ".webp": "animated WebP"}
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        known[".mp4"] = "MP4"
    return known


def thinned(count: int, most: int = MOST_FRAMES) -> list[int]:
    """At most so many of ``range(count)``, evenly and always with the last one."""
    stride = -(-count // most)
    return list(range(count))[::-1][::stride][::-1]


def paced(count: int, tick: float, pace: float) -> tuple[list[int], float]:
    """Which of ``count`` moments, ``tick`` seconds apart, make an animation that keeps their time, and its frames per second.

    Every frame stands for a whole number of hundredths of a second, so that no kind of animation has to round.

    Args:
        pace: 1 as it was, 2 twice as fast.
    """
    for stride in itertools.count(1):
        held = stride * tick / pace / HUNDREDTH
        whole = round(held) >= SHORTEST and abs(held - round(held)) < 1e-6
        if whole and -(-count // stride) <= MOST_FRAMES:
            return list(range(count))[::-1][::stride][::-1], 1 / (round(held) * HUNDREDTH)
    raise AssertionError("unreachable")


def write(
    path: Path,
    sheets: Iterable[np.ndarray],
    count: int,
    frames_per_second: float,
    tick: Tick = lambda share: None,
    settings: str = "",
) -> None:
    """Write ``count`` sheets, uint8 (H,W) or (H,W,3) of one size, as the kind of animation that the name ends in.

    ``settings``: a text that the film keeps inside (see ``picture_metadata``).

    Raises:
        ValueError: if there is no such kind.
        OSError: if there is no space or no right to write there.
    """
    kind = path.suffix.lower()
    if kind not in kinds():
        raise ValueError(f"An animation ends in {', '.join(kinds())}, not {path.suffix!r}.")
    with paths.replacing(path) as partial:
        if kind == ".mp4":
            _write_mp4(partial, sheets, count, frames_per_second, tick, settings)
        else:
            write_frames = gif.write if kind == ".gif" else webp.write
            with partial.open("wb") as file:
                write_frames(file, _ticking(sheets, count, tick), _times(count, frames_per_second), settings)


def _times(count: int, rate: float) -> list[int]:
    """How long each frame stands, in milliseconds; the last is the result."""
    return [round(1000 / rate)] * (count - 1) + [round(1000 * REST)]


def _ticking(sheets: Iterable[np.ndarray], count: int, tick: Tick) -> Iterator[np.ndarray]:
    for i, sheet in enumerate(sheets):
        tick(i / count)
        yield sheet


def _write_mp4(
    partial: Path, sheets: Iterable[np.ndarray], count: int, rate: float, tick: Tick, settings: str
) -> None:
    import imageio_ffmpeg

    writer = None
    try:
        for i, sheet in enumerate(sheets):
            tick(i / count)
            colours = sheet if sheet.ndim == 3 else np.repeat(sheet[..., None], 3, axis=2)
            even = np.pad(colours, ((0, sheet.shape[0] % 2), (0, sheet.shape[1] % 2), (0, 0)), mode="edge")
            if writer is None:
                writer = imageio_ffmpeg.write_frames(
                    str(partial),
                    even.shape[1::-1],
                    fps=rate,
                    codec="libx264",
                    quality=8,
                    macro_block_size=2,
                    ffmpeg_log_level="error",
                    output_params=["-f", "mp4", *(["-metadata", f"comment={settings}"] if settings else [])],
                )
                writer.send(None)
            times = 1 if i < count - 1 else max(round(rate * REST), 1)
            for _ in range(times):
                writer.send(np.ascontiguousarray(even))
    finally:
        if writer is not None:
            writer.close()
