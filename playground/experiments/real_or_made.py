"""A game: pictures of which half are real and half are drawn now by several models; a discriminator plays too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.capabilities import Adversarial, Denoises
from playground.contract import Message, Model, knobs, make_request
from playground.experiments.giveaways import Giveaway, giveaways
from playground.models import noise

COUNT = 20
NUM_EXAMPLES = 10  # real pictures to look at while the others are drawn
REAL = ""  # who made a picture that nobody did
_DENOISED = 24  # steps of those that denoise: their own default, or at least as many


@dataclass(frozen=True, eq=False)
class Deal:
    """What is played.

    Attributes:
        pictures: uint8 (COUNT,H,W,C), in the order of the game; half of them real.
        makers: the id of the model that drew each, ``REAL`` for a real one.
        giveaways: what is most unusual about each.
        beliefs: float (COUNT,), how probably real each is to the discriminator, told the class that suits it best; empty without one.
    """

    pictures: np.ndarray
    makers: tuple[str, ...]
    giveaways: tuple[Giveaway, ...]
    beliefs: np.ndarray

    @property
    def is_real(self) -> np.ndarray:
        """bool (COUNT,)."""
        return np.array([maker == REAL for maker in self.makers])

    @property
    def guesses(self) -> np.ndarray:
        """What the discriminator says, bool (COUNT,): it knows that half are real, and takes those that it finds likeliest."""
        if not len(self.beliefs):
            return np.zeros(0, bool)
        order = np.argsort(-self.beliefs, kind="stable")
        return np.isin(np.arange(len(order)), order[: int(self.is_real.sum())])


@torch.no_grad()
def deal(
    get: Callable[[str], Model], ids: Sequence[str], judge: str, dataset: str, seed: int
) -> Iterator[Message[Deal | np.ndarray | str]]:
    """Real pictures that are not in the game, uint8 (NUM_EXAMPLES,H,W,C); who is drawing now, model after model; at last the deal.

    Args:
        get: gives a model by its id.
        ids: who draws; the pictures are shared out among them.
        judge: the id of an adversarial model whose discriminator plays, "" for none.
    """
    half = COUNT // 2
    images = data.load(dataset, "test")[0]
    order = noise.uniform(seed, [0], "real", (len(images),))[0].argsort()
    pictures, makers = [images[order[:half]]], [REAL] * half
    yield Message(images[order[half : half + NUM_EXAMPLES]], 0, len(ids) + 1)
    for i, key in enumerate(ids):
        count = half // len(ids) + (i < half % len(ids))
        if count:
            yield Message(key, i, len(ids) + 1)
            run = drawing(get(key), count, seed)
            drawn = next(run)
            for drawn in run:  # noqa: B007  the last is kept; a word after every step, so that it can be stopped
                yield Message(key, i, len(ids) + 1)
            pictures.append(drawn)
            makers += [key] * count
    order = noise.uniform(seed, [0], "order", (COUNT,))[0].argsort()
    shown = np.concatenate(pictures)[order]
    yield Message(judge, len(ids), len(ids) + 1)
    beliefs = believed(get(judge), shown) if judge else np.zeros(0)
    found = Deal(shown, tuple(makers[i] for i in order), tuple(giveaways(shown, dataset)), beliefs)
    yield Message(found, len(ids) + 1, len(ids) + 1)


def drawing(model: Model, count: int, seed: int) -> Iterator[np.ndarray]:
    """Pictures of a model as its own defaults draw them, uint8 (count,H,W,C), after every step; the last are done."""
    settings = {"num_samples": count, "seed": seed}
    steps = {knob.name: knob.default for knob in knobs(model.Request)}.get("num_steps")
    if isinstance(model, Denoises) and steps is not None:
        settings["num_steps"] = max(int(steps), _DENOISED)
    for frame in model.sample(make_request(model.Request, settings)):
        yield frame.images


def believed(model: Model, pictures: np.ndarray) -> np.ndarray:
    """How probably real pictures uint8 (N,H,W,C) are to a model's discriminator, under the class that suits each best: (N,)."""
    if not isinstance(model, Adversarial):
        raise ValueError(f"{model.card.id} has no discriminator.")
    device = next(iter(model.parameters())).device
    x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).to(device).float() / 127.5 - 1
    found = [
        model.discriminator_output(x, torch.full((len(x),), label, device=device))
        for label in range(len(model.card.classes))
    ]
    return torch.stack(found).amax(0).cpu().numpy()
