"""Pixel models of 8x8 with random weights, small enough for oracles that ask about every pixel."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from playground.models.autoregressive.image_transformer import ImageTransformer, ImageTransformerConfig
from playground.models.autoregressive.parallel_pixelcnn import ParallelPixelCNN, ParallelPixelCNNConfig
from playground.models.autoregressive.pixelcnn import PixelCNN, PixelCNNConfig
from playground.models.autoregressive.pixelcnn0 import PlainPixelCNN, PlainPixelCNNConfig
from playground.models.autoregressive.pixelrnn import PixelRNN, RowLSTMConfig

SIZE = 8


def pixelcnn() -> PixelCNN:
    """The gated PixelCNN."""
    small = PixelCNNConfig(
        image_size=SIZE, width=32, num_blocks=4, context_width=32, num_context_blocks=4, num_mixtures=3
    )
    torch.manual_seed(0)
    return filled(PixelCNN(small))


def pixelcnn0() -> PlainPixelCNN:
    """The plain one, with the blind spot."""
    small = PlainPixelCNNConfig(image_size=SIZE, width=16, num_blocks=2, stem_kernel=5, num_mixtures=3)
    torch.manual_seed(0)
    return filled(PlainPixelCNN(small))


def image_transformer() -> ImageTransformer:
    """The one with local and strided attention."""
    small = ImageTransformerConfig(
        image_size=SIZE, width=32, num_blocks=4, num_heads=2, hidden=48, local_rows=3, num_mixtures=3
    )
    torch.manual_seed(0)
    return filled(ImageTransformer(small))


def pixelrnn(num_layers: int = 2) -> PixelRNN:
    """The Row LSTM."""
    small = RowLSTMConfig(image_size=SIZE, width=16, num_layers=num_layers, stem_kernel=5, num_mixtures=3)
    torch.manual_seed(0)
    return filled(PixelRNN(small))


def parallel_pixelcnn() -> ParallelPixelCNN:
    """The one that draws in groups: 2x2 first, then 4x4 and 8x8."""
    small = ParallelPixelCNNConfig(
        image_size=SIZE, width=16, num_blocks=1, first_width=8, first_blocks=1, first_kernel=3, num_mixtures=3
    )
    torch.manual_seed(0)
    return filled(ParallelPixelCNN(small))


def filled(model: nn.Module) -> nn.Module:
    """Ready to sample; layers that start at zero, which would hide mistakes, are drawn."""
    model.eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.abs().max() == 0:
            parameter.normal_(std=0.3)
    return model


def two_images() -> torch.Tensor:
    """uint8 (2,1,8,8)."""
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, 1, SIZE, SIZE), dtype=np.uint8))
