"""What a result means: one sentence for each kind of view, computed from the figures that it shows.

Neither Qt nor torch.  Each function says nothing ("") where its figures allow no sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MUCH, LITTLE = 1.05, 0.95  # of the usual: between them a cost is as usual
CHANCE = 0.004  # an energy distance in the plane that 4,000 points cannot tell from 0
HARDLY, CLEARLY = 0.05, 0.3  # nats above the entropy
MOST_OF_A_FALL = 0.9


def cost(bits_per_dim: float, num_dims: int, kind: str, metrics: Mapping[str, Any]) -> str:
    """Of a picture that a likelihood was computed of, beside what test pictures cost on average.

    Args:
        kind: ``exact`` or ``bound``.
        metrics: of the model, where the average stands.
    """
    at_most = "at most " if kind == "bound" else ""
    said = f"a code made by this model writes it in {at_most}{bits_per_dim * num_dims / 8:,.0f} of {num_dims:,} bytes"
    usual = metrics.get("bits_per_dim", {}).get("value")
    if not usual:
        return f"{said}."
    times = bits_per_dim / usual
    if LITTLE < times < MUCH:
        return f"{said}, about as many as a test picture takes."
    much = (
        f"{times:.1f} times as many"
        if times >= 2
        else f"{abs(times - 1):.0%} {'more' if times > 1 else 'less'}"
    )
    return f"{said}, {much} {'as' if times >= 2 else 'than'} a test picture takes on average."


def reconstruction(off: float, num_codes: int, num_dims: int) -> str:
    """``off``: mean distance of a pixel from the original, in grey levels."""
    return f"{num_codes:,} numbers stand for {num_dims:,}; what comes back is off by {off:.1f} of 255 grey levels a pixel."


def round_trip(changed: int, spread: float) -> str:
    """``changed``: pixels that came back as others; ``spread``: the standard deviation of z."""
    lost = "nothing is lost" if changed == 0 else f"{changed} pixels came back as others"
    return f"{lost}, and z spreads by {spread:.2f}, where pure noise would spread by 1."


def copies(suspicious: int, samples: int) -> str:
    """Of samples beside their nearest training pictures."""
    if suspicious == 0:
        return f"none of these {samples} is suspiciously near to a training picture: no sign of copying."
    those = (
        "is so near to a training picture that it"
        if suspicious == 1
        else "are so near to training pictures that they"
    )
    return f"{suspicious} of these {samples} {those} may be copied."


def fall(steps: Sequence[int], energies: Sequence[float], total: int) -> str:
    """Of chains: their mean energy at the steps that are still known."""
    if len(energies) < 3 or steps[-1] != total:
        return ""
    down = energies[0] - energies[-1]
    if down <= 0:
        return f"the chains did not go downhill: their energy rose by {-down:.3g} nats."
    early = next(s for s, e in zip(steps, energies, strict=True) if energies[0] - e >= MOST_OF_A_FALL * down)
    return f"the energy fell by {down:.3g} nats, nine tenths of it in the first {early} of {total} steps."


def wandering(moved: Sequence[float]) -> str:
    """Of chains without an energy: mean change of a pixel in each step, in grey levels."""
    return (
        f"the chain never stands still: its last step changed a pixel by {moved[-1]:.1f} grey levels."
        if moved
        else ""
    )


def believed(probabilities: Sequence[float]) -> str:
    """Of generated pictures: how probably real each is to the discriminator."""
    fooled, count = sum(p > 0.5 for p in probabilities), len(probabilities)
    if count < 2:
        return ""
    share = fooled / count
    ends = (
        "it sees through most" if share < 1 / 3 else "most fool it" if share > 2 / 3 else "it can hardly tell"
    )
    return f"the discriminator takes {fooled} of these {count} for real: {ends}."


def separation(areas: Mapping[str, float]) -> str:
    """``areas``: kind of image -> probability that a random one has a higher energy than a random garment (AUC)."""
    if not areas:
        return ""
    worst = min(areas, key=lambda kind: areas[kind])
    higher = f"their energy is higher {areas[worst]:.0%} of the time"
    if areas[worst] < 0.5:
        return f"fooled: to this model {worst} are more plausible than garments ({higher})."
    return f"the hardest to tell from garments are {worst}: {higher}, and 50 % would be blind."


def first_stages(numbers: float, codes: float) -> str:
    """Mean peak signal-to-noise ratio of both, in dB."""
    (better, high), (worse, low) = sorted((("numbers", numbers), ("codes", codes)), key=lambda pair: -pair[1])
    return (
        f"what comes back from {worse} is {10 ** ((high - low) / 20):.1f} times as far off as from {better}."
    )


def plane(found: Mapping[str, Any], is_bound: bool) -> str:
    """Of a model in the plane: the figures of a moment."""
    said = []
    if "nll_minus_entropy" in found:
        nats = float(found["nll_minus_entropy"])
        how = "as good as perfect" if nats < HARDLY else "close" if nats < CLEARLY else "far from it"
        said.append(
            f"{'at most ' if is_bound else ''}{nats:.2f} nats a point above the best possible ({how})"
        )
    elif "energy_distance" in found:
        near = float(found["energy_distance"]) < CHANCE
        said.append(
            "its points can hardly be told from the target's"
            if near
            else "its points still differ from the target's"
        )
    if found.get("modes", 0) > 1:
        missed = found["modes"] - found["modes_found"]
        said.append(
            f"{missed} of {found['modes']} modes are missing"
            if missed
            else f"all {found['modes']} modes are found"
        )
    return ", ".join(said) + "." if said else ""
