"""unCLIP (DALL-E 2): words become the direction that a picture of them would have, and that direction becomes a picture.

Ramesh, Dhariwal, Nichol, Chu and Chen 2022, "Hierarchical text-conditional image generation with CLIP latents" (arXiv:2204.06125).
The *prior* (section 2.2) is a small transformer that takes the noise from a picture's CLIP embedding, told the words and where CLIP
itself would put them.  The *decoder* (section 2.1) is the network of ``text_to_image.py``, told a few tokens made of the embedding
in place of words.  Since the decoder never hears words, any picture's embedding will do: its variations are drawn, what lies between
two pictures, and a picture moved in the direction of some words (section 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, State, guidance_knob, knob
from playground.data import Split
from playground.data.emoji import words as emoji_words
from playground.models import noise, words
from playground.models.diffusion.ddpm import restored, state_of
from playground.models.diffusion.latents import LatentDiffusion, PromptRequest
from playground.models.diffusion.samplers import SAMPLERS, Denoise, Grid, SamplerState
from playground.models.diffusion.schedule import alpha_sigma, sigmoid
from playground.models.diffusion.text_dit import TextDiffusionConfig, TextDiT
from playground.models.diffusion.unet import Embedding
from playground.models.directions import EmbedsPictures
from playground.models.transformer import Block, RMSNorm

_EMBEDDED = 2_000  # pictures whose embeddings are found together


@dataclass(frozen=True)
class UnCLIPConfig(TextDiffusionConfig):
    """Of the decoder, as of text-to-image diffusion, and of the prior; ``clip_size`` is CLIP's."""

    num_tokens: int = 4  # that the decoder is told, made of an embedding
    clip_size: int = 64  # numbers of an embedding
    embedding_dropout: float = 0.1  # so often the decoder is told nothing
    num_said: int = emoji_words.NUM_TOKENS  # style and words that the prior is told
    prior_width: int = 160
    prior_depth: int = 4
    prior_heads: int = 4


@dataclass(frozen=True)
class UnCLIPRequest(PromptRequest):
    """What to draw, and how to walk back from noise, twice."""

    prior_guidance: float = guidance_knob(
        2.0,
        "Pushes the embedding towards the prompt and away from no prompt (or the negative one), before anything is drawn. 1 is off.",
    )
    prior_steps: int = knob(
        8,
        label="prior_steps",
        low=1,
        high=64,
        log=True,
        fold=True,
        help="How many steps lead from noise to an embedding. The prior is small, so they cost little.",
    )


class Prior(nn.Module):
    """(e_t (B,E), log_snr (B,), tokens int64 (B,T), where CLIP puts them (B,E)) -> e_0 (B,E): section 2.2, figure 2.

    One sequence: the words, CLIP's text embedding, the noisy picture embedding with its noise level, and a last token, whose output it is.
    """

    def __init__(self, config: UnCLIPConfig) -> None:
        super().__init__()
        width, size = config.prior_width, config.clip_size
        self.words = nn.Embedding(config.num_words, width)
        nn.init.normal_(self.words.weight, std=0.3)
        # of three dimensions, so that Muon leaves it to AdamW
        self.order = nn.Parameter(0.1 * torch.randn(1, config.num_said + 3, width))
        self.said, self.stem = nn.Linear(size, width), nn.Linear(size, width)
        self.level = Embedding(width, 0)
        self.blocks = nn.ModuleList(
            Block(width, config.prior_heads, config.prior_depth) for _ in range(config.prior_depth)
        )
        self.norm = RMSNorm(width)
        self.head = nn.Linear(width, size)

    def forward(self, e_t: Tensor, log_snr: Tensor, tokens: Tensor, said: Tensor) -> Tensor:
        """Everything in the scale in which an embedding's numbers have a spread of one."""
        level = self.level(log_snr, torch.zeros_like(tokens[:, 0]))[:, None]  # (B, 1, width)
        parts = [self.words(tokens), self.said(said)[:, None], self.stem(e_t)[:, None] + level, level]
        h = torch.cat(parts, 1) + self.order[0]
        for block in self.blocks:
            h = block(h)
        found: Tensor = self.head(self.norm(h[:, -1])).float()
        return found


class EmbeddingDiT(TextDiT):
    """The network of text-to-image diffusion, told ``num_tokens`` tokens made of an embedding (B,E); zeros say nothing."""

    def make_words(self, config: TextDiffusionConfig) -> nn.Module:
        """One layer makes all tokens of it (section 2.1)."""
        assert isinstance(config, UnCLIPConfig), "its own configuration"
        return nn.Linear(config.clip_size, config.num_tokens * config.width)

    def read(self, tokens: Tensor, strengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The tokens (B,T,width), and their mean."""
        condition = self.words(tokens.float()).unflatten(1, (-1, self.places.shape[2]))
        return condition, condition.mean(1)


class UnCLIP(LatentDiffusion):
    """A prior over CLIP's picture embeddings given words, and a decoder of them; built on CLIP and on a KL autoencoder."""

    system = "unCLIP (DALL-E 2)"
    paper = "Ramesh et al. 2022, arXiv:2204.06125"
    differs = "The decoder works on latents of 8x8 and begins with the weights of ldm-emoji; it is told no words beside the embedding."
    likelihood = "none"
    num_foundations = 2
    Config = UnCLIPConfig
    Request = UnCLIPRequest
    clip: Any  # None until it is given; not a part of this network's weights

    def __init__(self, config: UnCLIPConfig) -> None:
        super().__init__(config)
        self.prior = Prior(config)
        self.__dict__["clip"] = None

    def make_net(self, config: UnCLIPConfig) -> nn.Module:
        """The decoder."""
        return EmbeddingDiT(config)

    def forward(self, x_t: Tensor, log_snr: Tensor, condition: Tensor) -> Tensor:
        """The decoder's v_pred (B,C,H,W) of ``x_t`` (B,C,H,W) at ``log_snr`` (B,), told embeddings (B,E); zeros say nothing."""
        found: Tensor = self.net(x_t, log_snr, condition)
        return found

    # --- what it is built on

    def build_on(self, foundation: Any) -> None:
        """Take CLIP, or the autoencoder.

        Raises:
            ValueError: the end of a sentence, if it is neither, or another than the one that this was made for.
        """
        if not isinstance(foundation, EmbedsPictures):
            super().build_on(foundation)
            return
        if foundation.embedding_size != self.config.clip_size:
            raise ValueError("its embeddings are of another size")
        self.__dict__["clip"] = foundation.eval().requires_grad_(False)  # type: ignore[attr-defined]

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """CLIP goes where this network goes."""
        if self.clip is not None:
            self.clip._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def its_clip(self) -> EmbedsPictures:
        """CLIP.

        Raises:
            ValueError: one sentence, if there is none.
        """
        if self.clip is None:
            raise ValueError("This UnCLIP has no CLIP to say where words and pictures point.")
        found: EmbedsPictures = self.clip
        return found

    @torch.no_grad()
    def learn_from(self, foundation: Any) -> None:
        """Begin with the weights of text-to-image diffusion, where shapes agree."""
        theirs, own = foundation.net.state_dict(), self.net.state_dict()
        same = {k: v for k, v in theirs.items() if k in own and own[k].shape == v.shape}
        self.net.load_state_dict({**own, **same})

    # --- training

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Captioned pictures uint8 (N,C,H,W) and the tokens of what is said of them, int64 (N,T)."""
        return words.examples(split, seed)

    @torch.no_grad()
    def prepare(self, x: Tensor) -> Tensor:
        """The pictures uint8 (N,C,H,W) as latents and, in further channels, their embeddings: float16 (N,C+,8,8), before training."""
        latents, cells = super().prepare(x), self.config.cells
        parts = [part.permute(0, 2, 3, 1).cpu().numpy() for part in x.split(_EMBEDDED)]
        directions = torch.cat([self.its_clip().of_pictures(part) for part in parts]).half()
        filled = F.pad(directions, (0, -directions.shape[1] % cells**2)).unflatten(1, (-1, cells, cells))
        return torch.cat([latents, filled.to(latents.device)], 1)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Both losses, of pictures or of what :meth:`prepare` makes of them; ``labels`` are their tokens int64 (B,T)."""
        prepared = self.prepare(x) if x.dtype == torch.uint8 else x
        x_0, more = prepared.float().split([self.shape[0], prepared.shape[1] - self.shape[0]], 1)
        direction = F.normalize(more.flatten(1)[:, : self.config.clip_size], dim=1)
        decoder = self._decoder_loss(x_0, direction, generator)
        prior = self._prior_loss(direction, labels, generator)
        return {"loss": decoder + prior, "decoder": decoder, "prior": prior}

    def _decoder_loss(self, x_0: Tensor, direction: Tensor, generator: torch.Generator) -> Tensor:
        """Flow matching's loss in v, as of ``text_to_image.py``."""
        log_snr = self.training_log_snr(len(x_0), generator).to(x_0.device)
        alpha, sigma = (scale[:, None, None, None] for scale in alpha_sigma(log_snr))
        epsilon = _normal(x_0, generator)
        condition = self.scaled(direction) * self._kept(len(x_0), self.config.embedding_dropout, generator)
        v_pred = self(alpha * x_0 + sigma * epsilon, log_snr, condition).float()
        v = alpha * epsilon - sigma * x_0  # Salimans and Ho 2022, section 4
        return ((alpha + sigma).square() * (v_pred - v).square()).mean()

    def _prior_loss(self, direction: Tensor, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """The squared error of the clean embedding (eq. 2)."""
        log_snr = self.training_log_snr(len(tokens), generator).to(tokens.device)
        alpha, sigma = (scale[:, None] for scale in alpha_sigma(log_snr))
        e_0 = self.scaled(direction)
        e_t = alpha * e_0 + sigma * _normal(e_0, generator)
        if self.training:
            dropout = (self.config.word_dropout, self.config.prompt_dropout)
            tokens = words.forgetful(tokens, *dropout, generator)
        return (self.prior(e_t, log_snr, tokens, self.said(tokens)) - e_0).square().mean()

    def _kept(self, count: int, dropout: float, generator: torch.Generator) -> Tensor:
        """1 or, ``dropout`` so often, 0: (B,1)."""
        uniforms = torch.rand((count, 1), generator=generator, device=generator.device)
        return (uniforms >= dropout).float().to(self.device)

    # --- directions

    def scaled(self, direction: Tensor) -> Tensor:
        """A direction (B,E) with numbers of a spread of one."""
        return direction * math.sqrt(self.config.clip_size)

    def said(self, tokens: Tensor) -> Tensor:
        """Where CLIP puts words int64 (B,T), scaled (B,E); zeros if nothing is said."""
        something = (tokens > 0).any(1, keepdim=True)
        return self.scaled(self.its_clip().of_tokens(tokens).detach()) * something

    @torch.no_grad()
    def directions_of(self, images: np.ndarray) -> Tensor:
        """Pictures uint8 (N,H,W,C) -> float32 (N,E)."""
        return self.its_clip().of_pictures(images)

    @torch.no_grad()
    def directions_of_words(self, prompts: Any) -> Tensor:
        """Where words point, without the prior: float32 (N,E)."""
        return self.its_clip().of_prompts(prompts)

    @torch.no_grad()
    def directions_for(self, request: UnCLIPRequest) -> Tensor:
        """What the prior draws for each sample of a request: float32 (B,E) of length 1."""
        tokens, negative = (torch.from_numpy(t).to(self.device) for t in words.tokens_of(request))
        indices = range(request.first_index, request.first_index + request.num_samples)
        grid = Grid.make(request.prior_steps, self.config.log_snr_min)
        start = torch.from_numpy(noise.normal(request.seed, indices, "e_T", (self.config.clip_size,)))
        denoise = self._prior_denoiser(tokens, negative, request.prior_guidance)
        begin = SamplerState(0, start.to(self.device))
        *_, end = SAMPLERS["ddim"](denoise, grid, begin, lambda step: start)  # which adds no fresh noise
        return F.normalize(end.x_t, dim=1)

    def _prior_denoiser(self, tokens: Tensor, negative: Tensor, scale: float) -> Denoise:
        both = torch.cat([tokens, negative]) if scale != 1 else tokens
        said = self.said(both)

        def denoise(e_t: Tensor, log_snr: float) -> Tensor:
            times = len(both) // len(e_t)
            level = torch.full((len(both),), log_snr, device=e_t.device)
            found = self.prior(e_t.repeat(times, 1), level, both, said)
            if times == 1:
                return found
            with_words, without = found.chunk(2)
            return without + scale * (with_words - without)

        return denoise

    # --- pictures

    @torch.no_grad()
    def one_pass(self) -> None:
        """Eight guided pictures, for the probe."""
        condition = torch.zeros(8, self.config.clip_size, device=self.device)
        self.denoiser_of(condition, 1.5)(torch.zeros(8, *self.shape, device=self.device), 0.0)

    def denoiser_of(self, directions: Tensor, scale: float) -> Denoise:
        """The function (x_t, log_snr) -> x_0_pred of pictures that point in these directions (B,E)."""
        net, condition = self.sampling_net, self.scaled(directions)
        both = torch.cat([condition, torch.zeros_like(condition)]) if scale != 1 else condition

        def denoise(x_t: Tensor, log_snr: float) -> Tensor:
            alpha, sigma = math.sqrt(sigmoid(log_snr)), math.sqrt(sigmoid(-log_snr))
            times = len(both) // len(x_t)
            level = torch.full((len(both),), log_snr, device=x_t.device)
            v_pred = net(x_t.repeat(times, 1, 1, 1), level, both).float()
            if times == 2:
                v_conditional, v_free = v_pred.chunk(2)
                v_pred = v_free + scale * (v_conditional - v_free)  # Ho and Salimans 2022, eq. 6
            return alpha * x_t - sigma * v_pred  # Salimans and Ho 2022, section 4

        return denoise

    @torch.no_grad()
    def sample(self, request: UnCLIPRequest, resume: State | None = None) -> Iterator[Frame]:
        """The prior first, at once; then pure noise, and one frame per step of the decoder, as of ``text_to_image.py``.

        Extras: ``direction`` float32 (B,E), what the prior has drawn; ``latent``; ``t``, ``alpha_bar``, ``sigma``, ``log_snr``; in the
        first frame ``readings``.
        """
        if resume is None:
            directions = self.directions_for(request)
        else:
            directions = torch.from_numpy(resume["direction"].copy()).to(self.device)
        prior = request.prior_steps * (1 if request.prior_guidance == 1 else 2)
        frames = self.draw_directions(directions, request, resume, prior)
        if resume is None:
            yield words.introduced(next(frames), request)
        yield from frames

    @torch.no_grad()
    def draw_directions(
        self,
        directions: Tensor,
        request: PromptRequest,
        resume: State | None = None,
        passes_before: int = 0,
        one_noise: bool = False,
    ) -> Iterator[Frame]:
        """Pictures that point in these directions (B,E): pure noise first, then a frame per step of the decoder.

        With ``one_noise`` all of them begin with that of the first.
        """
        own = self.uniforms(replace(request, num_samples=1) if one_noise else request)

        def draw(name: str, step: int = 0) -> Tensor:
            return own(name, step).expand(len(directions), -1, -1, -1)

        grid = Grid.make(request.num_steps, self.config.log_snr_min)
        moment = (
            SamplerState(0, draw("x_T")) if resume is None else restored(resume, grid, request, self.device)
        )
        passes = 1 if request.guidance_scale == 1 else 2
        if resume is None:
            yield self._frame(moment, grid, passes_before, directions)
        denoise = self.denoiser_of(directions, request.guidance_scale)
        run = SAMPLERS[request.sampler](denoise, grid, moment, lambda step: draw("noise", step), request.eta)
        for moment in run:
            yield self._frame(moment, grid, passes_before + moment.step * passes, directions)

    def _frame(self, moment: SamplerState, grid: Grid, passes: int, directions: Tensor) -> Frame:
        expected = moment.history[0] if moment.history else moment.x_t
        pictures, found = self.to_pictures(expected), directions.cpu().numpy().copy()
        extras = {
            "x_0_pred": pictures,
            "latent": moment.x_t.cpu().numpy().copy(),
            "direction": found,
            **self.moment(grid, moment.step),
        }
        state = {**state_of(moment, grid), "direction": found}
        return Frame(moment.step, grid.num_steps, passes, pictures, extras, state)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=generator.device).to(like.device)


MODEL = UnCLIP
RECIPES = (
    words.recipe(
        "unclip-emoji",
        UnCLIPConfig(num_words=2029),
        "kl-emoji clip-emoji",
        start_from="ldm-emoji",
        steps=2200,
        decay_steps=1500,
        learning_rate=1e-3,
        muon_learning_rate=0.01,
        warmup_steps=100,
    ),
)
