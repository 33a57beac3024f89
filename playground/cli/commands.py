"""What each command does.  torch and Qt are imported only by the commands that need them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from playground import checkpoints, data, distributed, paths
from playground.data import bible
from playground.export import contact_sheet, picture_metadata

_BATCH = 100  # pictures drawn together; a multiple of every model's chunk would also do, since noise hangs on the index


def one_sentence(error: BaseException) -> str:
    """An error as one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {text}"


def window(options: Namespace) -> int:
    from playground import app

    return app.run(options)


# --- list, check


def list_cards(options: Namespace) -> None:
    from playground.evaluation import report

    cards = checkpoints.cards()
    if options.json:
        print(json.dumps([dataclasses.asdict(c) for c in cards], indent=1))
        return
    for card in cards:
        figures = ", ".join(report.in_short(card.metrics))
        print(f"{card.id:20s} {card.family:15s} {card.system:28s} {card.parameters / 1e6:5.2f} M  {figures}")


def check(options: Namespace) -> int:
    files = options.files or [c.stem for c in sorted(paths.folder("pretrained").glob("*.safetensors"))]
    bad = 0
    for file in files:
        try:
            card = checkpoints.check(file)
            print(f"{file}: {card.system}, {card.parameters:,} parameters, trained on {card.dataset_title}")
        except checkpoints.CheckpointError as error:
            print(error, file=sys.stderr)
            bad += 1
    return 1 if bad else 0


# --- sample, score


def sample(options: Namespace) -> None:
    from playground.export import animation

    writes = _modality(options.id) == "text"
    _writable(options.out, (".txt", ".npy") if writes else (".png", ".npy", *animation.kinds()))
    settings = dict(_setting(text) for text in options.set) | {"seed": options.seed}
    from playground.models import precision

    with distributed.joined() as world:
        model = _load(options.id, world)
        agreed = options.precision == "auto" and world.size > 1  # machines may differ: all of them take fp32
        precision.settle(model, "fp32" if agreed else options.precision)
        if options.out.suffix in animation.kinds():
            return _film(options.out, model, settings, options.count) if world.is_first else None
        images = distributed.gather(world, _drawn(model, settings, world.share(options.count)))
    if not world.is_first:
        return
    if options.out.suffix == ".npy":
        with paths.replacing(options.out) as partial, partial.open("wb") as file:
            np.save(file, images)
    elif writes:
        texts = [bible.text_of(codes) for codes in images[:, 0, :, 0]]
        checkpoints.write_atomically(options.out, ("\n\n* * *\n\n".join(texts) + "\n").encode())
    else:
        picture_metadata.save_png(
            options.out, contact_sheet.tile(images), _kept(model, settings, options.count)
        )


def _kept(model: Any, settings: dict[str, Any], count: int) -> picture_metadata.PictureMetadata:
    """What the window needs to show these pictures, or as many of them as it shows at once."""
    from playground.contract import knobs, make_request, settings_of

    most = next(int(k.high or count) for k in knobs(model.Request) if k.name == "num_samples")
    request = make_request(model.Request, {**settings, "num_samples": min(count, most)})
    shown = settings_of(request)
    card = model.card
    exact = getattr(model, "precision", "")
    return picture_metadata.PictureMetadata(
        card.family, card.id, model.weights_hash, "Generate", shown, precision=exact, count=count
    )


def _drawn(model: Any, settings: dict[str, Any], indices: range) -> np.ndarray:
    """The pictures of these indices, uint8 (len(indices),H,W,C); of texts H and C are 1."""
    parts = [list(frames)[-1].images for frames in _batches(model, settings, indices)]
    shape: tuple[int, ...] = data.DATASETS[model.card.dataset].image_shape
    if data.modality(model.card.dataset) == "text":
        from playground.contract import make_request

        request = make_request(model.Request, settings)
        shape = (1, len(request.prompt) + request.num_tokens, 1)
    return np.concatenate([np.zeros((0, *shape), np.uint8), *parts])


def _batches(model: Any, settings: dict[str, Any], indices: range) -> Iterator[Iterator[Any]]:
    from playground.contract import make_request

    make_request(
        model.Request, settings
    )  # a wrong setting is refused by every process, also by one with no share
    for first in range(indices.start, indices.stop, _BATCH):
        request = make_request(model.Request, {**settings, "num_samples": min(_BATCH, indices.stop - first)})
        yield model.sample(dataclasses.replace(request, first_index=first))


def _film(path: Path, model: Any, settings: dict[str, Any], count: int) -> None:
    """The whole run, twice as large as the pictures, as a moving one."""
    from playground.export import animation

    if count > _BATCH:
        raise ValueError(f"A film holds at most {_BATCH} pictures.")
    frames = [contact_sheet.tile(f.images) for f in next(_batches(model, settings, range(count)))]
    chosen = [frames[i].repeat(2, 0).repeat(2, 1) for i in animation.thinned(len(frames), 120)]
    animation.write(path, chosen, len(chosen), frames_per_second=20)


def score(options: Namespace) -> None:
    import torch

    writes = _modality(options.id) == "text"
    if (options.text is None) == writes or (options.images is None) != writes:
        wanted = "a text: give --text" if writes else "pictures: give --images"
        raise ValueError(f"{options.id} scores {wanted} and nothing else.")
    model = _load(options.id)
    if not hasattr(model, "score"):
        raise ValueError(f"{options.id} has no likelihood, no bound and no energy: it can only draw.")
    if writes:
        x = torch.from_numpy(_read_text(options.text).copy())[None, None, None]
        return _print_scores(model.score(x, options.seed), options)
    images = _read_images(options.images, data.DATASETS[model.card.dataset].image_shape)
    labels = None
    if options.labels is not None:
        labels = torch.from_numpy(_read_array(options.labels).astype(np.int64))
        if labels.shape != (len(images),) or not bool(
            ((labels >= 0) & (labels < len(model.card.classes))).all()
        ):
            raise ValueError(
                f"{options.labels} must hold one class per image, 0..{len(model.card.classes) - 1}."
            )
    scores = []
    for i in range(0, len(images), 64):
        x = torch.from_numpy(images[i : i + 64].transpose(0, 3, 1, 2).copy())
        scores += model.score(x, options.seed, None if labels is None else labels[i : i + 64])
    _print_scores(scores, options)


def _print_scores(scores: list[Any], options: Namespace) -> None:
    if options.json:
        print(json.dumps([dataclasses.asdict(s) for s in scores], indent=1))
    else:
        for s in scores:
            print(
                f"{s.value:.4f} {s.unit} ({s.kind})"
                + (f" ± {s.standard_error:.4f}" if s.standard_error else "")
            )


# --- evaluate, train, bench


def evaluate(options: Namespace) -> None:
    from playground.evaluation import report

    if options.table:
        return print(report.tables())
    if options.id is None:
        raise ValueError("evaluate takes the id of a checkpoint, or marks, or --table.")
    if options.save and options.split != "test":
        raise ValueError("Only what was measured against the test set is kept: leave out --save or --split.")
    writes = options.id != "marks" and _modality(options.id) == "text"
    if writes and options.only in ("lens", "pictures"):
        raise ValueError(f"{options.id} writes text: only its likelihood can be measured.")
    if options.only == "lens":
        return _evaluate_out_of_distribution(options)
    if options.only == "steps":
        return _evaluate_steps(options)
    with distributed.joined() as world:
        if options.id != "marks":
            figures = _evaluate_model(options, world)
        else:
            figures = _evaluate_baselines(options) if world.is_first else {}
    if world.is_first:
        _print_figures(figures, options)


def _evaluate_baselines(options: Namespace) -> dict[str, Any]:
    from playground.evaluation import baselines, sample_quality

    count = options.count or sample_quality.COUNT
    found = sample_quality.Ruler("fashion").measure_baselines(count, _tell)
    if options.save:
        baselines.write("fashion", count, found)
    return found


def _evaluate_model(options: Namespace, world: distributed.World) -> dict[str, Any]:
    from playground import models
    from playground.evaluation import likelihood, report, sample_quality

    model = _load(options.id, world)
    tell = _tell if world.is_first else lambda line: None
    _, recipe = models.recipes().get(model.card.id, ("", None))
    figures: dict[str, Any] = {}
    if options.only != "likelihood" and data.modality(model.card.dataset) != "text":
        settings = {**(recipe.evaluate if recipe else {}), **dict(_setting(text) for text in options.set)}
        drawn = sample_quality.draw(model, options.count or sample_quality.COUNT, settings, tell, world)
        if world.is_first:
            figures[report.PICTURES] = sample_quality.evaluate(model, drawn, tell, options.split)
    if options.only != "pictures" and world.is_first:
        count = options.count or (recipe.num_scored if recipe else None)
        figures |= likelihood.evaluate(model, count, tell)
    if options.save and world.is_first:
        checkpoints.write_metrics(checkpoints.resolve(options.id), figures)
    return figures


def _evaluate_out_of_distribution(options: Namespace) -> None:
    """Scores of garments and of other pictures: the histograms under Compare."""
    from playground.evaluation import out_of_distribution

    census = out_of_distribution.measure(_load(options.id), options.count, _tell)
    if options.save:
        out_of_distribution.write(checkpoints.resolve(options.id), census)
    if options.json:
        areas = {name: census.auc(name) for name in out_of_distribution.OTHERS}
        print(json.dumps({"num_images": census.count, "unit": census.unit, "auc": areas}, indent=1))
    else:
        print(out_of_distribution.as_table(census))


def _evaluate_steps(options: Namespace) -> None:
    """FID against steps for every sampler: the plot under Diffusion."""
    from playground.evaluation import fid_by_steps
    from playground.models import precision

    model, file = _load(options.id), checkpoints.resolve(options.id)
    precision.settle(model)
    count = options.count or fid_by_steps.COUNT
    points = [p for p in fid_by_steps.read(file) if p.num_images == count]
    for point in fid_by_steps.measure(model, count, points, _tell):
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
            text = f"{figure['value']:.4f} ± {figure['standard_error']:.4f} {figure['unit']}"
            of = (
                f"{figure['num_images']} images"
                if "num_images" in figure
                else f"{figure['num_characters']} characters"
            )
            print(f"{name}: {text} ({figure['kind']}, {of})")


def train(options: Namespace) -> None:
    import torch

    from playground.training import loop

    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    folder = options.out or Path("runs") / options.recipe
    start = checkpoints.resolve(options.start_from) if options.start_from else None
    changes = dict(_setting(text) for text in options.change)
    with distributed.joined() as world:
        run = loop.train(
            options.recipe, folder, resume=options.resume, start_from=start, changes=changes, world=world
        )
        for p in run:
            figures = "  ".join(f"{k} {v:.4f}" for k, v in p.figures.items())
            line = f"step {p.step}/{p.total}  {p.images_per_second:.0f} images/s  {p.seconds_left / 60:.1f} min left  {figures}"
            print(line, flush=True) if world.is_first else None
    if options.install and world.is_first:
        _install(options.recipe, folder)


def _install(name: str, folder: Path) -> None:
    from playground import models

    judge = name in models.feature_network_recipes()
    targets = {
        f"{name}.safetensors": paths.folder("assets") / "judge" if judge else paths.folder("pretrained"),
        f"{name}.film.json": paths.folder("assets") / "training",
        f"{name}.film.png": paths.folder("assets") / "training",
    }
    for file, target in targets.items():
        if (folder / file).exists():
            shutil.copyfile(folder / file, target / file)


def bench(options: Namespace) -> int:
    import subprocess

    from playground.bench import sampling as benches
    from playground.bench import window as window_rows

    rows: list[benches.Row] = []
    failed = 0
    for name, measure in [*benches.model_rows(), *window_rows.window_rows()]:
        if options.only and not any(part.lower() in name.lower() for part in options.only):
            continue
        _tell(f"{name} …")
        try:
            found = measure()
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            failed += 1  # the other rows took minutes: they are not lost with it
            _tell(f"{name} could not be measured: {one_sentence(error)}")
            continue
        rows += found if isinstance(found, list) else [found]
    print(
        json.dumps([dataclasses.asdict(r) for r in rows], indent=1)
        if options.json
        else benches.as_table(rows)
    )
    return int(failed > 0)


# --- shared


def _load(id_or_path: str, world: distributed.World | None = None) -> Any:
    """The model; to sample with it (``world``), with its own number of threads and perhaps a device of this process."""
    model = checkpoints.load(id_or_path)
    import torch

    if world is not None and world.size > 1:
        model = model.to(distributed.device(world))

    torch.set_flush_denormal(True)
    if world is not None and model.num_threads:
        torch.set_num_threads(model.num_threads)
    return model


def _modality(id_or_path: str) -> data.Modality:
    """What a checkpoint makes; only its header is read."""
    return data.modality(checkpoints.read_header(checkpoints.resolve(id_or_path)).card.dataset)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set takes name=value, not {text!r}.")
    return name, value


def _writable(path: Path, endings: tuple[str, ...]) -> None:
    if path.suffix not in endings:
        raise ValueError(f"--out takes a name that ends in {', '.join(endings)}, not {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent}.")


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a .npy file of numbers ({one_sentence(error)}).") from None


def _read_text(path: Path) -> np.ndarray:
    """ASCII codes of a text file, uint8 (T,)."""
    try:
        codes = bible.codes_of(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file (UTF-8).") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be scored: {error}") from None
    if not len(codes) or not codes.all():
        raise ValueError(f"{path} is empty, or holds characters of code 0.")
    return codes


def _read_images(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    images = _read_array(path)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != shape:
        raise ValueError(
            f"{path} must hold uint8 images (N,{shape[0]},{shape[1]},{shape[2]}), not {images.dtype} {images.shape}."
        )
    return images
