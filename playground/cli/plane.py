"""``playground plane``: models trained on densities in the plane, one after the other, and how near each came."""

from __future__ import annotations

import dataclasses
import json
import math
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import paths
from playground.cli import shared
from playground.data import plane

if TYPE_CHECKING:
    from playground.models.plane import PlaneModel
    from playground.training.plane import Training

NUM_SAMPLES = 4000  # that are kept
_CELLS = 200  # a side, of the density that is kept
_BOUND_SAMPLES = 100  # importance samples of a bound there: a map needs fewer than a figure
_LONGEST = 3600.0  # seconds of one model
_THREADS = 1  # two wait for each other longer than networks this small compute


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(
        commands, "plane", run, "train models on a density in the plane, and measure them"
    )
    command.add_argument(
        "--target",
        nargs="+",
        default=["moons", "eight-gaussians"],
        metavar="NAME|FILE.csv",
        help=f"{', '.join(plane.TARGETS)}, or a file of points x,y (default: moons eight-gaussians)",
    )
    command.add_argument("--models", nargs="+", metavar="ID", help="such as made-plane (default: all)")
    command.add_argument("--seconds", type=float, default=20.0, help="of training, each (default 20)")
    command.add_argument("--seed", type=int, default=7)
    command.add_argument("--device", default="cpu", help="cpu (default), cuda or mps")
    command.add_argument("--json", action="store_true", help="an array of rows")
    command.add_argument(
        "--table",
        type=Path,
        metavar="FILE.json",
        help="train nothing: print the rows that --json printed into a file as a Markdown table",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="F.npz",
        help="keep samples, and log densities on a grid whose rows go up with y",
    )


def run(options: Namespace) -> int:
    """A table or JSON on stdout; 2, after a sentence, if something that was asked for cannot be."""
    try:
        if options.table is not None:
            return _print_table(options.table)
        _check(options)
        targets = _targets(options.target)
        models = _models(options.models)
    except (ValueError, OSError) as error:
        if options.debug:
            raise
        shared.tell(shared.one_sentence(error))
        return 2
    _prepare_torch()
    kept: dict[str, np.ndarray] = {}
    rows = []
    if not options.json:
        print(_heading(options), flush=True)
    for row in _rows(models, targets, options, kept):
        rows.append(row)
        if not options.json:
            print(_line(row), flush=True)
    if options.json:
        print(json.dumps(rows, indent=1))
    if options.out is not None:
        with paths.replacing(options.out) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **kept)  # type: ignore[arg-type]  # its stubs expect a flag among the names
    return 0


def _print_table(path: Path) -> int:
    from playground.cli.plane_table import as_table, read_rows

    print(as_table(read_rows(path)))
    return 0


def _check(options: Namespace) -> None:
    """Raises ValueError with a sentence."""
    shared.checked_seed(options.seed)
    if not 0 < options.seconds <= _LONGEST:
        raise ValueError(f"--seconds must be above 0 and at most {_LONGEST:.0f}, not {options.seconds}.")
    if options.out is not None:
        if options.out.suffix != ".npz":
            raise ValueError(f"--out writes an .npz file, not {options.out.name}.")
        if not options.out.absolute().parent.is_dir():
            raise ValueError(f"There is no folder {options.out.absolute().parent}.")
    if options.device != "cpu":
        from playground.models import device as devices

        if options.device not in (there := devices.listed()):
            raise ValueError(
                f"There is no device {options.device!r} here; there is {', '.join([*there, 'cpu'])}."
            )


def _targets(names: list[str]) -> list[plane.Target]:
    """Built-in ones by name, others from files; each of its own name, since rows are known by it."""
    targets = [_target(name) for name in dict.fromkeys(names)]
    ids = [target.name for target in targets]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise ValueError(f"Two targets are called {twice!r}: rename one of the files.")
    return targets


def _target(name: str) -> plane.Target:
    if name in plane.TARGETS:
        return plane.make(name)
    if Path(name).suffix.lower() == ".csv" or Path(name).is_file():
        return plane.read_csv(Path(name))
    return plane.make(name)  # says which there are


def _models(ids: list[str] | None) -> list[type[PlaneModel]]:
    from playground.models.plane_catalogue import plane_models

    known = plane_models()
    for id in ids or ():
        if id not in known:
            raise ValueError(f"There is no model of the plane called {id!r}; there are {', '.join(known)}.")
    return [known[id] for id in dict.fromkeys(ids or known)]


def _prepare_torch() -> None:
    import torch

    torch.set_num_threads(_THREADS)
    torch.set_flush_denormal(True)


def _rows(
    models: list[type[PlaneModel]],
    targets: list[plane.Target],
    options: Namespace,
    kept: dict[str, np.ndarray],
) -> Iterator[dict[str, Any]]:
    """Train each model alone on each target; what ``--out`` writes is put into ``kept``."""
    from playground.evaluation.plane import measure
    from playground.training.plane import Training

    figures = {target.name: plane.figures(target) for target in targets}
    for model in models:
        for target in targets:
            training = Training(model, target, options.seed, options.seconds, device=options.device)
            for _ in training.run():
                pass
            samples = training.points(NUM_SAMPLES)
            quality = measure(target, figures[target.name], samples, training.log_prob, options.seed)
            if options.out is not None:
                kept |= _arrays(model.key, target, training, samples)
            yield {
                "model": model.key,
                "family": model.family,
                "target": target.name,
                "seconds": round(training.spent, 3),
                "steps": training.step,
                **{name: _finite(value) for name, value in dataclasses.asdict(quality).items()},
            }


def _finite(value: float | None) -> float | None:
    """JSON knows no infinity: what a model that diverged measures is null."""
    return value if value is not None and math.isfinite(value) else None


def _arrays(key: str, target: plane.Target, training: Training, samples: np.ndarray) -> dict[str, np.ndarray]:
    found = {f"{key}/{target.name}/samples": samples, f"{target.name}/square": np.array(target.square)}
    training.average.num_importance = _BOUND_SAMPLES
    log_prob = training.log_prob(plane.grid(target, _CELLS))
    if log_prob is not None:
        found[f"{key}/{target.name}/log_prob"] = log_prob.reshape(_CELLS, _CELLS).astype(np.float32)
    return found


def _heading(options: Namespace) -> str:
    import torch

    threads = torch.get_num_threads()
    conditions = f"{options.seconds:g} s each, one at a time, on {options.device} with {threads} thread{'s' * (threads > 1)}; seed {options.seed}"
    return (
        f"{conditions}\n{'model':29s} {'target':21s} {'steps':>6s} {'NLL - entropy':>14s} {'energy dist.':>13s}"
        f" {'modes':>6s} {'outside':>8s}"
    )


def _line(row: dict[str, Any]) -> str:
    excess, distance, outside = row["nll_minus_entropy"], row["energy_distance"], row["mass_outside"]
    modes = "-" if row["modes"] is None else f"{row['modes_found']}/{row['modes']}"
    return (
        f"{row['model']:29s} {row['target']:21s} {row['steps']:6d}"
        f" {'-' if excess is None else f'{excess:.3f} nats':>14s}"
        f" {'-' if distance is None else f'{distance:.4f}':>13s}"
        f" {modes:>6s} {'-' if outside is None else f'{outside:.1%}':>8s}"
    )
