"""What can be asked of a training in the plane: one request for each model, whose knobs are its configuration and what is shown.

Some knobs can be turned while it trains (:data:`LIVE`); any other begins it again.  Each model has a pace: how many training
steps lie between two pictures, so that drawing takes a quarter of the time at most, and how many steps the plan has, so
that it takes about twenty seconds on a quiet core.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from playground.contract import Request, knob, settings_of
from playground.data import plane
from playground.tabs.plane import target_spec
from playground.tabs.plane.overlay_knobs import OVERLAYS, switch

if TYPE_CHECKING:
    from playground.models.plane import PlaneModel

OWN = "own"  # the target that the user has drawn or dropped
LIVE = frozenset(
    {
        *(
            "target",
            "target_sigma",
            "target_weight",
            "learning_rate",
            "num_samples",
            "show_target",
            "density",
            "discriminator",
            "arrows",
            "latent_grid",
        ),
        *("layers", "latents", "cells", "score_field", "level", "x_0_pred", "paths", "conditional"),
    }
)
_LEAST_SIGMA = 0.02  # narrower parts than these no target has
# (steps between two pictures, steps of the plan): of a family, and of models that are slower or quicker than it
_PACE = {
    "autoregressive": (20, 4000),
    "flow": (6, 2000),
    "vae": (20, 8000),
    "gan": (12, 5000),
    "diffusion": (40, 6000),
    "energy": (40, 2400),
    "ffjord-plane": (2, 240),
    "residual-flow-plane": (4, 800),
    "consistency-plane": (12, 4000),
    "gsn-plane": (30, 3000),
    "rbm-plane": (60, 6000),
    "vaebm-plane": (60, 6000),
}


@dataclass(frozen=True)
class PlaneTraining(Request):
    """What every training in the plane can be asked for.

    ``drawing`` names the knobs that say how points are drawn; like those of :data:`LIVE` they need no training anew.
    """

    drawing: ClassVar[frozenset[str]] = frozenset()

    target: str = knob(
        "moons",
        label="target",
        choices=(*((name, plane.make(name).title) for name in plane.TARGETS), (OWN, "Your own")),
        help="What it learns. Changed under way, the model learns on from where it is: watch what it forgets.",
    )
    target_sigma: float = knob(
        0.0,
        label="width of its parts",
        low=0.0,
        high=0.6,
        step=0.01,
        fold=True,
        help="The standard deviation of the target's heaps, arms or rings; at 0 that of the figures of record. Wide ones are easy, and run into each other.",
    )
    target_weight: float = knob(
        0.0,
        label="share of the first part",
        low=0.0,
        high=0.95,
        step=0.01,
        fold=True,
        help="How much of the target lies in its first heap, arm or ring; at 0 that of the figures of record. A part that is rare is learned late, or never.",
    )
    learning_rate: float = knob(
        1.0,
        label="learning_rate",
        low=0.03,
        high=10.0,
        step=0.01,
        log=True,
        unit="x",
        help="A multiple of this model's usual learning rate, felt at once. Too high, and it jumps about or bursts.",
    )
    steps: int = knob(
        2000,
        label="steps",
        low=100,
        high=20_000,
        step=100,
        log=True,
        fold=True,
        help="Training steps of the plan: the learning rate falls along it.",
    )
    num_samples: int = knob(
        500,
        label="points",
        low=50,
        high=4000,
        step=50,
        log=True,
        fold=True,
        help="How many points are drawn each time.",
    )
    show_target: bool = knob(True, label="target points", help="Fresh points of the target, in grey.")


# (label, low, high, step, what turning it does) of configuration fields that are worth a knob
_CONFIG: dict[str, tuple[str, float, float, float, str]] = {
    "width": ("width", 8, 256, 8, "Units of each hidden layer."),
    "depth": ("depth", 1, 6, 1, "Hidden layers."),
    "num_layers": ("layers of the flow", 1, 24, 1, "Invertible layers one after the other."),
    "num_components": ("components", 1, 32, 1, "Gaussians in each mixture."),
    "order": ("first coordinate", 0, 1, 1, "Which coordinate is drawn first: 0 is x, 1 is y."),
    "beta_kl": ("beta_kl", 0.0, 10.0, 0.1, "Weight of the KL term."),
    "warmup": (
        "warm-up",
        0.0,
        1.0,
        0.05,
        "Share of the training over which the KL term is faded in. At 0 the posterior may collapse.",
    ),
    "num_importance": (
        "importance samples",
        1,
        32,
        1,
        "Samples of the bound that is trained; 1 is the ELBO.",
    ),
    "num_codes": ("codes", 2, 256, 2, "Entries of the codebook."),
    "gamma": ("gamma", 0.0, 5.0, 0.01, "Weight of the gradient penalty."),
    "discriminator_width": (
        "discriminator width",
        4,
        256,
        4,
        "Units of each hidden layer of the discriminator.",
    ),
    "discriminator_depth": ("discriminator depth", 1, 6, 1, "Hidden layers of the discriminator."),
    "num_bins": ("bins", 2, 32, 1, "Pieces of each spline."),
    "num_hidden": ("hidden units", 8, 256, 8, "Units that are on or off."),
    "step_size": ("step size", 0.001, 0.2, 0.001, "Of a Langevin step while it trains."),
    "sigma": ("sigma", 0.05, 2.0, 0.05, "How strongly a point is spoiled before it is repaired."),
}
# configuration fields that choose: (label, choices, what each does); a model offers those that its own values begin
_OBJECTIVES: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "epsilon": (
        (("epsilon", "the noise"), ("x_0", "the clean point"), ("v", "v, between both")),
        "What the network is asked to guess. Each says the same once it is learned; they weigh the levels of noise differently, and so differ on the way.",
    ),
    "likelihood": (
        (("likelihood", "likelihood"), ("matching", "flow matching")),
        "Likelihood solves the whole equation at every step of training; flow matching shows the network straight lines from noise to data, many times quicker. The density is exact for both.",
    ),
}


def pace(model: type[PlaneModel]) -> tuple[int, int]:
    """Steps between two pictures, and of the plan; ``model`` is a class of ``models/<family>/plane``."""
    return _PACE.get(model.key, _PACE[model.family])


def request_type(model: type[PlaneModel]) -> type[PlaneTraining]:
    """The request of a model (a class): its overlays, its configuration, and what every training has."""
    return _request_type(model)  # type: ignore[arg-type]


@lru_cache
def _request_type(model: type[PlaneModel]) -> type[PlaneTraining]:
    config = [_of_config(field) for field in dataclasses.fields(model.Config) if field.name in _worth(model)]
    steps = ("steps", int, _with_default(PlaneTraining, "steps", pace(model)[1]))
    own = [steps, *_drawing(model), *_overlays(model), *config]
    made = dataclasses.make_dataclass(
        "PlaneTrainingOf" + model.__name__, own, bases=(PlaneTraining,), frozen=True
    )
    made.drawing = frozenset(name for name, *_ in _drawing(model))  # type: ignore[attr-defined]
    made.__module__, made.__doc__ = __name__, f"A training of {model.system}."
    return made


def _drawing(model: type[PlaneModel]) -> list[tuple[Any, ...]]:
    """The knobs of how its points are drawn, as the model's own request has them, its very own first: they need no training anew."""
    known = {"num_samples", *(field.name for field in dataclasses.fields(Request))}
    names = [f.name for f in dataclasses.fields(model.Request) if f.name not in known]
    names.sort(key=lambda name: name not in model.Request.__annotations__)
    made = [(name, _with_default(model.Request, name)) for name in names]
    return [(name, type(field.default), field) for name, field in made]


def drawing_of(request: PlaneTraining) -> dict[str, Any]:
    """How its points are to be drawn: settings of the model's own request."""
    return {name: getattr(request, name) for name in sorted(request.drawing)}


def _overlays(model: type[PlaneModel]) -> list[tuple[Any, ...]]:
    found = list(OVERLAYS[model.family])
    names = {
        "vqvae-plane": {"latent_grid"},
        "rbm-plane": {"score_field"},
        "gsn-plane": {"density", "score_field"},
        "consistency-plane": {"score_field", "level", "x_0_pred"},
        "vaebm-plane": {"density"},
    }.get(model.key, set())
    found = [one for one in found if one[0] not in names]
    if model.key == "vqvae-plane":
        found.append(("cells", bool, switch("cells", "Which code stands for each place.", True)))
    return found


def _worth(model: type[PlaneModel]) -> set[str]:
    """Configuration fields that do something: a penalty's weight where the game has one."""
    without = {"gan-plane": {"gamma"}, "gan-collapsed-plane": {"gamma"}, "gan-hinge-plane": {"gamma"}}
    return {*_CONFIG, "objective"} - without.get(model.key, set())


def _of_config(field: Any) -> tuple[str, type, Any]:
    if field.name == "objective":
        choices, help = _OBJECTIVES[field.default]
        return field.name, str, knob(field.default, label="objective", choices=choices, help=help)
    label, low, high, step, help = _CONFIG[field.name]
    kind = type(field.default)
    made = knob(
        field.default, label=label, low=kind(low), high=kind(high), step=kind(step), help=help, fold=True
    )
    return field.name, kind, made


def _with_default(request: type[Request], name: str, default: Any = None) -> Any:
    (found,) = [f for f in dataclasses.fields(request) if f.name == name]
    chosen = found.default if default is None else default
    return dataclasses.field(default=chosen, metadata=dict(found.metadata))


# --- from a request to commands


def config_of(request: PlaneTraining) -> dict[str, Any]:
    """The configuration fields that its knobs say."""
    return {
        name: value for name, value in settings_of(request).items() if name in _CONFIG or name == "objective"
    }


def is_same_training(one: PlaneTraining, other: PlaneTraining) -> bool:
    """Whether nothing but live knobs differ."""
    if type(one) is not type(other):
        return False
    mine, theirs = settings_of(one), settings_of(other)
    return all(mine[name] == theirs[name] for name in mine if name not in LIVE | one.drawing)


def wanted(request: PlaneTraining, pointer: tuple[float, float] | None, side: int) -> dict[str, Any]:
    """What a picture is to show, as ``experiments.plane.pictures`` reads it."""
    asked = settings_of(request)
    found: dict[str, Any] = {"count": request.num_samples, "seed": request.seed, "side": side}
    found["drawing"] = drawing_of(request)
    for name in ("density", "discriminator", "arrows", "latents", "cells", "paths"):
        found[name] = bool(asked.get(name))
    if asked.get("latent_grid"):
        found["latent_grid"] = float(asked.get("layers", 1.0))
    if asked.get("x_0_pred"):
        found["x_0_pred"] = float(asked.get("level", 0.0))
    elif asked.get("score_field"):
        found["score_field"] = float(asked.get("level", 0.0))
    if asked.get("conditional"):
        found["conditional"] = float((pointer or (0.0, 0.0))[int(asked.get("order", 0))])
    return found


def spec_of(request: PlaneTraining, own: target_spec.Spec | None) -> target_spec.Spec:
    """The target that is asked for; the user's own is the first built-in one until there is one."""
    if request.target == OWN:
        return own if own is not None else target_spec.built_in(plane.TARGETS[0])
    sigma = max(request.target_sigma, _LEAST_SIGMA) if request.target_sigma else 0.0
    return target_spec.built_in(request.target, sigma, request.target_weight)
