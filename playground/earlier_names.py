"""What modules, names and settings were called in earlier versions, so that what a person kept from then still works.

Three kinds of things leave the program with names of ours inside: snippets ("Copy as Python"), exported pictures (settings)
and checkpoints (the card's network).  The tables below say where each name of version 0.1 is now.  Rows are for ever.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# old module -> the modules in which its names are looked for, in this order
MODULES: dict[str, tuple[str, ...]] = {
    "playground." + old: tuple("playground." + module for module in new)
    for old, *new in map(
        str.split,
        """
    models.base contract
    kjv data.bible
    ranking data.auc
    incoming data.image_import
    packing checkpoints.int8
    models.blank checkpoints.blank
    films checkpoints.training_record
    keepsake export.picture_metadata
    sheets export.contact_sheet
    animation export.animation
    tables export.csv_table
    evaluation.judge evaluation.classifier
    evaluation.second_judge evaluation.masked_autoencoder
    evaluation.fidelity evaluation.feature_distances
    evaluation.lens evaluation.out_of_distribution
    evaluation.marks evaluation.baselines
    evaluation.measured evaluation.results
    evaluation.table evaluation.report
    evaluation.steps evaluation.fid_by_steps
    evaluation.pictures evaluation.sample_quality
    models.autoregressive._attention experiments.autoregressive.attention
    models.autoregressive._masks experiments.autoregressive.masks
    models.autoregressive._pixel_model models.autoregressive.pixel_model
    models.autoregressive._run models.autoregressive.pixel_sampling
    models.next_token models.autoregressive.next_token
    models.autoregressive.gpt models.autoregressive.text.gpt
    models.autoregressive.lstm models.autoregressive.text.lstm
    models.autoregressive.ngram models.autoregressive.text.ngram
    models.generations experiments.autoregressive.generations
    models.pixelwise experiments.autoregressive.pixelwise
    models.code_grid experiments.vae.code_grid
    models.latent_sliders experiments.vae.latent_sliders
    models.reconstruct experiments.vae.reconstruction
    models.traversals experiments.vae.traversals
    models.knob_grid experiments.knob_grid
    models.latent experiments.interpolation
    models.replay experiments.branching
    models.diffusion._between experiments.diffusion.interpolation
    models.diffusion._few_steps experiments.diffusion.few_steps
    models.diffusion._forward experiments.diffusion.forward_process
    models.diffusion._image_to_image experiments.diffusion.image_to_image
    models.diffusion._model models.diffusion.base
    models.diffusion._bound models.diffusion.bound
    models.diffusion._dit models.diffusion.dit
    models.diffusion._samplers models.diffusion.samplers
    models.diffusion._schedule models.diffusion.schedule
    models.diffusion._unet models.diffusion.unet
    models.energy._chains models.energy.chains
    models.energy._explore experiments.energy.repair experiments.energy.energies experiments.energy.filters
    models.flow._analogies experiments.flow.analogies
    models.flow._journeys experiments.flow.layer_traces
    models.flow._layers models.flow.layers
    models.flow._flow models.flow.base
    models.gan._explore experiments.gan.latent_walk experiments.gan.lattice experiments.gan.style_mixing experiments.gan.directions experiments.gan.projection
""".strip().splitlines(),
    )
}
# names inside these modules
NAMES = {
    "Keepsake": "PictureMetadata",
    "KeepsakeError": "PictureMetadataError",
    "Film": "TrainingRecord",
    "FilmRequest": "TrainingRecordRequest",
    "ToldInterpolateRequest": "ClassInterpolateRequest",
    "ToldLayersRequest": "ClassLayersRequest",
    "ToldRoundTripRequest": "ClassRoundTripRequest",
    "ToldScoreRequest": "ClassScoreRequest",
    "told_knob": "class_label_knob",
    "Moment": "SamplerState",
}
# settings of requests, in pictures and as keywords
SETTINGS = {"told": "class_label"}


def settings(found: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under the names of today; those that say the same twice keep the newer name's value."""
    return {
        SETTINGS.get(name, name): value for name, value in found.items() if SETTINGS.get(name) not in found
    }


def network(name: str) -> str:
    """The network that a card calls ``"family/file"``, as it is called today."""
    (found, *_) = MODULES.get("playground.models." + name.replace("/", "."), ("",))
    return found.removeprefix("playground.models.").replace(".", "/") or name


class Finder:
    """Lets ``import`` find the modules of :data:`MODULES`: asked last, so nothing else takes longer."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module that looks its names up where they are now; None for all others."""
        return ModuleSpec(name, Finder) if name in MODULES else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """An empty module will do."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Give it the names, each when it is asked for."""
        module.__getattr__ = functools.partial(_look_up, module.__name__)  # type: ignore[method-assign]


def install() -> None:
    """Let old modules be imported from now on."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)


def _look_up(module: str, name: str) -> Any:
    if not name.startswith("__"):
        for place in MODULES[module]:
            there = importlib.import_module(place)
            for one in (NAMES.get(name, name), name):
                if hasattr(there, one):
                    return _with_old_settings(getattr(there, one))
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def _with_old_settings(found: Any) -> Any:
    """A request type that has renamed settings, as a function that takes them under either name; others as they are."""
    fields: Mapping[str, object] = getattr(found, "__dataclass_fields__", {})
    if not isinstance(found, type) or not any(name in fields for name in SETTINGS.values()):
        return found
    kind: Callable[..., Any] = found

    @functools.wraps(found, updated=())
    def request(**given: Any) -> Any:
        return kind(**settings(given))

    return request
