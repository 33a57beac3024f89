"""What every sampler that draws pixel by pixel shares: the request, the uniforms, the pictures so far, and the draw itself.

The pictures live on the CPU, where they are drawn; the device is sent one row of them at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, Request, State, class_knob, knob, labels_of
from playground.models import noise

CHUNK = 16  # batches are padded to this: layers differ by 1e-6 between batch sizes, and one flipped pixel rewrites the rest


class _Shape(Protocol):
    @property
    def image_size(self) -> int: ...
    @property
    def channels(self) -> int: ...


@dataclass(frozen=True)
class PixelRequest(Request):
    """What to draw."""

    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.05,
        high=2.0,
        step=0.05,
        telling=(0.85, 0.95, 1.0, 1.1, 1.25),  # colder, the empty ground is likeliest everywhere and wins
        help="Divides the 256 log-probabilities of each pixel before the draw. 1 is the model as trained; lower is safer and smoother, higher is wilder. The random numbers stay the same.",
    )
    top_k: int = knob(
        256,
        label="top_k",
        low=1,
        high=256,
        help="Only the k most probable grey levels may be drawn. 256 leaves the distribution as it is.",
    )
    label: int = class_knob("Which garment the model is asked for.")


class PixelRun:
    """One sampling run: the pictures so far, in chunks of a fixed size.  Subclasses add what their layers remember."""

    def __init__(
        self,
        config: _Shape,
        num_classes: int,
        device: torch.device,
        request: PixelRequest,
        resume: State | None,
    ) -> None:
        self.request, self.device = request, device
        self.size = config.image_size
        # chunks are aligned to the sample index, so that a sample always stands at the same place of its batch
        start = request.first_index - request.first_index % CHUNK
        stop = request.first_index + request.num_samples
        self.indices = np.arange(start, start + math.ceil((stop - start) / CHUNK) * CHUNK)
        self.wanted = slice(request.first_index - start, stop - start)
        every = PixelRequest(label=request.label, num_samples=len(self.indices), first_index=start)
        self.labels = torch.from_numpy(labels_of(every.label, every, num_classes)).to(device).split(CHUNK)
        self.uniforms = noise.uniform(request.seed, self.indices, "pixel", (self.size, self.size))  # float64
        self.pixels = np.zeros((len(self.indices), self.size, self.size, config.channels), np.uint8)
        self.first_row = self.position = self.silent_until = self.num_known = 0
        self.given = np.zeros((self.size, self.size), bool)  # pixels further on that are not drawn either
        if resume is not None:
            self.pixels[self.wanted] = resume["images"]
            self.first_row, self.num_known = int(resume["row"]), int(resume["num_known"])
            self.position = self.first_row * self.size
            self.silent_until = int(resume.get("silent_until", self.position))
            self.given = np.asarray(resume.get("given", self.given))

    @property
    def passes(self) -> int:
        """Pixels that the network was asked for so far."""
        return self.position

    @property
    def num_chunks(self) -> int:
        """How many batches of ``CHUNK`` pictures are drawn side by side."""
        return len(self.labels)

    def on_device(self, chunk: int, first_row: int, stop_row: int) -> Tensor:
        """Rows of one chunk, uint8 (CHUNK,C,rows,W)."""
        rows = self.pixels[chunk * CHUNK : (chunk + 1) * CHUNK, first_row:stop_row]
        return torch.from_numpy(np.ascontiguousarray(rows.transpose(0, 3, 1, 2))).to(self.device)

    def knows(self, row: int) -> bool:
        """Whether the whole row is given, so that it only has to be read."""
        return (row + 1) * self.size <= self.num_known

    def place(self, row: int, column: int, log_probs: Tensor) -> None:
        """Draw the pixel from log-probabilities (padded B,256), unless it is known, and write it."""
        if self.position >= self.num_known and not self.given[row, column]:
            uniforms = self.uniforms[:, row, column]
            values = draw(log_probs, uniforms, self.request.temperature, self.request.top_k)
            self.pixels[:, row, column, 0] = values.numpy()
        self.position += 1

    def snapshot(self, row: int, **layers: np.ndarray) -> State:
        """Everything needed to continue with ``row``; ``layers`` is what the layers remember."""
        images = self.pixels[self.wanted].copy()
        given = {"given": self.given} if self.given.any() else {}
        return {"row": row, "num_known": row * self.size, "images": images, **given, **layers}

    def frame(self, log_probs: Tensor | None, state: State | None = None) -> Frame:
        """What there is to see after the latest pixel."""
        extras = {} if log_probs is None else {"logits": log_probs[self.wanted].cpu().numpy()}
        images = self.pixels[self.wanted].copy()
        return Frame(self.position, self.size**2, self.passes, images, extras, state)


def draw(log_probs: Tensor, uniforms: np.ndarray, temperature: float = 1.0, top_k: int = 256) -> Tensor:
    """Invert the cumulative distribution on the CPU: ``log_probs`` (B,256), ``uniforms`` float64 (B,) in [0,1) -> uint8 (B,)."""
    logits = log_probs.cpu().double() / temperature
    if top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[:, -1:], -math.inf)
    cumulative = logits.softmax(-1).cumsum(-1)
    level = torch.from_numpy(uniforms)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, level, right=True)[:, 0].clamp(max=255).to(torch.uint8)
