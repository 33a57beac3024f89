"""Texts as numbers: a text is a picture of one line, uint8 (1,T,1), of the ASCII codes of its characters; 0 is "nothing yet".

No torch.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

WINDOW = 256  # characters of a training example


def codes_of(text: str) -> np.ndarray:
    """ASCII codes, uint8 (len(text),).

    Raises:
        ValueError: one sentence, for a character that has none.
    """
    try:
        return np.frombuffer(text.encode("ascii"), np.uint8)
    except UnicodeEncodeError as error:
        raise ValueError(f"The text holds {text[error.start]!r}: plain ASCII is read here.") from None


def text_of(codes: np.ndarray) -> str:
    """The inverse of :func:`codes_of`; what is not written yet (0) is left out."""
    return bytes(codes[codes > 0].astype(np.uint8)).decode("ascii", "replace")


def windows(texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Stretches of :data:`WINDOW` characters that follow each other, uint8 (N,1,WINDOW,1); labels are all 0, int64 (N,)."""
    codes = codes_of("\n\n".join(texts))
    count = len(codes) // WINDOW
    return codes[: count * WINDOW].reshape(count, 1, WINDOW, 1), np.zeros(count, np.int64)
