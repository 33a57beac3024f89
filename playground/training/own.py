"""Recipes for the user's own pictures: small models, whose first samples are there within minutes on a laptop.

Nothing is compiled (that takes a minute, and a compiler), and the state is saved often, since whoever trains here closes the
window.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from playground import checkpoints, paths
from playground.contract import Recipe, make_request
from playground.data import Split
from playground.data.own_pictures import Collection
from playground.models.autoregressive.pixelcnn import PixelCNNConfig
from playground.models.diffusion.ddpm import DiffusionConfig
from playground.models.gan.dcgan import DCGANConfig
from playground.models.vae.vae import VAEConfig
from playground.training import own_runs
from playground.training.own_runs import OwnRun
from playground.training.plan import Plan, plan_of

SAVE_EVERY = 15.0  # seconds
_DRAWN = "drawn.npy"
_DRAWN_AT_ONCE, _DRAWN_SEED = 25, 11
_SHARED: dict[str, Any] = {"compile": False, "batch_size": 32, "warmup_steps": 100, "stored": "float16"}

RECIPES: dict[str, tuple[str, Recipe]] = {
    recipe.id: (network, recipe)
    for network, recipe in (
        (
            "vae/vae",
            Recipe(
                id="vae-own",
                config=VAEConfig(latent_dim=16, hidden=256),
                steps=6000,
                ema=0.998,
                snapshot={"num_samples": 10},
                **_SHARED,
            ),
        ),
        (
            "gan/dcgan",
            Recipe(
                id="gan-own",
                config=DCGANConfig(width=32, discriminator_width=16),
                steps=6000,
                learning_rate=5e-4,
                betas=(0.5, 0.999),
                final_learning_rate=1.0,
                max_grad_norm=100.0,
                ema=0.998,
                ema_ramp=6,
                snapshot={"num_samples": 10},
                **_SHARED,
            ),
        ),
        (
            "diffusion/ddpm",
            Recipe(
                id="ddpm-own",
                config=DiffusionConfig(num_classes=1, width=32, embedding=128),
                steps=4000,
                optimizer="muon",
                muon_learning_rate=0.02,
                ema=0.998,
                snapshot={"sampler": "unipc", "num_steps": 12, "guidance_scale": 1.0},
                **_SHARED,
            ),
        ),
        (
            "autoregressive/pixelcnn",
            Recipe(
                id="pixelcnn-own",
                config=PixelCNNConfig(
                    num_classes=1,
                    width=32,
                    num_blocks=3,
                    context_width=64,
                    num_context_blocks=2,
                    num_mixtures=5,
                ),
                steps=3000,
                optimizer="muon",
                muon_learning_rate=0.02,
                ema=0.998,
                snapshot={"num_samples": 10, "guidance_scale": 1.0},
                **_SHARED,
            ),
        ),
    )
}


def begin(
    folder: Path, recipe_id: str, pictures: Collection, augment: bool, id: str = "", drawn_by: str = ""
) -> Plan:
    """The plan of a new run in ``folder``, where it leaves the pictures and what the run is.

    Args:
        drawn_by: the id of a model that learned these pictures: as many again are drawn by it and learned, too.

    Raises:
        ValueError: one sentence, if it cannot be trained so, or there is a run already.
        OSError: if the folder cannot be written to.
    """
    own_runs.check(recipe_id, pictures.images.shape[-1] == 3)
    drawn = _draw(drawn_by, pictures) if drawn_by else None
    run = OwnRun(recipe_id, id or recipe_id, augment, drawn_by)
    own_runs.begin(folder, run, pictures)
    if drawn is not None:
        with paths.replacing(folder / _DRAWN) as partial, partial.open("wb") as file:
            np.save(file, drawn)
    return _plan(run, pictures, drawn)


def _draw(model_id: str, pictures: Collection) -> np.ndarray:
    """As many as there are to learn from, uint8 (N,H,W,C).

    Raises:
        ValueError: one sentence, if there is no such model, or it learned others.
    """
    model = checkpoints.load(model_id)
    if model.card.dataset != pictures.name:
        raise ValueError(f"{model_id} has not learned these pictures: what it draws does not belong to them.")
    settings = {k: v for k, v in model.card.recipe.get("snapshot", {}).items() if k != "num_samples"}
    wanted, parts = len(pictures.split("train")[0]), []
    for first in range(0, wanted, _DRAWN_AT_ONCE):
        count = min(_DRAWN_AT_ONCE, wanted - first)
        request = make_request(model.Request, {**settings, "num_samples": count, "seed": _DRAWN_SEED})
        *_, frame = model.sample(dataclasses.replace(request, first_index=first))
        parts.append(frame.images)
    return np.concatenate(parts)


def begin_again(folder: Path, recipe_id: str, id: str) -> Plan:
    """The plan of a new run of a checkpoint's own recipe, whose pictures are on this machine.

    Raises:
        ValueError, OSError: as :func:`begin`.
    """
    run = OwnRun(recipe_id, id, augment=False)
    plan = _plan(run, None)
    own_runs.begin(folder, run, None)
    return plan


def resume(folder: Path, recipe_id: str = "", pictures: Collection | None = None) -> Plan:
    """The plan of a run that was begun in ``folder``; ``recipe_id`` and ``pictures``, if given, must be those of that run.

    Raises:
        ValueError: one sentence, if there is none, or another.
    """
    run = own_runs.begun(folder)
    if run is None:
        raise ValueError(f"{folder} holds no run on pictures of your own to continue.")
    if recipe_id not in ("", run.recipe):
        raise ValueError(f"{folder} holds a run of {run.recipe}, not of {recipe_id}.")
    kept = own_runs.pictures_of(folder)
    if pictures is not None and (kept is None or pictures.checksum != kept.checksum):
        raise ValueError(
            f"The run in {folder} learned from other pictures: leave out --data to go on with them."
        )
    return _plan(run, kept, _drawn_in(folder, kept) if run.drawn_by else None)


def _drawn_in(folder: Path, pictures: Collection | None) -> np.ndarray:
    """What was drawn when the run began.

    Raises:
        ValueError: one sentence, if it is not there any more.
    """
    try:
        drawn = np.load(folder / _DRAWN, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        drawn = np.zeros(0)
    if pictures is None or drawn.dtype != np.uint8 or drawn.shape[1:] != pictures.images.shape[1:]:
        raise ValueError(f"The drawn pictures of the run in {folder} are missing or damaged.")
    return np.asarray(drawn)


def _plan(run: OwnRun, pictures: Collection | None, drawn: np.ndarray | None = None) -> Plan:
    if pictures is None:
        plan = plan_of(run.recipe)
        recipe = dataclasses.replace(plan.recipe, id=run.id, compile=False)
        return dataclasses.replace(plan, recipe=recipe, save_every=SAVE_EVERY)
    network, recipe = RECIPES[run.recipe]
    dataset = pictures.dataset
    size, _, channels = dataset.image_shape
    config = dataclasses.replace(recipe.config, image_size=size, channels=channels)
    batch = min(recipe.batch_size, len(pictures.split("train")[0]))
    recipe = dataclasses.replace(
        recipe,
        id=run.id,
        config=config,
        dataset=dataset.name,
        augment=run.augment,
        drawn_by=run.drawn_by,
        batch_size=batch,
    )

    def load(split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Drawn pictures are learned, and never held out."""
        images, labels = pictures.split(split)
        if split != "train" or drawn is None:
            return images, labels
        return np.concatenate([images, drawn]), np.zeros(len(images) + len(drawn), np.int64)

    return Plan(network, recipe, dataset, load, SAVE_EVERY)
