"""A prior for the codes of a VQ-VAE: van den Oord, Vinyals and Kavukcuoglu 2017 (arXiv:1711.00937), section 3.3.

The paper takes a PixelCNN; here it is a small causal transformer (Vaswani et al. 2017, arXiv:1706.03762) over the 7x7 cells in
reading order, with a cache of keys and values while it draws.  The two codes of a cell follow one another in a small
head, so that the transformer has 49 places and not 98 (Lee et al. 2022, arXiv:2203.01941, section 3.2).  Encoder, codebook and
decoder are those of the tokenizer that it is built on; together they are a VAE whose prior has been learned.

In a tenth of the training the class is not told, so that a draw can be guided towards its class (Ho and Salimans 2022,
arXiv:2207.12598), and some of the codes that it reads are left out, against learning the training set by heart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.capabilities import Tokenizes
from playground.contract import Frame, Recipe, Request, Score, State, class_knob, guidance_knob, knob
from playground.models.tokenizer import OnTokenizer
from playground.models.transformer import Block, Cache, RMSNorm
from playground.models.vae._code_run import CodeRun

_SCORED = 100  # pictures whose codes are read together
_NATS_PER_BIT = math.log(2)


@dataclass(frozen=True)
class VQPriorConfig:
    """Shape of the network; the first three are the tokenizer's."""

    num_codes: int = 512
    levels: int = 2
    cells: int = 7  # in a row, and rows
    width: int = 128
    depth: int = 5
    heads: int = 4
    num_classes: int = 10
    label_dropout: float = 0.1  # so often no class is given
    code_dropout: float = 0.1  # share of the cells that are not read in training


@dataclass(frozen=True)
class VQPriorRequest(Request):
    """What to draw."""

    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.05,
        high=2.0,
        step=0.05,
        help="Divides the log-probabilities of each code before the draw. 1 is the model as trained; lower is safer and plainer, higher is wilder. The random numbers stay the same.",
    )
    top_k: int = knob(
        512,
        label="top_k",
        low=1,
        high=512,
        help="Only the k most probable codes may be drawn. 512 leaves the distribution as it is.",
    )
    guidance_scale: float = guidance_knob(
        1.2,
        "Pushes each code's distribution towards the class and away from the rest. 1 is off, and then the draws follow the density that is scored; above, each code asks the network twice.",
        high=4.0,
        step=0.05,
    )
    label: int = class_knob("Which garment the model is asked for.")


class AfterEarlier(nn.Sequential):
    """What the earlier codes of a cell change for the next one of it: (...,2*width) -> (...,width)."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(2 * width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))


class VQPrior(OnTokenizer):
    """p(codes given class) as a transformer; ``build_on`` gives it the VQ-VAE whose codes they are."""

    family = "vae"
    system = "VQ-VAE with a transformer prior"
    paper = "van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937"
    Config = VQPriorConfig
    Request = VQPriorRequest
    likelihood = "bound"
    num_threads: int | None = 1  # one code is too little work to share
    sample_bytes = 2**21

    def __init__(self, config: VQPriorConfig) -> None:
        super().__init__()
        self.config = config
        self.num_codes, self.num_classes = config.num_codes, config.num_classes
        self.code_shape = (config.cells, config.cells, config.levels)
        width, table = config.width, (config.levels, config.num_codes, config.width)
        # three-dimensional, so that Muon leaves tables of which each step touches a few rows to AdamW
        self.embedding = nn.Parameter(0.5 * torch.randn(table) / math.sqrt(config.levels))
        self.classes = nn.Parameter(0.5 * torch.randn(1, config.num_classes + 1, width))  # the last: no class
        self.places = nn.Parameter(0.2 * torch.randn(1, config.cells**2, width))
        self.blocks = nn.ModuleList(Block(width, config.heads, config.depth) for _ in range(config.depth))
        self.after = nn.ModuleList(AfterEarlier(width) for _ in range(config.levels - 1))
        self.norm = RMSNorm(width)
        self.head = nn.Parameter(torch.zeros(table))
        self.head_bias = nn.Parameter(torch.zeros(config.levels, config.num_codes))

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

    # --- the network

    def forward(self, codes: Tensor, labels: Tensor, read: Tensor | None = None) -> Tensor:
        """Log-probabilities of every code given the earlier ones: ``codes`` (B,cells,cells,levels), ``labels`` (B,).

        The label ``num_classes`` means "no class"; ``read`` bool (B,cells*cells) are the cells that later ones may know of.

        Returns:
            float32 (B, cells*cells, levels, num_codes).
        """
        codes = codes.flatten(1, 2)  # (B, T, levels)
        h = self.enter(codes, labels, read)
        for block in self.blocks:
            h = block(h)
        logits = [self.level_logits(h, codes, i) for i in range(self.config.levels)]
        return torch.stack(logits, 2).log_softmax(-1)

    def enter(self, codes: Tensor, labels: Tensor, read: Tensor | None = None) -> Tensor:
        """What the transformer reads at each place: the class, the place, and the cell before it; (B,T,width)."""
        cells = self._embed(codes) if read is None else self._embed(codes) * read[..., None]
        before = F.pad(cells[:, :-1], (0, 0, 1, 0))  # nothing stands before the first
        return before + self.places[0] + self.classes[0][labels][:, None]

    def enter_one(self, before: Tensor | None, labels: Tensor, place: int) -> Tensor:
        """The same of one place, given the codes (B,levels) of the cell before it; (B,1,width)."""
        known = self._embed(before)[:, None] if before is not None else 0.0
        return known + self.places[0][place] + self.classes[0][labels][:, None]

    def level_logits(self, h: Tensor, codes: Tensor, level: int) -> Tensor:
        """Logits of one level's code from ``h`` (...,width) and the cell's codes of the levels before it; float32 (...,num_codes)."""
        h = self.norm(h)
        if level:
            known = self._embed(codes[..., :level])
            h = h + self.after[level - 1](torch.cat([h, known], -1))
        return (h @ self.head[level].T + self.head_bias[level]).float()

    def _embed(self, codes: Tensor) -> Tensor:
        """The sum of the embeddings of all levels given, ``codes`` (...,levels or fewer) -> (...,width)."""
        return sum(self.embedding[i][codes[..., i]] for i in range(codes.shape[-1]))  # type: ignore[return-value]

    # --- training and the bound

    @torch.no_grad()
    def prepare(self, x: Tensor) -> Tensor:
        """The pictures uint8 (N,C,H,W) as codes int64 (N,*code_shape): done once, before training."""
        return torch.cat([self.encode_codes(part) for part in x.split(500)])

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy in bits per code; ``x`` are pictures, or their codes as :meth:`prepare` makes them."""
        codes, read = self.encode_codes(x) if x.dtype == torch.uint8 else x, None
        if self.training:
            uniforms = torch.rand(
                len(x), self.config.cells**2 + 1, generator=generator, device=generator.device
            )
            uniforms = uniforms.to(x.device)
            labels = torch.where(uniforms[:, 0] < self.config.label_dropout, self.num_classes, labels)
            read = uniforms[:, 1:] >= self.config.code_dropout
        bits = -self._of_these(self(codes, labels, read), codes).mean((0, 1)) / _NATS_PER_BIT  # (levels,)
        return {"loss": bits.mean(), **{f"level_{i + 1}": value for i, value in enumerate(bits)}}

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """-log p(codes given class) - log p(x given codes), in bits per dimension; without labels, the mean over classes of the first.

        A true bound of 8-bit pictures: p(x) is a sum over all grids of codes, and this is one of its terms.
        """
        nats = torch.cat([self._nats(part, y) for part, y in _parts(x, labels)])
        dims = x[0].numel() * _NATS_PER_BIT
        return [Score(value, "bound", "bits/dim") for value in (nats / dims).tolist()]

    def _nats(self, x: Tensor, labels: Tensor | None) -> Tensor:
        tokenizer = self.its_tokenizer()
        codes = tokenizer.encode_codes(x)
        if labels is not None:
            log_prior = self.log_prior(codes, labels)
        else:
            every = torch.arange(self.num_classes, device=x.device)
            per_class = [self.log_prior(codes, c.expand(len(x))) for c in every]
            log_prior = torch.logsumexp(torch.stack(per_class), 0) - math.log(self.num_classes)
        return -log_prior - tokenizer.log_likelihood(x, codes).cpu().double()

    @torch.no_grad()
    def log_prior(self, codes: Tensor, labels: Tensor) -> Tensor:
        """log p(codes given class) of whole grids, float64 (B,) in nats on the CPU."""
        return self._of_these(self(codes, labels), codes).cpu().double().sum((1, 2))

    @staticmethod
    def _of_these(log_probs: Tensor, codes: Tensor) -> Tensor:
        """What ``codes`` (B,cells,cells,levels) got of ``log_probs``, (B,T,levels)."""
        return log_probs.gather(-1, codes.flatten(1, 2)[..., None])[..., 0]

    # --- code by code

    @torch.no_grad()
    def sample(self, request: VQPriorRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw the codes of one cell after another, in reading order; a frame after each cell, decoded as far as it is.

        Frames carry ``codes`` int64 (B,*code_shape) with -1 where nothing is drawn yet, ``logits`` float32 (B,levels,num_codes)
        of the cell just drawn (before temperature), and a state.  In a state, the first ``known`` of the ``codes`` are
        taken instead of drawn, and frames begin after ``step``: that is how a code is edited.
        """
        run = CodeRun(self, request, resume)
        if resume is None:
            yield run.frame(None)
        caches = [
            [Cache(self.blocks, self.config.cells**2) for _ in run.labels] for _ in run.labels_of_passes
        ]
        for cell in range(run.num_cells):
            hidden = [
                torch.cat(
                    [self._step(run.before(i, cell), labels[i], cell, c) for i, c in enumerate(of_side)]
                )
                for labels, of_side in zip(run.labels_of_passes, caches, strict=True)
            ]
            if cell >= run.silent_until or not run.knows(cell):
                logits = run.draw_cell(cell, *hidden)
            if cell >= run.silent_until:
                yield run.frame(logits)

    def _step(self, before: Tensor | None, labels: Tensor, place: int, cache: Cache) -> Tensor:
        """The transformer at one place, given what it has read: (B,width)."""
        h = self.enter_one(before, labels, place)
        for i, block in enumerate(self.blocks):
            h = cast(Block, block).step(h, cache, i, place)
        return h[:, 0]

    @torch.no_grad()
    def sample_naive(self, request: VQPriorRequest) -> Iterator[Frame]:
        """Without a cache: one whole forward pass for every cell and level.  Slow, and the oracle for :meth:`sample`."""
        run = CodeRun(self, request, None)
        for cell in range(run.num_cells):
            for level in range(self.config.levels):
                whole = [
                    torch.cat([self(run.grid(i), part)[:, cell, level] for i, part in enumerate(labels)])
                    for labels in run.labels_of_passes
                ]
                run.place(cell, level, run.guided(whole))
            run.position = cell + 1
            yield run.frame(None)


def _parts(x: Tensor, labels: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    for start in range(0, len(x), _SCORED):
        part = slice(start, start + _SCORED)
        yield x[part], None if labels is None else labels[part]


MODEL = VQPrior
RECIPES = (
    Recipe(
        id="vqprior-fashion",
        config=VQPriorConfig(),
        built_on="vqvae-fashion",
        steps=7500,
        batch_size=64,
        warmup_steps=100,
        optimizer="muon",
        muon_learning_rate=0.01,
        ema=0.998,
        snapshot={"num_samples": 10, "guidance_scale": 1.0},
    ),
)
