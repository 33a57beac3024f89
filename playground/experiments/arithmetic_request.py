"""What is asked of arithmetic with latents; apart from the sums themselves, so that a window can show its knobs before torch is there."""

from __future__ import annotations

from dataclasses import dataclass

from playground.contract import knob
from playground.experiments.completion_request import FillRequest

LETTERS = ("A", "B", "C")  # the three pictures


@dataclass(frozen=True)
class ArithmeticRequest(FillRequest):
    """How much of C - B is added to A, and how far along the way from one class's mean latent to another's."""

    weight: float = knob(
        1.0,
        label="weight of C − B",
        low=-2.0,
        high=2.0,
        step=0.05,
        help="How much of the difference between C and B is added to A: 0 is A alone, 1 the whole of it.",
    )
    amount: float = knob(
        0.0,
        label="class direction",
        low=-2.0,
        high=2.0,
        step=0.05,
        help="How far the sum is moved from the mean latent of one class towards that of another: 1 is the whole way between the means.",
    )
    from_class: int = knob(
        0, label="from class", low=0, choices="classes", help="Where the direction begins."
    )
    to_class: int = knob(3, label="to class", low=0, choices="classes", help="Where the direction leads.")
    num_samples: int = 1
