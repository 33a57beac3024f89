"""What autoencoders share whose prior is no part of them: codes drawn from a normal distribution, decoded in one pass to one picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, State
from playground.models import noise
from playground.models.blocks import to_uint8
from playground.models.network import Network


class NormalCodes(Network):
    """``decode`` says what a code is a picture of; a request has a ``temperature``, which multiplies the spread of the draw."""

    latent_shape: tuple[int, ...]
    latent_mean: Tensor

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B, *latent_shape) -> a picture in [-1, 1], (B,C,H,W)."""
        raise NotImplementedError

    @torch.no_grad()
    def sample(self, request: Any, resume: State | None = None) -> Iterator[Frame]:
        """Draw codes and decode them: one frame, with ``latent`` float32 (B, *latent_shape) and a state that holds the same z."""
        indices = range(request.first_index, request.first_index + request.num_samples)
        if resume is None:
            z = np.float32(request.temperature) * noise.normal(request.seed, indices, "z", self.latent_shape)
        else:
            z = resume["z"]
        yield from self.decode_frames(z)

    @torch.no_grad()
    def decode_frames(
        self, z: np.ndarray, output: str = "mean", seed: int = 0, first_index: int = 0
    ) -> Iterator[Frame]:
        """The frame of given latents, ``z`` float32 (B, *latent_shape); there is no p(x given z) to draw from, only its mean."""
        latents = torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(self.latent_mean.device)
        yield Frame(1, 1, 1, to_uint8(self.decode(latents)), {"latent": z}, {"z": z})
