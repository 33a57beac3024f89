"""What was measured of a checkpoint, in a few words.  Neither torch nor numpy: the window's menus show it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ESTIMATED_BOUND = "bound, with an estimated log Z"  # kind of a log-likelihood
PICTURES = "fidelity"  # the key in a ``.metrics.json`` under which the figures of drawn pictures stand


def in_short(metrics: Mapping[str, Any]) -> list[str]:
    """What was measured of a checkpoint in a few words: its likelihood, and how far its pictures are from real."""
    said = []
    if bits := metrics.get("bits_per_dim"):
        said.append(f"{bits['value']:.3f} bits/dim ({bits['kind']})")
    if bits := metrics.get("bits_per_char"):
        said.append(f"{bits['value']:.3f} bits/character ({bits['kind']})")
    if bits := metrics.get("bits_per_sample"):
        said.append(f"{bits['value']:.3f} bits/sample ({bits['kind']})")
    if share := metrics.get("named"):
        said.append(f"{share['value']:.0%} of its words are named right")
    if nats := metrics.get("nats_per_point"):
        said.append(f"{nats['value']:.2f} nats/point ({nats['kind']})".replace("-", "−"))
    if nats := metrics.get("log_likelihood"):
        said.append(f"{nats_text(nats)} (estimated, black and white)")
    quality = metrics.get(PICTURES, {}).get("quality")
    if quality:
        said.append(f"FID {quality['value']:.2f} (0 = real, 1 = blurred)")
    return said


def nats_text(figure: Mapping[str, Any]) -> str:
    """A log-likelihood, or a lower bound of it, with its standard error."""
    sign = "≥" if figure["kind"] == ESTIMATED_BOUND else "="
    return f"log p {sign} {figure['value']:.1f} ± {figure['standard_error']:.1f} nats".replace("-", "−")
