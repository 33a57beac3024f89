"""The training loop: a generator of progress.  Whoever calls decides what to print; files are written here.

A run (``run.py``) can be killed at any moment: its whole state is saved once a minute.  Data order and random draws are
functions of (seed, step), so a resumed run continues the same curve, and one that starts from a checkpoint sees other noise.  Under ``torchrun`` the first process writes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import checkpoints, data, distributed, numerals
from playground.contract import Recipe
from playground.trainable import Finishes, MakesExamples, Prepares
from playground.training.augment import flipped_and_shifted
from playground.training.plan import Plan, plan_of
from playground.training.run import Run, named

NUM_SNAPSHOTS = 12
NUM_VALIDATIONS = 25
NUM_VALIDATION_IMAGES = 512
NUM_EXAMPLES = 2000  # of the training pictures, for statistics
_SAVE_EVERY = 60.0  # seconds
_RANGES = {  # of what ``changes`` may set; other numbers are at least 0
    "steps": (1, math.inf),
    "batch_size": (1, math.inf),
    "seed": (0, 2**31 - 1),
    "ema": (0, 1),
    "final_learning_rate": (0, 1),
    "ema_ramp": (2, math.inf),
    "num_scored": (1, math.inf),
}


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a step (training figures are averages since the last progress).

    ``snapshot`` are the pictures of the training record, uint8 (n,H,W,C), if some were drawn since the last progress.
    """

    step: int
    total: int
    images_seen: int
    seconds: float
    images_per_second: float
    seconds_left: float
    figures: dict[str, float]
    snapshot: np.ndarray | None = None


def _never() -> bool:
    return False


def train(
    what: str | Plan,
    folder: Path,
    *,
    resume: bool = False,
    start_from: Path | None = None,
    changes: Mapping[str, str] | None = None,
    every: int = 20,
    world: distributed.World = distributed.World(),
    is_enough: Callable[[], bool] = _never,
) -> Iterator[Progress]:
    """Run a recipe, by its id, or a plan, yielding a :class:`Progress` every ``every`` steps; the checkpoint is in ``folder`` at the end.

    ``is_enough`` is asked after each of them, and may end the run early: then there is a checkpoint too, and a state to go on from.
    ``changes`` are other numbers for the recipe, as texts (``{"steps": "500"}``); the card says what was used.
    As one of several processes (``world``), all of which must see the same ``folder`` if a run is resumed.

    Raises:
        ValueError: one sentence, for an unknown recipe, an impossible change, or a folder that holds a run when
            ``resume`` is not asked for, or none when it is.
        FloatingPointError: if the loss is no longer finite; the last saved state stays.
    """
    plan = plan_of(what) if isinstance(what, str) else what
    run = _open_run(plan, folder, resume, start_from, changes or {}, world)
    recipe = run.recipe
    images, labels = _examples(run, plan, "train")
    if recipe.batch_size > len(images):
        raise ValueError(
            f"A batch of {recipe.batch_size:,} is more than the {len(images):,} training pictures that there are."
        )
    held_out = [t[:NUM_VALIDATION_IMAGES] for t in _examples(run, plan, "validation")]
    folder.mkdir(parents=True, exist_ok=True)  # a run that cannot begin leaves nothing behind
    if isinstance(run.average, Prepares):  # what it learns from, made of the pictures once
        images, held_out[0] = (_prepared(run.average, run, x) for x in (images, held_out[0]))
    run.examples = images[:NUM_EXAMPLES]
    if recipe.compile:
        for turn in run.turns:
            run.model.get_submodule(turn).compile()
    snapshots = _snapshot_steps(run)
    validations = _moments(recipe.steps, NUM_VALIDATIONS, 1.0)
    for step in range(run.step) if run.counts else ():  # of a run that is resumed
        run.model.count(images[batch_indices(recipe, run.steps_before + step, len(images))])
    recent: list[dict[str, Tensor]] = []
    saved = last = time.monotonic()
    save_every = _SAVE_EVERY if plan.save_every is None else plan.save_every
    last_step, num_reported = run.step, len(run.record.pictures)
    while run.step < recipe.steps:
        if world.is_first and run.step in snapshots and run.record_step not in run.record.snapshot_steps:
            run.take_snapshot()
        mine = range(recipe.batch_size) if run.counts else world.share(recipe.batch_size)
        batch = batch_indices(recipe, run.record_step, len(images))[mine.start : mine.stop]
        shown = images[batch]
        if recipe.augment:
            shown = flipped_and_shifted(shown, recipe.seed + world.rank, run.record_step)
        x = shown.to(run.device).contiguous(memory_format=torch.channels_last)
        recent.append(run.train_step(x, labels[batch].to(run.device)))
        if run.step % every and run.step != recipe.steps:
            continue
        now = time.monotonic()
        run.seconds += now - last
        rate = (run.step - last_step) * recipe.batch_size / max(now - last, 1e-9)
        last, last_step = now, run.step
        figures = {k: float(torch.stack([r[k] for r in recent]).mean()) for k in recent[0]}
        recent = []
        if not all(np.isfinite(figures[named(turn, "loss")]) for turn in run.turns):
            raise FloatingPointError(f"The loss of {recipe.id} is not finite at step {run.step}.")
        due = any(run.step - every < v <= run.step for v in validations) or run.step == recipe.steps
        if world.is_first and due:
            figures |= run.validate(*held_out)
        run.record.curves.append({"step": run.record_step, **{k: round(v, 5) for k, v in figures.items()}})
        if world.is_first and now - saved > save_every:
            run.save_state()
            run.save_checkpoint()
            saved = now
        left = (recipe.steps - run.step) * recipe.batch_size / rate
        seen = run.images_before + run.step * recipe.batch_size
        pictures = run.record.pictures[-1] if len(run.record.pictures) > num_reported else None
        num_reported = len(run.record.pictures)
        yield Progress(run.step, recipe.steps, seen, run.seconds, rate, left, figures, pictures)
        last = time.monotonic()  # a pause is no training
        if is_enough():
            break
    if not world.is_first:
        return
    if isinstance(run.average, Finishes):  # what can only be fitted to a trained network
        run.average.finish(images, labels, torch.Generator().manual_seed(recipe.seed))
    if run.record_step not in run.record.snapshot_steps:
        run.take_snapshot()
    run.save_state()
    run.save_checkpoint()


def _open_run(
    plan: Plan,
    folder: Path,
    resume: bool,
    start_from: Path | None,
    changes: Mapping[str, str],
    world: distributed.World,
) -> Run:
    recipe = _changed(plan.recipe, changes)
    if recipe.batch_size < world.size:
        raise ValueError(f"The batches of {recipe.id} are too small to be split over {world.size} processes.")
    run = Run(plan.network, recipe, folder, world, plan.dataset)
    if run.state_path.exists() and not resume:
        raise ValueError(f"{folder} already holds a run: continue it with --resume, or choose another --out.")
    if resume and not run.state_path.exists():
        raise ValueError(f"{folder} holds no run to continue: leave out --resume, or choose another --out.")
    if recipe.start_from:
        run.learn_from(checkpoints.resolve(recipe.start_from))
    if resume:
        run.load_state()
    elif start_from is not None:
        run.start_from(start_from)
    return run


def _changed(recipe: Recipe, changes: Mapping[str, str]) -> Recipe:
    """The recipe with other numbers.

    Raises:
        ValueError: one sentence, for a name that is not a number of the recipe, or a text that is not a number of its
            kind or not one that can be trained with.
    """
    values: dict[str, Any] = {}
    for name, text in changes.items():
        kind = type(getattr(recipe, name, None))
        if kind not in (int, float):
            raise ValueError(f"A recipe has no number called {name!r}.")
        try:
            value = values[name] = numerals.parse(kind, text)
        except (ValueError, OverflowError):
            wanted = "a whole number" if kind is int else "a number"
            raise ValueError(f"{name} takes {wanted}, not {text!r}.") from None
        low, high = _RANGES.get(name, (0, math.inf))
        if not low <= value <= high or not math.isfinite(value):
            upper = "" if math.isinf(high) else f" and at most {high:g}"
            raise ValueError(f"{name} must be at least {low:g}{upper}, not {text}.")
    return dataclasses.replace(recipe, **values)


def as_tensors(dataset: str, split: data.Split) -> tuple[Tensor, Tensor]:
    """A split as uint8 (N,C,H,W) and its labels (N,)."""
    return _tensors(*data.load(dataset, split))


def _tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)).copy()), torch.from_numpy(
        labels.copy()
    )


def _examples(run: Run, plan: Plan, split: data.Split) -> tuple[Tensor, Tensor]:
    """What the model learns from: examples of its own making, if it makes any, or the pictures of its data set."""
    if isinstance(run.model, MakesExamples):
        return run.model.examples(split, run.recipe.seed)
    return _tensors(*plan.load(split)) if plan.load else as_tensors(run.recipe.dataset, split)


def _prepared(network: Prepares, run: Run, images: Tensor) -> Tensor:
    """Pictures as the model sees them; kept in the run's folder, since many take minutes."""
    digest = hashlib.sha256(str(run.built_on).encode() + images.numpy().tobytes()).hexdigest()[:12]
    path = run.folder / f"prepared-{digest}.npy"
    if not path.is_file():
        np.save(path, network.prepare(images.to(run.device)).cpu().numpy())
    return torch.from_numpy(np.load(path))


def _snapshot_steps(run: Run) -> set[int]:
    """When pictures are drawn; a run that is resumed with fewer steps than were planned draws the rest on the way that is left."""
    planned = {s for s in _moments(run.recipe.steps, NUM_SNAPSHOTS, 2.0) if s >= run.step}
    missing = NUM_SNAPSHOTS - len(run.record.snapshot_steps) - len(planned)
    if run.step == 0 or missing <= 0:
        return planned
    more = np.linspace(run.step, run.recipe.steps, missing + len(planned) + 1)[1:]
    return {round(s) for s in more}


def batch_indices(recipe: Recipe, step: int, num_images: int) -> Tensor:
    """The images of one step: every epoch is a new permutation, fixed by (seed, epoch)."""
    per_epoch = num_images // recipe.batch_size
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([recipe.seed, epoch]).permutation(num_images)
    return torch.from_numpy(order[place * recipe.batch_size : (place + 1) * recipe.batch_size])


def _moments(steps: int, count: int, power: float) -> set[int]:
    """``count`` steps from 0 to ``steps``; a power above 1 puts more of them early, where more happens."""
    return {round(steps * (i / (count - 1)) ** power) for i in range(count)}
