"""CycleGAN: Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (arXiv:1703.10593).

Two generators, one each way between two styles of drawings, and a discriminator of patches for each style.  No pair is ever seen:
what holds a picture together is that it has to come back (eq. 2), and that a picture of the other style is left as it is (the
identity loss of section 5.2).  The game is that of least squares, against the last pictures as well as those of now (section 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, State, knob
from playground.data import Split, emoji
from playground.data.emoji import pairs as emoji_pairs
from playground.models.blocks import from_uint8, to_uint8
from playground.models.gan import _strokes
from playground.models.gan._translation import AT_ONCE, PatchDiscriminator, UNet, as_tensor, chosen_by_seed
from playground.models.network import Network

_KEPT = 64  # pictures of each style that the generators drew lately
_GREY = 127.5  # grey levels in one unit of [-1, 1]


@dataclass(frozen=True)
class CycleGANConfig:
    """The two styles, the shape of the networks, and the weights of what they learn from."""

    image_size: int = 32
    channels: int = 3
    styles: tuple[str, str] = ("noto", "fluent-emoji")
    widths: tuple[int, ...] = (48, 72, 96)  # of each U-Net, at 16, 8 and 4
    discriminator_width: int = 48
    # ten and five in the paper, which keep pictures too much as they are: small drawings come back easily
    cycle: float = 4.0
    identity: float = 0.1


@dataclass(frozen=True)
class CycleGANRequest(Request):
    """Which held-out drawings are turned into the other style: the seed chooses them."""

    back: bool = knob(
        False,
        label="other_direction",
        help="Start from the second style and go to the first.",
    )


class CycleGAN(Network):
    """Drawings of one style in, the same things in the other style out, and back."""

    family = "gan"
    system = "CycleGAN (unpaired translation)"
    paper = "Zhu et al. 2017, arXiv:1703.10593"
    differs = "U-Nets that correct the picture, without normalisation, in place of residual networks with it."
    likelihood = "none"
    Config = CycleGANConfig
    Request = CycleGANRequest
    turns = ("discriminators", "generators")
    num_threads: int | None = 1  # so few numbers that a second thread waits for the first
    sample_bytes = 2**22
    both_ways = True
    takes_dabs = False

    def __init__(self, config: CycleGANConfig) -> None:
        super().__init__()
        self.config = config
        self.translation = f"{config.styles[0]} to {config.styles[1]}"
        self.generators = nn.ModuleList(
            UNet(config.channels, config.channels, config.widths) for _ in config.styles
        )  # the first goes to the second style, the second back
        self.discriminators = nn.ModuleList(
            PatchDiscriminator(config.channels, config.discriminator_width) for _ in config.styles
        )  # of the first style, of the second
        self.drawn_lately: Tensor
        size = (2 * _KEPT, config.channels, config.image_size, config.image_size)
        self.register_buffer("drawn_lately", torch.zeros(size, dtype=torch.uint8), persistent=False)
        self.drawn_before = 0  # a run that is resumed fills the buffer anew

    def forward(self, x: Tensor, back: bool = False) -> Tensor:
        """Pictures in [-1, 1], (B,C,H,W), in the other style: what is learned is a correction, so that it starts from no change."""
        correction: Tensor = self.generators[int(back)](x)
        return x + correction.float()

    # --- training

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Drawings of the first style uint8 (N,C,H,W) and, in place of labels, as many of the second, of other things."""
        rng = np.random.default_rng(seed)
        both = [as_tensor(emoji_pairs.of_style(s, split).images) for s in self.config.styles]
        count = max(len(x) for x in both)
        rows = [np.resize(rng.permutation(len(x)), count) for x in both]
        first, second = (x[torch.from_numpy(r)] for x, r in zip(both, rows, strict=True))
        return first, second

    def loss(
        self, x: Tensor, labels: Tensor, generator: torch.Generator, turn: str = "generators"
    ) -> dict[str, Tensor]:
        """The loss of those whose ``turn`` it is; ``x`` and ``labels`` are drawings of the two styles, uint8 (B,C,H,W) each.

        ``cycle`` and ``identity`` are absolute errors in grey levels, means over both directions.
        """
        real = [from_uint8(x), from_uint8(labels)]
        if self.training:
            real = [_moved(pictures, 2, generator) for pictures in real]
        if turn == "discriminators":
            return self._judged(real, generator)
        there = [self(real[i], back=i == 1) for i in (0, 1)]
        again = [self(there[i], back=i == 0) for i in (0, 1)]
        kept = [self(real[i], back=i == 0) for i in (0, 1)]
        game = sum((self.discriminators[1 - i](there[i]).float() - 1).square().mean() for i in (0, 1))
        cycle = sum((again[i].float() - real[i]).abs().mean() for i in (0, 1))
        identity = sum((kept[i].float() - real[i]).abs().mean() for i in (0, 1))
        total = game + self.config.cycle * cycle + self.config.identity * identity
        return {"loss": total, "game": game / 2, "cycle": _GREY / 2 * cycle, "identity": _GREY / 2 * identity}

    def _judged(self, real: list[Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = [self(real[1], back=True), self(real[0])]
        if self.training:
            fake = self._mixed(fake, generator)
        on_real, on_fake = (
            [self.discriminators[i](pictures[i]).float() for i in (0, 1)] for pictures in (real, fake)
        )
        loss = sum((r - 1).square().mean() + f.square().mean() for r, f in zip(on_real, on_fake, strict=True))
        means = {
            "real": torch.stack([r.mean() for r in on_real]),
            "fake": torch.stack([f.mean() for f in on_fake]),
        }
        return {"loss": loss / 2, **{name: value.mean() for name, value in means.items()}}

    def _mixed(self, fake: list[Tensor], generator: torch.Generator) -> list[Tensor]:
        """Half of the pictures drawn now in exchange for as many drawn before (Shrivastava et al. 2017, arXiv:1612.07828)."""
        half = min(len(fake[0]) // 2, _KEPT)
        places = torch.randperm(_KEPT, generator=generator)[:half].to(fake[0].device)
        mixed = []
        for i, pictures in enumerate(fake):
            mine = places + i * _KEPT
            old = from_uint8(self.drawn_lately[mine])
            new = ((pictures[:half] + 1) * _GREY).round().clamp(0, 255).to(torch.uint8)
            self.drawn_lately[mine] = new
            used = old if self.drawn_before >= 4 * _KEPT else pictures[:half]
            mixed.append(torch.cat([used, pictures[half:]]))
        self.drawn_before += half
        return mixed

    # --- what it draws

    @torch.no_grad()
    def translate(self, images: np.ndarray, back: bool = False) -> np.ndarray:
        """Drawings uint8 (N,H,W,3) in the other style, uint8 (N,H,W,3); ``back``: from the second style to the first."""
        device = next(self.parameters()).device
        parts = []
        for start in range(0, len(images), AT_ONCE):
            x = from_uint8(as_tensor(images[start : start + AT_ONCE]).to(device))
            parts.append(to_uint8(self(x.contiguous(memory_format=torch.channels_last), back)))
        return np.concatenate(parts)

    @torch.no_grad()
    def sample(self, request: CycleGANRequest, resume: State | None = None) -> Iterator[Frame]:
        """Held-out drawings, chosen by the seed, in the other style.

        The frame carries the ``drawing`` that went in, its ``truth`` in the other style, and what comes ``again`` on the way back,
        uint8 (B,H,W,3) each.
        """
        pairs = emoji_pairs.two_styles(self.config.styles[0], self.config.styles[1], "test")
        chosen = pairs[chosen_by_seed(len(pairs), request)]
        drawing, truth = (chosen.after, chosen.before) if request.back else (chosen.before, chosen.after)
        there = self.translate(drawing, request.back)
        again = self.translate(there, not request.back)
        yield Frame(1, 1, 2, there, {"drawing": drawing, "truth": truth, "again": again}, {"done": 1})


def _moved(pictures: Tensor, farthest: int, generator: torch.Generator) -> Tensor:
    """Pushed by up to ``farthest`` pixels, and half of them mirrored; the ground is white."""
    nothing = torch.zeros_like(pictures[:, :1])
    return _strokes.moved(nothing, pictures, farthest, generator)[1]


MODEL = CycleGAN
RECIPES = (
    Recipe(
        id="cyclegan-emoji",
        config=CycleGANConfig(),
        dataset=emoji.EMOJI.name,
        stored="int8",
        steps=2000,  # after 6,000 with 10 and 2 in place of 4 and 0.1, and 3,200 with 5 and 0.4
        batch_size=16,
        optimizer="muon",
        muon_learning_rate=0.006,
        learning_rate=4e-4,
        learning_rates={"discriminators": 0.5},
        betas=(0.5, 0.99),
        warmup_steps=40,
        max_grad_norm=10.0,
        ema=0.999,
        compile=False,
        snapshot={"num_samples": 10},
    ),
)
