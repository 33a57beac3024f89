"""Sketch-RNN: Ha and Eck 2017, "A Neural Representation of Sketch Drawings", arXiv:1704.03477.

A drawing is a sequence of steps (dx, dy) of the pen with one of three states: a line goes on, the pen is lifted here, the
drawing has ended.  A bidirectional LSTM reads it into a code z; an LSTM told z draws it again, step by step, from a mixture of
bivariate normal distributions over the step and three probabilities of the pen.

Two things are added.  *What it is of*: where the name of an icon has one of the words that we know, the decoder is told it,
in three of four cases; without the word, thousands of icons share one prior, and drawings from it are of nothing.  *No code*:
in a quarter of the cases the decoder is told no z (the paper's "unconditional generation"), and it is this decoder that goes
on with somebody's own strokes, since a code drawn from the prior would speak of another drawing than the one begun.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, Score, State, knob
from playground.data import icons
from playground.models.network import Network
from playground.models.vae._stroke_run import LOG_SPREADS, StrokeRun

NOTHING_SAID = 0  # the class of a drawing of which it is not known what it is of
NUM_CODES_SCORED = 8  # codes over which a bound is averaged


@dataclass(frozen=True)
class SketchRNNConfig:
    """Shapes of the network, and what its loss weighs."""

    encoder_width: int = 192  # of each direction
    width: int = 384  # of the decoder
    latent: int = 64
    word_width: int = 32
    components: int = 20  # of the mixture
    scale: float = 0.2  # standard deviation of a step, in boxes
    dropout: float = 0.1
    kl_weight: float = (
        0.1  # once warm: more, and codes are nearer to the prior; less, and drawings nearer to their own
    )
    kl_floor: float = 0.02  # nats per latent number that cost nothing
    warmup: int = 1500  # batches until the weight is there
    code_share: float = 0.75  # of the drawings whose code the decoder is told
    word_share: float = 0.75  # of those whose word is known


@dataclass(frozen=True)
class StrokesRequest(Request):
    """What to draw."""

    word: int = knob(
        NOTHING_SAID,
        choices="classes",
        label="of what",
        help="What the drawing is to be of. 'anything' leaves it open.",
    )
    code: str = knob(
        "none",
        label="code",
        choices=(("none", "none"), ("prior", "from the prior")),
        help="None: the decoder is told only what to draw (the paper's unconditional generation). From the prior: each drawing has a random code z, which decides its outline and leaves the word less to say.",
    )
    temperature: float = knob(
        0.4,
        label="temperature",
        low=0.05,
        high=1.5,
        step=0.05,
        telling=(0.1, 0.4, 0.8, 1.2),
        help="Widens or narrows the mixture over the next step, its weights and the pen's probabilities. 1 is the model as trained; lower is surer and cleaner, higher is wilder. The random numbers stay the same.",
    )
    begin: str = knob(
        "",
        label="begun with",
        longest=4000,
        help="Strokes to go on from, as the path of an SVG drawing in a box of 24 (M 3 4 L 5 6 ...). On the command line the name of an SVG file. Then no code is drawn from the prior.",
    )
    num_samples: int = knob(12, label="num_samples", low=1, high=64, help="How many drawings.")


class SketchRNN(Network):
    """p(strokes) with a code: mu and logvar of z are read from strokes, and strokes are drawn from z."""

    family = "vae"
    system = "Sketch-RNN"
    paper = "Ha and Eck 2017, A Neural Representation of Sketch Drawings"
    Config = SketchRNNConfig
    Request = StrokesRequest
    likelihood = "bound"
    num_threads: int | None = 1
    sample_bytes = 2**22

    batches: Tensor

    def __init__(self, config: SketchRNNConfig) -> None:
        super().__init__()
        self.config = config
        condition = config.latent + 1 + config.word_width  # the code, whether there is one, and the word
        self.word = nn.Embedding(len(icons.ICONS.classes), config.word_width)
        self.encoder = nn.LSTM(5, config.encoder_width, batch_first=True, bidirectional=True)
        self.to_code = nn.Linear(2 * config.encoder_width, 2 * config.latent)
        self.to_state = nn.Linear(condition, 2 * config.width)
        self.decoder = nn.LSTM(5 + condition, config.width, batch_first=True)
        self.head = nn.Linear(config.width, 6 * config.components + 3)
        self.register_buffer("batches", torch.zeros((), dtype=torch.float32))

    # --- drawings as numbers

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Drawings uint8 (B,3,1,T) -> steps float32 (B,T,5): dx, dy in standard deviations, line, lifted, ended; and lengths (B,)."""
        codes = x[:, :, 0].float()  # (B,3,T)
        there = (codes[:, 2] > 0).float().cumprod(1)
        points = (codes[:, :2] - icons.MARGIN) / icons.SIDE
        before = F.pad(points[:, :, :-1] - 0.5, (1, 0)) + 0.5
        offset = (points - before) / self.config.scale * there[:, None]
        begins = F.pad((codes[:, 2, 1:] == 1).float(), (0, 1), value=1.0)
        ends = F.pad(there[:, 1:], (0, 1)) < there  # the last point lifts the pen
        lifted = torch.maximum(begins, ends.float()) * there
        steps = torch.stack([*offset.unbind(1), there - lifted, lifted, 1 - there], -1)
        return steps, there.sum(1).long()

    def encode_steps(self, steps: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (B,T,5) -> mu and logvar of their code, each (B,latent)."""
        last = lengths.clamp(min=1) - 1
        at = torch.arange(steps.shape[1], device=steps.device)
        backwards = (last[:, None] - at).clamp(min=0)  # so that the end of each drawing comes first
        turned = steps.gather(1, backwards[..., None].expand_as(steps))
        read = [self._read(steps, last, ""), self._read(turned, last, "_reverse")]
        mu, logvar = self.to_code(torch.cat(read, -1)).chunk(2, -1)
        return mu, logvar.clamp(-12, 4)

    def _read(self, steps: Tensor, last: Tensor, way: str) -> Tensor:
        """What one direction of the encoder knows at the last point of each drawing: (B,T,5), (B,) -> (B,encoder_width).

        As with packed sequences, whose lengths torch wants on the CPU, a wait for every batch on a GPU.
        """
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weights = [getattr(self.encoder, f"{kind}_l0{way}") for kind in kinds]
        nothing = steps.new_zeros(1, len(steps), self.config.encoder_width)
        shown, _, _ = torch.lstm(steps, (nothing, nothing), weights, True, 1, 0.0, self.training, False, True)
        return shown.gather(1, last[:, None, None].expand(-1, 1, shown.shape[2]))[:, 0]

    @torch.no_grad()
    def code_of(self, x: Tensor) -> Tensor:
        """The middle of the codes of drawings: uint8 (B,3,1,T) -> (B,latent)."""
        return self.encode_steps(*self.steps(x))[0]

    def condition(self, z: Tensor | None, word: Tensor) -> Tensor:
        """What the decoder is told all the while, (B, latent + 1 + word_width); ``z`` None: no code."""
        if z is None:
            z = torch.zeros(len(word), self.config.latent + 1, device=word.device)
        else:
            z = torch.cat([z, torch.ones_like(z[:, :1])], -1)
        return torch.cat([z, self.word(word)], -1)

    def begin(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The decoder's first state (h, c), each (1,B,width)."""
        h, c = torch.tanh(self.to_state(condition)).chunk(2, -1)
        return h[None].contiguous(), c[None].contiguous()

    def forward(self, before: Tensor, condition: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Steps before (B,T,5) -> raw numbers of the mixture of each next one (B,T,6 M + 3), and the state."""
        state = self.begin(condition) if state is None else state
        shown, state = self.decoder(
            torch.cat([before, condition[:, None].expand(-1, before.shape[1], -1)], -1), state
        )
        return self.head(F.dropout(shown, self.config.dropout, self.training)), state

    def nats(self, raw: Tensor, steps: Tensor) -> Tensor:
        """-log p of each step (B,T) under the mixtures ``raw``; after the end nothing costs anything.

        The density is of steps measured in standard deviations (``scale`` boxes); a step of the pen that has ended has no place.
        """
        m = self.config.components
        weight, mu_x, mu_y, log_x, log_y, bend = raw[..., : 6 * m].split(m, -1)
        log_x, log_y, rho = log_x.clamp(*LOG_SPREADS), log_y.clamp(*LOG_SPREADS), 0.99 * torch.tanh(bend)
        x = (steps[..., :1] - mu_x) * torch.exp(-log_x)
        y = (steps[..., 1:2] - mu_y) * torch.exp(-log_y)
        rest = 1 - rho.square()
        square = (x.square() + y.square() - 2 * rho * x * y) / rest
        log_normal = -0.5 * square - log_x - log_y - 0.5 * torch.log(rest) - math.log(2 * math.pi)
        place = -torch.logsumexp(torch.log_softmax(weight, -1) + log_normal, -1)
        pen = F.cross_entropy(raw[..., 6 * m :].transpose(1, 2), steps[..., 2:].argmax(-1), reduction="none")
        ended = steps[..., 4]
        first_end = ended * (1 - F.pad(ended[:, :-1], (1, 0)))
        return place * (1 - ended) + pen * (1 - ended + first_end)

    # --- learning

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Nats per drawing of strokes uint8 (B,3,1,T) with their words, shaken a little as in the paper."""
        config = self.config
        steps, lengths = self.steps(x)
        longest = min(int(lengths.max()) + 1, steps.shape[1])
        steps = steps[:, :longest]
        if self.training:
            drawn = torch.rand(len(x), 4, generator=generator).to(x.device)
            steps = self._shaken(steps, drawn)
            has_code, says = drawn[:, 2:3] < config.code_share, drawn[:, 3] < config.word_share
            word = torch.where(says, labels, torch.zeros_like(labels))
        else:
            has_code, word = torch.ones(len(x), 1, dtype=torch.bool, device=x.device), labels
        mu, logvar = self.encode_steps(steps, lengths)
        normal = torch.randn(mu.shape, generator=generator).to(mu.device)
        condition = self.condition(mu + torch.exp(logvar / 2) * normal, word)
        z = condition[:, : config.latent + 1] * has_code
        condition = torch.cat([z, condition[:, config.latent + 1 :]], -1)
        before = F.pad(steps[:, :-1], (0, 0, 1, 0))
        raw, _ = self(before, condition)
        drawing = self.nats(raw, steps).sum(1)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar)
        priced = torch.clamp(kl.mean(0), min=config.kl_floor).sum() * has_code.float().mean()
        weight = config.kl_weight
        if self.training:
            weight = weight * float(torch.clamp(self.batches / config.warmup, max=1.0))
            self.batches += 1
        return {
            "loss": drawing.mean() + weight * priced,
            "drawing": drawing.mean(),
            "kl": kl.sum(1).mean(),
        }

    def _shaken(self, steps: Tensor, drawn: Tensor) -> Tensor:
        """Drawings a little wider or narrower; never mirrored, since many things have a side."""
        stretch = 0.9 + 0.2 * drawn[:, None, :2]
        return torch.cat([steps[..., :2] * stretch, steps[..., 2:]], -1)

    @torch.no_grad()
    def nats_per_point(self, x: Tensor, labels: Tensor, z: Tensor | None = None) -> Tensor:
        """-log p of each point of drawings uint8 (B,3,1,T) given the earlier ones and a code (B,latent) if there is one: (B,T)."""
        steps, _ = self.steps(x)
        raw, _ = self(F.pad(steps[:, :-1], (0, 0, 1, 0)), self.condition(z, labels))
        return self.nats(raw, steps)

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """A bound on -log p of drawings uint8 (B,3,1,T) in nats, from codes that each drawing draws for itself.

        The density is of steps in standard deviations of all steps (see :meth:`nats`), so it may be below zero.
        """
        from playground.models import noise

        steps, lengths = self.steps(x)
        word = torch.zeros(len(x), dtype=torch.long, device=x.device) if labels is None else labels
        mu, logvar = self.encode_steps(steps, lengths)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
        drawn = noise.normal(seed, noise.identities(x), "code", (NUM_CODES_SCORED, mu.shape[1]))
        costs = []
        for one in torch.from_numpy(drawn).to(x.device).unbind(1):
            costs.append(self.nats_per_point(x, word, mu + torch.exp(logvar / 2) * one).sum(1) + kl)
        every = torch.stack(costs, 1)
        error = every.std(1) / math.sqrt(NUM_CODES_SCORED)
        return [
            Score(value, "bound", "nats", e)
            for value, e in zip(every.mean(1).tolist(), error.tolist(), strict=True)
        ]

    # --- drawing

    @torch.no_grad()
    def sample(self, request: StrokesRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw point by point; a frame before the first and after each one.

        Frames carry ``strokes`` float32 (B,T,3): dx, dy in boxes and pen up, not a number after the end; ``mixture`` float32
        (B,M,6) of the next step (weight, mean and spread in boxes, correlation), ``pen`` (B,3) and, with a code, ``latent`` (B,latent).
        """
        yield from StrokeRun(self, request, None, resume).frames()

    @torch.no_grad()
    def draw(self, z: np.ndarray, request: StrokesRequest, resume: State | None = None) -> Iterator[Frame]:
        """As ``sample``, from codes float32 (num_samples,latent) in place of those of the prior."""
        yield from StrokeRun(self, request, z, resume).frames()

    def settings_from_files(self, settings: Any) -> dict[str, Any]:
        """``begin`` may name an SVG file, whose lines are taken in its place; ``word`` may be the word itself.

        Raises:
            ValueError, OSError: one sentence, for a file that is no drawing made of lines, or a word that is not known.
        """
        from playground.data import svg_lines

        found, words = dict(settings), icons.ICONS.classes
        begin, word = str(settings.get("begin", "")), str(settings.get("word", ""))
        if begin.lower().endswith(".svg"):
            found["begin"] = svg_lines.path_of_file(begin)
        if word in words:
            found["word"] = words.index(word)
        elif word.replace(" ", "").isalpha():
            raise ValueError(f"It cannot draw {word!r} by name; it can draw {', '.join(words)}.")
        return found


MODEL = SketchRNN
# of the shipped checkpoint: 4,500 steps with a KL term of weight 0.5 and a floor of 0.1, in which the code fell nearly silent, and 2,300
# more as written here, at a rate of 1e-3
RECIPES = (
    Recipe(
        id="sketchrnn-icons",
        config=SketchRNNConfig(),
        dataset="icons",
        steps=4500,
        batch_size=100,
        learning_rate=1.5e-3,
        final_learning_rate=0.03,
        warmup_steps=200,
        max_grad_norm=20.0,
        ema=0.998,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 8, "seed": 7},
    ),
)
