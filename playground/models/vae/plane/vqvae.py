"""VQ-VAE in the plane: every point is written as one of a few codes, whose cells tile the plane.

van den Oord, Vinyals and Kavukcuoglu 2017, "Neural Discrete Representation Learning" (arXiv:1711.00937), equations 1 to 3;
the codebook follows the encoder by averages (appendix A.1).  The prior over codes is their frequency, the decoder a
Gaussian around each code's own point, so that the density is a mixture and exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.models.plane import LOG_2PI, PlaneModel, PlaneRequest, gaussian_noise, mlp


@dataclass(frozen=True)
class VQVAEConfig:
    """Shape: ``decay`` is that of the codebook's averages, ``commitment`` the paper's beta."""

    num_codes: int = 64
    code_dim: int = 2
    width: int = 64
    depth: int = 2
    decay: float = 0.98
    commitment: float = 0.25


class VQVAEPlane(PlaneModel):
    """Encoder, nearest code, decoder."""

    family: ClassVar[str] = "vae"
    key: ClassVar[str] = "vqvae-plane"
    system: ClassVar[str] = "VQ-VAE"
    paper: ClassVar[str] = "van den Oord et al. 2017, arXiv:1711.00937"
    has_density: ClassVar[bool] = True
    Config = VQVAEConfig
    codebook: Tensor  # (num_codes, code_dim)
    counts: Tensor  # (num_codes,), and the sums of what stands behind each code
    sums: Tensor

    def __init__(self, config: VQVAEConfig = VQVAEConfig()) -> None:
        super().__init__()
        self.config = config
        self.encoder = mlp(2, config.width, config.depth, config.code_dim)
        self.decoder = mlp(config.code_dim, config.width, config.depth, 4)
        self.register_buffer("codebook", torch.randn(config.num_codes, config.code_dim))
        self.register_buffer("counts", torch.ones(config.num_codes))
        self.register_buffer("sums", self.codebook.clone())

    def codes(self, x: Tensor) -> Tensor:
        """Points (N,2) -> numbers of their codes, int64 (N,)."""
        return torch.cdist(self.encoder(x), self.codebook).argmin(1)

    def loss(self, x: Tensor, generator: torch.Generator, turn: str, progress: float) -> dict[str, Tensor]:
        """Reconstruction in nats, and the commitment of the encoder to its codes."""
        e = self.encoder(x)
        codes = torch.cdist(e, self.codebook).argmin(1)
        self._follow(e.detach(), codes)
        q = self.codebook[codes]
        reconstruction = self._log_p(x, e + (q - e).detach()).mean()
        commitment = (e - q).square().mean()
        used = (self.counts > 0.01 * self.counts.mean()).float().mean()
        return {"loss": -reconstruction + self.config.commitment * commitment, "codes_used": used}

    @torch.no_grad()
    def _follow(self, e: Tensor, codes: Tensor) -> None:
        """Each code moves to the mean of what it stands for; one that stands for nothing begins again at a point."""
        one_hot = F.one_hot(codes, self.config.num_codes).float()
        self.counts.lerp_(one_hot.sum(0), 1 - self.config.decay)
        self.sums.lerp_(one_hot.T @ e, 1 - self.config.decay)
        unused = self.counts < 0.05 * len(e) / self.config.num_codes
        fresh = e[torch.arange(self.config.num_codes, device=e.device) % len(e)]
        self.counts[unused] = len(e) / self.config.num_codes
        self.sums[unused] = fresh[unused] * self.counts[unused, None]
        self.codebook.copy_(self.sums / self.counts[:, None])

    def _log_p(self, x: Tensor, code: Tensor) -> Tensor:
        mean, log_sigma = self.decoder(code).chunk(2, -1)
        log_sigma = log_sigma.clamp(-5, 2)
        return (-0.5 * (((x - mean) * (-log_sigma).exp()).square() + LOG_2PI) - log_sigma).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log of the sum over codes of p(code) p(x given code), exact: (N,2) -> (N,)."""
        shares = (self.counts / self.counts.sum()).log()
        return torch.logsumexp(shares + self._log_p(x[:, None], self.codebook[None]), 1)

    def draw(self, request: PlaneRequest, z: Tensor) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """A code by its frequency, its point, then a point of the distribution around it."""
        edges = (self.counts / self.counts.sum()).cpu().double().cumsum(0)
        levels = torch.special.ndtr(z[:, 0].cpu().double())
        codes = torch.searchsorted(edges, levels).clamp(max=self.config.num_codes - 1).to(z.device)
        mean, log_sigma = self.decoder(self.codebook[codes]).chunk(2, -1)
        yield mean, {"codes": codes.cpu().numpy()}
        generator = torch.Generator().manual_seed(request.seed)
        around = log_sigma.clamp(-5, 2).exp() * gaussian_noise(mean, generator)
        yield mean + around, {"codes": codes.cpu().numpy()}


MODEL = VQVAEPlane
