"""Glow: ActNorm, learned 1x1 convolutions and couplings, in several scales, with the couplings and the dequantisation of Flow++.

Kingma and Dhariwal, "Glow: generative flow with invertible 1x1 convolutions", NeurIPS 2018 (arXiv:1807.03039); mixture-of-
logistics couplings and variational dequantisation from Ho, Chen, Srinivas, Duan and Abbeel, "Flow++", ICML 2019
(arXiv:1902.00275).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from playground.contract import LikelihoodKind, Recipe
from playground.models.flow._dequantize import Variational
from playground.models.flow._networks import Conditioner
from playground.models.flow.base import Flow, FlowRequest
from playground.models.flow.layers import Active, ActNorm, InvertibleConv, Logit, MixtureCoupling, Squeeze


@dataclass(frozen=True)
class GlowConfig:
    """Shape of the flow."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    num_steps: tuple[int, ...] = (4, 5)  # steps of flow at half the size, and at a quarter
    num_mixtures: tuple[int, ...] = (8, 4)  # logistics in each curve, at either size
    num_blocks: tuple[int, ...] = (
        2,
        2,
    )  # residual blocks at a quarter of the size, in the networks of either
    width: int = 64  # of the networks at half the size
    coarse_width: int = 96  # and at a quarter
    dequantizer_width: int = 48


class Glow(Flow):
    """Half of the numbers are split off after the first scale and are z as they stand; nothing is thrown away."""

    family = "flow"
    system = "Glow, with Flow++ couplings"
    paper = "Kingma and Dhariwal 2018, arXiv:1807.03039; Ho et al. 2019, arXiv:1902.00275"
    likelihood: LikelihoodKind = "bound"
    num_threads: int | None = None
    sample_bytes = 4 * 2**20
    Config = GlowConfig
    Request = FlowRequest

    def __init__(self, config: GlowConfig) -> None:
        super().__init__(config)
        width, coarse = config.width, config.coarse_width
        self.dequantizer = Variational(config.image_size, config.channels, config.dequantizer_width, coarse)
        layers: list[nn.Module] = [Logit()]
        channels, size = config.channels, config.image_size
        scales = zip(config.num_steps, config.num_mixtures, config.num_blocks, strict=True)
        for scale, (num_steps, num_mixtures, num_blocks) in enumerate(scales):
            layers.append(Squeeze())
            channels, size = channels * 4 if scale == 0 else channels * 2, size // 2
            for _ in range(num_steps):
                half = channels // 2
                net = Conditioner(
                    size, channels - half, half * (3 * num_mixtures + 2), width, coarse, num_blocks
                )
                step = [
                    ActNorm((channels, 1, 1)),
                    InvertibleConv(channels),
                    MixtureCoupling(net, num_mixtures),
                ]
                layers.append(Active(channels, step))
        self.layers = nn.ModuleList(layers)


MODEL = Glow
RECIPES = (
    Recipe(
        id="glow-fashion",
        config=GlowConfig(),
        steps=1800,
        batch_size=64,
        learning_rate=2e-3,
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=200,
        ema=0.999,
        snapshot={"num_samples": 10},
        evaluate={"temperature": 0.8},  # the best FID on validation images
    ),
)
