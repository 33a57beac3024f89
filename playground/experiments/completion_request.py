"""What is asked of a completion; apart from the ways themselves, so that a window can show its knobs before torch is there."""

from __future__ import annotations

from dataclasses import dataclass

from playground.contract import Request, knob


@dataclass(frozen=True)
class FillRequest(Request):
    """How often the unknown part is filled in, and with which noise."""

    effort: float = knob(
        1.0,
        label="effort",
        low=0.05,
        high=4.0,
        log=True,
        help="How many steps are taken, as a multiple of what each family usually takes. Who draws each pixel once takes as many as there are.",
    )
    num_samples: int = knob(
        4, label="num_samples", low=1, high=16, help="How many fillings are made side by side."
    )
