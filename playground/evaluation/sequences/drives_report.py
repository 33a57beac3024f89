"""The README's table of world models.  No torch."""

from __future__ import annotations

from collections.abc import Iterable

from playground.checkpoints import Card

_ROWS = (  # metric, title, what stands beside it and how it is called
    ("nats_per_frame", "nats a frame, given those before (bound)", (("prior", "V alone"), ("last_frame", "the last frame again"))),
    ("ten_ahead", "ten frames ahead, squared grey levels", (("last_frame", "the last frame again"),)),
    ("controller", "controller, units of road a frame", (("world", "on real tracks"), ("by_chance", "steered by chance there"))),
)  # fmt: skip


def tables(cards: Iterable[Card]) -> list[str]:
    """One table for each world model that was measured, in Markdown."""
    found = []
    for card in cards:
        measured = [row for row in _ROWS if row[0] in card.metrics]
        if not measured:
            continue
        lines = [f"| `{card.id}` | measured | beside it |", "| --- | --- | --- |"]
        for name, title, peers in measured:
            figure = card.metrics[name]
            error = f" ± {figure['standard_error']:,.1f}" if figure["standard_error"] else ""
            beside = ", ".join(f"{said} {_number(figure[peer])}" for peer, said in peers if peer in figure)
            lines.append(f"| {title} | {_number(figure['value'])}{error} | {beside} |")
        found.append("\n".join(lines))
    return found


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
