"""What every model that draws pixel by pixel shares: an exact likelihood, the sampler, and its naive oracle.

A model states its network (``forward``) and how one pixel is computed quickly (``run``); nothing here knows either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from playground.contract import Frame, Score, State
from playground.models import discretized_logistic
from playground.models.autoregressive._completion import complete
from playground.models.autoregressive.pixel_sampling import PixelRequest
from playground.models.network import Network

NUM_FEATURES = 3


def features_of(x: Tensor) -> Tensor:
    """8-bit ``x`` (B,C,H,W) -> grey level in [-1,1], "is exactly zero" and a constant that marks the inside of the image."""
    grey = x.float() / 127.5 - 1.0
    return torch.cat([grey, (x == 0).float(), torch.ones_like(grey)], dim=1)


class PixelwiseRun(Protocol):
    """A :class:`PixelRun` that also knows its network: what :meth:`PixelModel.sample` drives, row by row."""

    first_row: int
    position: int
    silent_until: int
    labels: Any

    def state(self, row: int) -> State: ...
    def start_row(self, row: int) -> None: ...
    def read_row(self, row: int) -> None: ...
    def knows(self, row: int) -> bool: ...
    def draw_pixel(self, row: int, column: int) -> Tensor: ...
    def place(self, row: int, column: int, log_probs: Tensor) -> None: ...
    def on_device(self, chunk: int, first_row: int, stop_row: int) -> Tensor: ...
    def frame(self, log_probs: Tensor | None, state: State | None = None) -> Frame: ...


class PixelModel(Network):
    """A model of p(pixel given the earlier ones and the class), as a mixture of discretised logistics.

    Subclasses give ``forward``: ``x`` uint8 (B,C,H,W) and ``labels`` (B,) -> mixture parameters of every pixel, (B,H,W,3K).
    """

    family = "autoregressive"
    Request = PixelRequest
    likelihood = "exact"
    num_threads: int | None = 1  # one pixel is too little work to share

    config: Any
    num_classes: int

    def run(self, request: PixelRequest, resume: State | None = None) -> PixelwiseRun:
        """One sampling run of this network."""
        raise NotImplementedError

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood in bits per dimension; exact, so nothing is drawn."""
        nats = -discretized_logistic.log_prob(self(x, labels), x[:, 0].long())
        return {"loss": nats.mean() / math.log(2)}

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Exact bits per dimension of 8-bit images given their class; without labels, of p(x) = mean over classes."""
        if labels is not None:
            nats = self.nats_per_pixel(x, labels).sum((1, 2))
        else:
            every = torch.arange(self.num_classes, device=x.device)
            per_class = [self.nats_per_pixel(x, c.expand(len(x))).sum((1, 2)) for c in every]
            nats = math.log(self.num_classes) - torch.logsumexp(-torch.stack(per_class), 0)
        bits = nats / (x[0].numel() * math.log(2))
        return [Score(value, "exact", "bits/dim") for value in bits.tolist()]

    @torch.no_grad()
    def nats_per_pixel(self, x: Tensor, labels: Tensor) -> Tensor:
        """-log p of each pixel given the earlier ones and the class: (B,H,W), in nats."""
        return -discretized_logistic.log_prob(self(x, labels), x[:, 0].long())

    # --- pixel by pixel

    @torch.no_grad()
    def sample(self, request: PixelRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw pixels in raster order; a frame after each one.

        Frames carry ``logits`` float32 (B,256) of the pixel just drawn (before temperature) and a state every fourth
        row.  In a state, pixels up to ``num_known`` are taken from ``images`` instead of drawn: that is how a picture
        is edited, rewound into the middle of a row, or completed.
        """
        run = self.run(request, resume)
        if resume is None:
            yield run.frame(None, run.state(0))
        for row in range(run.first_row, self.config.image_size):
            run.start_row(row)
            if run.knows(row):
                run.read_row(row)
                if run.position > run.silent_until:
                    yield run.frame(None)
                continue
            for column in range(self.config.image_size):
                logits = run.draw_pixel(row, column)
                if run.position > run.silent_until:
                    at_fourth_row = run.position % (4 * self.config.image_size) == 0
                    yield run.frame(logits, run.state(row + 1) if at_fourth_row else None)

    def complete(self, x: Tensor, known: Tensor, request: PixelRequest) -> Iterator[Frame]:
        """``x`` uint8 (1 or B,C,H,W), of which ``known`` bool (H,W) is kept: the rest is drawn, in reading order."""
        return complete(self, x, known, request)

    @torch.no_grad()
    def sample_naive(self, request: PixelRequest) -> Iterator[Frame]:
        """The sampler of the paper: one whole forward pass per pixel.  Slow, and the oracle for :meth:`sample`."""
        run = self.run(request)
        size = self.config.image_size
        for row in range(size):
            for column in range(size):
                chunks = [(run.on_device(i, 0, size), labels) for i, labels in enumerate(run.labels)]
                log_probs = [self.log_probs_at(x, labels, row, column, request) for x, labels in chunks]
                run.place(row, column, torch.cat(log_probs))
                yield run.frame(None)

    def log_probs_at(self, x: Tensor, labels: Tensor, row: int, column: int, request: PixelRequest) -> Tensor:
        """Log-probabilities (B,256) to draw one pixel from, given the earlier ones in ``x``, with nothing cached."""
        return discretized_logistic.all_log_probs_to_draw(self(x, labels)[:, row, column])
