"""``playground evaluate``: pictures against the data, likelihoods, out-of-distribution scores, FID by steps."""

from __future__ import annotations

import dataclasses
import json
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from playground import checkpoints, data, distributed
from playground.capabilities import Dreams, ReadsPrompts, Translates, Upscales
from playground.cli import shared
from playground.contract import Model
from playground.data import emoji
from playground.data.emoji import large as emoji_large
from playground.models.directions import EmbedsPictures

_OOD = "out-of-distribution"
_MEMORISED = "memorised"


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "evaluate", run, "measure a model against the test set")
    command.add_argument(
        "id", nargs="?", help="a shipped id, a file, or baselines: the spoiled real pictures"
    )
    command.add_argument(
        "--count",
        type=shared.positive,
        help="draw N pictures (default 5000) and score N test images (default all), or N of each set for out-of-distribution, or N "
        "for each kind of prompt (from 120 on, 2,000 more for their FID)",
    )
    shared.add_settings(command)
    command.add_argument(
        "--only",
        choices=["pictures", "likelihood", _MEMORISED, _OOD, "lens", "steps"],
        help="measure one of the two; or memorised: the share of N pictures (default 500) that lie nearer to a training picture than 99 %% of held-out ones do; or out-of-distribution (lens is its older name): the scores of garments and of other pictures, which Compare shows; "
        "or steps: FID against the number of steps for every sampler, which Diffusion shows",
    )
    command.add_argument(
        "--split",
        choices=["test", "validation"],
        default="test",
        help="compare pictures with validation images instead, to choose settings",
    )
    command.add_argument(
        "--dataset",
        choices=["fashion", emoji.EMOJI.name],
        default="fashion",
        help="whose baselines (default fashion)",
    )
    command.add_argument("--save", action="store_true", help="keep the figures beside the checkpoint")
    command.add_argument("--json", action="store_true")
    command.add_argument("--table", action="store_true", help="print what was measured so far, as Markdown")


def run(options: Namespace) -> None:
    """Measure, print, and with ``--save`` keep the figures beside the checkpoint."""
    from playground.evaluation import report

    if options.table:
        return print(report.tables())
    if options.id is None:
        raise ValueError("evaluate takes the id of a checkpoint, or baselines, or --table.")
    if options.save and options.split != "test":
        raise ValueError("Only what was measured against the test set is kept: leave out --save or --split.")
    of_baselines = options.id in ("baselines", "marks")  # the second is what it was called first
    only = _OOD if options.only == "lens" else options.only
    modality = data.Modality.PICTURES if of_baselines else shared.modality(options.id)
    writes = not modality.has_pixels
    if writes and only in (_OOD, _MEMORISED, "pictures"):
        raise ValueError(f"{options.id} {modality.makes}: only its likelihood can be measured.")
    _refuse_small(options, writes, of_baselines)
    if only == _OOD:
        return _evaluate_out_of_distribution(options)
    if options.only == "steps":
        return _evaluate_steps(options)
    if options.only == _MEMORISED:
        return _evaluate_memorised(options)
    with distributed.joined() as world:
        if not of_baselines:
            figures = _evaluate_model(options, world)
        else:
            figures = _evaluate_baselines(options) if world.is_first else {}
    if world.is_first:
        _print_figures(figures, options)


# fewer pictures than these make no figure, only noise: a covariance and the fifth neighbour, a mean, an area
_FEWEST = {"pictures": 20, _MEMORISED: 20, "likelihood": 2, _OOD: 2, "lens": 2, "steps": 20}


def _refuse_small(options: Namespace, writes: bool, of_baselines: bool) -> None:
    """Raises ValueError with one sentence, if ``--count`` is too small for a figure that is wanted, or means nothing."""
    wanted = options.only or ("likelihood" if writes else "pictures")
    if options.count and writes:
        raise ValueError(
            "A model of no pictures is measured on all test books, modules, drawings or drives: leave out --count."
        )
    if options.count and options.count < _FEWEST[wanted]:
        raise ValueError(f"--count must be at least {_FEWEST[wanted]} for {wanted}, not {options.count}.")
    if options.set and (of_baselines or wanted not in ("pictures", _MEMORISED)):
        raise ValueError("--set says how pictures are drawn, and none are drawn here: leave it out.")
    if any(shared.setting(text)[0] == "num_samples" for text in options.set):
        raise ValueError("How many pictures are drawn is said by --count, not by --set num_samples.")


def _evaluate_baselines(options: Namespace) -> dict[str, Any]:
    from playground.evaluation import baselines, sample_quality

    if options.dataset == emoji.EMOJI.name:
        from playground.evaluation import emoji_fidelity

        return emoji_fidelity.measure_marks(shared.tell, options.save)
    count = options.count or sample_quality.COUNT
    found = sample_quality.Ruler("fashion").measure_baselines(count, shared.tell)
    if options.save:
        baselines.write("fashion", count, found)
    return found


def _evaluate_model(options: Namespace, world: distributed.World) -> dict[str, Any]:
    from playground import models
    from playground.evaluation import likelihood, report, sample_quality

    model = shared.load(options.id, world)
    tell = shared.tell if world.is_first else lambda line: None
    if model.card.dataset in (emoji.EMOJI.name, emoji_large.EMOJI_64.name):
        return _evaluate_emoji(model, options) if world.is_first else {}
    _, recipe = models.recipes().get(model.card.id, ("", None))
    figures: dict[str, Any] = {}
    if options.only != "likelihood" and data.modality(model.card.dataset).has_pixels:
        settings = {
            **(recipe.evaluate if recipe else {}),
            **dict(shared.setting(text) for text in options.set),
        }
        drawn = sample_quality.draw(model, options.count or sample_quality.COUNT, settings, tell, world)
        if world.is_first:
            figures[report.PICTURES] = sample_quality.evaluate(model, drawn, tell, options.split)
    if options.only != "pictures" and world.is_first:
        count = options.count or (recipe.num_scored if recipe else None)
        figures |= _evaluate_sequences(model, tell) or likelihood.evaluate(model, count, tell)
    if world.is_first and not figures:
        raise ValueError(
            f"{options.id} has no likelihood, no bound and no energy: only its pictures can be measured."
        )
    if options.save and world.is_first:
        checkpoints.write_metrics(checkpoints.resolve(options.id), figures)
    return figures


def _evaluate_sequences(model: Model, tell: Callable[[str], None]) -> dict[str, Any]:
    """Figures of what is neither picture nor text; none of those."""
    if isinstance(model, Dreams):
        from playground.evaluation.sequences import drives
        from playground.models.vae.worldmodel import WorldModel

        assert isinstance(model, WorldModel), "the only one that there is"
        return drives.evaluate(model, tell)
    return {}


def _evaluate_emoji(model: Any, options: Namespace) -> dict[str, Any]:
    """How well held-out drawings are painted again, larger or in colours, whether words are obeyed, and how near pictures come to drawings."""
    from playground.evaluation import emoji_fidelity, emoji_report, prompts, reconstruction
    from playground.models import precision

    precision.settle(model)
    settings = dict(shared.setting(text) for text in options.set)
    figures: dict[str, Any] = {}
    if isinstance(model, EmbedsPictures):
        from playground.evaluation import clip

        figures |= {"found_among_20": prompts.share(clip.found_among(model), "own words among 20")}
    elif isinstance(model, Upscales):
        figures |= reconstruction.measure_upscaling(model, shared.tell)
    elif isinstance(model, Translates):
        figures |= _evaluate_translation(model)
    elif not isinstance(model, ReadsPrompts):
        figures |= reconstruction.measure(model)
    elif options.only != "pictures":
        figures |= prompts.measure(model, options.count, settings, shared.tell)
    whole = options.count is None or options.count >= prompts.COUNT or options.only == "pictures"
    if whole and not isinstance(model, Upscales | Translates | EmbedsPictures):
        figures[emoji_report.PICTURES] = emoji_fidelity.measure(model, settings, shared.tell)
    if options.save:
        checkpoints.write_metrics(checkpoints.resolve(options.id), figures)
    return figures


def _evaluate_translation(model: Any) -> dict[str, Any]:
    """Pictures made of pictures, against those that there are."""
    from playground.evaluation.translation import paired, unpaired

    if model.both_ways:
        return unpaired.measure(model, model.config.styles, shared.tell)
    return paired.measure(model, shared.tell)


def _evaluate_out_of_distribution(options: Namespace) -> None:
    """Scores of garments and of other pictures: the histograms under Compare."""
    from playground.evaluation import out_of_distribution

    census = out_of_distribution.measure(shared.load(options.id), options.count, shared.tell)
    if options.save:
        out_of_distribution.write(checkpoints.resolve(options.id), census)
    if options.json:
        areas = {name: census.auc(name) for name in out_of_distribution.OTHERS}
        print(json.dumps({"num_images": census.count, "unit": census.unit, "auc": areas}, indent=1))
    else:
        print(out_of_distribution.as_table(census))


def _evaluate_memorised(options: Namespace) -> None:
    """How many pictures are suspiciously near to a training picture: a column of Compare's table."""
    from playground import models
    from playground.evaluation import sample_quality

    model = shared.load(options.id)
    _, recipe = models.recipes().get(model.card.id, ("", None))
    settings = {**(recipe.evaluate if recipe else {}), **dict(shared.setting(text) for text in options.set)}
    figure = sample_quality.memorised(
        model, options.count or sample_quality.NUM_MEMORISED, settings, shared.tell
    )
    if options.save:
        checkpoints.write_metrics(checkpoints.resolve(options.id), {"memorised": figure})
    _print_figures({"memorised": figure}, options)


def _evaluate_steps(options: Namespace) -> None:
    """FID against steps for every sampler: the plot under Diffusion."""
    from playground.evaluation import fid_by_steps
    from playground.models import precision

    model, file = shared.load(options.id), checkpoints.resolve(options.id)
    precision.settle(model)
    count = options.count or fid_by_steps.COUNT
    points = [p for p in fid_by_steps.read(file) if p.num_images == count]
    for point in fid_by_steps.measure(model, count, points, shared.tell):
        points.append(point)
        if options.save:
            fid_by_steps.write(file, points)
    if options.json:
        print(json.dumps([dataclasses.asdict(p) for p in points], indent=1))
    else:
        for p in points:
            name = f"{p.sampler} {p.num_steps}".strip()
            print(f"{name:>12} steps, {p.passes} passes: FID {p.fid:.3f} ± {p.standard_error:.3f}")


def _print_figures(figures: dict[str, Any], options: Namespace) -> None:
    from playground.evaluation import baselines, report

    if options.json:
        return print(json.dumps(figures, indent=1))
    for name, figure in figures.items():
        if "fid" in figure:
            title = baselines.BASELINES[name][0] if name in baselines.BASELINES else name
            print(f"{title}:")
            print("\n".join(f"  {key}: {text}" for key, text in report.sentences(figure)))
        else:
            print(f"{name}: {_in_words(figure)}")


def _in_words(figure: dict[str, Any]) -> str:
    """A figure with its error, its unit, and of how many it is a mean."""
    of = [f"{n} {key[4:].replace('_', ' ')}" for key, n in figure.items() if key.startswith("num_")]
    said = [figure["kind"], *of] if "kind" in figure else of
    error = f" ± {figure['standard_error']:.4f}" if "standard_error" in figure else ""
    return f"{figure['value']:.4f}{error} {figure['unit']} ({', '.join(said)})"
