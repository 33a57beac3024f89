"""What a model says of one picture, and of sets of pictures that are no garments: can its likelihood tell them apart?

A model may find pictures more probable than those it was trained on (Nalisnick et al. 2019, arXiv:1810.09136): simple
ones above all.  The scores of every set are measured beforehand and kept beside the checkpoint, in ``<id>.lens.json``;
a picture is scored without its class, as ``playground score`` does without labels.  torch is imported when it is needed.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from playground import checkpoints, data, paths
from playground.capabilities import ImportanceWeighted, Scores
from playground.contract import Model, Score
from playground.data.auc import auc
from playground.models import noise

SEED = 0  # of the scores and of the sets: what ``playground score`` takes unless it is told
BUDGET = 150.0  # seconds of one core for all sets together, which decides how many images each holds
MOST, LEAST = 256, 16  # images in a set
NUM_DIGITS = 256
BATCH = 16
GARMENTS = "garments"
DATASET = "fashion"  # where they come from

# pictures of the data set uint8 (N,H,W,C), their indices in the test set, a seed -> other pictures of the same shape
Maker = Callable[[np.ndarray, range, int], np.ndarray]


@dataclass(frozen=True)
class PictureSet:
    """A kind of picture: what it is called on screen, in a narrow column, and how it is made."""

    title: str
    short: str
    make: Maker


def _inverted(garments: np.ndarray, indices: range, seed: int) -> np.ndarray:
    return 255 - garments


def _shuffled(garments: np.ndarray, indices: range, seed: int) -> np.ndarray:
    """Every picture in an order of its own: the same grey levels, no shape."""
    flat = garments.reshape(len(garments), -1)
    keys = noise.uniform(seed, indices, "shuffle", (flat.shape[1],))
    return np.take_along_axis(flat, keys.argsort(1, kind="stable"), 1).reshape(garments.shape)


def _grey(garments: np.ndarray, indices: range, seed: int) -> np.ndarray:
    levels = noise.uniform(seed, indices, "grey", (1, 1, 1))
    return np.broadcast_to((levels * 256).astype(np.uint8), garments.shape).copy()


def _noise(garments: np.ndarray, indices: range, seed: int) -> np.ndarray:
    return (noise.uniform(seed, indices, "pixels", garments.shape[1:]) * 256).astype(np.uint8)


def _digits(garments: np.ndarray, indices: range, seed: int) -> np.ndarray:
    """Handwritten digits (see ``assets/digits.txt``), 8 x 8 enlarged to the size of the garments; after 256 they repeat."""
    from PIL import Image

    sheet = np.asarray(Image.open(paths.folder("assets") / "digits.png"))
    counts = sheet.reshape(16, 8, 16, 8).transpose(0, 2, 1, 3).reshape(NUM_DIGITS, 8, 8) // 15  # 0..16
    grey = np.rint(counts * (255 / 16)).astype(np.uint8)
    size = (garments.shape[2], garments.shape[1])
    large = [Image.fromarray(grey[i % NUM_DIGITS]).resize(size, Image.Resampling.BILINEAR) for i in indices]
    return np.stack([np.asarray(picture) for picture in large])[..., None]


SETS = {
    GARMENTS: PictureSet("garments of the test set", "garments", lambda garments, indices, seed: garments),
    "inverted": PictureSet("inverted garments", "inverted", _inverted),
    "shuffled": PictureSet("shuffled pixels", "shuffled", _shuffled),
    "grey": PictureSet("constant grey", "grey", _grey),
    "noise": PictureSet("uniform noise", "noise", _noise),
    "digits": PictureSet("handwritten digits", "digits", _digits),
}
OTHERS = tuple(name for name in SETS if name != GARMENTS)


def pictures(name: str, count: int, seed: int = SEED, first: int = 0, dataset: str = DATASET) -> np.ndarray:
    """Pictures ``first`` to ``first + count`` of a set, uint8 (count,28,28,1): picture i is the same in every batch.

    Raises:
        ValueError: one sentence, if there is no such set.
    """
    if name not in SETS:
        raise ValueError(f"There is no set called {name!r}; there are {', '.join(SETS)}.")
    garments = data.load(dataset, "test")[0][first : first + count]
    return SETS[name].make(garments, range(first, first + count), seed)


# --- one picture


@dataclass(frozen=True)
class ScoreSummary:
    """What one model says of one picture."""

    score: Score
    tightened: float | None = None  # the importance-weighted bound, where a model has one
    num_weights: int = 0


def judge(model: Model, image: np.ndarray, seed: int = SEED) -> ScoreSummary:
    """The score of uint8 (H,W,C), exactly as ``playground score`` computes it, and the tighter bound of a VAE.

    Raises:
        ValueError: one sentence, if the model has no likelihood.
    """
    import torch

    from playground.evaluation.likelihood import NUM_WEIGHTS

    if not isinstance(model, Scores):
        raise ValueError(f"{model.card.id} has no likelihood, no bound and no energy: it can only draw.")
    x = torch.from_numpy(image[None].transpose(0, 3, 1, 2).copy()).to(next(model.parameters()).device)
    score = model.score(x, seed)[0]
    if not isinstance(model, ImportanceWeighted):
        return ScoreSummary(score)
    return ScoreSummary(score, float(model.importance_weighted_bound(x, NUM_WEIGHTS, seed)[0]), NUM_WEIGHTS)


def png_bytes(image: np.ndarray) -> int:
    """Size of uint8 (H,W,1 or 3) as an optimised PNG file, in bytes."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(data.plain_pixels(image)).save(file, format="PNG", optimize=True)
    return len(file.getvalue())


def code_bytes(bits_per_dim: float, num_dims: int) -> int | None:
    """Size under an ideal code, in whole bytes; None if the model gives the picture no probability at all."""
    return math.ceil(bits_per_dim * num_dims / 8) if math.isfinite(bits_per_dim) else None


# --- sets of pictures


@dataclass(frozen=True)
class Census:
    """The scores of every set by one model, ``inf`` where a picture has no probability in its arithmetic."""

    kind: str
    unit: str
    milliseconds: float  # of one core, for one picture alone
    scores: Mapping[str, np.ndarray]  # set -> float64 (N,); high means improbable

    @property
    def count(self) -> int:
        """Images in each set."""
        return len(self.scores[GARMENTS])

    def auc(self, name: str) -> float:
        """How well the score tells garments from a set: 1 perfectly, 0.5 not at all, 0 it prefers the set."""
        return auc(self.scores[GARMENTS], self.scores[name])

    def share_below(self, value: float) -> float:
        """The share of garments that the model finds more probable than a picture with this score."""
        return float(np.mean(self.scores[GARMENTS] < value))


def measure(
    model: Model, count: int | None = None, tell: Callable[[str], None] = lambda line: None
) -> Census:
    """Score every set; ``count`` images of each, or as many as fit into ``BUDGET``.

    Raises:
        ValueError: one sentence, if the model has no likelihood.
    """
    judge(model, pictures(GARMENTS, 1)[0])  # the first pass warms up
    assert isinstance(model, Scores), "judge has said so"
    alone, together, kind, unit = _cost(model)
    if count is None:
        fits = int(BUDGET / (together * len(SETS)))
        count = min(max(fits // 8 * 8, LEAST), MOST)
    tell(f"{together * 1000:.0f} ms for each image: {count} images of each set")
    scores = {}
    for name, kept in SETS.items():
        scores[name] = _scores(model, pictures(name, count))
        tell(f"{kept.title}: median {np.median(scores[name]):.3f} {unit}")
    return Census(kind, unit, alone * 1000, scores)


def _cost(model: Scores) -> tuple[float, float, str, str]:
    """Seconds of one core for a picture alone and for one of a batch; kind and unit of the scores."""
    garments = pictures(GARMENTS, BATCH)
    began = time.process_time()
    score = judge(model, garments[0]).score
    middle = time.process_time()
    _scores(model, garments)
    return middle - began, (time.process_time() - middle) / BATCH, score.kind, score.unit


def _scores(model: Scores, images: np.ndarray) -> np.ndarray:
    import torch

    device, found = next(model.parameters()).device, []
    for start in range(0, len(images), BATCH):
        x = torch.from_numpy(images[start : start + BATCH].transpose(0, 3, 1, 2).copy()).to(device)
        found += [s.value for s in model.score(x, SEED)]
    values = np.array(found, np.float64)
    return np.where(np.isnan(values), np.inf, values)  # an overflow on the way to infinity


# --- what is kept beside a checkpoint


def path_of(checkpoint: Path) -> Path:
    """``<id>.safetensors`` -> ``<id>.lens.json``."""
    return checkpoint.with_suffix(".lens.json")


def write(checkpoint: Path, census: Census) -> None:
    """Keep the scores, rounded to five digits, under the hash of the weights."""
    kept = {
        "kind": census.kind,
        "unit": census.unit,
        "seed": SEED,
        "milliseconds": round(census.milliseconds, 1),
        "scores": {name: [_rounded(v) for v in values] for name, values in census.scores.items()},
    }
    text = json.dumps({checkpoints.weights_hash(checkpoint): kept}, separators=(",", ":"), allow_nan=False)
    checkpoints.write_atomically(path_of(checkpoint), text.replace('"scores"', '\n"scores"').encode() + b"\n")


def read(checkpoint: Path) -> Census | None:
    """What was measured of exactly these weights; None if nothing was, or the file is not one of ours."""
    try:
        kept = json.loads(path_of(checkpoint).read_text(encoding="utf-8"))[
            checkpoints.weights_hash(checkpoint)
        ]
        scores = {
            name: np.array([math.inf if v is None else float(v) for v in kept["scores"][name]], np.float64)
            for name in SETS
        }
        if not all(len(values) for values in scores.values()):
            return None
        return Census(str(kept["kind"]), str(kept["unit"]), float(kept["milliseconds"]), scores)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _rounded(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def as_table(census: Census) -> str:
    """For the terminal: each set with its median and how well it is told from garments."""
    lines = [f"{census.count} images of each set; {census.unit} ({census.kind})"]
    for name, kept in SETS.items():
        area = "" if name == GARMENTS else f", AUC {census.auc(name):.3f}"
        lines.append(f"{kept.title}: median {np.median(census.scores[name]):.3f}{area}")
    return "\n".join(lines)
