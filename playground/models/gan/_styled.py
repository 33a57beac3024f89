"""The networks of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958), small: mapping, synthesis by modulated layers, critic.

Weights start at N(0, 0.02^2), as DCGAN's do, in place of unit variance and a scale when used ("equalised learning rate"): the
output of a modulated convolution does not depend on the length of its weights, so what counts is how far a step of Adam turns
them, and at this size long turns learn quicker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.gan.dcgan import Discriminator
from playground.models.prepared import prepared

_START = 0.02  # standard deviation of weights at the start


@dataclass(frozen=True)
class StyleGANConfig:
    """Shape of the networks, and what the generator learns from."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    num_classes: int = 10
    latent_dim: int = 64
    w_dim: int = 128
    width: int = (
        48  # of the generator at half resolution; twice as many at a quarter, four times at an eighth
    )
    top_width: int = 32  # and at full resolution
    discriminator_width: int = 32  # at half resolution, and so on
    kernel: int = 4  # of the discriminator
    mixing: float = 0.2  # so often two styles are mixed while training
    distance_weight: float = 5.0  # of the energy distances in the generator's loss

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows and columns that each layer of the synthesis makes: 4, 7, 7, 14, 14, 28."""
        full = self.image_size
        return self.eighth, full // 4, full // 4, full // 2, full // 2, full

    @property
    def eighth(self) -> int:
        """Rows of the smallest map: 4 for 28 pixels."""
        return math.ceil(self.image_size / 8)


def _relu(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance (Karras et al. 2020, appendix B); of the mapping alone, the synthesis goes without the gain."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def _unit(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class ModulatedConv(nn.Module):
    """A convolution whose inputs are scaled by a style and whose outputs are scaled back to unit variance (eqs. 1 and 3).

    Scaling the features instead of the weights is the same function, and all pictures share one kernel.

    Args:
        to: rows and columns of the result, if it is to be twice as large: the convolution is then fractionally strided, with
            a kernel of 4, or of 3 where a half is not a whole number.
        demodulate: whether outputs are scaled back.
    """

    def __init__(
        self, inputs: int, outputs: int, w_dim: int, kernel: int = 3, to: int = 0, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.up, self.demodulate = bool(to), demodulate
        if self.up:
            kernel = 3 if to % 2 else 4
            shape = (inputs, outputs, kernel, kernel)
        else:
            shape = (outputs, inputs, kernel, kernel)
        self.weight = nn.Parameter(_START * torch.randn(shape))
        self.style = nn.Linear(w_dim, inputs)
        nn.init.normal_(self.style.weight, std=1 / math.sqrt(w_dim))
        nn.init.ones_(self.style.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.style(w)  # (B, inputs)
        x = x * style[:, :, None, None]
        if self.up:
            h = F.conv_transpose2d(x, self.weight, stride=2, padding=1)
        else:
            h = F.conv2d(x, self.weight, padding=self.weight.shape[2] // 2)
        if self.demodulate:
            energy = style.float().square() @ prepared(self, self._squares, self.weight)
            h = h * torch.rsqrt(energy + 1e-8)[:, :, None, None].to(h.dtype)
        return h

    def _squares(self) -> Tensor:
        """What an output has of each input, at unit style: (inputs, outputs)."""
        squares = self.weight.float().square().sum((2, 3))
        # with a stride of 2, a place sees 4 of a 4x4 kernel's taps; of a 3x3 kernel's 9 it sees 1, 2, 2 or 4, a quarter
        # on average, so that there the variance is 1 only in the mean over places
        return squares / 4 if self.up else squares.T


class StyledLayer(nn.Module):
    """Modulated convolution, noise, bias, leaky ReLU; the arguments are those of the convolution."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, to: int = 0) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, w_dim, to=to)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        h = self.conv(x, w) + self.noise_strength * noise
        return F.leaky_relu(h + self.bias[:, None, None], 0.2)


class Synthesis(nn.Module):
    """Styles (B,layers,w_dim) and noises -> pictures in [-1, 1], (B,C,H,W)."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        lowest, low, middle, high = 4 * config.width, 2 * config.width, config.width, config.top_width
        _, quarter, _, half, _, full = config.sizes
        shapes = [(lowest, lowest, 0), (lowest, low, quarter), (low, low, 0)]
        shapes += [(low, middle, half), (middle, middle, 0), (middle, high, full)]
        self.start = nn.Parameter(torch.randn(1, lowest, config.sizes[0], config.sizes[0]))
        self.layers = nn.ModuleList(StyledLayer(a, b, config.w_dim, to) for a, b, to in shapes)
        self.to_picture = nn.ModuleDict(
            {
                str(i): ModulatedConv(width, config.channels, config.w_dim, 1, demodulate=False)
                for i, width in ((2, low), (4, middle), (5, high))  # after the last layer of a resolution
            }
        )
        self.bias = nn.Parameter(torch.zeros(config.channels, 1, 1))

    def forward(self, styles: Tensor, noises: list[Tensor]) -> Tensor:
        w = styles.unbind(1)
        x = self.start.expand(len(styles), -1, -1, -1)
        picture: Tensor | None = None
        for i, layer in enumerate(self.layers):
            x = layer(x, w[i], noises[i])
            if str(i) in self.to_picture:  # each resolution adds to the picture
                more = self.to_picture[str(i)](x, w[i])
                picture = more if picture is None else more + _twice(picture)
        assert picture is not None
        return (picture + self.bias).tanh()


def _twice(picture: Tensor) -> Tensor:
    return F.interpolate(picture, scale_factor=2, mode="bilinear")


class Generator(nn.Module):
    """Mapping and synthesis."""

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        self.label = nn.Embedding(config.num_classes, config.latent_dim)
        self.mapping = nn.ModuleList(
            [nn.Linear(2 * config.latent_dim, config.w_dim), nn.Linear(config.w_dim, config.w_dim)]
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
        place = torch.arange(len(noises), device=z.device)
        styles = torch.where((place < switch[:, None])[..., None], w[:, None], w_other[:, None])
        return self.synthesis(styles, noises)


class Critic(Discriminator):
    """DCGAN's discriminator with a last layer for each class: what they have in common, and what this one differs in.

    The projection of Miyato and Koyama 2018 (arXiv:1802.05637), of the whole last map in place of its mean: where a garment has
    what is half of what tells its class.
    """

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__(config)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=_START)
        self.label = nn.Embedding(config.num_classes, self.last.weight.numel())
        nn.init.zeros_(self.label.weight)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:  # type: ignore[override]
        """Pictures (B,C,H,W), perhaps of known classes (B,) -> logits that they are real, (B,), and the maps behind them."""
        maps = self.maps(x)
        logits = self.last(maps[-1]).flatten()
        if labels is not None:
            logits = logits + (self.label(labels) * maps[-1].flatten(1)).sum(1)
        return logits, maps
