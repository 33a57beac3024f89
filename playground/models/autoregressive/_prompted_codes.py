"""What both models of an image tokenizer's codes share that are told words: prompts, training examples, and one request's grids.

As elsewhere where draws are discrete: uniforms are fixed in advance, draws are made on the CPU in float64, and batches are padded
to a fixed chunk and aligned to the sample index, so that a picture does not depend on its company.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.capabilities import Tokenizes
from playground.contract import Request, guidance_knob, knob
from playground.data import Split
from playground.data.emoji import words as emoji_words
from playground.models import words
from playground.models.codes import UNKNOWN, picture_so_far
from playground.models.tokenizer import OnTokenizer
from playground.models.transformer import Block, RMSNorm

_ENCODED = 256  # pictures that are encoded together


@dataclass(frozen=True)
class PromptedCodesConfig:
    """Shape of the network; the first two are the tokenizer's."""

    num_codes: int = 1024
    cells: int = 8  # in a row, and rows
    num_words: int = 2048  # the first lines of the vocabulary, so many
    num_tokens: int = 10  # style and words of a prompt
    width: int = 192
    depth: int = 6
    heads: int = 6
    prompt_dropout: float = 0.1  # so often nothing is said
    word_dropout: float = 0.1  # so often a word is left out


@dataclass(frozen=True)
class PromptedCodesRequest(Request):
    """What to draw: the knobs of words, as of text-to-image diffusion."""

    prompt: str = words.prompt_knob()
    negative_prompt: str = words.negative_knob()
    style: str = words.style_knob()
    guidance_scale: float = guidance_knob(
        3.0,
        "Pushes each code's distribution towards the prompt and away from no prompt. 1 is off; above, the network is asked twice each time.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.05,
        high=2.0,
        step=0.05,
        help="Divides the log-probabilities of each code before the draw. 1 is the model as trained; lower is safer and plainer, higher is wilder. The random numbers stay the same.",
    )
    num_samples: int = words.several_knob()
    each: tuple[tuple[str, str], ...] = ()  # (style, prompt) of every sample, in place of the two knobs


class PromptedCodes(OnTokenizer):
    """A transformer over the words of a prompt and the codes of a picture; ``build_on`` gives it whose codes they are."""

    family = "autoregressive"
    likelihood = (
        "none"  # of the codes alone there would be one, but a VQGAN's decoder gives pixels no probability
    )
    num_threads: int | None = None
    sample_bytes = 2**22
    causal: bool

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.num_codes = config.num_codes
        self.code_shape = (config.cells, config.cells, 1)
        self.num_cells, width = config.cells**2, config.width
        self.words = nn.Embedding(config.num_words, width)
        self.codes = nn.Embedding(config.num_codes + 1, width)  # the last: no code yet
        for table in (self.words, self.codes):
            nn.init.normal_(table.weight, std=0.3)
        # of three dimensions, so that Muon leaves them to AdamW
        self.order = nn.Parameter(0.1 * torch.randn(1, config.num_tokens, width))  # first word, second ...
        self.places = nn.Parameter(0.2 * torch.randn(1, self.num_cells, width))
        self.pool = nn.Linear(width, width)
        self.blocks = nn.ModuleList(
            Block(width, config.heads, config.depth, self.causal) for _ in range(config.depth)
        )
        self.norm = RMSNorm(width)
        self.head = nn.Parameter(torch.zeros(1, config.num_codes, width))
        self.head_bias = nn.Parameter(torch.zeros(config.num_codes))

    def fits(self, tokenizer: Any) -> bool:
        """Whether these are the codes that it has learned to foresee."""
        mine = (self.code_shape, self.num_codes)
        return isinstance(tokenizer, Tokenizes) and (tokenizer.code_shape, tokenizer.num_codes) == mine

    def encode_codes(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> code numbers, int64 (B,*code_shape)."""
        codes: Tensor = self.its_tokenizer().encode_codes(x)
        return codes

    def decode_codes(self, codes: Tensor) -> Tensor:
        """``codes`` int64 (B,*code_shape) -> a picture in [-1, 1], (B,C,H,W)."""
        pictures: Tensor = self.its_tokenizer().decode_codes(codes)
        return pictures

    def remarks(self, prompt: str) -> str:
        """What a person should know of how a prompt is read: sentences, empty if it is read as written."""
        return emoji_words.understood(prompt).remarks

    # --- the network

    def enter_words(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens int64 (B,T) -> what the transformer reads of them, (B,T,width), and what every place is told, (B,1,width)."""
        said = (tokens > 0)[..., None]
        vectors = self.words(tokens)
        mean = (vectors * said).sum(1, keepdim=True) / said.sum(1, keepdim=True).clamp_min(1)
        return vectors + self.order[0], self.pool(mean)

    def logits(self, h: Tensor) -> Tensor:
        """The last block's (...,width) -> float32 (...,num_codes), not normalised."""
        return (self.norm(h) @ self.head[0].T + self.head_bias).float()

    # --- training

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Captioned pictures uint8 (N,C,H,W) and the tokens of what is said of them, int64 (N,T)."""
        return words.examples(split, seed)

    @torch.no_grad()
    def prepare(self, x: Tensor) -> Tensor:
        """The pictures uint8 (N,C,H,W) as codes int16 (N,*code_shape): done once, before training."""
        return torch.cat([self.encode_codes(part).short() for part in x.split(_ENCODED)])

    def learned(self, x: Tensor, tokens: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """What the loss is of: codes int64 (B, cells) of ``x`` (pictures, or codes as :meth:`prepare` makes them), and the
        tokens, in training with some left out."""
        codes = self.encode_codes(x) if x.dtype == torch.uint8 else x.long()
        if self.training:
            dropout = (self.config.word_dropout, self.config.prompt_dropout)
            tokens = words.forgetful(tokens, *dropout, generator)
        return codes.flatten(1), tokens


class Grids:
    """The grids of one request on their way, in chunks of a fixed size."""

    def __init__(self, model: PromptedCodes, request: PromptedCodesRequest, chunk: int) -> None:
        self.model, self.chunk = model, chunk
        start = request.first_index - request.first_index % chunk
        stop = request.first_index + request.num_samples
        self.indices = np.arange(start, start + math.ceil((stop - start) / chunk) * chunk)
        self.wanted = slice(request.first_index - start, stop - start)
        self.device = model.head.device
        self.is_guided = request.guidance_scale != 1
        pairs = words.tokens_of(request)
        sides = [np.zeros((len(self.indices), model.config.num_tokens), np.int64) for _ in pairs]
        for side, asked in zip(sides, pairs, strict=True):
            side[self.wanted] = asked  # of those that nobody asked for nothing is said
        self.tokens = sides[0][self.wanted]
        wanted, negative = (torch.from_numpy(s).to(self.device).split(chunk) for s in sides)
        # each chunk with the prompt, and below it without
        self.prompts = [torch.cat(pair) for pair in zip(wanted, negative, strict=True)]
        if not self.is_guided:
            self.prompts = list(wanted)
        self.codes = np.full((len(self.indices), model.num_cells), UNKNOWN, np.int64)

    def take(self, codes: np.ndarray) -> None:
        """Begin from ``codes`` (B,*code_shape), those asked for; the others are as if drawn."""
        self.codes[:] = 0
        self.codes[self.wanted] = codes.reshape(len(codes), -1)

    def chunks(self, rows: np.ndarray) -> list[Tensor]:
        """Numbers (N,...) of all rows on the device, chunk by chunk, each twice where it is guided."""
        parts = torch.from_numpy(np.ascontiguousarray(rows)).to(self.device).split(self.chunk)
        return [torch.cat([part, part]) if self.is_guided else part for part in parts]

    def shaped(self, values: np.ndarray) -> np.ndarray:
        """Numbers (N,cells) -> those of the samples asked for, (B,*code_shape); a copy."""
        return values[self.wanted].reshape(-1, *self.model.code_shape).copy()

    def pictures(self) -> np.ndarray:
        """What there is to see so far, uint8 (B,H,W,C), decoded chunk by chunk."""
        grids = self.codes.reshape(-1, *self.model.code_shape)
        parts = [
            picture_so_far(self.model, grids[i : i + self.chunk]) for i in range(0, len(grids), self.chunk)
        ]
        return np.concatenate(parts)[self.wanted]
