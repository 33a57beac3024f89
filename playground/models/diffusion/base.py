"""What the models of this family share around their network: precision, noise, and what a frame says of its moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.capabilities import Precision
from playground.contract import EACH_CLASS, Request, State
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8
from playground.models.diffusion.samplers import Grid
from playground.models.diffusion.unet import UNet, halved
from playground.models.network import Network


class DiffusionModel(Network):
    """A network of the shape that ``config`` states, and what every sampler over it needs."""

    family = "diffusion"
    num_threads: int | None = None
    sample_bytes = 4 * 2**20
    latent: bool = False  # latents are denoised, not pictures

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.net: Any = self.make_net(config)
        self.precision: Precision = "fp32"

    @property
    def noisy(self) -> str:
        """What is denoised, by its letter."""
        return "z_t" if self.latent else "x_t"

    def make_net(self, config: Any) -> nn.Module:
        """The network that is asked."""
        return UNet(
            image_size=config.image_size,
            channels=config.channels,
            num_classes=config.num_classes,
            width=config.width,
            num_heads=config.num_heads,
            embedding=config.embedding,
            num_detail_blocks=config.num_detail_blocks,
        )

    def to_x_0(self, x: Tensor) -> Tensor:
        """What noise is added to: pictures uint8 (B,C,H,W) -> float32 (B, *shape)."""
        return from_uint8(x)

    def to_pictures(self, x_t: Tensor) -> np.ndarray:
        """The way back: (B, *shape) -> pictures uint8 (B,H,W,C), on the CPU."""
        return to_uint8(x_t)

    def set_precision(self, precision: Precision) -> None:
        """Sample in float32, or in bfloat16 and channels_last (``models/precision.py``); scores stay as they are."""
        self.precision = precision
        # not an attribute of the module: the copy must not be saved, nor counted among the parameters
        self.__dict__["_sampling_net"] = halved(self.net) if precision == "bf16" else None

    @property
    def sampling_net(self) -> nn.Module:
        """The network as it samples, in the chosen precision."""
        found: nn.Module = self.__dict__.get("_sampling_net") or self.net
        return found

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W of what is denoised."""
        return self.config.channels, self.config.image_size, self.config.image_size

    def empty(self, count: int) -> tuple[Tensor, Tensor]:
        """``count`` even pictures and labels, for the probe."""
        x_t = torch.zeros(count, *self.shape, device=self.device)
        return x_t, torch.zeros(count, dtype=torch.long, device=x_t.device)

    def uniforms(self, request: Request) -> Callable[..., Tensor]:
        """(name, step) -> the standard normal noise of a request, (B,C,H,W)."""
        indices = range(request.first_index, request.first_index + request.num_samples)
        device = self.device

        def draw(name: str, step: int = 0) -> Tensor:
            return torch.from_numpy(noise.normal(request.seed, indices, name, self.shape, step)).to(device)

        return draw

    def training_log_snr(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) on the generator's device, evenly spread over the quantiles of one batch (Kingma et al. 2021, I.1)."""
        config, device = self.config, generator.device
        offset = torch.rand((), generator=generator, device=device)
        u = (torch.arange(count, device=device) + offset) / count  # low discrepancy, in (0, 1)
        share = config.uniform_share
        even = config.log_snr_min + (config.log_snr_max - config.log_snr_min) * u / share
        normal = 2 * torch.special.ndtri(((u - share) / (1 - share)).clamp(1e-6, 1 - 1e-6))
        log_snr = torch.where(u < share, even, normal)
        return log_snr.clamp(config.log_snr_min, config.log_snr_max)

    def moment(self, grid: Grid, i: int) -> dict[str, float]:
        """Where level ``i`` of a walk lies: ``t``, ``alpha_bar``, ``sigma`` and ``log_snr``."""
        return {
            "t": grid.t[i],
            "alpha_bar": grid.alpha[i] ** 2,
            "sigma": grid.sigma[i],
            "log_snr": min(grid.log_snr[i], self.config.log_snr_max),
        }


class ClassDiffusion(DiffusionModel):
    """One whose network is told a class, or that there is none: the label ``num_classes``."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.num_classes: int = config.num_classes

    def uniforms(self, request: Request) -> Callable[..., Tensor]:
        """The same.

        Raises:
            ValueError: there is no such class.
        """
        label = request.label  # type: ignore[attr-defined]
        if not EACH_CLASS <= label < self.num_classes:
            raise ValueError(f"label must lie between {EACH_CLASS} and {self.num_classes - 1}, not {label}.")
        return super().uniforms(request)


def check_state(state: State, num_steps: int, num_samples: int) -> None:
    """Raises ValueError with one sentence, if a state is not one of so many steps and samples."""
    if state["total"] != num_steps or len(state["x_t"]) != num_samples:
        raise ValueError(
            f"This state belongs to {len(state['x_t'])} samples in {state['total']} steps, "
            f"not to {num_samples} in {num_steps}."
        )
