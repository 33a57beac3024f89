"""``playground score``: what a model says about pictures or a text: a likelihood, a bound or an energy."""

from __future__ import annotations

import dataclasses
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from playground import data
from playground.capabilities import Scores
from playground.cli import shared
from playground.data import icons


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "score", run, "what a model says about images")
    command.add_argument("id", help="a shipped id, or a file")
    command.add_argument(
        "--images",
        type=Path,
        help=".npy uint8 (N,H,W,C); of drawings .npy float32 (N,T,3) as sample writes it (dx, dy, pen up), or their codes uint8 (N,1,T,3)",
    )
    command.add_argument("--text", type=Path, help="a text file in ASCII, for a model of text")
    command.add_argument(
        "--labels", type=Path, help=".npy of classes (N,); without it, of p(x) over all classes"
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--json", action="store_true")


def run(options: Namespace) -> None:
    """One number for each picture, or one for the text."""
    import torch

    shared.checked_seed(options.seed)
    modality = shared.modality(options.id)
    writes = modality is data.Modality.TEXT
    if (options.text is None) == writes or (options.images is None) != writes:
        wanted = "a text: give --text" if writes else "pictures: give --images"
        if modality is data.Modality.SOUND:
            wanted = "sounds as mu-law codes: give --images with uint8 (N,1,T,1)"
        raise ValueError(f"{options.id} scores {wanted} and nothing else.")
    model = shared.load(options.id)
    if not isinstance(model, Scores):
        raise ValueError(f"{options.id} has no likelihood, no bound and no energy: it can only draw.")
    if writes:
        x = torch.from_numpy(shared.read_text(options.text).copy())[None, None, None]
        return _print_scores(model.score(x, options.seed), options)
    images = _read(options.images, model)
    labels = None
    if options.labels is not None:
        labels = torch.from_numpy(shared.read_array(options.labels).astype(np.int64))
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


def _read(path: Path, model: Any) -> np.ndarray:
    """Pictures, or drawings as their codes, uint8 (N,H,W,C)."""
    shape = shared.shape_of(model.card)
    if data.modality(model.card.dataset) is not data.Modality.STROKES:
        return shared.read_images(path, shape)
    strokes = shared.read_array(path)
    if strokes.dtype == np.uint8:
        return shared.read_images(path, shape)
    if strokes.dtype != np.float32 or strokes.ndim != 3 or strokes.shape[2] != 3 or not len(strokes):
        raise ValueError(
            f"{path} must hold strokes, float32 (N,T,3), or codes, uint8 (N,{shape[0]},{shape[1]},{shape[2]}), "
            f"not {strokes.dtype} {strokes.shape}."
        )
    return np.stack([icons.codes_of(one)[None] for one in strokes])


def _print_scores(scores: list[Any], options: Namespace) -> None:
    if options.json:
        print(json.dumps([dataclasses.asdict(s) for s in scores], indent=1))
    else:
        for s in scores:
            print(
                f"{s.value:.4f} {s.unit} ({s.kind})"
                + (f" ± {s.standard_error:.4f}" if s.standard_error else "")
            )
