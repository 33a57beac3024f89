"""The second stage of VQGAN told words: Esser, Rombach and Ommer 2021 (arXiv:2012.09841), section 3.2.

A causal transformer writes the codes of a picture one after another in reading order, as a language model writes words; those of
the prompt stand before them ("simply prepend", section 3.2).  A cache of keys and values makes each step as long as one place.
Same codes, same words, same size as ``maskgit.py``: what differs is the order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.contract import Frame, State, knob
from playground.models import noise, words
from playground.models.autoregressive._prompted_codes import (
    Grids,
    PromptedCodes,
    PromptedCodesConfig,
    PromptedCodesRequest,
)
from playground.models.blocks import guided
from playground.models.codes import UNKNOWN, draw
from playground.models.transformer import Block, Cache

CHUNK = 16
_NATS_PER_BIT = math.log(2)


@dataclass(frozen=True)
class VQTransformerConfig(PromptedCodesConfig):
    """As that of the rival that works in parallel."""

    # share of the codes that are not read in training: of each picture another, from 0 to twice this; else the words are not needed
    code_dropout: float = 0.3
    dropout: float = 0.1  # share of what each part of a block adds that is left out in training


@dataclass(frozen=True)
class VQTransformerRequest(PromptedCodesRequest):
    """What to draw."""

    top_k: int = knob(
        1024,
        label="top_k",
        low=1,
        high=1024,
        log=True,
        help="Only the k most probable codes may be drawn. 1024 leaves the distribution as it is.",
    )


class VQTransformer(PromptedCodes):
    """p(codes given words), one code after another."""

    system = "VQGAN with a transformer told words"
    paper = "Esser, Rombach and Ommer 2021, arXiv:2012.09841"
    Config = VQTransformerConfig
    Request = VQTransformerRequest
    causal = True

    def forward(
        self, codes: Tensor, tokens: Tensor, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Logits of every cell given those before it: ``codes`` int64 (B,cells), ``tokens`` (B,T) -> (B,cells,num_codes)."""
        words, mean = self.enter_words(tokens)
        before = F.pad(codes[:, :-1], (1, 0), value=self.num_codes)  # nothing stands before the first
        h = torch.cat([words, self.codes(before) + self.places[0] + mean], 1)
        for block in self.blocks:
            h = block(h, dropout, generator)
        return self.logits(h[:, words.shape[1] :])

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy in bits per code (eq. 11)."""
        codes, tokens = self.learned(x, labels, generator)
        read = codes
        if self.training:  # some codes are not read, against learning by heart
            shape = (len(codes), self.num_cells + 1)
            uniforms = torch.rand(shape, generator=generator, device=generator.device).to(codes.device)
            forgotten = uniforms[:, 1:] < 2 * self.config.code_dropout * uniforms[:, :1]
            read = codes.masked_fill(forgotten, self.num_codes)
        logits = self(read, tokens, self.config.dropout if self.training else 0.0, generator)
        loss = F.cross_entropy(logits.flatten(0, 1), codes.flatten()) / _NATS_PER_BIT
        return {"loss": loss, "accuracy": (logits.argmax(-1) == codes).float().mean()}

    # --- code by code

    @torch.no_grad()
    def sample(self, request: VQTransformerRequest, resume: State | None = None) -> Iterator[Frame]:
        """Nothing first, then a frame per code, decoded as far as it is.

        Frames carry ``codes`` int64 (B,*code_shape) with -1 where nothing is drawn yet, ``logits`` float32 (B,1,num_codes) of the
        cell just drawn (before temperature), ``confidence`` float32 (B,rows,columns), the probability of each drawn code,
        ``tokens`` int64 (B,T), and a state.  In a state the first ``known`` of the ``codes`` are taken instead of drawn, and
        frames begin after ``step``: that is how a code is edited.
        """
        run = _Run(self, request, resume)
        if resume is None:
            yield words.introduced(run.frame(None), request)
        readers = [_Reader(self, tokens) for tokens in run.grids.prompts]
        for cell in range(self.num_cells):
            before = run.before(cell)
            hidden = [reader.step(codes, cell) for reader, codes in zip(readers, before, strict=True)]
            log_probs = run.place(cell, [self.logits(h) for h in hidden])
            if cell >= run.silent_until:
                yield run.frame(log_probs)

    @torch.no_grad()
    def sample_naive(self, request: VQTransformerRequest) -> Iterator[Frame]:
        """Without a cache: one whole forward pass for every code.  Slow, and the oracle for :meth:`sample`."""
        run = _Run(self, request, None)
        for cell in range(self.num_cells):
            known = run.grids.chunks(run.grids.codes.clip(min=0))
            whole = [
                self(codes, prompt)[:, cell] for codes, prompt in zip(known, run.grids.prompts, strict=True)
            ]
            yield run.frame(run.place(cell, whole))


class _Reader:
    """The transformer with what it has read of one chunk."""

    def __init__(self, model: VQTransformer, tokens: Tensor) -> None:
        self.model, self.num_words = model, tokens.shape[1]
        self.cache = Cache(model.blocks, self.num_words + model.num_cells)
        words, self.mean = model.enter_words(tokens)
        self._read(words, 0)

    def step(self, before: Tensor, cell: int) -> Tensor:
        """Read the code (B,) before a cell: (B,width)."""
        h = (self.model.codes(before) + self.model.places[0, cell])[:, None] + self.mean
        return self._read(h, self.num_words + cell)[:, -1]

    def _read(self, h: Tensor, place: int) -> Tensor:
        for i, block in enumerate(self.model.blocks):
            h = cast(Block, block).step(h, self.cache, i, place)
        return h


class _Run:
    """One request: its grids, the uniforms, and how far it is."""

    def __init__(self, model: VQTransformer, request: VQTransformerRequest, resume: State | None) -> None:
        self.model, self.request = model, request
        self.grids = Grids(model, request, CHUNK)
        self.uniforms = noise.uniform(request.seed, self.grids.indices, "code", (model.num_cells,))
        self.confidence = np.zeros(self.grids.codes.shape)
        self.position = self.known = self.silent_until = 0
        self.given = np.zeros(model.num_cells, bool)  # cells further on that are not drawn either
        if resume is not None:
            self.known, self.silent_until = int(resume["known"]), int(resume["step"])
            self.given = np.asarray(resume.get("given", self.given)).reshape(-1)
            self.grids.take(resume["codes"])
            self.grids.codes[:, self._open(self.known)] = UNKNOWN

    def _open(self, first: int) -> np.ndarray:
        """The cells from ``first`` on that are to be drawn, bool (cells,)."""
        return (np.arange(len(self.given)) >= first) & ~self.given

    def before(self, cell: int) -> list[Tensor]:
        """The code before a cell, chunk by chunk; "no code yet" before the first."""
        codes = self.grids.codes[:, cell - 1] if cell else 0 * self.grids.codes[:, 0] + self.model.num_codes
        return self.grids.chunks(codes)

    def place(self, cell: int, logits: list[Tensor]) -> Tensor:
        """Draw one code of every sample, unless it is known; returns what it was drawn from, (N,num_codes)."""
        found = [part.log_softmax(-1) for part in logits]
        if self.grids.is_guided:
            pairs = [part.chunk(2) for part in found]
            found = [guided(one, other, self.request.guidance_scale) for one, other in pairs]
        log_probs = torch.cat(found).cpu()
        if cell >= self.known and not self.given[cell]:
            asked = (self.request.temperature, self.request.top_k)
            self.grids.codes[:, cell] = draw(log_probs, self.uniforms[:, cell], *asked)
        chosen = torch.from_numpy(self.grids.codes[:, cell : cell + 1])
        self.confidence[:, cell] = log_probs.gather(1, chosen)[:, 0].exp().numpy()
        self.position = cell + 1
        return log_probs

    def frame(self, log_probs: Tensor | None) -> Frame:
        """What there is to see after the latest code."""
        kept = self.grids.codes.copy()
        self.grids.codes[:, self._open(self.position)] = UNKNOWN
        extras: dict[str, Any] = {
            "codes": self.grids.shaped(self.grids.codes),
            "confidence": self.grids.shaped(self.confidence)[..., 0].astype("float32"),
            "tokens": self.grids.tokens,
        }
        if log_probs is not None:
            extras["logits"] = log_probs[self.grids.wanted, None].numpy()
        images = self.grids.pictures()
        self.grids.codes[:] = kept
        passes = self.position * (2 if self.grids.is_guided else 1)
        state: State = {"codes": extras["codes"], "known": self.position, "step": self.position}
        if self.given.any():
            state["given"] = self.given
        return Frame(self.position, self.model.num_cells, passes, images, extras, state)


MODEL = VQTransformer
RECIPES = (
    words.recipe(
        "vqtransformer-emoji",
        VQTransformerConfig(num_words=2029),
        "vqgan-emoji",
        steps=2600,  # after 3,200 with a code dropout of 0.1, no other dropout, and rates three times as high
        decay_steps=2200,
        muon_learning_rate=0.006,
        learning_rate=5e-4,
    ),
)
