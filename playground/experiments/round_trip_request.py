"""What is asked of a round trip; apart from the ways themselves, so that a window can show its knobs before torch is there."""

from __future__ import annotations

from dataclasses import dataclass

from playground.experiments.completion_request import FillRequest

ERROR_TIMES = 4  # so much brighter is the picture of the error


@dataclass(frozen=True)
class RoundTripRequest(FillRequest):
    """How many steps an inversion or a search takes, and from where a search begins."""

    num_samples: int = 1
