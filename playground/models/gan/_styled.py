"""The networks of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958), small: mapping, synthesis by modulated layers, critic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from playground.models.gan.stylegan import StyleGANConfig


class Dense(nn.Module):
    """A linear layer with equalised learning rate: weights of unit variance, scaled when used (Karras et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.full((outputs,), bias))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class Conv(nn.Module):
    """A convolution with equalised learning rate: Adam's steps are small beside weights of unit variance."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True, groups: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight / math.sqrt(self.weight[0].numel())
        padding = weight.shape[2] // 2 if self.groups == 1 else 0
        return F.conv2d(x, weight, self.bias, padding=padding, groups=self.groups)


def _relu(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance (Karras et al. 2020, appendix B)."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class ModulatedConv(nn.Module):
    """A convolution whose inputs are scaled by a style and whose outputs are scaled back to unit variance (eqs. 1 and 3).

    Scaling the features instead of the weights is the same function, and all pictures share one kernel.
    """

    def __init__(
        self, inputs: int, outputs: int, w_dim: int, kernel: int = 3, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.style = Dense(w_dim, inputs, bias=1.0)
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        weight = self.weight / math.sqrt(self.weight[0].numel())
        style = self.style(w)  # (B, inputs)
        h = F.conv2d(x * style[:, :, None, None], weight, padding=weight.shape[2] // 2)
        if self.demodulate:
            energy = style.square() @ weight.square().sum((2, 3)).T  # (B, outputs)
            h = h * torch.rsqrt(energy + 1e-8)[:, :, None, None]
        return h


class StyledLayer(nn.Module):
    """Modulated convolution, noise, bias, leaky ReLU; optionally twice as large first."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv = ModulatedConv(inputs, outputs, w_dim)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
        h = self.conv(x, w) + self.noise_strength * noise
        return _relu(h + self.bias[:, None, None])


class Synthesis(nn.Module):
    """Styles (B,layers,w_dim) and noises -> pictures, (B,C,H,W)."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        quarter, (low, middle, high) = config.image_size // 4, config.widths
        shapes = [(low, low, False), (low, low, False), (low, middle, True), (middle, middle, False)]
        shapes += [(middle, high, True), (high, high, False)]
        self.start = nn.Parameter(torch.randn(1, low, quarter, quarter))
        self.layers = nn.ModuleList(StyledLayer(a, b, config.w_dim, up) for a, b, up in shapes)
        self.to_picture = nn.ModuleList(
            ModulatedConv(width, config.channels, config.w_dim, 1, demodulate=False)
            for width in (low, middle, high)
        )
        self.bias = nn.Parameter(torch.zeros(config.channels, 1, 1))
        self.num_layers = len(shapes)

    def forward(self, styles: Tensor, noises: list[Tensor]) -> Tensor:
        w = styles.unbind(1)
        x = self.start.expand(len(styles), -1, -1, -1)
        picture: Tensor = self.bias
        for i, layer in enumerate(self.layers):
            x = layer(x, w[i], noises[i])
            if i % 2:  # each resolution adds to the picture
                if i > 1:
                    picture = F.interpolate(picture, scale_factor=2, mode="bilinear")
                picture = picture + self.to_picture[i // 2](x, w[i])
        return picture


class Generator(nn.Module):
    """Mapping and synthesis."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        self.label = nn.Embedding(config.num_classes, config.latent_dim)
        self.mapping = nn.ModuleList(
            [Dense(2 * config.latent_dim, config.w_dim), Dense(config.w_dim, config.w_dim)]
        )
        self.synthesis = Synthesis(config)

    def map(self, z: Tensor, labels: Tensor) -> Tensor:
        """``z`` (B,latent_dim), ``labels`` (B,) -> w (B,w_dim)."""
        h = torch.cat([_unit(z), _unit(self.label(labels))], dim=1)
        for layer in self.mapping:
            h = _relu(layer(h))
        return h

    def forward(
        self, z: Tensor, other: Tensor, switch: Tensor, labels: Tensor, noises: list[Tensor]
    ) -> Tensor:
        """Pictures from ``z``; from layer ``switch`` (B,) on, the style is that of ``other``."""
        w, w_other = self.map(z, labels), self.map(other, labels)
        place = torch.arange(self.synthesis.num_layers, device=z.device)
        styles = torch.where((place < switch[:, None])[..., None], w[:, None], w_other[:, None])
        return self.synthesis(styles, noises)


def _unit(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class CriticBlock(nn.Module):
    """A residual block that halves the picture in its middle.

    The first convolution and its ReLU come before the pooling: averaging first would leave the critic blind to the
    finest grain, which the generator would then be free to add.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(inputs, inputs, 3)
        self.second = Conv(inputs, outputs, 3, bias=False)
        self.skip = Conv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = _relu(self.first(_relu(x)))
        both = self.skip(F.avg_pool2d(x, 2)) + self.second(F.avg_pool2d(h, 2))
        return both * math.sqrt(0.5)


class Critic(nn.Module):
    """Pictures (B,C,H,W) and classes -> D(x), (B,): a plain number, higher for real; no normalisation, no company."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        low, middle, high = config.critic_widths
        self.stem = Conv(config.channels, high, 3)
        self.blocks = nn.ModuleList([CriticBlock(high, middle), CriticBlock(middle, low)])
        self.head = Conv(low, low, config.image_size // 4, groups=low)
        self.dense = Dense(low, low)
        self.last = Dense(low, 1)
        self.label = nn.Embedding(config.num_classes, low)  # the projection of Miyato and Koyama 2018

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        h = _relu(self.head(_relu(h)).flatten(1))
        h = _relu(self.dense(h))
        return self.last(h)[:, 0] + (self.label(labels) * h).sum(1) / math.sqrt(h.shape[1])
