"""What a latent space is good for: walks, mixed styles, directions, and finding the latent of a given picture.

Each is a generator of frames, like a sampler.  Walks and projection work for every GAN, the rest needs StyleGAN's w.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground import data
from playground.capabilities import Adversarial
from playground.contract import Frame, Message, Request, State, knob
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan.stylegan import StyleGAN, StyleRequest

NUM_DIRECTIONS = 8
LATTICE = 2  # the lattice of samples reaches from -2 to 2 in both directions
LATTICE_TILES = 13
_RANGES = {"all": (0, 6), "coarse": (0, 3), "middle": (3, 5), "fine": (5, 6)}  # of StyleGAN's layers
_LAYERS = (
    ("coarse", "coarse, 4x4 and 7x7"),
    ("middle", "middle, 14x14"),
    ("fine", "fine, 28x28"),
    ("all", "all"),
)


# --- walks


@functools.cache
def walk_request(base: type[Request]) -> type[Request]:
    """A model's own knobs and how long its walk is."""
    steps = knob(
        96,
        label="num_steps",
        low=2,
        high=400,
        log=True,
        help="How many pictures one round has: more are slower and smoother.",
    )
    count = knob(6, label="num_samples", low=1, high=36, help="How many walks go on side by side.")
    fields = [("num_steps", int, steps), ("num_samples", int, count)]
    return dataclasses.make_dataclass("WalkRequest", fields, bases=(base,), frozen=True)


@torch.no_grad()
def walk(model: Adversarial, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """A closed, smooth walk through the prior, a frame per step: the last picture leads on to the first.

    z(a) = sqrt(0.7) (z_0 cos a + z_1 sin a) + sqrt(0.3) (z_2 cos 2a + z_3 sin 2a): at every angle a draw from N(0, 1).
    """
    indices = range(request.first_index, request.first_index + request.num_samples)
    corners = [noise.normal(request.seed, indices, "walk", model.prior_shape, step=k) for k in range(4)]
    for i in range(0 if resume is None else int(resume["i"]), request.num_steps):
        angle = 2 * math.pi * i / request.num_steps
        slow = math.cos(angle) * corners[0] + math.sin(angle) * corners[1]
        quick = math.cos(2 * angle) * corners[2] + math.sin(2 * angle) * corners[3]
        z = (math.sqrt(0.7) * slow + math.sqrt(0.3) * quick).astype(np.float32)
        frame = model.picture_of(z, request)
        yield Frame(i + 1, request.num_steps, i + 1, frame.images, frame.extras, {"i": i + 1})


@functools.cache
def lattice_request(base: type[Request]) -> type[Request]:
    """A model's own knobs, and where on the lattice the pointer stands."""
    help = "Where the large picture is taken from, in steps of the lattice: at whole numbers it is a seed's own picture."
    fields: list[tuple[str, type, Any]] = [
        (name, float, knob(0.0, label=label, low=-LATTICE, high=LATTICE, step=0.02, help=help))
        for name, label in (("u", "to the right"), ("v", "upwards"))
    ]
    if "label" in base.__dataclass_fields__:  # z says what the class leaves open: a sheet shows one class
        garment = knob(8, label="class", low=0, choices="classes", help="Which garment the plane shows.")
        fields.append(("label", int, garment))
    fields.append(("num_samples", int, 1))
    return dataclasses.make_dataclass("LatticeRequest", fields, bases=(base,), frozen=True)


@torch.no_grad()
def lattice(model: Adversarial, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """A plane spanned between samples: every whole-numbered place is a sample, and between them z is mixed.

    ``images`` is uint8 (LATTICE_TILES**2,H,W,C), the first row being the largest v; a frame per row, rows to come are black.
    """
    n = LATTICE_TILES
    line = ((np.arange(n) + 0.5) / n * 2 - 1) * LATTICE
    height, width, channels = data.DATASETS[model.card.dataset].image_shape
    tiles = np.zeros((n * n, height, width, channels), np.uint8) if resume is None else resume["tiles"].copy()
    one = dataclasses.replace(request, num_samples=n)
    for row in range(0 if resume is None else int(resume["row"]), n):
        z = np.stack([lattice_z(model, request.seed, u, line[n - 1 - row]) for u in line])
        tiles[row * n : (row + 1) * n] = model.picture_of(z, one).images
        yield Frame(row + 1, n, row + 1, tiles.copy(), {}, {"row": row + 1, "tiles": tiles.copy()})


@torch.no_grad()
def lattice_point(model: Adversarial, request: Any) -> Iterator[Frame]:
    """The picture under the pointer; extras as the model's own."""
    z = lattice_z(model, request.seed, request.u, request.v)[None]
    yield model.picture_of(z, request)


def lattice_z(model: Adversarial, seed: int, u: float, v: float) -> np.ndarray:
    """z at a place of the lattice: the four samples around it, mixed so that the variance stays 1, float32."""
    left, below = math.floor(u), math.floor(v)
    a, b = u - left, v - below
    weights = np.outer([1 - b, b], [1 - a, a]).ravel()
    side = 2 * LATTICE + 2
    corners = [(below + j + LATTICE) * side + left + i + LATTICE for j in (0, 1) for i in (0, 1)]
    z = noise.normal(seed, corners, "z", model.prior_shape)
    mixed = np.tensordot(weights, z, 1) / np.linalg.norm(weights)
    return mixed.astype(np.float32)


# --- styles


@dataclass(frozen=True)
class MixRequest(StyleRequest):
    """Rows and columns of pictures, and what is taken from the columns."""

    layers: str = knob(
        "coarse",
        label="styles of the column",
        choices=_LAYERS[:3],
        help="Which layers get the column's style; all others keep the row's. Coarse layers decide the shape, fine ones the shading.",
    )
    label: int = knob(
        8,
        label="class",
        low=0,
        choices="classes",
        help="Which garment is mixed. In training, styles were only ever mixed within a class: across classes the parts do not fit.",
    )
    num_rows: int = knob(4, label="rows", low=1, high=8, help="How many pictures give the row's styles.")
    num_columns: int = knob(
        6, label="columns", low=1, high=10, help="How many pictures give a column's styles."
    )
    num_samples: int = 1


@torch.no_grad()
def mix(model: StyleGAN, request: MixRequest, resume: State | None = None) -> Iterator[Frame]:
    """Style mixing (Karras et al. 2019, figure 3), a frame per row.

    ``images`` has (1 + rows) x (1 + columns) pictures: the columns' own on top, the rows' own at the left, black between.
    """
    rows, columns = request.num_rows, request.num_columns
    every = dataclasses.replace(request, num_samples=rows + columns, first_index=0)
    labels, noises = model.labels(every), model.noises(every)
    z = noise.normal(request.seed, range(rows + columns), "z", model.prior_shape)
    w = model.w_of(torch.from_numpy(z).to(labels.device), labels, request.truncation_psi)
    own = model.frame_of(w, labels, noises).images
    begin, end = _RANGES[request.layers]
    if resume is None:
        sheet = np.zeros((rows + 1, columns + 1, *own.shape[1:]), np.uint8)
        sheet[1:, 0], sheet[0, 1:] = own[:rows], own[rows:]
        done = 0
        yield _mixed(sheet, 0, rows)
    else:
        sheet, done = resume["sheet"].copy(), int(resume["row"])
    for row in range(done, rows):
        styles = w[row].expand(columns, model.num_layers, -1).clone()
        styles[:, begin:end] = w[rows:, None]
        row_noise = [n[row : row + 1].expand(columns, -1, -1, -1) for n in noises]
        pictures = model.frame_of(styles, labels[row].expand(columns), row_noise).images
        sheet[row + 1, 1:] = pictures
        yield _mixed(sheet, row + 1, rows)


def _mixed(sheet: np.ndarray, row: int, rows: int) -> Frame:
    images = sheet.reshape(-1, *sheet.shape[2:]).copy()
    return Frame(row, rows, row + 1, images, {"columns": sheet.shape[1]}, {"row": row, "sheet": sheet.copy()})


def _direction_knobs() -> list[tuple[str, type, Any]]:
    help = "How far along this principal direction of w, in standard deviations of what the mapping network gives."
    return [
        (
            f"direction_{i + 1}",
            float,
            knob(0.0, label=f"direction {i + 1}", low=-4.0, high=4.0, step=0.1, help=help),
        )
        for i in range(NUM_DIRECTIONS)
    ]


@dataclass(frozen=True)
class _DirectionBase(StyleRequest):
    label: int = knob(8, label="class", low=0, choices="classes", help="Which garment is changed.")
    layers: str = knob(
        "all", label="layers", choices=_LAYERS, help="Which layers feel the change.", fold=True
    )
    index: int = knob(0, label="picture", low=0, high=9999, help="Which sample of the seed is changed.")
    num_samples: int = 1


DirectionRequest: Any = dataclasses.make_dataclass(
    "DirectionRequest", _direction_knobs(), bases=(_DirectionBase,), frozen=True
)


@torch.no_grad()
def move(model: StyleGAN, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """One picture moved along principal directions of w: ``images`` holds it as it was and as it is now, (2,H,W,C)."""
    one = dataclasses.replace(request, num_samples=1, first_index=request.index)
    labels = model.labels(one)
    z = noise.normal(request.seed, [request.index], "z", model.prior_shape)
    w = model.w_of(torch.from_numpy(z).to(labels.device), labels, request.truncation_psi)
    axes, deviations = model.directions
    amounts = torch.tensor([getattr(request, f"direction_{i + 1}") for i in range(NUM_DIRECTIONS)]).to(w)
    shift = (amounts * deviations[:NUM_DIRECTIONS]) @ axes[:NUM_DIRECTIONS]
    styles = w[:, None].expand(2, model.num_layers, -1).clone()
    begin, end = _RANGES[request.layers]
    styles[1, begin:end] += shift
    noises = [n.expand(2, -1, -1, -1) for n in model.noises(one)]
    frame = model.frame_of(styles, labels.expand(2), noises)
    yield Frame(1, 1, 1, frame.images, frame.extras, {"done": 1})


def spread(model: StyleGAN) -> Iterator[Message[np.ndarray]]:
    """One message: the standard deviation along the widest directions of w, float32 (32,)."""
    _, deviations = model.directions
    yield Message(deviations[:32].cpu().numpy())


# --- projection


@functools.cache
def project_request(base: type[Request]) -> type[Request]:
    """A model's own knobs, and which picture is looked for."""
    index = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="The picture whose latent is looked for.",
    )
    steps = knob(150, label="num_steps", low=2, high=1000, log=True, help="Steps of gradient descent (Adam).")
    rate = knob(
        0.05,
        label="learning rate",
        low=0.005,
        high=0.5,
        log=True,
        help="How far each step goes. Too far, and the search jumps about.",
    )
    fields = [("index", int, index), ("num_steps", int, steps), ("learning_rate", float, rate)]
    return dataclasses.make_dataclass(
        "ProjectRequest", [*fields, ("num_samples", int, 1)], bases=(base,), frozen=True
    )


@torch.no_grad()
def project(model: Adversarial, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """Look for the latent of a test image by gradient descent, a frame per step: a GAN has no encoder.

    The distance is the mean square at full, half and quarter resolution, as in the coarse-to-fine search of Karras et
    al. 2020, section 5, without its perceptual network.  ``images`` is the target and the picture so far, (2,H,W,C).
    Extras: ``distance`` (mean square error on [-1, 1]), ``latent`` float32 (1,D), ``discriminator_output`` of the picture.
    """
    images, labels = data.load(model.card.dataset, "test")
    target = images[request.index : request.index + 1]
    device = next(model.parameters()).device
    goal = from_uint8(torch.from_numpy(target.transpose(0, 3, 1, 2).copy())).to(device)
    label = torch.tensor([int(labels[request.index])], device=device)
    if resume is None:
        latent = model.start_of_search(goal, label)
        moments, step = [torch.zeros_like(latent), torch.zeros_like(latent)], 0
    else:
        restored = [torch.from_numpy(resume[name].copy()).to(device) for name in ("latent", "mean", "square")]
        latent, moments, step = restored[0], restored[1:], int(resume["step"])
    while True:
        with torch.enable_grad():
            asked = latent.detach().requires_grad_()
            picture = model.decode(asked)
            distance = torch.stack(
                [F.mse_loss(F.avg_pool2d(picture, k), F.avg_pool2d(goal, k)) for k in (1, 2, 4)]
            ).sum()
            (gradient,) = torch.autograd.grad(distance, asked)
        picture = picture.detach()
        extras = {
            "distance": float(F.mse_loss(picture, goal)),
            "latent": latent.cpu().numpy().copy(),
            "discriminator_output": model.discriminator_output(picture, label).cpu().numpy(),
        }
        both = np.concatenate([target, to_uint8(picture)])
        state = {
            "step": step,
            "latent": extras["latent"],
            "mean": moments[0].cpu().numpy().copy(),
            "square": moments[1].cpu().numpy().copy(),
        }
        if resume is None or step > int(resume["step"]):
            yield Frame(step, request.num_steps, 2 * step + 1, both, extras, state)
        if step == request.num_steps:
            return
        step += 1
        latent = _adam(latent, gradient, moments, step, request.learning_rate)


def _adam(x: Tensor, gradient: Tensor, moments: list[Tensor], step: int, rate: float) -> Tensor:
    """One step of Adam (Kingma and Ba 2015, algorithm 1); its two moments are changed in place."""
    moments[0].lerp_(gradient, 0.1)
    moments[1].lerp_(gradient.square(), 0.01)
    mean, square = moments[0] / (1 - 0.9**step), moments[1] / (1 - 0.99**step)
    return x - rate * mean / (square.sqrt() + 1e-8)
