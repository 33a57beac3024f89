"""What every model that writes character by character shares: the request, an exact likelihood, the sampler, its oracle.

A model states its network twice: ``forward`` over a whole text, and ``read``, which takes a few characters more and
remembers what it needs of the earlier ones.  Nothing here knows how.  Codes are ASCII; 0 opens every context.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.contract import Frame, Request, Score, State, knob
from playground.data import characters
from playground.models import noise
from playground.models.autoregressive import next_token
from playground.models.network import Network

NUM_CODES = 128  # ASCII; 0 opens a text
CHUNK = 4  # batches are padded to this: layers differ by 1e-6 between batch sizes, and one flipped draw rewrites the rest
STATE_EVERY = 16  # characters
LONGEST_PROMPT = 400

Memory = dict[str, Tensor]  # what a network remembers of the characters it has read
Edit = tuple[int, int, int]  # sample, place after the prompt (from 0), code


@dataclass(frozen=True)
class TextRequest(Request):
    """What to write."""

    prompt: str = knob(
        "In the beginning",
        label="prompt",
        longest=LONGEST_PROMPT,
        lines=4,
        help="The text that is given; the model goes on from its last character. It is taken over at Enter (Shift+Enter begins a new line), and may be empty.",
    )
    temperature: float = knob(
        0.8,
        label="temperature",
        low=0.05,
        high=2.0,
        step=0.05,
        telling=(0.5, 0.8, 1.0, 1.2),
        help="Divides the logits before the draw. 1 is the model as trained; lower is safer and repeats itself, higher is wilder and misspells. The random numbers stay the same.",
    )
    top_k: int = knob(
        NUM_CODES,
        label="top_k",
        low=1,
        high=NUM_CODES,
        help="Only the k most probable characters may be drawn. 128 leaves the distribution as it is.",
    )
    top_p: float = knob(
        1.0,
        label="top_p",
        low=0.05,
        high=1.0,
        step=0.05,
        help="Only the likeliest characters that together have this probability may be drawn (nucleus sampling). 1 leaves the distribution as it is.",
    )
    num_tokens: int = knob(
        400, label="num_tokens", low=1, high=2000, help="How many characters are written after the prompt."
    )
    num_samples: int = knob(
        1, label="num_samples", low=1, high=16, help="How many texts are written together."
    )


def context_start(place: int, context: int | None) -> int:
    """From which character on a model reads when it predicts the one at ``place``.

    A network that reads at most ``context`` characters (the opening 0 among them) drops the older half when it is full,
    so that it always sees at least ``context // 2`` of them.
    """
    if context is None or place < context:
        return 0
    half = context // 2
    return ((place - context) // half + 1) * half


class TextRun:
    """One sampling run: the texts so far, in chunks of a fixed size, and what the network remembers of each chunk."""

    def __init__(
        self, model: TextModel, request: TextRequest, edits: Sequence[Edit], resume: State | None
    ) -> None:
        self.model, self.request, self.edits = model, request, list(edits)
        self.device = next(model.parameters()).device
        # a sample stands at the same place of its batch
        start = request.first_index - request.first_index % CHUNK
        stop = request.first_index + request.num_samples
        self.indices = np.arange(start, start + math.ceil((stop - start) / CHUNK) * CHUNK)
        self.wanted = slice(request.first_index - start, stop - start)
        # float64
        self.uniforms = noise.uniform(request.seed, self.indices, "character", (request.num_tokens,))
        given = characters.codes_of(request.prompt)
        self.prompt = len(given)
        self.codes = np.zeros((len(self.indices), self.prompt + request.num_tokens), np.uint8)
        self.codes[:, : self.prompt] = given
        self.step = self.num_known = self.silent_until = 0
        self.memories: list[Memory] = [{} for _ in range(len(self.indices) // CHUNK)]
        self.logits = np.zeros((len(self.indices), NUM_CODES), np.float32)
        if resume is None:
            self.reread()
        else:
            self.take_up(resume)

    def take_up(self, state: State) -> None:
        """Stand where a state was made; characters up to ``num_known`` are taken from its texts instead of drawn."""
        self.codes[self.wanted] = state["images"][:, 0, :, 0]
        self.step, self.num_known = int(state["step"]), int(state["num_known"])
        self.silent_until = int(state.get("silent_until", self.step))
        self.edits = [(int(s), int(p), int(c)) for s, p, c in state["edits"]]
        self.logits = state["logits"].copy()
        for name, value in state.items():
            chunk, slash, key = name.partition("/")
            if slash:
                self.memories[int(chunk)][key] = torch.from_numpy(np.array(value)).to(self.device)

    def reread(self) -> None:
        """Read everything in sight afresh: the prompt at first, later what stays in sight when the context is full."""
        place = self.prompt + self.step
        first = context_start(place, self.model.context)
        for chunk in range(len(self.memories)):
            self.memories[chunk] = {}
            opened = np.pad(self._part(chunk)[:, first:place], ((0, 0), (1, 0)))
            self._read(chunk, opened)

    def advance(self) -> None:
        """Write the next character of every text, and read it."""
        request, place = self.request, self.prompt + self.step
        if self.step >= self.num_known:
            chances = next_token.distribution(self.logits, request.temperature, request.top_k, request.top_p)
            self.codes[:, place] = next_token.draw(chances, self.uniforms[:, self.step])
        for sample, where, code in self.edits:
            if where == self.step:
                self.codes[self.wanted.start + sample, place] = code
        self.step += 1
        context = self.model.context
        if context_start(place + 1, context) != context_start(place, context):
            self.reread()
            return
        for chunk in range(len(self.memories)):
            self._read(chunk, self._part(chunk)[:, place : place + 1])

    def _part(self, chunk: int) -> np.ndarray:
        return self.codes[chunk * CHUNK : (chunk + 1) * CHUNK]

    def _read(self, chunk: int, codes: np.ndarray) -> None:
        tensor = torch.from_numpy(codes.astype(np.int64)).to(self.device)
        logits = self.model.read(tensor, self.memories[chunk])
        self.logits[chunk * CHUNK : (chunk + 1) * CHUNK] = logits.float().cpu().numpy()

    def state(self) -> State:
        """Everything needed to go on from here, to the bit."""
        kept: State = {
            "step": self.step,
            "num_known": self.step,
            "images": self._images(),
            "edits": np.array(self.edits, np.int64).reshape(-1, 3),
            "logits": self.logits.copy(),
        }
        for chunk, memory in enumerate(self.memories):
            kept |= {f"{chunk}/{name}": value.cpu().numpy().copy() for name, value in memory.items()}
        return kept

    def frame(self) -> Frame:
        """What there is to see: the texts, and the logits of what comes next."""
        images = self._images()
        extras = {
            "logits": self.logits[self.wanted].copy(),
            "text": tuple(characters.text_of(codes) for codes in images[:, 0, :, 0]),
            "prompt_length": self.prompt,
        }
        total = self.request.num_tokens
        with_state = self.step % STATE_EVERY == 0
        return Frame(self.step, total, self.step + 1, images, extras, self.state() if with_state else None)

    def _images(self) -> np.ndarray:
        return self.codes[self.wanted][:, None, :, None].copy()


class TextModel(Network):
    """A model of p(character given the earlier ones).

    Subclasses give ``forward``: ``codes`` int64 (B,T) -> logits of the character after each, (B,T,128), and ``read``.
    """

    family = "autoregressive"
    Request = TextRequest
    likelihood = "exact"
    num_threads: int | None = 1  # one character is too little work to share
    sample_bytes = 2**22
    context: int | None = None  # the most characters it reads, the opening 0 among them; None: any number

    config: Any

    def read(self, codes: Tensor, memory: Memory) -> Tensor:
        """``codes`` int64 (B,n) follow what is in ``memory``, which is brought up to date: logits (B,128) of the next one."""
        raise NotImplementedError

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Bits per character of stretches uint8 (B,1,1,T), the first character given nothing."""
        codes = x[:, 0, 0].long()  # (B, T)
        logits = self(F.pad(codes[:, :-1], (1, 0)))
        return {"loss": F.cross_entropy(logits.float().flatten(0, 1), codes.flatten()) / math.log(2)}

    @torch.no_grad()
    def nats_per_character(self, codes: Tensor) -> Tensor:
        """-log p of each character given the earlier ones in sight: int64 (B,T) -> (B,T), in nats.

        Which characters are in sight is what the sampler sees too (:func:`context_start`), so that the sum is exactly
        -log p of the text, however long it is.
        """
        length, context = codes.shape[1], self.context
        costs = torch.zeros(codes.shape, device=codes.device)
        begin = 0
        while begin < length:
            first = context_start(begin, context)
            end = length if context is None else min(first + context, length)
            logits = self(F.pad(codes[:, first : end - 1], (1, 0))).float()
            found = F.cross_entropy(logits.transpose(1, 2), codes[:, first:end], reduction="none")
            costs[:, begin:end] = found[:, begin - first :]
            begin = end
        return costs

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Exact bits per character of texts uint8 (B,1,1,T), T at least 1; nothing is drawn."""
        bits = self.nats_per_character(x[:, 0, 0].long()).mean(1) / math.log(2)
        return [Score(value, "exact", "bits/char") for value in bits.tolist()]

    # --- character by character

    @torch.no_grad()
    def sample(self, request: TextRequest, resume: State | None = None) -> Iterator[Frame]:
        """Write character by character; a frame before the first and after each one.

        Frames carry ``logits`` float32 (B,128) of the character to come (before temperature), ``text``, and a state
        every sixteenth character.  In a state, characters up to ``num_known`` are taken from ``images`` instead of
        drawn, and ``edits`` are put in place of what is drawn: that is how a text is rewound and goes another way.
        """
        yield from self._write(request, (), resume)

    @torch.no_grad()
    def write(self, request: TextRequest, edits: Sequence[Edit]) -> Iterator[Frame]:
        """As ``sample``, with chosen characters in place of some that are drawn."""
        yield from self._write(request, edits, None)

    def _write(self, request: TextRequest, edits: Sequence[Edit], resume: State | None) -> Iterator[Frame]:
        run = TextRun(self, request, edits, resume)
        if resume is None:
            yield run.frame()
        while run.step < request.num_tokens:
            run.advance()
            if run.step > run.silent_until:
                yield run.frame()

    @torch.no_grad()
    def sample_naive(self, request: TextRequest) -> Iterator[Frame]:
        """Everything in sight is read again for each character.  Slow, and the oracle for :meth:`sample`."""
        run = TextRun(self, request, (), None)
        while run.step < request.num_tokens:
            chances = next_token.distribution(run.logits, request.temperature, request.top_k, request.top_p)
            run.codes[:, run.prompt + run.step] = next_token.draw(chances, run.uniforms[:, run.step])
            run.step += 1
            run.reread()
            yield run.frame()
