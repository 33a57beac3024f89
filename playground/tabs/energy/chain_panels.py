"""What a chain looks like beside what each step saw or aimed at."""

from __future__ import annotations

import numpy as np

from playground.contract import Frame


def panels_of(frame: Frame) -> list[tuple[str, np.ndarray]]:
    """The states, beside what the step saw or aimed at where the model tells."""
    if "corrupted" in frame.extras:
        seen = frame.extras["corrupted"]
        return [("restored: the mean of P(x)", frame.images), ("corrupted: what it saw", seen)]
    if "denoised" in frame.extras:
        aim = frame.extras["denoised"]
        return [("the chain, at its level of noise", frame.images), ("denoised: where downhill led", aim)]
    return [("", frame.images)]
