"""The first PixelCNN: van den Oord et al. 2016, "Pixel Recurrent Neural Networks" (arXiv:1601.06759, section 3.4).

One stack of masked convolutions with ReLU.  A masked 3x3 kernel is the row above and the pixels to the left; stacked, it
never reaches what lies far to the right in the rows above: the blind spot that the gated PixelCNN was made to close.
Two additions: the class enters each block as an embedding, and the head is a mixture of discretised
logistics (PixelCNN++, arXiv:1701.05517) instead of 256 separate classes.

The sampler keeps each layer's features of the row above and of the pixel to the left, so that a pixel costs one position
of every layer, and a picture one forward pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe, State
from playground.models import discretized_logistic
from playground.models.autoregressive.masked_conv import CausalConv, StemReader, matrix, matrix_and_bias
from playground.models.autoregressive.pixel_model import NUM_FEATURES, PixelModel, features_of
from playground.models.autoregressive.pixel_sampling import CHUNK, PixelRequest, PixelRun


@dataclass(frozen=True)
class PlainPixelCNNConfig:
    """Shape of the network."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    width: int = 64  # of the 3x3 convolutions; the residual stream is twice as wide (h and 2h in the paper)
    num_blocks: int = 9
    stem_kernel: int = 7
    num_mixtures: int = 10


class PlainBlock(nn.Module):
    """The paper's residual block (figure 5, left): 1x1 to half the width, masked 3x3, 1x1 back."""

    def __init__(self, config: PlainPixelCNNConfig) -> None:
        super().__init__()
        width = config.width
        self.narrow = nn.Conv2d(2 * width, width, 1)
        self.conv = CausalConv(width, width, 3, own=True)
        self.label = nn.Embedding(config.num_classes, width)
        self.widen = nn.Conv2d(width, 2 * width, 1)
        nn.init.zeros_(self.widen.weight)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        h = F.relu(self.narrow(F.relu(x)))
        h = self.conv(h) + self.label(labels)[:, :, None, None]
        return x + self.widen(F.relu(h))


class PlainPixelCNN(PixelModel):
    """The plain PixelCNN: network, loss, sampler and exact likelihood."""

    system = "PixelCNN, first version"
    paper = "van den Oord et al. 2016, arXiv:1601.06759"
    Config = PlainPixelCNNConfig
    sample_bytes = 2**20  # the rows above of every layer, and the states kept of them

    def __init__(self, config: PlainPixelCNNConfig) -> None:
        super().__init__()
        self.config = config
        self.num_classes = config.num_classes
        width, inputs = config.width, NUM_FEATURES * config.channels
        self.stem = CausalConv(inputs, 2 * width, config.stem_kernel, own=False)
        self.blocks = nn.ModuleList(PlainBlock(config) for _ in range(config.num_blocks))
        self.hidden = nn.Conv2d(2 * width, 2 * width, 1)
        self.head = nn.Conv2d(2 * width, 3 * config.num_mixtures, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.copy_(discretized_logistic.initial_bias(config.num_mixtures))  # type: ignore[union-attr]

    @property
    def layers(self) -> Iterable[PlainBlock]:
        """The blocks, by their type."""
        return cast("Iterable[PlainBlock]", self.blocks)

    # --- the whole image at once: training, scoring, and the naive sampler

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters of every pixel, (B,H,W,3K)."""
        h = self.stem(features_of(x))
        for block in self.layers:
            h = block(h, labels)
        return self.head(F.relu(self.hidden(F.relu(h)))).permute(0, 2, 3, 1)

    def run(self, request: PixelRequest, resume: State | None = None) -> _Run:
        """See :class:`PixelModel`."""
        return _Run(self, request, resume)


class _Run(PixelRun):
    """One sampling run, with the weights as one pixel wants them and what every layer said about the row above."""

    def __init__(self, model: PlainPixelCNN, request: PixelRequest, resume: State | None) -> None:
        super().__init__(model.config, model.num_classes, model.head.weight.device, request, resume)
        self.model, self.stem = model, StemReader(model.stem)
        self.weights = _PixelWeights(model)
        # what the 3x3 convolutions look at in the row above, a column of zeros at each end: (blocks, W+2, B, width)
        empty = (model.config.num_blocks, self.size + 2, CHUNK, model.config.width)
        self.above = [torch.zeros(empty, device=self.device) for _ in self.labels]
        self.row: list[
            list[list[Tensor]]
        ] = []  # chunk, block -> the same of this row so far, each (B, width)
        self.links: list[
            list[tuple[Tensor, ...]]
        ] = []  # chunk, block -> 3x3 over the row above and the label
        if self.first_row and resume is not None:
            for i in range(self.num_chunks):
                self.above[i] = torch.from_numpy(resume[f"{i}/rows"].copy()).to(self.device)

    def state(self, row: int) -> State:
        """Everything needed to continue with ``row``."""
        return self.snapshot(row, **{f"{i}/rows": r.cpu().numpy() for i, r in enumerate(self._finished())})

    def _finished(self) -> list[Tensor]:
        """The row that is drawn, as the row below it looks at it; at the first row, nothing but zeros."""
        if not self.row:
            return [above.clone() for above in self.above]
        zero = torch.zeros_like(self.row[0][0][0])
        return [torch.stack([torch.stack([*row, zero]) for row in chunk]) for chunk in self.row]

    def start_row(self, row: int) -> None:
        """Everything that depends on the rows above only, for the whole row at once."""
        self.above = self._finished()
        self.stem.start_row(self, row)
        self.row, self.links, size = [], [], self.size
        for labels, above in zip(self.labels, self.above, strict=True):
            links = []
            for block, features in zip(self.model.layers, above, strict=True):
                three = torch.stack([features[i : i + size] for i in range(3)], dim=-1).flatten(2)
                link = F.linear(three, block.conv.above.weight.flatten(1), block.conv.above.bias)
                links.append((link + block.label(labels)).unbind(0))
            self.links.append(links)
            self.row.append([[torch.zeros_like(features[0])] for features in above])

    def read_row(self, row: int) -> None:
        """A row that is given: every layer must see it, nothing is drawn."""
        for chunk in range(self.num_chunks):
            for column in range(self.size):
                self._top(chunk, row, column)
        self.position += self.size

    def draw_pixel(self, row: int, column: int) -> Tensor:
        """One position of every layer for every picture; returns log-probabilities (padded B, 256)."""
        log_probs = [self._log_probs(i, row, column) for i in range(self.num_chunks)]
        whole = torch.cat(log_probs) if len(log_probs) > 1 else log_probs[0]
        self.place(row, column, whole)
        return whole

    def _log_probs(self, chunk: int, row: int, column: int) -> Tensor:
        weights, h = self.weights, self._top(chunk, row, column)
        raw = F.linear(F.linear(h.relu_(), *weights.hidden).relu_(), *weights.head)
        return discretized_logistic.all_log_probs_to_draw(raw)

    def _top(self, chunk: int, row: int, column: int) -> Tensor:
        """The last block's output at one position, (B, 2*width); what the next positions look at is kept."""
        h = self.stem.at(self, chunk, row, column)
        for layer, link, kept in zip(self.weights.blocks, self.links[chunk], self.row[chunk], strict=True):
            kept.append(F.linear(F.relu(h), layer.narrow, layer.narrow_bias).relu_())
            inner = F.linear(torch.cat(kept[-2:], 1), layer.pair).add_(link[column]).relu_()
            h = F.linear(inner, layer.widen, layer.widen_bias).add_(h)
        return h


class _BlockWeights(NamedTuple):
    """One block as matrices; ``pair`` looks at the pixel to the left first."""

    narrow: Tensor  # (width, 2*width)
    narrow_bias: Tensor
    pair: Tensor  # (width, 2*width)
    widen: Tensor  # (2*width, width)
    widen_bias: Tensor


class _PixelWeights:
    """The network along one row as matrices, laid out once per run."""

    def __init__(self, model: PlainPixelCNN) -> None:
        self.blocks = [
            _BlockWeights(
                *matrix_and_bias(block.narrow), matrix(block.conv.left), *matrix_and_bias(block.widen)
            )
            for block in model.layers
        ]
        self.hidden, self.head = matrix_and_bias(model.hidden), matrix_and_bias(model.head)


MODEL = PlainPixelCNN
RECIPES = (
    Recipe(
        id="pixelcnn0-fashion",
        config=PlainPixelCNNConfig(),
        steps=2000,
        batch_size=32,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        ema=0.998,
        snapshot={"num_samples": 10, "seed": 7},
    ),
)
