"""What a model draws, measured: pictures at its best honest settings, and every figure on the two judges' features."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import checkpoints, data, distributed
from playground.capabilities import ClassConditional
from playground.contract import Model, labels_of, make_request, settings_of
from playground.evaluation import baselines, feature_distances, neighbours

BATCH = 128  # pictures drawn together; a multiple of every model's chunk
COUNT = 5_000
NUM_MEMORISED = 500  # pictures that are looked up among the training pictures
NUM_NEAREST = 1_000  # pictures whose nearest training picture is looked for
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures of a model and what they cost."""

    images: np.ndarray  # uint8 (N, H, W, C)
    labels: np.ndarray | None  # int64 (N,), what they should show; None if the model was not told
    settings: dict[str, Any]
    passes: int  # through the network, for each picture
    milliseconds: float  # of processor time for each picture (of the clock, on a GPU)


def draw(
    model: Model,
    count: int,
    settings: Mapping[str, Any],
    tell: Tell,
    world: distributed.World | None = None,
) -> Drawn:
    """``count`` pictures, to the bit the same however many processes share the batches.

    Raises:
        ValueError: one sentence, for a setting that the model does not have.
    """
    world = world or distributed.World()
    request = make_request(model.Request, {"seed": 0, **settings})
    clock = time.process_time if next(model.parameters()).device.type == "cpu" else time.perf_counter
    parts = [np.zeros((0, *data.DATASETS[model.card.dataset].image_shape), np.uint8)]
    passes, start = 0, clock()
    for batch in world.share(-(-count // BATCH)):
        first = batch * BATCH
        part = dataclasses.replace(request, num_samples=min(BATCH, count - first), first_index=first)
        *_, frame = model.sample(part)  # more than the knob allows: its limit is the window's
        parts.append(frame.images)
        passes = frame.passes
        tell(f"{first + part.num_samples} of {count} pictures")
    images = distributed.gather(world, np.concatenate(parts))
    cost = distributed.gather(world, np.array([[passes, clock() - start]]))
    kept = {k: v for k, v in settings_of(request).items() if k not in ("seed", "num_samples")}
    milliseconds = 1000 * cost[:, 1].sum() / count
    return Drawn(images, _asked(request, count, model), kept, int(cost[:, 0].max()), float(milliseconds))


def memorised(model: Model, count: int, settings: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The share of ``count`` pictures that lie nearer to a training picture, in pixels, than 99 % of held-out pictures do.

    Raises:
        ValueError: one sentence, where there is nothing to look them up in.
    """
    if reason := neighbours.why_not(model.card.dataset):
        raise ValueError(reason)
    images = draw(model, count, settings, tell).images
    near = neighbours.share_suspicious(images, model.card.dataset)
    found = feature_distances.mean_of(near.astype(np.float64))
    return {
        **found,
        "num_images": count,
        "unit": "of its pictures",
        "kind": "nearer than 99 % of held-out ones",
    }


def _asked(request: Any, count: int, model: Model) -> np.ndarray | None:
    if not hasattr(request, "label") or not isinstance(model, ClassConditional):
        return None
    return labels_of(request.label, dataclasses.replace(request, num_samples=count), model.num_classes)


class Ruler:
    """Both judges, and the reference on their features."""

    def __init__(self, dataset: str, split: data.Split = "test", device: torch.device | str = "cpu") -> None:
        self.dataset = dataset
        self.judges = {
            name: checkpoints.load(path) for name, path in baselines.classifier_paths(dataset).items()
        }
        if "judge" not in self.judges:
            raise FileNotFoundError(
                f"There is no judge for {dataset}: train it with playground train judge-{dataset}."
            )
        for judge in self.judges.values():
            judge.to(device)
        images, _ = baselines.reference(dataset, split)
        self.reference = {name: features_of(judge, images) for name, judge in self.judges.items()}

    def measure(self, images: np.ndarray, labels: np.ndarray | None = None) -> dict[str, Any]:
        """Every figure of pictures uint8 (N,H,W,C); ``labels`` int64 (N,) are what they should show, if anything."""
        found: dict[str, Any] = {"num_images": len(images)}
        features = {name: features_of(judge, images) for name, judge in self.judges.items()}
        found |= feature_distances.compare(self.reference["judge"], features["judge"])
        predicted = classes_of(self.judges["judge"], features["judge"])
        num_classes = len(data.DATASETS[self.dataset].classes)
        found["class_entropy"] = feature_distances.bootstrapped(
            len(images), lambda chosen: feature_distances.class_entropy(predicted[chosen], num_classes)
        )
        if labels is not None:
            found["accuracy"] = feature_distances.mean_of((predicted == labels).astype(np.float64))
        found["nearest_ratio"] = nearest_ratio(images, self.dataset)
        if "second" in features:
            found["second"] = feature_distances.compare(self.reference["second"], features["second"])
        return found

    def baselines_at(self, count: int, tell: Tell) -> dict[str, Any]:
        """The baselines at ``count`` pictures: as written down, or measured now."""
        return baselines.read(self.dataset, count) or self.measure_baselines(count, tell)

    def measure_baselines(self, count: int, tell: Tell) -> dict[str, Any]:
        """Every mark, measured as a model is."""
        images, labels = baselines.held_out(self.dataset, count)
        found = {}
        for name, (title, make) in baselines.BASELINES.items():
            tell(f"mark: {title}")
            found[name] = self.measure(make(images), None if name == "pairs" else labels)
        return found


def evaluate(model: Model, drawn: Drawn, tell: Tell, split: data.Split = "test") -> dict[str, Any]:
    """The figures of a model's pictures, and its FID as a fraction of the blur's at as many pictures."""
    ruler = Ruler(model.card.dataset, split, next(model.parameters()).device)
    found = ruler.measure(drawn.images, drawn.labels)
    if split == "test":  # the baselines are measured against the test set
        blur = ruler.baselines_at(len(drawn.images), tell)[baselines.BLUR]
        found["quality"] = as_fraction(found["fid"], blur["fid"])
        if "second" in found:
            found["second"]["quality"] = as_fraction(found["second"]["fid"], blur["second"]["fid"])
    return {
        **found,
        "settings": drawn.settings,
        "passes": drawn.passes,
        "milliseconds": round(drawn.milliseconds, 3),
        "pictures": baselines.fingerprint(drawn.images),
        "judges": baselines.classifier_hashes(model.card.dataset),
    }


def as_fraction(fid: Mapping[str, float], of_blur: Mapping[str, float]) -> dict[str, float]:
    """FID / FID of the blur, with the errors of both."""
    value = fid["value"] / of_blur["value"]
    spread = np.hypot(fid["standard_error"], value * of_blur["standard_error"]) / of_blur["value"]
    return feature_distances.figure(value, float(spread))


@torch.no_grad()
def features_of(judge: Any, images: np.ndarray, batch_size: int = 250) -> np.ndarray:
    """uint8 (N,H,W,C) -> float32 (N, D)."""
    device = next(judge.parameters()).device
    parts = [
        judge.features(_pixels(images[i : i + batch_size]).to(device)).cpu()
        for i in range(0, len(images), batch_size)
    ]
    return torch.cat(parts).numpy()


@torch.no_grad()
def classes_of(judge: Any, features: np.ndarray) -> np.ndarray:
    """The class that the classifier sees in each picture, (N,), from its features (N,D)."""
    head = judge.head
    return head(torch.from_numpy(features).to(head.weight.device)).argmax(1).cpu().numpy()


def _pixels(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())  # a copy, since datasets are read-only


def nearest_ratio(images: np.ndarray, dataset: str) -> dict[str, float]:
    """Distance to the nearest training picture in pixels, divided by that of held-out real ones; copies would be near 0.

    Smooth pictures are nearer to everything, so that less than 1 alone is no proof of copying.
    """
    train, _ = data.load(dataset, "train")
    flat = _flat(train)
    mine = feature_distances.nearest(_flat(images[:NUM_NEAREST]), flat)
    real = _real_distances(dataset, min(NUM_NEAREST, baselines.NUM_REFERENCE))
    rng = np.random.default_rng(0)

    def resampled(values: np.ndarray) -> float:
        return float(rng.choice(values, len(values)).mean())

    again = [resampled(mine) / resampled(real) for _ in range(200)]
    return feature_distances.figure(mine.mean() / real.mean(), float(np.std(again, ddof=1)))


_REAL: dict[tuple[str, int], np.ndarray] = {}


def _real_distances(dataset: str, count: int) -> np.ndarray:
    if (dataset, count) not in _REAL:
        train, _ = data.load(dataset, "train")
        _REAL[dataset, count] = feature_distances.nearest(
            _flat(baselines.held_out(dataset, count)[0]), _flat(train)
        )
    return _REAL[dataset, count]


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)
