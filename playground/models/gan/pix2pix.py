"""pix2pix: Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (arXiv:1611.07004).

A U-Net paints a line drawing, and a discriminator that sees drawing and colours together tells patches of its pictures from real
ones (section 3.2).  The loss is their game and the absolute error (eq. 4).  Noise comes, as there, from dropout alone.  Dabs of
colour are given as further channels, as in Zhang et al. 2017 ("Real-Time User-Guided Image Colorization", arXiv:1705.02999): half
of what it learns from has some.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.contract import Frame, Recipe, Request, State, knob
from playground.data import Split, emoji
from playground.data.emoji import pairs as emoji_pairs
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan import _strokes
from playground.models.gan._games import discriminator_loss
from playground.models.gan._latents import TURNS
from playground.models.gan._translation import AT_ONCE, PatchDiscriminator, UNet, as_tensor, chosen_by_seed
from playground.models.network import Network
from playground.models.noise import identities, uniform

_HINTS = 4  # channels: a colour, and whether there is one
_CLICKS = 3  # dabs that follow the error, at most
_GREY = 127.5  # grey levels in one unit of [-1, 1]


@dataclass(frozen=True)
class Pix2PixConfig:
    """Shape of the two networks, and what they learn from."""

    image_size: int = 32
    channels: int = 3
    widths: tuple[int, ...] = (96, 192, 192)  # of the U-Net, at 16, 8 and 4
    discriminator_width: int = 48
    dropout: float = 0.25  # of whole channels, in the two coarsest levels
    adversarial: float = (
        0.01  # weight of the game beside the absolute error (1 : 100 in the paper); 0: no game
    )
    others: tuple[str, ...] = ("noto", "twemoji")  # styles whose edges are painted, too
    paired_repeats: int = 5  # times that each line drawing occurs among those


@dataclass(frozen=True)
class Pix2PixRequest(Request):
    """Which held-out drawings are painted: the seed chooses them."""

    dabs: int = knob(
        0,
        label="dabs",
        low=0,
        high=_strokes.MOST_DABS,
        help="Dabs of the drawing's true colours that the network is given, at random places. It carries each to the region around it.",
    )
    noise: float = knob(
        0.0,
        label="noise",
        low=0.0,
        high=0.9,
        step=0.05,
        help="Share of the coarse channels that is left out at random (dropout): its only source of chance. At 0 a drawing has one colouring.",
    )


class Pix2Pix(Network):
    """Line drawings in, colours out."""

    family = "gan"
    system = "Image-to-image translation (pix2pix)"
    paper = "Isola et al. 2017, arXiv:1611.07004"
    differs = (
        "No batch normalisation, dropout of whole channels in the coarse levels, dabs of colour as further inputs, and edges of other "
        "drawings beside the pairs."
    )
    likelihood = "none"
    Config = Pix2PixConfig
    Request = Pix2PixRequest
    turns: tuple[str, ...] = TURNS
    num_threads: int | None = 1  # so few numbers that a second thread waits for the first
    sample_bytes = 2**22
    both_ways = False
    takes_dabs = True
    translation = "line drawing to colours"

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 1 + _HINTS + 1  # ink, hints, and whether the drawing is one of lines
        self.generator = UNet(inputs, config.channels, config.widths)
        if config.adversarial:
            self.discriminator = PatchDiscriminator(1 + config.channels, config.discriminator_width)
        else:
            self.turns = ("generator",)  # nobody to play against

    # --- training

    def learn_from(self, other: Pix2Pix) -> None:
        """Begin with what another's generator knows: the discriminator's first opinions are worth nothing to a beginner."""
        self.generator.load_state_dict(other.generator.state_dict())

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Colours uint8 (N,C,H,W) and, in place of labels, drawings uint8 (N,2,H,W): what is drawn, and 255 if by lines.

        Beside the pairs, several times, stand the drawings of other styles, whose edges were found.
        """
        pairs = emoji_pairs.lines_and_colours(split)
        colours, drawn = as_tensor(pairs.after), as_tensor(pairs.before)
        ink = (255 * _strokes.ink_of(drawn)).round().to(torch.uint8)
        rows = torch.cat([ink, torch.full_like(ink, 255)], 1)
        if split != "train":
            return colours, rows
        more = [emoji_pairs.of_style(style, split).images for style in self.config.others]
        if not more:
            return colours, rows
        other = as_tensor(np.concatenate(more))
        edges = (255 * _strokes.edges_of(other)).round().to(torch.uint8)
        times = self.config.paired_repeats
        others = torch.cat([edges, torch.zeros_like(edges)], 1)
        return torch.cat([colours.repeat(times, 1, 1, 1), other]), torch.cat(
            [rows.repeat(times, 1, 1, 1), others]
        )

    def loss(
        self, x: Tensor, labels: Tensor, generator: torch.Generator, turn: str = "generator"
    ) -> dict[str, Tensor]:
        """The loss of the one whose ``turn`` it is; ``x`` and ``labels`` as :meth:`examples` gives them.

        ``l1`` is the absolute error in grey levels; on held-out pictures ``l1_dabs`` is that with three dabs.
        """
        truth = from_uint8(x)
        ink, by_lines = (labels.to(torch.float32) / 255).split(1, dim=1)
        kept: list[Tensor] = []
        hints = _strokes.no_dabs(truth)
        if self.training:
            ink, truth = _strokes.moved(ink, truth, 3, generator)
            ink = _strokes.drawn_otherwise(ink, generator)
            hints = self._hints(truth, ink, by_lines, generator)
            uniforms = torch.rand((len(x), self._droppable), generator=generator)
            kept = self._kept(uniforms.to(x.device), self.config.dropout)
        painted = self._paint(ink, hints, by_lines, kept)
        if turn == "discriminator":
            real = self.discriminator(torch.cat([ink, truth], 1)).float()
            return discriminator_loss(real, self.discriminator(torch.cat([ink, painted.detach()], 1)).float())
        error = (painted.float() - truth).abs().mean()
        figures = {"loss": error, "l1": _GREY * error}
        if self.config.adversarial:
            game = F.softplus(-self.discriminator(torch.cat([ink, painted], 1)).float()).mean()
            figures = {**figures, "loss": error + self.config.adversarial * game, "game": game}
        if not self.training:
            three = _strokes.dabs_of(truth, torch.full((len(x),), 3), generator)
            dabbed = self._paint(ink, three, by_lines, []).float()
            figures["l1_dabs"] = _GREY * (dabbed - truth).abs().mean()
        return figures

    def _hints(self, truth: Tensor, ink: Tensor, by_lines: Tensor, generator: torch.Generator) -> Tensor:
        """A quarter of a batch has dabs at random places, half has them where it is wrong, and a quarter has none.

        A quarter is in other colours (``truth`` is changed in place there), so that a dab counts for more than a habit.  Dabs
        that follow the error are set one after the other, as a person sets them: random ones mostly say what the network knew
        (simulated clicks, Sofiiuk et al. 2021, arXiv:2102.06583).
        """
        quarter = len(truth) // 4
        recoloured = 3 * torch.arange(quarter)  # of the three quarters with dabs
        order = torch.randperm(truth.shape[1], generator=generator)
        truth[recoloured] = truth[recoloured][:, order]
        counts = torch.randint(1, _strokes.MOST_DABS + 1, (len(truth),), generator=generator)
        counts[quarter:] = 0
        hints = _strokes.dabs_of(truth, counts, generator)
        wrong = slice(quarter, 3 * quarter)
        hints[wrong] = self._dabs_where_wrong(truth[wrong], ink[wrong], by_lines[wrong], generator)
        return hints

    @torch.no_grad()
    def _dabs_where_wrong(
        self, truth: Tensor, ink: Tensor, by_lines: Tensor, generator: torch.Generator
    ) -> Tensor:
        """One to three dabs in each picture, every next one drawn in proportion to the squared error of what is painted so far."""
        hints = _strokes.no_dabs(truth)
        counts = torch.randint(1, _CLICKS + 1, (len(truth),), generator=generator).to(truth.device)
        for k in range(_CLICKS):
            painted = self._paint(ink, hints, by_lines, []).float()
            error = (painted - truth).square().sum(1).flatten(1).cpu() + 1e-4
            place = torch.multinomial(error, 1, generator=generator)[:, 0].to(truth.device)
            radii = torch.randint(0, 3, (len(truth),), generator=generator).to(truth.device)
            hints = _strokes.with_dab(hints, truth, place, radii, (counts > k)[:, None, None])
        return hints

    @property
    def _droppable(self) -> int:
        """Channels of the two coarsest levels."""
        return self.config.widths[-1] + self.config.widths[-2]

    def _kept(self, uniforms: Tensor, rate: float) -> list[Tensor]:
        """Dropout (Srivastava et al. 2014) of whole channels: uniforms (B, channels) -> factors of the two coarsest levels."""
        if not rate:
            return []
        factors = (uniforms >= rate).to(torch.float32)[:, :, None, None] / (1 - rate)
        return list(factors.split([self.config.widths[-1], self.config.widths[-2]], dim=1))

    def _paint(self, ink: Tensor, hints: Tensor, by_lines: Tensor, kept: list[Tensor]) -> Tensor:
        painted: Tensor = self.generator(torch.cat([ink, hints, by_lines], 1), kept)
        return painted

    # --- what it paints

    @torch.no_grad()
    def translate(
        self,
        images: np.ndarray,
        back: bool = False,
        dabs: np.ndarray | None = None,
        noise: float = 0.0,
        seed: int = 0,
        first_index: int = 0,
    ) -> np.ndarray:
        """Line drawings uint8 (N,H,W,3), painted: uint8 (N,H,W,3).

        Args:
            back: the way back, which it has not learned.
            dabs: colours where there are dabs, uint8 (N,H,W,4), the last channel 0 where there is none.
            noise: share of the coarse channels that is left out, drawn for (seed, index).

        Raises:
            ValueError: one sentence, if it is to go back.
        """
        if back:
            raise ValueError("pix2pix learned the way from drawings to colours alone.")
        parts = []
        for start in range(0, len(images), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            x = self._inputs(images[rows], None if dabs is None else dabs[rows])
            kept: list[Tensor] = []
            if noise:
                places = range(first_index + start, first_index + start + len(x))
                drawn = uniform(seed, places, "dropout", (self._droppable,))
                kept = self._kept(torch.from_numpy(drawn).to(x.device), noise)
            parts.append(to_uint8(self.generator(x, kept)))
        return np.concatenate(parts)

    @torch.no_grad()
    def painted_with_levels(
        self, images: np.ndarray, dabs: np.ndarray | None = None
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """As :meth:`translate` without noise, and what each level of the U-Net holds, on the way down and up again: float32 (N,C,h,w)."""
        levels = self.generator.levels(self._inputs(images, dabs))
        return to_uint8(self.generator.last(levels[-1])), [level.cpu().numpy() for level in levels]

    def _inputs(self, images: np.ndarray, dabs: np.ndarray | None) -> Tensor:
        """What the U-Net is given, (N,6,H,W)."""
        device = next(self.parameters()).device
        ink = _strokes.ink_of(as_tensor(images).to(device))
        hints = ink.new_zeros((len(ink), _HINTS, *ink.shape[2:]))
        if dabs is not None:
            given = as_tensor(dabs).to(device)
            there = (given[:, 3:] > 0).to(torch.float32)
            hints = torch.cat([from_uint8(given[:, :3]) * there, there], 1)
        x = torch.cat([ink, hints, torch.ones_like(ink)], 1)
        return x.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def sample(self, request: Pix2PixRequest, resume: State | None = None) -> Iterator[Frame]:
        """Held-out drawings, chosen by the seed, painted in one pass.

        The frame carries the ``drawing``, the ``truth`` and the ``dabs`` given, uint8 (B,H,W,3), (B,H,W,3) and (B,H,W,4).
        """
        pairs = emoji_pairs.lines_and_colours("test")
        chosen = pairs[chosen_by_seed(len(pairs), request)]
        dabs = true_dabs(chosen.after, request.dabs, request.seed)
        painted = self.translate(chosen.before, False, dabs, request.noise, request.seed, request.first_index)
        extras = {"drawing": chosen.before, "truth": chosen.after, "dabs": dabs}
        yield Frame(1, 1, 1, painted, extras, {"done": 1})


def true_dabs(truth: np.ndarray, count: int, seed: int) -> np.ndarray:
    """So many dabs of the true colours of pictures uint8 (N,H,W,3), at random places: uint8 (N,H,W,4).

    Where they lie hangs on the picture and the seed, not on what stands beside it.
    """
    rows = []
    for picture, number in zip(truth, identities(truth), strict=True):
        generator = torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)
        x = from_uint8(as_tensor(picture[None]))
        hints = _strokes.dabs_of(x, torch.tensor([count], device="cpu"), generator)
        colours = to_uint8(hints[:, :3]) * (hints[:, 3].numpy()[..., None] > 0)
        rows.append(np.concatenate([colours, 255 * (hints[:, 3].numpy()[..., None] > 0)], -1))
    return np.concatenate(rows).astype(np.uint8)


MODEL = Pix2Pix
RECIPES = (
    Recipe(
        id="pix2pix-emoji",
        config=Pix2PixConfig(adversarial=0.008, dropout=0.35),
        dataset=emoji.EMOJI.name,
        start_from="pix2pix-l1-emoji",
        stored="int8",
        steps=900,
        batch_size=32,
        optimizer="muon",
        muon_learning_rate=0.003,
        learning_rate=3e-4,
        betas=(0.5, 0.99),
        warmup_steps=100,
        ema=0.998,
        compile=False,
        snapshot={"num_samples": 10},
    ),
    Recipe(
        id="pix2pix-l1-emoji",  # the absolute error alone: what the game adds is seen beside it
        config=Pix2PixConfig(adversarial=0.0, dropout=0.35),
        dataset=emoji.EMOJI.name,
        stored="int8",
        # in three legs, each with a fall of the rate of its own: 6,000 steps at 0.01 with dabs at random places alone, then 4,000 and 9,000
        steps=19000,
        decay_steps=5000,
        batch_size=32,
        optimizer="muon",
        muon_learning_rate=0.008,
        learning_rate=6e-4,
        warmup_steps=60,
        ema=0.998,
        compile=False,
        snapshot={"num_samples": 10},
    ),
)
