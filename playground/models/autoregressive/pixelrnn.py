"""PixelRNN, the Row LSTM: van den Oord et al. 2016, "Pixel Recurrent Neural Networks" (arXiv:1601.06759, section 3.1).

An LSTM that walks down the picture, one step a row, and whose state is a row of cells.  A step's gates are the sum of two
convolutions along the row: *input-to-state*, masked, over what the layer below says of this row up to the pixel itself, and
*state-to-state*, three wide and not masked, over the state of the row above.  So a state knows of the rows above what lies in
a triangle that opens by one column a row, however deep the net: to the top of the picture, but not to its sides.

The sampler uses the same two parts: once a row is complete, its state-to-state convolution is done for the whole next row,
and a pixel then costs one position of every layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe, State
from playground.models import discretized_logistic
from playground.models.autoregressive.masked_conv import CausalConv, StemReader
from playground.models.autoregressive.pixel_model import NUM_FEATURES, PixelModel, features_of
from playground.models.autoregressive.pixel_sampling import CHUNK, PixelRequest, PixelRun


@dataclass(frozen=True)
class RowLSTMConfig:
    """Shape of the network."""

    image_size: int = 28
    channels: int = 1
    num_classes: int = 10
    width: int = 48  # of the LSTM's state; the residual stream is twice as wide (h and 2h in the paper)
    num_layers: int = 4
    stem_kernel: int = 7
    num_mixtures: int = 10


def three_wide(state: Tensor) -> Tensor:
    """What a convolution of three sees: (..., W, B, width) -> left, own and right beside each other, (..., W, B, 3*width)."""
    padded = F.pad(state, (0, 0, 0, 0, 1, 1))
    return torch.cat([padded[..., :-2, :, :], state, padded[..., 2:, :, :]], dim=-1)


class RowLSTM(nn.Module):
    """One layer with its residual connection (figure 5, right): 2h -> state of h -> 2h, added."""

    def __init__(self, config: RowLSTMConfig) -> None:
        super().__init__()
        width = config.width
        self.input_to_state = nn.Linear(4 * width, 4 * width)  # the pixel to the left, then the pixel itself
        self.state_to_state = nn.Linear(3 * width, 4 * width, bias=False)
        self.label = nn.Embedding(config.num_classes, 4 * width)
        self.widen = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.label.weight)
        nn.init.zeros_(self.widen.weight)
        with torch.no_grad():
            self.input_to_state.bias[width : 2 * width] = 1.0  # the gate that keeps: open at first

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:  # (H,W,B,2*width) -> the same shape
        left = F.pad(x, (0, 0, 0, 0, 1, 0))[:, :-1]
        from_input = self.input_to_state(torch.cat([left, x], dim=-1)) + self.label(labels)
        hidden, cell = None, x.new_zeros((), dtype=torch.float32)
        rows = []
        for row in from_input.unbind(0):
            gates = row if hidden is None else row + self.state_to_state(three_wide(hidden))
            hidden, cell = step(gates, cell)
            rows.append(hidden)
        return x + self.widen(torch.stack(rows))


def step(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of the LSTM: sums (..., 4*width) for output, keep, write and content; cell (..., width) -> hidden, cell."""
    inner = gates.float()
    width = inner.shape[-1] // 4
    output, keep, write = inner[..., : 3 * width].sigmoid().chunk(3, dim=-1)
    cell = keep * cell + write * inner[..., 3 * width :].tanh()
    return (output * cell.tanh()).to(gates.dtype), cell


class PixelRNN(PixelModel):
    """The Row LSTM: network, loss, sampler and exact likelihood."""

    system = "PixelRNN (Row LSTM)"
    paper = "van den Oord et al. 2016, arXiv:1601.06759"
    differs = "The class enters each layer's gates, and the head is a mixture of discretised logistics (PixelCNN++) instead of 256 separate classes."
    Config = RowLSTMConfig
    sample_bytes = 2**20  # hidden state and cells of a row, of every layer, and the states kept of them

    def __init__(self, config: RowLSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.num_classes = config.num_classes
        stream = 2 * config.width
        self.stem = CausalConv(NUM_FEATURES * config.channels, stream, config.stem_kernel, own=False)
        self.layers = nn.ModuleList(RowLSTM(config) for _ in range(config.num_layers))
        self.hidden = nn.Linear(stream, stream)
        self.head = nn.Linear(stream, 3 * config.num_mixtures)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.copy_(discretized_logistic.initial_bias(config.num_mixtures))

    @property
    def lstms(self) -> Iterable[RowLSTM]:
        """The layers, by their type."""
        return cast("Iterable[RowLSTM]", self.layers)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters of every pixel, (B,H,W,3K)."""
        h = self.stem(features_of(x)).permute(2, 3, 0, 1)  # rows first: the LSTM walks along them
        for layer in self.lstms:
            h = layer(h, labels)
        return self.parameters_of(h).permute(2, 0, 1, 3)

    def parameters_of(self, h: Tensor) -> Tensor:
        """What the last layer says (..., 2*width) -> mixture parameters (..., 3K)."""
        return self.head(F.relu(self.hidden(F.relu(h))))

    def run(self, request: PixelRequest, resume: State | None = None) -> _Run:
        """See :class:`PixelModel`."""
        return _Run(self, request, resume)


class _Run(PixelRun):
    """One sampling run: every layer's state of the row above, and of this row as far as it is drawn."""

    def __init__(self, model: PixelRNN, request: PixelRequest, resume: State | None) -> None:
        super().__init__(model.config, model.num_classes, model.head.weight.device, request, resume)
        self.model, self.stem = model, StemReader(model.stem)
        empty = (model.config.num_layers, 2, self.size, CHUNK, model.config.width)
        # chunk -> hidden state and cells of the row above: (layers, 2, W, B, width)
        self.above = [torch.zeros(empty, device=self.device) for _ in self.labels]
        self.row: list[
            list[list[Tensor]]
        ] = []  # chunk, layer -> the same of this row so far, each (2, B, width)
        self.seen: list[list[Tensor]] = []  # chunk, layer -> its input at the pixel to the left, (B, 2*width)
        self.links: list[
            list[tuple[Tensor, ...]]
        ] = []  # chunk, layer -> state-to-state and label, W x (B, 4*width)
        if self.first_row and resume is not None:
            for i in range(self.num_chunks):
                self.above[i] = torch.from_numpy(resume[f"{i}/rows"].copy()).to(self.device)

    def state(self, row: int) -> State:
        """Everything needed to continue with ``row``."""
        return self.snapshot(row, **{f"{i}/rows": r.cpu().numpy() for i, r in enumerate(self._finished())})

    def _finished(self) -> list[Tensor]:
        """States of the row that is drawn; before the first row, nothing but zeros."""
        if not self.row:
            return [above.clone() for above in self.above]
        return [torch.stack([torch.stack(layer, 1) for layer in chunk]) for chunk in self.row]

    def start_row(self, row: int) -> None:
        """The state-to-state convolutions: all that the rows above have to say, for the whole row at once."""
        self.above = self._finished()
        self.stem.start_row(self, row)
        self.row, self.seen, self.links = [], [], []
        for labels, above in zip(self.labels, self.above, strict=True):
            links = []
            for layer, states in zip(self.model.lstms, above, strict=True):
                link = layer.state_to_state(three_wide(states[0])) + layer.label(labels)
                links.append((link + layer.input_to_state.bias).unbind(0))
            self.links.append(links)
            self.row.append([[] for _ in links])
            nothing = torch.zeros(CHUNK, 2 * self.model.config.width, device=self.device)
            self.seen.append([nothing for _ in links])

    def read_row(self, row: int) -> None:
        """A row that is given: every layer must see it, nothing is drawn."""
        for chunk in range(self.num_chunks):
            for column in range(self.size):
                self._top(chunk, row, column)
        self.position += self.size

    def draw_pixel(self, row: int, column: int) -> Tensor:
        """One position of every layer for every picture; returns log-probabilities (padded B, 256)."""
        tops = [self.model.parameters_of(self._top(i, row, column)) for i in range(self.num_chunks)]
        whole = torch.cat([discretized_logistic.all_log_probs_to_draw(top) for top in tops])
        self.place(row, column, whole)
        return whole

    def _top(self, chunk: int, row: int, column: int) -> Tensor:
        """The last layer's output at one position, (B, 2*width); what the next positions look at is kept."""
        h = self.stem.at(self, chunk, row, column)
        for i, layer in enumerate(self.model.lstms):
            pair, self.seen[chunk][i] = torch.cat([self.seen[chunk][i], h], 1), h
            gates = F.linear(pair, layer.input_to_state.weight).add_(self.links[chunk][i][column])
            hidden, cell = step(gates, self.above[chunk][i, 1, column])
            self.row[chunk][i].append(torch.stack([hidden, cell]))
            h = h + layer.widen(hidden)
        return h


MODEL = PixelRNN
RECIPES = (
    Recipe(
        id="pixelrnn-fashion",
        config=RowLSTMConfig(),
        steps=1500,
        batch_size=32,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=100,
        decay_steps=500,
        ema=0.998,
        compile=False,  # a loop of 28 steps in each layer takes longer to compile than it saves
        snapshot={"num_samples": 10, "seed": 7},
    ),
)
