"""The network of ``text_to_image.py``: a transformer in which the places of a latent and the words of a prompt are one sequence.

The joint attention of Esser et al. 2024 ("Stable Diffusion 3", arXiv:2403.03206, section 4) with one set of weights for both
kinds of token; the blocks are those of ``dit.py``, told the noise level and the mean of the words.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.diffusion import dit
from playground.models.diffusion.unet import Embedding
from playground.models.transformer import RMSNorm


@dataclass(frozen=True)
class TextDiffusionConfig:
    """Shape of the network and of the noise; the first four are the autoencoder's."""

    image_size: int = 32
    channels: int = 3
    cells: int = 8  # in a row, and rows
    code_dim: int = 8  # numbers in each
    num_words: int = 2048  # the first lines of the vocabulary, so many
    num_tokens: int = 10  # style and words of a prompt
    width: int = 224
    depth: int = 7
    num_heads: int = 7
    embedding: int = 256
    log_snr_min: float = -10.0
    log_snr_max: float = 10.0
    prompt_dropout: float = 0.1  # so often nothing is said
    word_dropout: float = 0.1  # so often a word is left out
    order_dropout: float = 0.1  # so often the words stand in no order
    uniform_share: float = 0.02


class Block(dit.Block):
    """The same block; to draw with, when nobody asks for its attention, in fewer passes over memory, which is what a step costs."""

    def forward(self, h: Tensor, e: Tensor, attention: list[Tensor] | None = None) -> Tensor:
        """(B,T,width) told e (B,E) -> (B,T,width); ``attention`` is given its weights (B,heads,T,T)."""
        if attention is not None or torch.is_grad_enabled():
            return super().forward(h, e, attention)
        scale, shift, gate, scale_mlp, shift_mlp, gate_mlp = self.condition(e)[:, None].chunk(6, -1)
        qkv = self.qkv(_modulated(self.norm, h, scale, shift)).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, D) each
        mixed = F.scaled_dot_product_attention(q, k, v)  # trains slowly on a CPU, and draws quickly
        h = torch.addcmul(h, gate, self.out(mixed.transpose(1, 2).flatten(2)))
        wide = F.relu_(self.widen(_modulated(self.norm_mlp, h, scale_mlp, shift_mlp)))
        return torch.addcmul(h, gate_mlp, self.narrow(wide.mul_(wide)))


def _modulated(norm: RMSNorm, h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """``norm(h) * (1 + scale) + shift``, the gain and the scale in one factor."""
    size = torch.linalg.vector_norm(h, dim=-1, keepdim=True, dtype=torch.float32)
    by = torch.rsqrt(size.square() / h.shape[-1] + 1e-6).to(h.dtype)  # (B, T, 1)
    return torch.addcmul(shift, h * by, norm.gain * (1 + scale))


class TextDiT(nn.Module):
    """(x_t (B,C,H,W), log_snr (B,), tokens int64 (B,T)) -> v (B,C,H,W); a row of zeros means that nothing is said."""

    def __init__(self, config: TextDiffusionConfig) -> None:
        super().__init__()
        width = config.width
        self.embedding = Embedding(config.embedding, 0)
        self.words = self.make_words(config)
        # first word, second word ...
        self.order = nn.Parameter(0.1 * torch.randn(1, config.num_tokens, width))
        self.pool = nn.Linear(width, config.embedding)
        self.stem = nn.Linear(config.code_dim, width)
        self.places = nn.Parameter(0.2 * torch.randn(1, config.cells**2, width))
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.embedding) for _ in range(config.depth)
        )
        self.norm = RMSNorm(width)
        self.head = nn.Linear(width, config.code_dim)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def make_words(self, config: TextDiffusionConfig) -> nn.Module:
        """What makes vectors of what it is told."""
        table = nn.Embedding(config.num_words, config.width)
        nn.init.normal_(table.weight, std=0.3)
        return table

    def forward(
        self,
        x_t: Tensor,
        log_snr: Tensor,
        tokens: Tensor,
        ordered: Tensor | None = None,
        strengths: Tensor | None = None,
        looks: list[Tensor] | None = None,
        towards: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Velocity (B,C,H,W).

        Args:
            ordered: bool (B,), whether the words of a sample stand in their order or in none, as in a bag; left out: all do.
            strengths: (B,T), multiply the words' vectors.
            looks: is given what each place takes from each word (B,places,T), by blocks.
            towards: other tokens (B,T), and how far the words' vectors lie on the way to theirs, 0..1 (B,).
        """
        places = x_t.flatten(2).transpose(1, 2)  # (B, places, C)
        with torch.autocast(x_t.device.type, enabled=False):  # bfloat16 would drown the faintest noise levels
            words, mean = self.read(tokens, strengths)
            if towards is not None:
                other, amount = towards
                there, mean_there = self.read(other)
                words = torch.lerp(words, there, amount[:, None, None])
                mean = torch.lerp(mean, mean_there, amount[:, None])
            order = self.order if ordered is None else self.order * ordered[:, None, None]
            h = torch.cat([self.stem(places.float()) + self.places[0], words + order], dim=1)
        no_class = torch.zeros(len(x_t), dtype=torch.long, device=x_t.device)
        e = self.embedding(log_snr, no_class, self.pool(mean))  # (B, E)
        h, e = (part.to(self.blocks[0].out.weight.dtype) for part in (h, e))  # type: ignore[union-attr, arg-type]
        attention: list[Tensor] | None = None if looks is None else []
        count = places.shape[1]
        for block in self.blocks:
            h = block(h, e, attention)
        if looks is not None:
            looks += [weights[:, :, :count, count:].mean(1).float() for weights in attention or ()]
        with torch.autocast(x_t.device.type, enabled=False):
            v = self.head(self.norm(h[:, :count].float()))
        return v.transpose(1, 2).reshape(x_t.shape)

    def read(self, tokens: Tensor, strengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The words' vectors float32 (B,T,width), and the mean of those that are said (B,width)."""
        words: Tensor = self.words(tokens).float()
        words = words if strengths is None else words * strengths[..., None]
        said = (tokens > 0)[..., None]  # (B, T, 1)
        return words, (words * said).sum(1) / said.sum(1).clamp_min(1)
