"""MADE: an autoencoder whose weights are masked until every output sees earlier inputs only.

Germain, Gregor, Murray and Larochelle, "MADE: masked autoencoder for distribution estimation", ICML 2015
(arXiv:1502.03509).  Which pixels count as earlier is up to the masks, so one set of weights learns several orderings
(sections 4.2 and 4.3; here three fixed ones, and the hidden units are told which is meant).

The paper has black and white pixels.  Here they have all 256 grey levels and an exact likelihood of the 8-bit picture,
like the other models of this folder.  A mixture of logistics for each pixel has nine parameters, which would cost nine
output matrices; instead each pixel gets two masked outputs, and one small network, the same for all pixels, turns these
two numbers, a learned code of the place and one of the class into the nine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, State, knob
from playground.models import discretized_logistic, noise
from playground.models.autoregressive.pixel_model import PixelModel, features_of
from playground.models.autoregressive.pixel_sampling import CHUNK, PixelRequest, PixelRun

_FEATURES = 2  # of a pixel: its grey level, and whether it is exactly black
_OUTPUTS = 2  # masked numbers for a pixel
_STATE_EVERY = 4  # rows' worth of pixels

ORDERINGS = (("rows", "row by row"), ("middle", "from the middle"), ("scattered", "scattered"))


@dataclass(frozen=True)
class MADEConfig:
    """Shape of the network."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    hidden: int = 240  # units in each of the two layers
    num_mixtures: int = 3
    place: int = 8  # numbers that the read-out knows a pixel's place by
    read_out: int = 32


@dataclass(frozen=True)
class MADERequest(PixelRequest):
    """What to draw, and in which order."""

    ordering: str = knob(
        "rows",
        label="ordering",
        choices=ORDERINGS,
        help="Which pixel comes when. The weights are the same; the masks say which inputs an output may look at, and they follow the ordering.",
    )


class MADE(PixelModel):
    """p(pixel given the earlier ones and the class), for three meanings of "earlier"."""

    system = "MADE"
    paper = "Germain et al. 2015, arXiv:1502.03509 (there black and white, here 8-bit)"
    sample_bytes = 2**20
    Config = MADEConfig
    Request = MADERequest
    ranks: Tensor
    degrees: Tensor

    def __init__(self, config: MADEConfig) -> None:
        super().__init__()
        self.config, self.num_classes = config, config.num_classes
        self.num_pixels = config.image_size**2
        hidden, count = config.hidden, self.num_pixels
        self.first = nn.Linear(_FEATURES * count, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, _OUTPUTS * count)
        self.label = nn.Embedding(config.num_classes, hidden)
        self.ordering = nn.Embedding(len(ORDERINGS), hidden)
        self.place = nn.Embedding(count, config.place)
        self.label_out = nn.Embedding(config.num_classes, config.place)
        self.read = nn.Linear(_OUTPUTS + config.place, config.read_out)
        self.head = nn.Linear(config.read_out, 3 * config.num_mixtures)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(discretized_logistic.initial_bias(config.num_mixtures))
        ranks = np.stack([np.argsort(order) for order in orders(config.image_size).values()])
        self.register_buffer("ranks", torch.from_numpy(ranks), persistent=False)  # (orderings, pixels)
        degrees = ((np.arange(hidden) + 0.5) / hidden * (count - 1)).astype(np.int64)
        self.register_buffer("degrees", torch.from_numpy(degrees), persistent=False)  # (hidden,), rising

    # --- masks

    def masks(self, ordering: Tensor | int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Who may look at whom (eqs. 8 and 9): bool (hidden,pixels), (hidden,hidden) and (pixels,hidden).

        A hidden unit of degree d sees the pixels of ranks 0 to d and the units of degree d or less; the output of rank r
        sees the units of degree below r, and so the pixels of ranks 0 to r - 1.
        """
        rank, degree = self.ranks[ordering], self.degrees
        return rank <= degree[:, None], degree <= degree[:, None], degree < rank[:, None]

    def masked(self, ordering: Tensor | int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """The three matrices with what is forbidden put to zero, each (out,in)."""
        into, between, out_of = self.masks(ordering)
        # the features of a pixel stand together, one block of pixels after the other, and so do its outputs
        return (
            self.first.weight * into.repeat(1, _FEATURES),
            self.second.weight * between,
            self.out.weight * out_of.repeat(_OUTPUTS, 1),
        )

    # --- the network

    def forward(self, x: Tensor, labels: Tensor, ordering: Tensor | int = 0) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters of every pixel given the earlier ones, (B,H,W,3K).

        Rows that are missing at the bottom are left out of the answer; in the ordering by rows they cannot matter.
        """
        size, rows = self.config.image_size, x.shape[2]
        x = F.pad(x, (0, 0, 0, size - rows))
        first, second, out = self.masked(ordering)
        conditioning = self.label(labels) + self.ordering.weight[ordering]
        h = F.silu(F.linear(features_of(x)[:, :_FEATURES].flatten(1), first, self.first.bias) + conditioning)
        h = h + F.silu(F.linear(h, second, self.second.bias) + conditioning)  # (B, hidden)
        # (B, pixels, 2)
        outputs = F.linear(h, out, self.out.bias).unflatten(1, (_OUTPUTS, -1)).movedim(1, -1)
        raw = self.read_out(outputs, self.place.weight, labels)
        return raw.float().unflatten(1, (size, size))[:, :rows]

    def read_out(self, outputs: Tensor, place: Tensor, labels: Tensor) -> Tensor:
        """Mixture parameters (B,P,3K) from the masked ``outputs`` (B,P,2) of P pixels at ``place`` (P,place)."""
        conditioning = place + self.label_out(labels)[:, None]  # (B, P, place)
        return self.head(F.silu(self.read(torch.cat([outputs, conditioning], dim=-1))))

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood in bits per dimension, exact, in an ordering drawn for the batch (section 4.2)."""
        ordering = torch.randint(len(ORDERINGS), (), generator=generator, device=generator.device)
        nats = -discretized_logistic.log_prob(self(x, labels, ordering.to(x.device)), x[:, 0].long())
        return {"loss": nats.mean() / np.log(2)}

    # --- pixel by pixel

    @torch.no_grad()
    def sample(self, request: Any, resume: State | None = None) -> Iterator[Frame]:
        """Draw the pixels in the order of the request, a pass and a frame for each.

        Frames carry ``logits`` float32 (B,256) of the pixel just drawn (before temperature), ``order`` (784,), which
        pixel comes when, and now and then a state.  In a state, the first ``num_known`` pixels *of the ordering* are taken
        from ``images`` instead of drawn; one pass is made for the last of them, to show its distribution.
        """
        run = _Run(self, request, resume)
        if resume is None:
            yield run.moment(None)
        while run.position < self.num_pixels:
            if run.position < run.num_known - 1:
                run.read_next()
                continue
            log_probs = run.draw_next()
            if run.position > run.silent_until:
                yield run.moment(log_probs)

    def complete(self, x: Tensor, known: Tensor, request: Any) -> Iterator[Frame]:
        """See :class:`PixelModel`; whatever the request says, the pixels come row by row."""
        return super().complete(x, known, dataclasses.replace(request, ordering="rows"))


class _Run(PixelRun):
    """One sampling run: the masked matrices, laid out once, and what the first layer has summed up so far."""

    def __init__(self, model: MADE, request: Any, resume: State | None) -> None:
        device = model.head.weight.device
        super().__init__(model.config, model.num_classes, device, request, resume)
        names = [name for name, _ in ORDERINGS]
        self.model, at = model, names.index(getattr(request, "ordering", "rows"))
        self.order = orders(self.size)[names[at]]
        first, self.second, self.out = model.masked(at)
        self.columns = first.T.contiguous()  # (2 pixels, hidden)
        every = torch.arange(256, dtype=torch.uint8, device=device)[:, None, None, None]
        self.looks = features_of(every)[:, :_FEATURES, 0, 0]  # (256, 2): what each grey level looks like
        self.sums = [
            model.first.bias + model.label(labels) + model.ordering.weight[at] for labels in self.labels
        ]  # per chunk, (CHUNK, hidden)
        self.conditioning = [sums - model.first.bias for sums in self.sums]
        if resume is not None and "sums" in resume:
            kept = torch.from_numpy(resume["sums"].copy()).to(device)
            self.sums = list(kept.split(CHUNK))

    def draw_next(self) -> Tensor:
        """Draw the next pixel of the ordering: its log-probabilities before temperature, (padded B,256)."""
        pixel = int(self.order[self.position])
        raw = torch.cat([self._parameters(chunk, pixel) for chunk in range(self.num_chunks)])
        log_probs = discretized_logistic.all_log_probs_to_draw(raw)
        self.place(*divmod(pixel, self.size), log_probs)
        self._add(pixel)
        return log_probs

    def read_next(self) -> None:
        """Take the next pixel of the ordering as it is given."""
        self._add(int(self.order[self.position]))
        self.position += 1

    def _add(self, pixel: int) -> None:
        """The masks leave out the hidden units that must not know this pixel."""
        row, column = divmod(pixel, self.size)
        values = torch.from_numpy(self.pixels[:, row, column, 0].astype(np.int64)).to(self.device)
        weights = self.columns[pixel :: self.model.num_pixels]  # (2, hidden)
        for chunk, part in enumerate(values.split(CHUNK)):
            self.sums[chunk] = torch.addmm(self.sums[chunk], self.looks[part], weights)

    def _parameters(self, chunk: int, pixel: int) -> Tensor:
        """The network's answer for one pixel, (CHUNK,3K): all hidden units, but only this pixel's outputs."""
        model = self.model
        h = F.silu(self.sums[chunk])
        h = h + F.silu(F.linear(h, self.second, model.second.bias) + self.conditioning[chunk])
        mine = slice(pixel, None, model.num_pixels)
        outputs = F.linear(h, self.out[mine], model.out.bias[mine])[:, None]  # (CHUNK, 1, 2)
        return model.read_out(outputs, model.place.weight[pixel, None], self.labels[chunk])[:, 0].float()

    def moment(self, log_probs: Tensor | None) -> Frame:
        """The frame of now, with a state every fourth row's worth of pixels."""
        state = None
        if self.position % (_STATE_EVERY * self.size) == 0:
            state = self.snapshot(self.position // self.size, sums=torch.cat(self.sums).cpu().numpy())
        frame = self.frame(log_probs, state)
        return dataclasses.replace(frame, extras={**frame.extras, "order": self.order})


def orders(size: int) -> dict[str, np.ndarray]:
    """Name -> the pixels in the order in which they come, int64 (size*size,)."""
    row, column = np.divmod(np.arange(size * size), size)
    away = np.hypot(row - (size - 1) / 2, column - (size - 1) / 2)
    uniforms = noise.uniform(0, [0], "scattered", (size * size,))[0]
    return {
        "rows": np.arange(size * size),
        "middle": np.argsort(away, kind="stable"),
        "scattered": np.argsort(uniforms, kind="stable"),
    }


MODEL = MADE
RECIPES = (
    Recipe(
        id="made-fashion",
        stored="int8",
        config=MADEConfig(),
        steps=3200,
        batch_size=128,
        learning_rate=2e-3,
        warmup_steps=150,
        ema=0.999,
        snapshot={"num_samples": 10},
    ),
)
