"""Is it memorised?  The training pictures nearest to what a model draws, and how near held-out real pictures come.

Near in pixels: the root of the mean squared difference of 8-bit values.  Or near in the features of a classifier, which sees a copy
also where it is shifted or in another colour: then the Euclidean distance.  A sample nearer to training than nearly all held-out
pictures are is suspicious; one that is not has not been copied, whatever it looks like.

What takes long is counted once and kept in ``assets/neighbours`` (``python -m playground.evaluation.neighbours`` makes it anew):
the features of the training pictures, eight bits each, and how near the held-out pictures come.  Fashion-MNIST's training pictures
do not travel with the program; their principal components do, so that near ones are found without them, by numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from playground import checkpoints, data, labels, paths
from playground.contract import Frame, Model, Request, knob
from playground.data import emoji, fashion
from playground.evaluation import emoji_features, feature_distances

By = Literal["pixels", "features"]
NUM_NEAREST = 5
NUM_HELD_OUT = 1000  # real pictures that say how near is usual
SUSPICIOUS = 1.0  # per cent of held-out pictures that are as near to training
_AT_ONCE = 2_000  # training pictures compared together
_LEVELS = 255
_COMPONENTS = 32  # principal components that are kept of each training picture that does not travel


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What lies nearest to N pictures."""

    indices: np.ndarray  # int64 (N, NUM_NEAREST), into the training pictures, the nearest first
    distances: np.ndarray  # float64 (N, NUM_NEAREST)
    percentiles: (
        np.ndarray
    )  # float64 (N,): 0 to 100, the place of the nearest distance among those of held-out pictures


def why_not(dataset: str, by: By = "pixels") -> str:
    """Why nothing can be compared here, in a sentence; empty if it can."""
    if dataset == emoji.EMOJI.name:
        return ""
    has_own = labels.is_own(dataset) and dataset in data.DATASETS
    if dataset != fashion.FASHION.name and not has_own:
        return "Only pictures of garments, emoji and your own have training pictures to be compared with."
    return "Only emoji are compared by features." if by == "features" else ""


def why_no_pictures(dataset: str) -> str:
    """Why the training pictures themselves cannot be shown here, in a sentence; empty if they can."""
    if dataset == fashion.FASHION.name and (missing := fashion.missing()):
        return (
            f"Fashion-MNIST's training pictures are not on this machine ({missing[0]}): install the Debian package "
            "dataset-fashion-mnist, or put the files into the folder that PLAYGROUND_DATA names."
        )
    return why_not(dataset)


def find(images: np.ndarray, dataset: str, by: By = "pixels") -> Neighbours:
    """The nearest training pictures of ``images`` uint8 (N,H,W,C).

    Where those are not on this machine, distances are those of the first principal components, which are a little shorter; the
    distances of held-out pictures that they are compared with are then measured alike.

    Raises:
        ValueError: one sentence, if they cannot be compared like this.
    """
    if reason := why_not(dataset, by):
        raise ValueError(reason)
    usual = usual_distances(dataset, by)
    if by == "features":
        indices, distances = _nearest(emoji_features.features_of(images), _training_codes(dataset))
    elif why_no_pictures(dataset):
        indices, distances = _nearest_in_components(images, dataset)
        usual = _index(dataset)["usual_components"].astype(np.float64)
    else:
        indices, distances = _nearest_in_pixels(images, dataset)
    percentiles = 100 * np.searchsorted(usual, distances[:, 0], side="right") / len(usual)
    return Neighbours(indices, distances, percentiles)


def in_words(percentile: float) -> str:
    """What a percentile means, in a short sentence."""
    if percentile < SUSPICIOUS:
        return "nearer to a training picture than 99 % of held-out pictures are: perhaps a copy"
    return f"nearer to a training picture than {100 - percentile:.0f} % of held-out pictures are: no copy"


def training_pictures(dataset: str) -> np.ndarray:
    """uint8 (N,H,W,C), at the places of ``Neighbours.indices``."""
    return data.load(dataset, "train")[0]


def held_out(dataset: str) -> np.ndarray:
    """Real pictures that no model learned from."""
    if dataset == emoji.EMOJI.name:
        return np.concatenate([emoji.load("new-pairs").images, emoji.load("new-concepts").images])
    return data.load(dataset, "test")[0][:NUM_HELD_OUT]


def name_of(dataset: str) -> Callable[[int], Any]:
    """What a training picture is called: "style/name" of an emoji, else its index."""
    if dataset != emoji.EMOJI.name:
        return int
    known = emoji.load("train")
    return lambda i: f"{known.styles[i]}/{known.names[i]}"


def as_rows(found: Neighbours, dataset: str) -> list[dict[str, Any]]:
    """The same as plain JSON: an object for each sample."""
    name = name_of(dataset)
    return [
        {
            "sample": i,
            "nearest": [
                {"id": name(int(j)), "distance": round(float(d), 4)}
                for j, d in zip(found.indices[i], found.distances[i], strict=True)
            ],
            "percentile": round(float(found.percentiles[i]), 2),
        }
        for i in range(len(found.percentiles))
    ]


def share_suspicious(images: np.ndarray, dataset: str, by: By = "pixels") -> np.ndarray:
    """Whether each picture is nearer to training than 99 % of held-out pictures are: bool (N,)."""
    return find(images, dataset, by).percentiles < SUSPICIOUS


# --- in the window


@lru_cache
def request_beside(model_request: type[Request]) -> type[Request]:
    """A model's request, which also says by what pictures are compared; few of them, so that their neighbours fit beside them."""
    by = knob(
        "pixels",
        label="near by",
        choices=(("pixels", "pixels"), ("features", "features")),
        help="What is compared: pixel by pixel, or what a classifier sees in the pictures, which finds copies that were shifted or recoloured too.",
    )
    few = knob(4, label="num_samples", low=1, high=12, help="How many pictures are generated together.")
    made = dataclasses.make_dataclass(
        f"{model_request.__name__}Beside",
        [("near_by", str, by), ("num_samples", int, few)],
        bases=(model_request,),
        frozen=True,
    )
    made.__doc__ = "What to draw, and by what its neighbours are found."
    return made


def beside(model: Model, request: Any) -> Iterator[Frame]:
    """A run whose last frame has the nearest training pictures beside each sample.

    ``images`` uint8 (B * (1 + NUM_NEAREST),H,W,C), row by row; ``known`` bool of each; in the last frame also ``nearest`` int64
    (B,NUM_NEAREST), ``distances`` and ``percentiles``.
    """
    last = None
    for frame in model.sample(request):
        last = frame
        yield _laid_out(frame, frame.total + 1, None)
    assert last is not None, "every sampler has a frame"
    dataset = model.card.dataset
    by: By = request.near_by if dataset == emoji.EMOJI.name else "pixels"
    found = find(last.images, dataset, by)
    near = training_pictures(dataset)[found.indices]
    done = dataclasses.replace(last, step=last.total + 1)
    yield _laid_out(done, last.total + 1, near, found)


def _laid_out(frame: Frame, total: int, near: np.ndarray | None, found: Neighbours | None = None) -> Frame:
    samples = frame.images[:, None]
    blank = np.zeros_like(np.repeat(samples, NUM_NEAREST, axis=1))
    rows = np.concatenate([samples, blank if near is None else near], axis=1)  # (B, 1 + NUM_NEAREST, H, W, C)
    known = np.ones(rows.shape[:2], bool)
    known[:, 1:] = near is not None
    extras: dict[str, Any] = {"known": known.reshape(-1)}
    if found is not None:
        extras |= {
            "nearest": found.indices,
            "distances": found.distances,
            "percentiles": found.percentiles,
        }
    return Frame(frame.step, total, frame.passes, rows.reshape(-1, *rows.shape[2:]), extras)


# --- distances


def _nearest_in_pixels(images: np.ndarray, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    train, size = training_pictures(dataset), images[0].size
    indices, distances = _nearest(images.reshape(len(images), -1), train.reshape(len(train), -1))
    return indices, distances / np.sqrt(size)


def _nearest_in_components(images: np.ndarray, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    index = _index(dataset)
    rows = _components_of(images, index["mean"], index["basis"])
    indices, distances = _nearest(rows, _training_codes(dataset))
    return indices, distances / np.sqrt(images[0].size)


def _components_of(images: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The principal components of pictures, float32 (N,K)."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    found: np.ndarray = (flat - mean.astype(np.float32)) @ basis.astype(np.float32)
    return found


def _nearest(rows: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices and Euclidean distances of the nearest of ``train`` (M,D) to each of ``rows`` (N,D), the nearest first."""
    best = np.full((len(rows), 0), np.inf)
    where = np.zeros((len(rows), 0), np.int64)
    for start in range(0, len(train), _AT_ONCE):
        part = train[start : start + _AT_ONCE]
        best = np.concatenate([best, feature_distances.distances(rows, part)], axis=1)
        here = np.tile(np.arange(start, start + len(part)), (len(rows), 1))
        where = np.concatenate([where, here], axis=1)
        order = np.argsort(best, axis=1, kind="stable")[:, :NUM_NEAREST]
        best, where = np.take_along_axis(best, order, 1), np.take_along_axis(where, order, 1)
    return where, best


# --- the index


def index_file(dataset: str) -> Path:
    """Where what is counted once is kept."""
    return paths.folder("assets") / "neighbours" / f"{dataset}.safetensors"


def usual_distances(dataset: str, by: By = "pixels") -> np.ndarray:
    """How near each held-out picture is to training, ascending: float64."""
    if labels.is_own(dataset):
        return _usual_of_own(dataset)
    return _index(dataset)[f"usual_{by}"].astype(np.float64)


@lru_cache(maxsize=4)
def _usual_of_own(dataset: str) -> np.ndarray:
    return np.sort(_nearest_in_pixels(held_out(dataset), dataset)[1][:, 0])


def _training_codes(dataset: str) -> np.ndarray:
    """What is kept of the training pictures, float32 (N,D): features of emoji, principal components of garments."""
    index = _index(dataset)
    return index["codes"].astype(np.float32) * index["steps"] + index.get("least", np.float32(0))


@lru_cache(maxsize=2)
def _index(dataset: str) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return dict(load_file(index_file(dataset)))


def write_index(dataset: str) -> Path:
    """Count it anew."""
    from safetensors.numpy import save

    real = held_out(dataset)
    found = {"usual_pixels": np.sort(_nearest_in_pixels(real, dataset)[1][:, 0]).astype(np.float32)}
    if dataset == emoji.EMOJI.name:
        features = emoji_features.features_of(training_pictures(dataset))
        steps = np.maximum(features.max(0) / _LEVELS, 1e-12).astype(np.float32)  # none is below 0
        codes = np.round(features / steps).astype(np.uint8)
        near = _nearest(emoji_features.features_of(real), codes.astype(np.float32) * steps)[1][:, 0]
        found |= {"codes": codes, "steps": steps, "usual_features": np.sort(near).astype(np.float32)}
    else:
        found |= _components_index(real, training_pictures(dataset))
    path = index_file(dataset)
    path.parent.mkdir(exist_ok=True)
    checkpoints.write_atomically(path, save(found))
    _index.cache_clear()
    return path


def _components_index(real: np.ndarray, train: np.ndarray) -> dict[str, np.ndarray]:
    """Principal components of the training pictures, eight bits each, and how near held-out pictures come by them."""
    flat = train.reshape(len(train), -1).astype(np.float32)
    mean = flat.mean(0)
    covariance = (flat - mean).T @ (flat - mean) / len(flat)
    basis = np.linalg.eigh(covariance.astype(np.float64))[1][:, : -_COMPONENTS - 1 : -1].astype(np.float16)
    values = _components_of(train, mean, basis)
    least = values.min(0)
    steps = np.maximum((values.max(0) - least) / _LEVELS, 1e-12).astype(np.float32)
    codes = np.round((values - least) / steps).astype(np.uint8)
    near = _nearest(_components_of(real, mean, basis), codes.astype(np.float32) * steps + least)[1][:, 0]
    usual = np.sort(near / np.sqrt(flat.shape[1])).astype(np.float32)
    parts = {"codes": codes, "steps": steps, "least": least, "mean": mean, "basis": basis}
    return {**parts, "usual_components": usual}


if __name__ == "__main__":
    for one in (emoji.EMOJI.name, fashion.FASHION.name):
        print(write_index(one))
