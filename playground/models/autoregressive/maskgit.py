"""MaskGIT told words: Chang, Zhang, Jiang, Liu and Freeman 2022, "Masked generative image transformer" (arXiv:2202.04200).

A transformer that looks in both directions guesses every masked code of a picture at once; those it is surest of are kept, the
others are masked again, and after some eight steps none is left (section 3.2, figure 3).  Words stand in the same sequence, as in
Muse (Chang et al. 2023, arXiv:2301.00704), whose guidance this is too: it grows while the picture fills (section 2.7).  The codes
are those of ``vae/vqgan.py``.  Any cells can be masked: so a picture is edited with nothing trained for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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

CHUNK = 2  # pictures in a batch: two fill a processor, as each is a whole sequence
_NATS_PER_BIT = math.log(2)


@dataclass(frozen=True)
class MaskGITConfig(PromptedCodesConfig):
    """As that of the rival in reading order."""

    label_smoothing: float = 0.1  # section 4.1


@dataclass(frozen=True)
class MaskGITRequest(PromptedCodesRequest):
    """What to draw, and in how many steps."""

    num_steps: int = knob(
        8,
        label="num_steps",
        low=1,
        high=64,
        log=True,
        help="In how many steps the picture is filled: few cells first, ever more later. 64 draws one cell after another, the surest first. Every step asks the network once (twice while it is guided).",
    )
    guided_steps: int = knob(
        4,
        label="guided_steps",
        low=1,
        high=64,
        fold=True,
        help="So many of the first steps are guided, each at the price of a second pass; guidance grows to its full scale in them. What is drawn is decided early: later steps fill in what fits.",
    )
    choice_temperature: float = knob(
        4.5,
        label="choice_temperature",
        low=0.0,
        high=20.0,
        step=0.5,
        help="How much chance has a say in which cells are kept. 0 always keeps the surest, and pictures become plain; the chance fades as the steps go on.",
    )


class MaskGIT(PromptedCodes):
    """p(masked codes given the others and the words), and the walk from all masked to none."""

    system = "MaskGIT told words (Muse)"
    paper = "Chang et al. 2022, arXiv:2202.04200; Chang et al. 2023, arXiv:2301.00704"
    differs = (
        "Muse reads words with a language model trained before; here their vectors are learned with the rest."
    )
    Config = MaskGITConfig
    Request = MaskGITRequest
    causal = False

    def forward(self, codes: Tensor, tokens: Tensor) -> Tensor:
        """Logits of every cell: ``codes`` int64 (B,cells), ``num_codes`` where masked, ``tokens`` (B,T) -> (B,cells,num_codes)."""
        words, mean = self.enter_words(tokens)
        h = torch.cat([words, self.codes(codes) + self.places[0] + mean], 1)
        for block in self.blocks:
            h = block(h)
        return self.logits(h[:, words.shape[1] :])

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy of the masked codes in bits (eq. 1); the share that is masked follows the cosine of a uniform number."""
        codes, tokens = self.learned(x, labels, generator)
        uniforms = torch.rand(
            (len(codes), self.num_cells + 1), generator=generator, device=generator.device
        ).to(codes.device)
        share = torch.cos(math.pi / 2 * uniforms[:, :1])
        masked = uniforms[:, 1:] < share
        masked[:, 0] |= ~masked.any(1)  # one at least
        logits = self(codes.masked_fill(masked, self.num_codes), tokens)[masked]
        smoothing = self.config.label_smoothing if self.training else 0.0
        loss = F.cross_entropy(logits, codes[masked], label_smoothing=smoothing) / _NATS_PER_BIT
        right = (logits.argmax(-1) == codes[masked]).float().mean()
        return {"loss": loss, "accuracy": right}

    # --- parallel decoding

    @torch.no_grad()
    def sample(self, request: MaskGITRequest, resume: State | None = None) -> Iterator[Frame]:
        """All masked first, then a frame per step, decoded as far as it is.

        Frames carry ``codes`` int64 (B,*code_shape) with -1 where nothing is kept yet, ``confidence`` float32 (B,rows,columns),
        the probability with which each kept code was drawn (1 for those given, 0 where masked), ``tokens`` int64 (B,T), and a
        state.  A state whose ``codes`` are -1 in some places, with ``step`` 0 and ``masked``, how many, fills in just those.
        """
        grids = Grids(self, request, CHUNK)
        confidence = np.zeros(grids.codes.shape)
        masked, first = np.full(len(grids.codes), self.num_cells), 0
        if resume is not None:
            grids.take(resume["codes"])
            confidence[grids.wanted] = resume["confidence"].reshape(-1, self.num_cells)
            masked[grids.wanted], first = resume["masked"], int(resume["step"])
        else:
            yield words.introduced(self._frame(request, grids, confidence, masked, 0), request)
        for step in range(first, request.num_steps):
            self._fill(request, grids, confidence, masked, step)
            yield self._frame(request, grids, confidence, masked, step + 1)

    def _fill(
        self, request: MaskGITRequest, grids: Grids, confidence: np.ndarray, masked: np.ndarray, step: int
    ) -> None:
        """One step: guess every masked cell, keep those that are surest (section 3.2, steps 1 to 4)."""
        done = (step + 1) / request.num_steps
        probabilities = self._guess(grids, _scale(request, step))
        uniforms = noise.uniform(request.seed, grids.indices, "code", (self.num_cells, 2), step)
        flat = probabilities.flatten(0, 1)
        drawn = draw(flat, uniforms[..., 0].ravel(), request.temperature)
        sure = flat.gather(1, torch.from_numpy(drawn)[:, None])[:, 0].double().numpy()
        drawn, sure = drawn.reshape(grids.codes.shape), sure.reshape(grids.codes.shape)
        chance = -np.log(-np.log(uniforms[..., 1].clip(1e-12, 1 - 1e-12)))  # Gumbel
        rank = sure + request.choice_temperature * (1 - done) * chance
        left = np.floor(np.cos(math.pi / 2 * done) * masked).astype(int)
        for row in range(len(grids.codes)):
            unknown = np.flatnonzero(grids.codes[row] == UNKNOWN)
            # at least one is kept in each step, as long as there is one
            count = max(len(unknown) - int(left[row]), 1)
            kept = unknown[np.argsort(-rank[row, unknown], kind="stable")[:count]]
            grids.codes[row, kept] = drawn[row, kept]
            confidence[row, kept] = np.exp(sure[row, kept])

    def _guess(self, grids: Grids, scale: float) -> Tensor:
        """Log-probabilities of every cell, (N,cells,num_codes) on the CPU; at a ``scale`` of 1 the network is asked once."""
        known = np.where(grids.codes == UNKNOWN, self.num_codes, grids.codes)
        found = []
        for codes, tokens in zip(grids.chunks(known), grids.prompts, strict=True):
            if grids.is_guided and scale != 1:
                with_words, without = self(codes, tokens).log_softmax(-1).chunk(2)
                found.append(guided(with_words, without, scale).cpu())
            else:
                count = grids.chunk
                found.append(self(codes[:count], tokens[:count]).log_softmax(-1).cpu())
        return torch.cat(found)

    def _frame(
        self, request: MaskGITRequest, grids: Grids, confidence: np.ndarray, masked: np.ndarray, step: int
    ) -> Frame:
        codes = grids.shaped(grids.codes)
        sure = grids.shaped(confidence)[..., 0].astype(np.float32)
        extras: dict[str, Any] = {"codes": codes, "confidence": sure, "tokens": grids.tokens}
        state = {
            "codes": codes,
            "confidence": sure,
            "masked": masked[grids.wanted].copy(),
            "step": step,
        }
        passes = step + (min(step, request.guided_steps) if grids.is_guided else 0)
        return Frame(step, request.num_steps, passes, grids.pictures(), extras, state)

    def masked_state(self, codes: np.ndarray, masked: np.ndarray) -> State:
        """The state from which :meth:`sample` draws some cells anew.

        Args:
            codes: whole grids, int64 (B,*code_shape).
            masked: bool (rows,columns) or (B,rows,columns), the cells to draw.
        """
        hidden = np.broadcast_to(masked, codes.shape[:3])
        kept = np.where(hidden[..., None], UNKNOWN, codes)
        sure = np.where(hidden, np.float32(0), np.float32(1))
        return {"codes": kept, "confidence": sure, "masked": hidden.sum((1, 2)), "step": 0}


def _scale(request: MaskGITRequest, step: int) -> float:
    """Of the guidance in a step: it grows to its full scale (Muse, section 2.7), here in those steps that are guided, and is off after them."""
    if step >= request.guided_steps:
        return 1.0
    return 1 + (request.guidance_scale - 1) * (step + 1) / min(request.guided_steps, request.num_steps)


MODEL = MaskGIT
RECIPES = (
    words.recipe("maskgit-emoji", MaskGITConfig(num_words=2029), "vqgan-emoji", steps=8400, decay_steps=2000),
)
