"""Gated PixelCNN: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders" (arXiv:1606.05328).

A pixel's distribution depends on the pixels above it (vertical stack) and to its left (horizontal stack).  Two
additions: the head is a mixture of discretised logistics (PixelCNN++, arXiv:1701.05517), and the vertical stack starts
from a context at half resolution that sees *all* finished rows through attention (after PixelSNAIL, arXiv:1712.09763).

Everything vertical depends on whole finished rows only, so the sampler computes it once per row; a pixel then costs one
position of the horizontal stack.  Drawing an image costs one forward pass in all, not one per pixel.

In a tenth of the training the class is not told, so that a draw can be guided towards its class (Ho and Salimans 2022,
arXiv:2207.12598, there for diffusion): log p of each pixel with the class is pushed away from log p without.  That takes
two passes, and what is drawn is no longer the density that is scored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe, State, guidance_knob
from playground.models import discretized_logistic
from playground.models.autoregressive._pixelcnn_layers import (
    Cache,
    Context,
    GatedBlock,
    PixelCNNConfig,
    RowAttention,
    RowConv,
    gate,
)
from playground.models.autoregressive.pixel_model import NUM_FEATURES, PixelModel, features_of
from playground.models.autoregressive.pixel_sampling import CHUNK, PixelRequest, PixelRun, draw
from playground.models.blocks import guided

__all__ = ["CHUNK", "MODEL", "RECIPES", "GuidedRequest", "PixelCNN", "PixelCNNConfig", "PixelRequest", "draw"]


@dataclass(frozen=True)
class GuidedRequest(PixelRequest):
    """What to draw, and how strongly it should be of its class.

    Guidance makes rare grey levels likelier too, so the draws start a little colder; both at 1 is the model as trained.
    """

    temperature: float = field(
        default=0.9, metadata=next(f.metadata for f in fields(PixelRequest) if f.name == "temperature")
    )
    guidance_scale: float = guidance_knob(
        1.4,
        "Pushes each pixel's distribution towards its class and away from the rest. 1 is off, and with a temperature of 1 the draws follow the density that is scored; above, each pixel asks the network twice.",
        high=4.0,
        step=0.05,
    )


class PixelCNN(PixelModel):
    """The gated PixelCNN: network, loss, sampler and exact likelihood."""

    system = "Gated PixelCNN"
    paper = "van den Oord et al. 2016, arXiv:1606.05328"
    Config = PixelCNNConfig
    Request = GuidedRequest
    sample_bytes = 8 * 2**20  # caches, and the states kept of them

    def __init__(self, config: PixelCNNConfig) -> None:
        super().__init__()
        self.config = config
        self.num_classes = config.num_classes
        inputs = NUM_FEATURES * config.channels
        self.context = Context(config)
        self.vertical_stem = RowConv("vertical.stem", inputs, config.width, (3, 5))
        self.horizontal_stem = nn.Conv2d(inputs, config.width, (1, 3))
        self.blocks = nn.ModuleList(
            GatedBlock(f"block.{i}", config, dilation=(1, 2, 4)[i % 3]) for i in range(config.num_blocks)
        )
        self.hidden = nn.Conv2d(config.width, 2 * config.width, 1)
        self.head = nn.Conv2d(2 * config.width, 3 * config.num_mixtures, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.copy_(discretized_logistic.initial_bias(config.num_mixtures))  # type: ignore[union-attr]

    @property
    def layers(self) -> Iterable[GatedBlock]:
        """The blocks, by their type."""
        return cast("Iterable[GatedBlock]", self.blocks)

    @property
    def attention_layers(self) -> list[RowAttention]:
        """The attention inside the context, the lowest layer first."""
        return list(cast("Iterable[RowAttention]", self.context.attention))

    # --- the whole image at once: training, scoring, and the naive sampler

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters of every pixel, (B,H,W,3K).

        The label ``num_classes`` means "no class".
        """
        features = features_of(x)
        context = F.pad(self.context(features, labels), (0, 0, 2, 0))[:, :, :-2]
        v = context + self.vertical_stem(F.pad(features, (0, 0, 1, 0))[:, :, :-1])
        h = self.horizontal_stem(F.pad(features, (3, 0))[..., :-1])
        for block in self.layers:
            v, link = block.down(v, labels)
            h = block.right(h, link)
        return self.head(F.silu(self.hidden(F.silu(h)))).permute(0, 2, 3, 1)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood in bits per dimension; while it trains, now and then without the class."""
        if self.training:
            dropped = torch.rand(len(x), generator=generator, device=generator.device).to(x.device)
            labels = torch.where(dropped < self.config.label_dropout, self.num_classes, labels)
        return super().loss(x, labels, generator)

    def run(self, request: PixelRequest, resume: State | None = None) -> _Run:
        """See :class:`PixelModel`."""
        return _Run(self, request, resume)

    def log_probs_at(self, x: Tensor, labels: Tensor, row: int, column: int, request: PixelRequest) -> Tensor:
        """See :class:`PixelModel`; guided as the request says."""
        scale = _scale_of(request)
        with_class = super().log_probs_at(x, labels, row, column, request)
        if scale == 1:
            return with_class
        none = torch.full_like(labels, self.num_classes)
        return guided(with_class, super().log_probs_at(x, none, row, column, request), scale)


def _scale_of(request: PixelRequest) -> float:
    return float(getattr(request, "guidance_scale", 1.0))


class _Run(PixelRun):
    """One sampling run, with the weights as one pixel wants them and a reader for each batch (two where draws are guided)."""

    def __init__(self, model: PixelCNN, request: PixelRequest, resume: State | None) -> None:
        super().__init__(model.config, model.num_classes, model.head.weight.device, request, resume)
        self.scale, weights = _scale_of(request), _PixelWeights(model)
        self.readers = [[_Reader(model, weights, labels)] for labels in self.labels]  # chunk, side
        if self.scale != 1:
            for readers, labels in zip(self.readers, self.labels, strict=True):
                readers.append(_Reader(model, weights, torch.full_like(labels, model.num_classes)))
        if resume is not None:
            self._restore(resume)

    def _restore(self, state: State) -> None:
        for chunk, readers in enumerate(self.readers):
            for side, reader in enumerate(readers):
                for name, value in state.items():
                    where, _, layer = name.partition("/")
                    if layer and where == f"{chunk}.{side}":
                        reader.cache[layer] = torch.from_numpy(value).to(self.device)
                if not reader.cache:  # drawn without this side: it reads what there is
                    for row in range(self.first_row):
                        reader.start_row(row, self.on_device(chunk, max(row - 2, 0), row))

    def state(self, row: int) -> State:
        """Everything needed to continue with ``row``."""
        layers = {
            f"{chunk}.{side}/{layer}": value.cpu().numpy()
            for chunk, readers in enumerate(self.readers)
            for side, reader in enumerate(readers)
            for layer, value in reader.cache.items()
        }
        return self.snapshot(row, **layers)

    @property
    def passes(self) -> int:
        """Pixels that the network was asked for so far."""
        return self.position * (1 if self.scale == 1 else 2)

    def start_row(self, row: int) -> None:
        """Everything that depends on the rows above only: context and vertical stack, one row of it."""
        for chunk, readers in enumerate(self.readers):
            above = self.on_device(chunk, max(row - 2, 0), row)
            for reader in readers:
                reader.start_row(row, above)

    def read_row(self, row: int) -> None:
        """A row that is given: the rows to come see it through the vertical stack, so there is nothing to compute."""
        self.position += self.size

    def draw_pixel(self, row: int, column: int) -> Tensor:
        """One position of the horizontal stack for every picture; returns log-probabilities (padded B, 256)."""
        log_probs = [self._log_probs(i, row, column) for i in range(self.num_chunks)]
        whole = torch.cat(log_probs) if len(log_probs) > 1 else log_probs[0]
        self.place(row, column, whole)
        return whole

    def _log_probs(self, chunk: int, row: int, column: int) -> Tensor:
        left = None
        if column:
            pixels = self.pixels[chunk * CHUNK : (chunk + 1) * CHUNK, row, column - 1, 0]
            left = torch.from_numpy(pixels).to(self.device).long()
        sides = [reader.log_probs(left, column) for reader in self.readers[chunk]]
        if len(sides) == 1:
            return sides[0]
        with_class, without = sides
        return guided(with_class, without, self.scale)


class _Reader:
    """The caches of the layers for one batch of pictures, told one class each or none."""

    def __init__(self, model: PixelCNN, weights: _PixelWeights, labels: Tensor) -> None:
        self.model, self.weights, self.labels = model, weights, labels
        self.cache: Cache = {}
        self.seen: list[Tensor] = []  # features of this row's pixels, each (B, 3)
        self.links: list[tuple[Tensor, ...]] = []  # block -> W tensors (B, 2*width)
        self.history: list[list[Tensor]] = []  # block -> what it was given so far, (B, width)

    def start_row(self, row: int, above: Tensor) -> None:
        """Everything that depends on the rows above only; ``above`` uint8 (B,C,2 or fewer,W) are the last two of them."""
        config, cache, features = self.model.config, self.cache, features_of(above)
        blank = features.new_zeros(CHUNK, config.width, 2, config.image_size)
        if row % 2 == 0:
            cache["context"] = self.model.context(features, self.labels, row - 2, cache) if row else blank
        stem_input = (
            features[:, :, -1:] if row else features.new_zeros(CHUNK, NUM_FEATURES, 1, config.image_size)
        )
        v = cache["context"][:, :, row % 2 : row % 2 + 1] + self.model.vertical_stem(stem_input, cache)
        self.links, self.history = [], []
        nothing = blank[:, :, 0, 0]
        for block in self.model.layers:
            v, link = block.down(v, self.labels, cache)
            self.links.append(link[:, :, 0].permute(2, 0, 1).contiguous().unbind(0))
            self.history.append([nothing] * block.dilation)
        self.seen = [features.new_zeros(CHUNK, features.shape[1])] * 3

    def log_probs(self, left: Tensor | None, column: int) -> Tensor:
        """One position of the horizontal stack, (B,256); ``left`` int64 (B,) are the pixels before it."""
        weights, seen = self.weights, self.seen
        if left is not None:
            seen.append(weights.features[left])
        h = F.linear(torch.cat(seen[-3:], 1), *weights.stem)
        for layer, link, history in zip(weights.blocks, self.links, self.history, strict=True):
            history.append(h)
            gates = F.linear(torch.cat([history[column], h], 1), layer.pair, layer.bias).add_(link[column])
            h = F.linear(gate(gates), layer.out, layer.out_bias).add_(h)
        raw = F.linear(F.silu(F.linear(F.silu(h), *weights.hidden)), *weights.head)
        return discretized_logistic.all_log_probs_to_draw(raw)


class _BlockWeights(NamedTuple):
    """The horizontal half of one block: kernels as matrices, the pixel ``dilation`` to the left first."""

    pair: Tensor  # (2*width, 2*width)
    bias: Tensor
    out: Tensor  # (width, width)
    out_bias: Tensor


class _PixelWeights:
    """The horizontal stack as matrices: laid out once per run, they save several small operations per pixel."""

    def __init__(self, model: PixelCNN) -> None:
        device = model.head.weight.device
        every = torch.arange(256, dtype=torch.uint8, device=device)[:, None, None, None]
        self.features = features_of(every)[
            :, :, 0, 0
        ]  # (256, 3): what each grey level looks like to the stem
        self.stem = _matrix(model.horizontal_stem)
        self.blocks = [
            _BlockWeights(*_matrix(block.horizontal), *_matrix(block.horizontal_out))
            for block in model.layers
        ]
        self.hidden, self.head = _matrix(model.hidden), _matrix(model.head)


def _matrix(layer: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """A one-row kernel (out, in, 1, taps) as a matrix (out, taps*in), the left tap first; and its bias."""
    assert layer.bias is not None
    return layer.weight.detach()[:, :, 0].permute(0, 2, 1).flatten(1).contiguous(), layer.bias.detach()


MODEL = PixelCNN
RECIPES = (
    Recipe(
        id="pixelcnn-fashion",
        config=PixelCNNConfig(),
        steps=9000,
        batch_size=32,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        ema=0.998,
        snapshot={"num_samples": 10, "seed": 7},
        evaluate={
            "guidance_scale": 1.4,
            "temperature": 0.92,
        },  # between the two nearest of eight tried on validation images
    ),
)
