"""FID against the number of steps, for every sampler of a model: what a picture loses when it must be made in a hurry.

Measured with ``playground evaluate ID --only steps --save`` and kept beside the checkpoint in ``<id>.steps.json``, under the
hash of its weights, point by point, so that an interrupted run goes on where it stopped.  Reading needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playground import checkpoints
from playground.contract import Model, knobs

NUM_STEPS = (1, 2, 4, 8, 16, 50)
COUNT = 500  # pictures behind a point


@dataclass(frozen=True)
class Point:
    """The FID of ``num_images`` pictures that took so many steps."""

    sampler: str  # the choice of the model's ``sampler`` knob, or "" if it has none
    num_steps: int
    passes: int
    num_images: int
    fid: float
    standard_error: float
    judge: str  # hash of the judge that measured


def plan(request: type[Any]) -> list[tuple[str, int]]:
    """Every sampler with every number of steps, few steps first; after one step all samplers stand at the same place."""
    known = {k.name: k for k in knobs(request)}
    if "num_steps" not in known:
        raise ValueError("It makes its pictures in one go: there are no steps to count.")
    choices = known["sampler"].choices if "sampler" in known else None
    samplers = [value for value, _ in choices] if isinstance(choices, tuple) else [""]
    most = known["num_steps"].high or NUM_STEPS[-1]
    return [(s, n) for n in NUM_STEPS if n <= most for s in samplers if n > 1 or s == samplers[0]]


def measure(
    model: Model, count: int, known: list[Point], tell: Callable[[str], None] = lambda line: None
) -> Iterator[Point]:
    """The points of :func:`plan` that are not known yet, at the model's other settings as they stand by default.

    Raises:
        ValueError: one sentence, for a model without steps.
    """
    from playground.evaluation import baselines, feature_distances, sample_quality

    planned = plan(model.Request)
    judge = baselines.classifier_hashes(model.card.dataset)["judge"]
    there = {(p.sampler, p.num_steps) for p in known if p.num_images == count and p.judge == judge}
    ruler = sample_quality.Ruler(model.card.dataset)
    for sampler, num_steps in planned:
        if (sampler, num_steps) in there:
            continue
        settings = {"num_steps": num_steps} | ({"sampler": sampler} if sampler else {})
        drawn = sample_quality.draw(model, count, settings, lambda line: None)
        features = sample_quality.features_of(ruler.judges["judge"], drawn.images)
        fid = feature_distances.frechet_error(ruler.reference["judge"], features)
        tell(f"{sampler} {num_steps} steps: FID {fid['value']:.3f} ± {fid['standard_error']:.3f}".strip())
        yield Point(
            sampler,
            num_steps,
            drawn.passes,
            count,
            round(fid["value"], 5),
            round(fid["standard_error"], 5),
            judge,
        )


# --- what is kept beside a checkpoint


def path_of(checkpoint: Path) -> Path:
    """``<id>.safetensors`` -> ``<id>.steps.json``."""
    return checkpoint.with_suffix(".steps.json")


def write(checkpoint: Path, points: list[Point]) -> None:
    """Keep these points, and no others, under the hash of the weights."""
    rows = ",\n".join(json.dumps(asdict(point)) for point in points)
    text = f'{{"{checkpoints.weights_hash(checkpoint)}": [\n{rows}\n]}}\n'
    checkpoints.write_atomically(path_of(checkpoint), text.encode())


def read(checkpoint: Path) -> list[Point]:
    """What was measured of exactly these weights; empty if nothing was, or the file is not one of ours."""
    kinds: dict[str, Any] = {"str": str, "int": int, "float": (int, float)}
    try:
        rows = json.loads(path_of(checkpoint).read_text(encoding="utf-8"))[
            checkpoints.weights_hash(checkpoint)
        ]
        points = [Point(**row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    fine = [
        p
        for p in points
        if all(isinstance(v, kinds[str(Point.__annotations__[n])]) for n, v in asdict(p).items())
    ]
    return fine if len(fine) == len(points) else []


def curves(points: list[Point]) -> dict[str, list[Point]]:
    """Sampler -> its points by rising steps; the one step that is the same for all stands in every curve."""
    names = list(dict.fromkeys(p.sampler for p in points))
    first = [p for p in points if p.num_steps == 1]
    every = {name: [p for p in points if p.sampler == name and p.num_steps > 1] for name in names}
    return {name: sorted([*first, *mine], key=lambda p: p.num_steps) for name, mine in every.items()}
