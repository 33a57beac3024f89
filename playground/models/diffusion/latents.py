"""What the diffusion models share that work on the latents of a KL autoencoder (``vae/kl.py``): the way to them and back."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.capabilities import Precision, Reconstructs
from playground.contract import Request, guidance_knob, knob
from playground.data.emoji import words as emoji_words
from playground.models import words
from playground.models.blocks import to_uint8
from playground.models.diffusion.base import DiffusionModel
from playground.models.diffusion.samplers import CHOICES
from playground.models.precision import bfloat16_pays
from playground.models.tokenizer import OnTokenizer

_ENCODED, _DECODED = 256, 64  # pictures that are encoded, and decoded, together


@dataclass(frozen=True)
class PromptRequest(Request):
    """What to draw, and how to walk back from noise."""

    prompt: str = words.prompt_knob()
    negative_prompt: str = words.negative_knob()
    style: str = words.style_knob()
    guidance_scale: float = guidance_knob(
        4.0,  # of 2, 3, 4, 5 and 6.5 on training prompts: more is overdrawn and hardly better obeyed
        "Pushes each picture towards the prompt and away from no prompt. 1 is off; high values are overdrawn.",
    )
    num_steps: int = knob(
        16,
        label="num_steps",
        low=1,
        high=250,
        log=True,
        help="How many steps lead from pure noise to a picture. Every step asks the network once (twice with guidance).",
    )
    sampler: str = knob(
        "unipc",
        label="sampler",
        choices=CHOICES,
        help="The rule for one step from more noise to less; the network stays the same.",
    )
    eta: float = knob(
        0.0,
        label="eta",
        low=0.0,
        high=1.0,
        step=0.05,
        fold=True,
        help="Only for DDIM: how much fresh noise each step adds. 0 makes the path fixed by its start, 1 makes it DDPM.",
    )
    num_samples: int = words.several_knob()
    each: tuple[tuple[str, str], ...] = ()  # (style, prompt) of every sample, in place of the two knobs


class LatentDiffusion(OnTokenizer, DiffusionModel):
    """Diffusion of the latents that ``build_on``'s autoencoder makes of a picture; ``config`` has ``cells`` and ``code_dim``."""

    latent = True

    def fits(self, tokenizer: Any) -> bool:
        """Whether its latents have the shape that the network was made for."""
        return isinstance(tokenizer, Reconstructs) and tokenizer.latent_shape == self.shape

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers, rows and columns of a latent."""
        return self.config.code_dim, self.config.cells, self.config.cells

    @torch.no_grad()
    def prepare(self, x: Tensor) -> Tensor:
        """The pictures uint8 (N,C,H,W) as latents float16 (N, *shape): done once, before training."""
        device = next(self.its_tokenizer().parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16_pays(device)):
            parts = [self.to_x_0(part) for part in x.split(_ENCODED)]
        return torch.cat(parts).half()

    @torch.no_grad()
    def to_x_0(self, x: Tensor) -> Tensor:
        """Pictures uint8 (B,C,H,W) -> latents float32 (B, *shape); latents stay what they are."""
        if x.dtype != torch.uint8:
            return x.float()
        coder = self.its_tokenizer()
        latents: Tensor = (coder.encode(x)[0] - coder.latent_mean) / coder.latent_deviation
        return latents

    def set_precision(self, precision: Precision) -> None:
        """The decoder too: it makes a picture of every frame, a fifth of a step's work in float32."""
        super().set_precision(precision)
        self.__dict__["_decoder"] = None
        if precision == "bf16":
            decoder = copy.deepcopy(self.its_tokenizer().decoder)
            self.__dict__["_decoder"] = decoder.to(torch.bfloat16, memory_format=torch.channels_last)

    @torch.no_grad()
    def to_pictures(self, x_t: Tensor) -> np.ndarray:
        """Latents (B, *shape) -> what the decoder makes of them, uint8 (B,H,W,C)."""
        coder, half = self.its_tokenizer(), self.__dict__.get("_decoder")
        z = x_t * coder.latent_deviation + coder.latent_mean
        if half is None:
            return to_uint8(coder.decode(z))
        z = z.to(torch.bfloat16, memory_format=torch.channels_last)
        return to_uint8(torch.cat([half(part) for part in z.split(_DECODED)]).float().clamp(-1, 1))

    # --- prompts

    def remarks(self, prompt: str) -> str:
        """What a person should know of how a prompt is read: sentences, empty if it is read as written."""
        return emoji_words.understood(prompt).remarks
