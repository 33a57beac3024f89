"""One run of the sampler of codes: the uniforms, the codes so far, and the picture as far as it can be known.

As for pixels (``autoregressive/pixel_sampling.py``): uniforms are fixed in advance, draws are made on the CPU in float64, and batches are
padded to a fixed chunk, so that a picture does not depend on its company.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, State, labels_of
from playground.models import noise
from playground.models.blocks import guided
from playground.models.codes import UNKNOWN, draw, picture_so_far

CHUNK = 16


class CodeRun:
    """What one request needs, in chunks of a fixed size."""

    def __init__(self, model: Any, request: Any, resume: State | None) -> None:
        self.model, self.request = model, request
        self.rows, self.columns, self.levels = model.code_shape
        self.num_cells = self.rows * self.columns
        self.device = model.head.device
        # chunks are aligned to the sample index, so that a sample always stands at the same place of its batch
        start = request.first_index - request.first_index % CHUNK
        stop = request.first_index + request.num_samples
        indices = np.arange(start, start + math.ceil((stop - start) / CHUNK) * CHUNK)
        self.wanted = slice(request.first_index - start, stop - start)
        every = type(request)(label=request.label, num_samples=len(indices), first_index=start)
        labels = labels_of(every.label, every, model.num_classes)
        self.labels = torch.from_numpy(labels).to(self.device).split(CHUNK)
        self.labels_of_passes = [self.labels]  # what the network is told, once for each pass
        if request.guidance_scale != 1:
            self.labels_of_passes.append(
                tuple(torch.full_like(part, model.num_classes) for part in self.labels)
            )
        self.uniforms = noise.uniform(request.seed, indices, "code", (self.num_cells, self.levels))
        self.codes = np.full((len(indices), self.num_cells, self.levels), UNKNOWN, np.int64)
        self.position = self.silent_until = 0  # cells
        self.known = 0  # codes that are taken and not drawn
        self.given = np.zeros(self.num_cells, bool)  # cells further on that are not drawn either
        if resume is not None:
            self.known, self.silent_until = int(resume["known"]), int(resume["step"])
            self.position = self.silent_until
            given = resume["codes"].reshape(len(resume["codes"]), -1)
            self.codes.reshape(len(self.codes), -1)[:, : self.known] = 0  # also of those nobody asked for
            self.codes.reshape(len(self.codes), -1)[self.wanted, : self.known] = given[:, : self.known]
            self._take(resume)

    def _take(self, resume: State) -> None:
        """Cells that are given wherever they lie: ``given`` bool (rows,columns) in a state, and their ``codes``."""
        if "given" in resume:
            self.given = np.asarray(resume["given"]).reshape(-1)
            self.codes[:, self.given] = 0
            self.codes[self.wanted] = np.where(
                self.given[:, None],
                resume["codes"].reshape(-1, self.num_cells, self.levels),
                self.codes[self.wanted],
            )

    @property
    def num_chunks(self) -> int:
        """How many batches of ``CHUNK`` pictures are drawn side by side."""
        return len(self.labels)

    def knows(self, cell: int) -> bool:
        """Whether all codes of a cell are given, so that it only has to be read."""
        return (cell + 1) * self.levels <= self.known

    def grid(self, chunk: int) -> Tensor:
        """All codes of one chunk on the device, int64 (CHUNK,rows,columns,levels), 0 where there is none yet."""
        codes = self.codes[chunk * CHUNK : (chunk + 1) * CHUNK].clip(min=0)
        return torch.from_numpy(codes).to(self.device).unflatten(1, (self.rows, self.columns))

    def before(self, chunk: int, cell: int) -> Tensor | None:
        """The codes (CHUNK,levels) of the cell before this one on the device; None before the first."""
        if cell == 0:
            return None
        return torch.from_numpy(self.codes[chunk * CHUNK : (chunk + 1) * CHUNK, cell - 1]).to(self.device)

    def draw_cell(self, cell: int, *hidden: Tensor) -> Tensor:
        """Draw all levels of a cell from ``hidden`` (padded B,width), one of each pass: log-probabilities (padded B,levels,num_codes)."""
        found = []
        for level in range(self.levels):
            codes = torch.from_numpy(self.codes[:, cell].clip(min=0)).to(self.device).split(CHUNK)
            passes = [
                [self.model.level_logits(h, c, level) for h, c in zip(side.split(CHUNK), codes, strict=True)]
                for side in hidden
            ]
            found.append(self.guided([torch.cat(parts).log_softmax(-1) for parts in passes]))
            self.place(cell, level, found[-1])
        self.position = cell + 1
        return torch.stack(found, 1)

    def guided(self, log_probs: list[Tensor]) -> Tensor:
        """Of log-probabilities (...,K) with the class and, if there are such, without: those to draw from."""
        if len(log_probs) == 1:
            return log_probs[0]
        with_class, without = log_probs
        return guided(with_class, without, self.request.guidance_scale)

    def place(self, cell: int, level: int, log_probs: Tensor) -> None:
        """Draw one code from log-probabilities (padded B,num_codes), unless it is known."""
        if cell * self.levels + level >= self.known and not self.given[cell]:
            asked = (self.request.temperature, self.request.top_k)
            self.codes[:, cell, level] = draw(log_probs, self.uniforms[:, cell, level], *asked)

    def frame(self, log_probs: Tensor | None) -> Frame:
        """What there is to see after the latest cell."""
        codes = self.codes[self.wanted].reshape(-1, self.rows, self.columns, self.levels).copy()
        later = np.arange(self.num_cells) >= self.position
        codes.reshape(len(codes), self.num_cells, self.levels)[:, later & ~self.given] = UNKNOWN
        extras: dict[str, Any] = {"codes": codes}
        if log_probs is not None:
            extras["logits"] = log_probs[self.wanted].cpu().numpy()
        state: State = {"codes": codes, "known": self.position * self.levels, "step": self.position}
        if self.given.any():
            state["given"] = self.given.reshape(self.rows, self.columns)
        images = picture_so_far(self.model, codes)
        passes = self.position * len(self.labels_of_passes)
        return Frame(self.position, self.num_cells, passes, images, extras, state)
