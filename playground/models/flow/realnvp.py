"""RealNVP: affine couplings behind checkerboard and channel masks, in several scales.

Dinh, Sohl-Dickstein and Bengio, "Density estimation using Real NVP", ICLR 2017 (arXiv:1605.08803).  ActNorm (Kingma and
Dhariwal 2018) stands where the paper has batch normalisation, so that a picture never depends on its batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from playground.contract import LikelihoodKind, Recipe
from playground.models.flow._dequantize import Uniform
from playground.models.flow._networks import Conditioner
from playground.models.flow.base import Flow, FlowRequest
from playground.models.flow.layers import Active, ActNorm, Layer, Logit, Squeeze, bounded


@dataclass(frozen=True)
class RealNVPConfig:
    """Shape of the flow."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    num_couplings: int = 3  # behind each kind of mask (section 3.6); one more at the end
    width: int = 48  # of the networks at half the size
    coarse_width: int = 64  # and at a quarter
    num_blocks: int = 2  # residual blocks at a quarter of the size, in each network


class MaskedCoupling(Layer):
    """y = b x + (1 - b)(x exp(s(b x)) + t(b x)) (section 3.4, eq. 9).

    Args:
        mask: "colours", the checkerboard of the picture before it was squeezed, so a choice of channels; "channels", the first half of
            them; "places", a checkerboard over the places as they are.
        flip: swaps b and 1 - b.
    """

    passes = 1

    def __init__(self, net: nn.Module, mask: str, flip: bool) -> None:
        super().__init__()
        self.net, self.mask, self.flip = net, mask, flip
        self.title = "affine coupling, " + ("channels" if mask == "channels" else "checkerboard")

    def b(self, h: Tensor) -> Tensor:
        """The mask of a state (B,C,H,W): float32 (C,H,W), one where a number is kept and read."""
        channels, height, width = h.shape[1:]
        c = torch.arange(channels, device=h.device)[:, None, None]
        y = torch.arange(height, device=h.device)[:, None]
        x = torch.arange(width, device=h.device)
        if self.mask == "colours":  # four channels are a 2x2 square, row by row
            kept = (c % 4 == 0) | (c % 4 == 3)
        elif self.mask == "channels":
            kept = c < channels // 2
        else:
            kept = (y + x) % 2 == 0
        return (kept ^ self.flip).float().expand(channels, height, width)

    def scale_and_shift(self, h: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, zero where the mask is one."""
        s, t = self.net(b * h).chunk(2, 1)
        return (1 - b) * bounded(s), (1 - b) * t

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.scale_and_shift(h, self.b(h))
        return h * s.exp() + t, s.flatten(1).sum(1)

    def inverse(self, h: Tensor) -> Tensor:
        s, t = self.scale_and_shift(h, self.b(h))
        return (h - t) * (-s).exp()


class RealNVP(Flow):
    """Three scales; after each, half of the numbers are split off and are z as they stand (section 3.6)."""

    family = "flow"
    system = "RealNVP"
    paper = "Dinh, Sohl-Dickstein and Bengio 2016, arXiv:1605.08803"
    likelihood: LikelihoodKind = "bound"
    num_threads: int | None = None
    sample_bytes = 2**21
    Config = RealNVPConfig
    Request = FlowRequest

    def __init__(self, config: RealNVPConfig) -> None:
        super().__init__(config)
        self.dequantizer = Uniform()
        channels, half = 4 * config.channels, config.image_size // 2
        n = config.num_couplings
        both = ["colours"] * n + ["channels"] * n
        self.layers = nn.ModuleList(
            [
                Logit(),
                ActNorm((config.channels, config.image_size, config.image_size)),
                Squeeze(),
                *self._scale(channels, half, both),
                Squeeze(),
                *self._scale(2 * channels, half // 2, both),
                *self._scale(channels, half // 2, ["places"] * (n + 1)),
            ]
        )

    def _scale(self, channels: int, size: int, masks: list[str]) -> list[Layer]:
        """Couplings on the first ``channels``, the masks taking turns."""
        config = self.config
        layers: list[Layer] = []
        for k, mask in enumerate(masks):
            net = Conditioner(
                size, channels, 2 * channels, config.width, config.coarse_width, config.num_blocks
            )
            step = [ActNorm((channels, 1, 1)), MaskedCoupling(net, mask, bool(k % 2))]
            layers.append(Active(channels, step))
        return layers


MODEL = RealNVP
RECIPES = (
    Recipe(
        id="realnvp-fashion",
        stored="int8",
        config=RealNVPConfig(),
        steps=800,
        batch_size=64,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=100,
        ema=0.999,
        snapshot={"num_samples": 10},
        evaluate={"temperature": 0.9},  # the best FID on validation images
    ),
)
