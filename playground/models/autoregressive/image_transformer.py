"""Image Transformer: Parmar et al. 2018 (arXiv:1802.05751), with the sparse attention of Child et al. 2019 (arXiv:1904.10509).

A causal transformer over the pixels in reading order.  Full attention would compare all 784 pixels with all earlier ones;
here a layer looks either at its surroundings, the row of the pixel and the rows right above it (local attention), or
straight up its column (strided attention, the stride being the width of the picture).  Layers of the two kinds take turns,
so that in two of them a pixel hears of everything near and, through what stands above it, of everything far.

A pixel attends to itself too: what stands at its place is made of earlier pixels only, by a small causal convolution.  The
head is a mixture of discretised logistics (the Image Transformer's "DMOL", from PixelCNN++, arXiv:1701.05517).

In a part of the training one of the two kinds is silent, so that the network can draw with either alone.

The sampler keeps keys and values.  Within a row they are computed pixel by pixel; a finished row is read again, whole, so
that what is kept of it depends on its pixels only: a run goes on to the bit from nothing but the picture so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe, State, knob
from playground.models import discretized_logistic
from playground.models.autoregressive.gpt import rms_norm
from playground.models.autoregressive.pixel_model import NUM_FEATURES, PixelModel, features_of
from playground.models.autoregressive.pixel_sampling import CHUNK, PixelRequest, PixelRun
from playground.models.autoregressive.pixelcnn0 import CausalConv

LOCAL, STRIDED = "local", "strided"
BOTH = "both"
_KINDS = (LOCAL, STRIDED)
_NEVER = -1e4  # added to a score that must not count


@dataclass(frozen=True)
class ImageTransformerConfig:
    """Shape of the network."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    width: int = 96
    num_blocks: int = 4  # local and strided by turns
    num_heads: int = 3
    hidden: int = 288  # units of the network at each position
    local_rows: int = 3  # rows that local attention sees: the pixel's own and those right above
    stem_kernel: int = 5
    num_mixtures: int = 10
    silence: float = 0.1  # so often local attention does not count in training, and as often strided


@dataclass(frozen=True)
class ImageTransformerRequest(PixelRequest):
    """What to draw, and with which layers."""

    attention: str = knob(
        BOTH,
        label="attention",
        choices=((BOTH, "both, as scored"), (LOCAL, "local only"), (STRIDED, "strided only")),
        help="Layers look around the pixel (local) or straight up its column (strided), by turns. Here one kind can be silenced; in a tenth of the training each was, so that the rest knows how to do without. The score is that of both.",
    )


class Block(nn.Module):
    """Sparse causal self-attention of one kind, then a network of its own at each position; both add to what passes by."""

    def __init__(self, config: ImageTransformerConfig, kind: str) -> None:
        super().__init__()
        width, size = config.width, config.image_size
        self.kind, self.num_heads, self.rows, self.size = kind, config.num_heads, config.local_rows, size
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, width, bias=False)
        self.sharpness = nn.Parameter(torch.full((config.num_heads, 1, 1), 1.0))  # of each head's attention
        reach = self.rows * (2 * size - 1) if kind == LOCAL else size
        self.place = nn.Parameter(
            torch.zeros(config.num_heads, reach)
        )  # a score by how far away a pixel stands
        nn.init.zeros_(self.out.weight)  # at first a block does nothing
        nn.init.zeros_(self.down.weight)
        where = _local_places(size, self.rows) if kind == LOCAL else _strided_places(size)
        self.register_buffer("where", where.clamp(min=0), persistent=False)  # index into ``place``
        self.register_buffer("unseen", torch.where(where < 0, _NEVER, 0.0), persistent=False)

    def bias(self) -> Tensor:
        """What is added to scores: local (heads, W, rows*W), strided (heads, H, H); unseen pixels are put out of reach."""
        return self.place[:, self.where] + self.unseen  # type: ignore[index, operator]

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, heads, H, W, D) of ``x`` (B,H,W,width)."""
        b, rows, columns, _ = x.shape
        q, k, v = (
            self.qkv(rms_norm(x)).view(b, rows, columns, 3, self.num_heads, -1).permute(3, 0, 4, 1, 2, 5)
        )
        # normalised, so that their product is a cosine: sqrt(D) scales it as if both were fresh
        scale = q.shape[-1] ** 0.5
        return rms_norm(q) * (self.sharpness[..., None] / scale).to(q.dtype), rms_norm(k), v

    def lines(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Those of whole pictures, arranged so that each line of queries meets the keys that it may see.

        Local: a row of queries and ``rows`` rows of keys, (B, heads, H, W or rows*W, D).  Strided: columns, (B, heads, W, H, D).
        """
        if self.kind == STRIDED:
            return q.transpose(2, 3), k.transpose(2, 3), v.transpose(2, 3)
        return q, self._with_above(k), self._with_above(v)

    def _with_above(self, k: Tensor) -> Tensor:
        height = k.shape[2]
        k = F.pad(k, (0, 0, 0, 0, self.rows - 1, 0))
        return torch.cat([k[:, :, i : i + height] for i in range(self.rows)], dim=3)

    def weights(self, q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
        """How much each query looks at each key, (..., T, S)."""
        return torch.softmax(q @ k.transpose(-1, -2) + bias, -1)

    def looks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """How much each pixel of ``x`` (B,H,W,width) looks at each that it may see, and their values, line by line.

        Local: weights (B, heads, H, W, rows*W); strided: (B, heads, W, H, H).
        """
        q, k, v = self.lines(*self.heads(x))
        bias, height = self.bias()[:, None], x.shape[1]
        if self.kind == LOCAL:
            return self.weights(q, k, bias + self.above_the_picture(height)), v
        return self.weights(q, k, bias[..., :height, :height]), v

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """``x`` (B,H,W,width); ``gate`` (B,) multiplies what attention says."""
        weights, v = self.looks(x)
        seen = weights @ v
        return self.onward(x, seen if self.kind == LOCAL else seen.transpose(2, 3), gate)

    def above_the_picture(self, height: int) -> Tensor:
        """Puts out of reach the rows above the first: (H, 1, rows*W)."""
        row = torch.arange(height, device=self.place.device)[:, None] + torch.arange(
            1 - self.rows, 1, device=self.place.device
        )
        return torch.where(row < 0, _NEVER, 0.0).repeat_interleave(self.size, 1)[:, None]

    def onward(self, x: Tensor, seen: Tensor | None, gate: Tensor | None = None) -> Tensor:
        """What passes by, with what attention saw (B, heads, H, W, D), if it counts, and the position's own network added."""
        if seen is not None:
            said = self.out(seen.permute(0, 2, 3, 1, 4).flatten(3))
            x = x + (said if gate is None else said * gate.to(said.dtype)[:, None, None, None])
        return x + self.down(F.relu(self.up(rms_norm(x))).square())


def _local_places(size: int, rows: int) -> Tensor:
    """Query column, key of the last ``rows`` rows -> how far away it stands, as one number; -1 for what comes later."""
    query = torch.arange(size, device="cpu")[:, None]
    key_row, key = (
        part.flatten()[None]
        for part in torch.meshgrid(
            torch.arange(rows, device="cpu"), torch.arange(size, device="cpu"), indexing="ij"
        )
    )
    where = key_row * (2 * size - 1) + key - query + size - 1
    return where.masked_fill((key_row == rows - 1) & (key > query), -1)


def _strided_places(size: int) -> Tensor:
    """Query row, key row -> how many rows above; -1 for what comes later."""
    row = torch.arange(size, device="cpu")
    return (row[:, None] - row[None]).clamp(min=-1)


class ImageTransformer(PixelModel):
    """A transformer over pixels with local and strided attention: network, loss, sampler and exact likelihood."""

    system = "Image Transformer, sparse"
    paper = "Parmar et al. 2018, arXiv:1802.05751; Child et al. 2019, arXiv:1904.10509"
    differs = "windows of whole rows in place of blocks, a small causal convolution below, places learned, 8-bit grey pictures"
    Config = ImageTransformerConfig
    Request = ImageTransformerRequest
    sample_bytes = 3 * 2**20  # keys and values

    def __init__(self, config: ImageTransformerConfig) -> None:
        super().__init__()
        self.config, self.num_classes = config, config.num_classes
        width = config.width
        self.stem = CausalConv(NUM_FEATURES * config.channels, width, config.stem_kernel, own=False)
        self.turn = nn.Linear(NUM_FEATURES * config.channels, width, bias=False)
        self.row = nn.Parameter(0.02 * torch.randn(config.image_size, 1, width))
        self.column = nn.Parameter(0.02 * torch.randn(config.image_size, width))
        self.label = nn.Embedding(config.num_classes, width)
        nn.init.normal_(self.label.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config, _KINDS[i % 2]) for i in range(config.num_blocks))
        self.head = nn.Linear(width, 3 * config.num_mixtures)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.copy_(discretized_logistic.initial_bias(config.num_mixtures))

    @property
    def layers(self) -> Iterable[Block]:
        """The blocks, by their type."""
        return cast("Iterable[Block]", self.blocks)

    @property
    def attention_layers(self) -> list[Block]:
        """The blocks, the lowest first: each has attention inside."""
        return list(self.layers)

    def pattern(self, row: int, column: int) -> np.ndarray:
        """Which pixels each layer may look at from one, itself among them (counted from 0): bool (layers,H,W)."""
        rows, columns = np.mgrid[: self.config.image_size, : self.config.image_size]
        earlier = (rows < row) | ((rows == row) & (columns <= column))
        seen = {LOCAL: rows > row - self.config.local_rows, STRIDED: columns == column}
        return np.stack([earlier & seen[block.kind] for block in self.layers])

    def forward(self, x: Tensor, labels: Tensor, gates: Tensor | None = None) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters of every pixel, (B,H,W,3K).

        ``gates`` (B,2) multiplies what local and what strided attention says.
        """
        h = self.embedded(self.entered(features_of(x)), labels)
        for i, block in enumerate(self.layers):
            h = block(h, None if gates is None else gates[:, i % 2])
        return self.head(rms_norm(h))

    def entered(self, features: Tensor) -> Tensor:
        """What the stem says of earlier pixels, (B,3C,H,W) -> (B,H,W,width); the first of a row is told the last of the row above."""
        stem = self.stem(features).permute(0, 2, 3, 1)
        last = self.turn(features[:, :, :-1, -1].transpose(1, 2))[:, :, None]  # (B, H-1, 1, width)
        return stem + F.pad(last, (0, 0, 0, stem.shape[2] - 1, 1, 0))

    def embedded(self, stem: Tensor, labels: Tensor) -> Tensor:
        """What the stem says (B,H,W,width), with places and class added."""
        return stem + (self.row[: stem.shape[1]] + self.column) + self.label(labels)[:, None, None]

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood in bits per dimension; while it trains, now and then with one kind of attention silent."""
        gates = None
        if self.training:
            drawn = torch.rand(len(x), 1, generator=generator, device=generator.device).to(x.device)
            share = self.config.silence
            gates = torch.cat([drawn >= share, drawn < 1 - share], 1).float()
        nats = -discretized_logistic.log_prob(self(x, labels, gates), x[:, 0].long())
        return {"loss": nats.mean() / math.log(2)}

    @torch.no_grad()
    def log_probs_at(self, x: Tensor, labels: Tensor, row: int, column: int, request: PixelRequest) -> Tensor:
        """See :class:`PixelModel`; with the kinds of attention that the request asks for."""
        gates = torch.tensor([kinds_of(request)] * len(x), dtype=torch.float32, device=x.device)
        return discretized_logistic.all_log_probs_to_draw(self(x, labels, gates)[:, row, column])

    def run(self, request: PixelRequest, resume: State | None = None) -> _Run:
        """See :class:`PixelModel`."""
        return _Run(self, request, resume)


def kinds_of(request: PixelRequest) -> tuple[bool, bool]:
    """Whether local and whether strided attention count."""
    asked = getattr(request, "attention", BOTH)
    return asked != STRIDED, asked != LOCAL


class _Run(PixelRun):
    """One sampling run, with keys and values of every pixel so far."""

    def __init__(self, model: ImageTransformer, request: PixelRequest, resume: State | None) -> None:
        super().__init__(model.config, model.num_classes, model.head.weight.device, request, resume)
        self.readers = [_Reader(model, labels, kinds_of(request)) for labels in self.labels]
        self.rows_read = 0

    def state(self, row: int) -> State:
        """Everything needed to continue with ``row``: the picture."""
        return self.snapshot(row)

    def start_row(self, row: int) -> None:
        """Finished rows that were not read yet are; then what the stem sees of the rows above."""
        for chunk, reader in enumerate(self.readers):
            for finished in range(self.rows_read, row):
                first = max(finished - reader.reach, 0)
                reader.read_row(finished, self.on_device(chunk, first, finished + 1))
            reader.start_row(row, self.on_device(chunk, max(row - reader.reach, 0), row))
        self.rows_read = row

    def read_row(self, row: int) -> None:
        """A row that is given: it is read when the next one starts."""
        self.position += self.size

    def draw_pixel(self, row: int, column: int) -> Tensor:
        """One position of every layer for every picture; returns log-probabilities (padded B, 256)."""
        log_probs = [
            reader.log_probs(row, column, self._left(i, row, column)) for i, reader in enumerate(self.readers)
        ]
        whole = torch.cat(log_probs) if len(log_probs) > 1 else log_probs[0]
        self.place(row, column, whole)
        return whole

    def _left(self, chunk: int, row: int, column: int) -> Tensor | None:
        if not column:
            return None
        pixels = self.pixels[chunk * CHUNK : (chunk + 1) * CHUNK, row, column - 1, 0]
        return torch.from_numpy(pixels).to(self.device).long()


class _Reader:
    """Keys and values of one batch of pictures, and how a row or a pixel is added to them."""

    def __init__(self, model: ImageTransformer, labels: Tensor, kinds: tuple[bool, bool]) -> None:
        config, device = model.config, labels.device
        self.model, self.labels, self.reach, self.size = model, labels, model.stem.reach, config.image_size
        head = config.width // config.num_heads
        empty = (2, CHUNK, config.num_heads, self.size, self.size, head)  # keys and values
        self.layers = [
            (block, block.bias(), torch.zeros(empty, device=device)) if kinds[i % 2] else (block, None, None)
            for i, block in enumerate(model.layers)
        ]
        every = torch.arange(256, dtype=torch.uint8, device=device)[:, None, None, None]
        self.looks = features_of(every)[:, :, 0, 0]  # (256, 3): what each grey level looks like to the stem
        self.left = model.stem.left.weight.detach()[:, :, 0].permute(0, 2, 1).flatten(1).contiguous()
        self.above: list[Tensor] = []  # what the stem says of the rows above, W x (B,width)
        self.seen: list[Tensor] = []  # what it sees of this row's pixels, each (B,3)

    def read_row(self, row: int, pixels: Tensor) -> None:
        """A whole finished row; ``pixels`` uint8 (B,C,rows,W) are it and those above it that the stem sees."""
        stem = self.model.entered(features_of(pixels))[:, -1:]
        h = stem + (self.model.row[row] + self.model.column) + self.model.label(self.labels)[:, None, None]
        self._through(h, row, slice(0, self.size))

    def start_row(self, row: int, above: Tensor) -> None:
        """Everything that the row's pixels share; ``above`` uint8 (B,C,rows,W) are the rows above that the stem sees."""
        reach, model = self.reach, self.model
        features = features_of(above)
        pixels = F.pad(features, (reach, reach, reach - above.shape[2], 0))
        said = model.stem.above(pixels)[:, :, 0].permute(2, 0, 1)  # (W, B, width)
        places = (model.row[row] + model.column)[:, None] + model.label(self.labels)
        first, *others = (said + places).unbind(0)
        if row:
            first = first + model.turn(features[:, :, -1, -1])
        self.above = [first, *others]
        self.seen = [pixels.new_zeros(CHUNK, pixels.shape[1])] * reach

    def log_probs(self, row: int, column: int, left: Tensor | None) -> Tensor:
        """One position of every layer, (B,256); ``left`` int64 (B,) are the pixels before it."""
        if left is not None:
            self.seen.append(self.looks[left])
        h = F.linear(torch.cat(self.seen[-self.reach :], 1), self.left) + self.above[column]
        h = self._through(h[:, None, None], row, slice(column, column + 1))
        return discretized_logistic.all_log_probs_to_draw(self.model.head(rms_norm(h[:, 0, 0])))

    def _through(self, h: Tensor, row: int, columns: slice) -> Tensor:
        """Positions of one row, (B,1,n,width), through all layers, which keep their keys and values."""
        for block, bias, memory in self.layers:
            if memory is None or bias is None:
                h = block.onward(h, None)
                continue
            q, memory[0, :, :, row, columns], memory[1, :, :, row, columns] = (
                part[:, :, 0] for part in block.heads(h)
            )
            look = self._locally if block.kind == LOCAL else self._up
            h = block.onward(h, look(block, q, bias, memory, row, columns)[:, :, None])
        return h

    def _locally(
        self, block: Block, q: Tensor, bias: Tensor, memory: Tensor, row: int, columns: slice
    ) -> Tensor:
        """What queries (B, heads, n, D) of a row see around them."""
        size, first = self.size, max(row - block.rows + 1, 0)
        length = (row - first) * size + columns.stop
        k, v = memory.flatten(3, 4)[:, :, :, first * size : first * size + length]
        offset = (block.rows - 1 - row + first) * size
        return block.weights(q, k, bias[:, columns, offset : offset + length]) @ v

    def _up(self, block: Block, q: Tensor, bias: Tensor, memory: Tensor, row: int, columns: slice) -> Tensor:
        """What they see straight above."""
        k, v = memory[:, :, :, : row + 1, columns].transpose(3, 4)  # (B, heads, n, row + 1, D)
        return (block.weights(q[:, :, :, None], k, bias[:, None, row, None, : row + 1]) @ v)[:, :, :, 0]


MODEL = ImageTransformer
RECIPES = (
    Recipe(
        id="imagetransformer-fashion",
        config=ImageTransformerConfig(),
        steps=850,
        decay_steps=400,
        warmup_steps=100,
        batch_size=32,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        ema=0.998,
        snapshot={"num_samples": 10, "seed": 7},
    ),
)
