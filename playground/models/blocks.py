"""Layers and conversions that several models share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def from_uint8(x: Tensor) -> Tensor:
    """uint8 0..255 -> float32 in [-1, 1], the same shape."""
    return x.to(torch.float32) / 127.5 - 1.0


def to_uint8(x: Tensor) -> np.ndarray:
    """Pictures in [-1, 1] (what lies outside is clipped), (B,C,H,W) -> numpy uint8 (B,H,W,C), on the CPU."""
    levels = ((x.to(torch.float32) + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().contiguous().numpy()


class ChannelRMSNorm(nn.Module):
    """Each pixel's channel vector divided by its root mean square, times a learned gain (Zhang and Sennrich 2019).

    Does not look at other pixels or pictures, and is several times faster than ``nn.GroupNorm`` in channels_last.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        scale = torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-6)
        return x * scale * self.gain[:, None, None]


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(D)) v, each (B, heads, T, D) (Vaswani et al. 2017, eq. 1).

    Plain matrix products: the fused kernel of torch trains several times more slowly on a CPU at these sizes.
    """
    return attention_weights(q, k) @ v


def attention_weights(q: Tensor, k: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(D)), (B, heads, T, T): how much each token takes from each."""
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1)


def guided(with_class: Tensor, without: Tensor, scale: float) -> Tensor:
    """Log-probabilities (...,K) of p(.|c)^scale p(.)^(1-scale), normalised: Ho and Salimans 2022 (arXiv:2207.12598, eq. 6) for a discrete draw."""
    return (without + scale * (with_class - without)).log_softmax(-1)
