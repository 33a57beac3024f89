"""Parallel multiscale PixelCNN: Reed et al. 2017, "Parallel Multiscale Autoregressive Density Estimation" (arXiv:1703.03664).

Every fourth pixel of every fourth row, a picture of 7x7, is drawn one pixel after another.  Then its size is doubled, twice.
A doubling knows the upper left pixel of each 2x2 and adds the other three in three groups: upper right, lower left, lower
right.  All pixels of a group are drawn at once, from one pass of a convolutional network over all earlier groups: they are
taken to be independent given those, which costs bits and saves passes.  The number of passes grows with the number of
doublings, that is with the logarithm of the size: here 49 small ones and 6, instead of 784.

The likelihood is exact: p(x) is the product over groups, and inside a group the product over pixels.
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

from playground.contract import Frame, Recipe, State
from playground.models import discretized_logistic
from playground.models.autoregressive.pixel_model import NUM_FEATURES, PixelModel, features_of
from playground.models.autoregressive.pixel_sampling import PixelRequest, PixelRun, draw
from playground.models.autoregressive.pixelcnn0 import PlainPixelCNN, PlainPixelCNNConfig

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))  # of each 2x2, in the order in which they are drawn


@dataclass(frozen=True)
class ParallelPixelCNNConfig:
    """Shape of the networks."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    doublings: int = 2
    width: int = 64
    num_blocks: int = 3
    first_width: int = 48  # of the PixelCNN that draws the smallest picture
    first_blocks: int = 4
    first_kernel: int = 7
    num_mixtures: int = 10


@dataclass(frozen=True)
class Group:
    """Pixels that are drawn at once: one corner of each 2x2 of a picture whose pixels stand ``step`` apart in the whole one."""

    step: int
    corner: int  # which of CORNERS

    @property
    def rows(self) -> slice:
        """Of the whole picture."""
        return slice(CORNERS[self.corner][0] * self.step, None, 2 * self.step)

    @property
    def columns(self) -> slice:
        """Of the whole picture."""
        return slice(CORNERS[self.corner][1] * self.step, None, 2 * self.step)


class GroupBlock(nn.Module):
    """Two 3x3 convolutions around a residual connection; the class enters between them."""

    def __init__(self, config: ParallelPixelCNNConfig) -> None:
        super().__init__()
        width = config.width
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.label = nn.Embedding(config.num_classes, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        h = self.first(F.relu(x)) + self.label(labels)[:, :, None, None]
        return x + self.second(F.relu(h))


class GroupNet(nn.Module):
    """One pass for one group: the corners that are drawn, as channels -> mixture parameters of the next corner."""

    def __init__(self, config: ParallelPixelCNNConfig, num_known: int) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Conv2d(num_known * NUM_FEATURES * config.channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(GroupBlock(config) for _ in range(config.num_blocks))
        self.hidden = nn.Conv2d(width, 2 * width, 1)
        self.head = nn.Conv2d(2 * width, 3 * config.num_mixtures, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.copy_(discretized_logistic.initial_bias(config.num_mixtures))  # type: ignore[union-attr]

    def forward(self, known: Tensor, labels: Tensor) -> Tensor:  # (B,corners*features,h,w) -> (B,h,w,3K)
        h = self.stem(known)
        for block in self.blocks:
            h = block(h, labels)
        return self.head(F.relu(self.hidden(F.relu(h)))).permute(0, 2, 3, 1)


class ParallelPixelCNN(PixelModel):
    """A small PixelCNN and a network per group: loss, exact likelihood, sampler."""

    system = "Parallel multiscale PixelCNN"
    paper = "Reed et al. 2017, arXiv:1703.03664"
    differs = "The groups have plain residual networks of their own, and the head is a mixture of discretised logistics (PixelCNN++) instead of 256 separate classes."
    Config = ParallelPixelCNNConfig
    sample_bytes = 2**20

    def __init__(self, config: ParallelPixelCNNConfig) -> None:
        super().__init__()
        self.config, self.num_classes = config, config.num_classes
        apart = 2**config.doublings  # pixels of the smallest picture stand so far apart
        if config.image_size % apart:
            raise ValueError(
                f"A picture of {config.image_size} pixels cannot be halved {config.doublings} times."
            )
        self.apart = apart
        self.first = PlainPixelCNN(
            PlainPixelCNNConfig(
                image_size=config.image_size // apart,
                channels=config.channels,
                num_classes=config.num_classes,
                width=config.first_width,
                num_blocks=config.first_blocks,
                stem_kernel=config.first_kernel,
                num_mixtures=config.num_mixtures,
            )
        )
        steps = [2**k for k in reversed(range(config.doublings))]
        self.groups = tuple(Group(step, corner) for step in steps for corner in (1, 2, 3))
        self.nets = nn.ModuleList(GroupNet(config, group.corner) for group in self.groups)
        self.num_one_by_one = (config.image_size // apart) ** 2
        self.order = self._order()

    def _order(self) -> np.ndarray:
        places = np.arange(self.config.image_size**2).reshape(self.config.image_size, -1)
        first = places[:: self.apart, :: self.apart]
        return np.concatenate([first.ravel(), *(places[g.rows, g.columns].ravel() for g in self.groups)])

    # --- whole pictures

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters of every pixel given the earlier groups, (B,H,W,3K)."""
        size, apart = self.config.image_size, self.apart
        raw = torch.zeros(len(x), size, size, 3 * self.config.num_mixtures, device=x.device)
        raw[:, ::apart, ::apart] = self.first(x[:, :, ::apart, ::apart], labels).float()
        for index, group in enumerate(self.groups):
            raw[:, group.rows, group.columns] = self.group_parameters(x, labels, index).float()
        return raw

    def group_parameters(self, x: Tensor, labels: Tensor, index: int) -> Tensor:
        """Mixture parameters of one group's pixels given the earlier ones in ``x`` uint8 (B,C,H,W): (B,h,w,3K)."""
        group = self.groups[index]
        earlier = [Group(group.step, corner) for corner in range(group.corner)]
        known = torch.cat([features_of(x[:, :, g.rows, g.columns]) for g in earlier], dim=1)
        return self.nets[index](known, labels)

    # --- group by group

    def run(self, request: PixelRequest, resume: State | None = None) -> _Run:  # type: ignore[override]
        """See :class:`PixelModel`; the run is driven group by group."""
        return _Run(self, request, resume)

    @torch.no_grad()
    def sample(self, request: PixelRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw the smallest picture pixel by pixel, then group by group; a frame after each.

        A frame's step counts pixels.  Its ``images`` show what is not drawn yet as the coarser picture says, each of whose
        pixels covers a square; ``order`` (H*W,) says which pixel comes when, and ``logits`` float32 (B,256) are those of the
        last pixel drawn (before temperature).  In a state, the first ``num_known`` pixels *of the order*, and those that
        are ``given``, are taken from ``images`` instead of drawn.
        """
        run = self.run(request, resume)
        if resume is None:
            yield run.moment(None)
        for index in range(-self.num_one_by_one, len(self.groups)):
            log_probs = run.draw_next_pixel() if index < 0 else run.draw_group(index)
            if run.position > run.silent_until:
                yield run.moment(log_probs)

    @torch.no_grad()
    def sample_naive(self, request: PixelRequest) -> Iterator[Frame]:
        """The oracle for :meth:`sample`: one pass of all networks for each pixel of the first picture, and for each group."""
        run = self.run(request)
        for index in range(-self.num_one_by_one, len(self.groups)):
            raw = [self(run.on_device(i, 0, run.size), labels) for i, labels in enumerate(run.labels)]
            run.place_from(torch.cat(raw), index)
            yield run.moment(None)

    @torch.no_grad()
    def complete(self, x: Tensor, known: Tensor, request: PixelRequest) -> Iterator[Frame]:
        """See :class:`PixelModel`; known pixels anywhere are seen by all groups after theirs.

        Raises:
            ValueError: one sentence, if the shapes do not fit.
        """
        if known.shape != x.shape[2:] or x.shape[0] not in (1, request.num_samples):
            raise ValueError(
                f"A picture {tuple(x.shape)} cannot be completed from a mask {tuple(known.shape)}."
            )
        given = known.cpu().numpy()
        pictures = x.expand(request.num_samples, *x.shape[1:]).permute(0, 2, 3, 1).cpu().numpy()
        pictures = np.where(given[..., None], pictures, np.uint8(0))
        state = {"row": 0, "num_known": 0, "silent_until": 0, "images": pictures, "given": given}
        yield Frame(0, known.numel(), 0, pictures.copy(), {"order": self.order, "coarse": True}, state)
        yield from self.sample(request, state)


class _Run(PixelRun):
    """One sampling run: the run of the first picture inside it, and the squares that its pixels cover so far."""

    def __init__(self, model: ParallelPixelCNN, request: PixelRequest, resume: State | None) -> None:
        super().__init__(model.config, model.num_classes, model.first.head.weight.device, request, resume)
        self.model, apart = model, model.apart
        self.position = self.first_row = 0  # what is known is read again: it takes no longer than to draw it
        self.num_passes = 0
        self.rank = np.argsort(model.order).reshape(self.size, self.size)
        self.kept = (self.rank < self.num_known) | self.given
        self.canvas = np.zeros_like(self.pixels)
        self.first = model.first.run(PixelRequest(**_settings(request)))
        self.first.uniforms = self.uniforms[:, ::apart, ::apart]
        self.first.pixels = np.ascontiguousarray(self.pixels[:, ::apart, ::apart])
        self.first.given = self.kept[::apart, ::apart]

    @property
    def passes(self) -> int:
        """Passes of any of the networks."""
        return self.num_passes

    def draw_next_pixel(self) -> Tensor:
        """The next pixel of the first picture; returns log-probabilities (padded B, 256)."""
        row, column = divmod(self.position, self.first.size)
        if not column:
            self.first.start_row(row)
        log_probs = self.first.draw_pixel(row, column)
        self._cover_first(row, column, self.first.pixels[:, row, column])
        return log_probs

    def draw_group(self, index: int) -> Tensor:
        """One group from one pass; returns log-probabilities of its last pixel (padded B, 256)."""
        raw = torch.cat(
            [
                self.model.group_parameters(self.on_device(i, 0, self.size), labels, index)
                for i, labels in enumerate(self.labels)
            ]
        )
        self._place_group(index, raw)
        return discretized_logistic.all_log_probs_to_draw(raw[:, -1, -1])

    def place_from(self, raw: Tensor, index: int) -> None:
        """The next pixel (``index`` < 0) or group from parameters of all pixels (padded B,H,W,3K)."""
        if index >= 0:
            group = self.model.groups[index]
            self._place_group(index, raw[:, group.rows, group.columns])
            return
        row, column = divmod(self.position, self.first.size)
        at = raw[:, row * self.model.apart, column * self.model.apart]
        self.first.place(row, column, discretized_logistic.all_log_probs_to_draw(at))
        self._cover_first(row, column, self.first.pixels[:, row, column])

    def _cover_first(self, row: int, column: int, values: np.ndarray) -> None:
        apart = self.model.apart
        self.pixels[:, row * apart, column * apart] = values
        self.canvas[:, row * apart : (row + 1) * apart, column * apart : (column + 1) * apart] = values[
            :, None, None
        ]
        self.position += 1
        self.num_passes += 1

    def _place_group(self, index: int, raw: Tensor) -> None:
        group = self.model.groups[index]
        here = (slice(None), group.rows, group.columns)
        drawn = self._values(raw, self.uniforms[here])
        self.pixels[here] = np.where(self.kept[here[1:]][..., None], self.pixels[here], drawn[..., None])
        for down in range(group.step):
            for right in range(group.step):
                rows, columns = group.rows, group.columns
                square = (
                    slice(rows.start + down, None, rows.step),
                    slice(columns.start + right, None, columns.step),
                )
                self.canvas[:, square[0], square[1]] = self.pixels[here]
        self.position += drawn[0].size
        self.num_passes += 1

    def _values(self, raw: Tensor, uniforms: np.ndarray) -> np.ndarray:
        """Draws (B,h,w) from ``raw`` (B,h,w,3K)."""
        request = self.request
        if request.temperature == 1 and request.top_k >= 256:
            return discretized_logistic.invert(raw, torch.from_numpy(np.ascontiguousarray(uniforms))).numpy()
        log_probs = discretized_logistic.all_log_probs_to_draw(raw).flatten(0, 2)
        values = draw(log_probs, np.ascontiguousarray(uniforms).ravel(), request.temperature, request.top_k)
        return values.numpy().reshape(uniforms.shape)

    def moment(self, log_probs: Tensor | None) -> Frame:
        """The frame of now, with a state: what is drawn is all there is to remember."""
        images = np.where(self.given[..., None], self.pixels, self.canvas)[self.wanted]
        given = {"given": self.given} if self.given.any() else {}
        state = {
            "row": 0,
            "num_known": self.position,
            "silent_until": self.position,
            "images": images,
            **given,
        }
        frame = self.frame(log_probs, state)
        extras = {**frame.extras, "order": self.model.order, "coarse": True}
        return dataclasses.replace(frame, images=images, extras=extras)


def _settings(request: PixelRequest) -> dict[str, Any]:
    """The request without what a subclass may have added."""
    return {field.name: getattr(request, field.name) for field in dataclasses.fields(PixelRequest)}


MODEL = ParallelPixelCNN
RECIPES = (
    Recipe(
        id="parallel-pixelcnn-fashion",
        stored="int8",
        config=ParallelPixelCNNConfig(),
        steps=640,
        batch_size=32,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=100,
        decay_steps=160,
        ema=0.998,
        compile=False,
        snapshot={"num_samples": 10, "seed": 7},
    ),
)
