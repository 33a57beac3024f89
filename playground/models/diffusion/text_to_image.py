"""Text-to-image latent diffusion: words become colour pictures, the shape of Stable Diffusion.

Rombach, Blattmann, Lorenz, Esser and Ommer, CVPR 2022 (arXiv:2112.10752), with the joint attention of Esser et al. 2024
("Stable Diffusion 3", arXiv:2403.03206): the places of the latent and the words of the prompt are tokens of one sequence, in
which everything looks at everything, so that what a place takes from a word can be read off.  The words' vectors are learned with
the rest; their mean also scales, shifts and gates every block (adaLN-Zero: Peebles and Xie 2023, arXiv:2212.09748).  Training
forgets some prompts and some words, for classifier-free guidance (Ho and Salimans 2022).  The latents are those of ``vae/kl.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from playground.contract import Frame, State, knob
from playground.data import Split
from playground.models import words
from playground.models.diffusion.ddpm import restored, state_of
from playground.models.diffusion.latents import LatentDiffusion, PromptRequest
from playground.models.diffusion.samplers import SAMPLERS, Denoise, Grid, SamplerState
from playground.models.diffusion.schedule import alpha_sigma, sigmoid
from playground.models.diffusion.text_dit import TextDiffusionConfig, TextDiT

Walk = tuple[str, tuple[float, ...]]  # a prompt, and how near to it the words of each sample lie, 0..1


@dataclass(frozen=True)
class TextRequest(PromptRequest):
    """What to draw, and how to walk back from noise."""

    word_order: bool = knob(
        True,
        label="word_order",
        fold=True,
        help="Off: the words lose their places in the prompt, as in a bag. Training forgot the order of one prompt in ten, so the network knows such prompts, but no longer which colour belongs to which thing.",
    )
    strengths: tuple[float, ...] = ()  # of the words, the first first; 1 is as trained
    tells_looks: bool = False  # whether frames say what each place took from each word, which takes longer


class TextDiffusion(LatentDiffusion):
    """Diffusion of the latents that ``build_on``'s autoencoder makes of a picture, told words."""

    system = "Text-to-image latent diffusion (Stable Diffusion)"
    paper = "Rombach et al. 2022, arXiv:2112.10752; Esser et al. 2024, arXiv:2403.03206"
    differs = "Words are read from a table of vectors learned with the rest, not by a language model trained before."
    likelihood = "none"
    Config = TextDiffusionConfig
    Request = TextRequest

    def make_net(self, config: TextDiffusionConfig) -> nn.Module:
        """A transformer over places and words."""
        return TextDiT(config)

    def forward(self, x_t: Tensor, log_snr: Tensor, tokens: Tensor, ordered: Tensor | None = None) -> Tensor:
        """v_pred (B,C,H,W) of ``x_t`` (B,C,H,W) at ``log_snr`` (B,), told ``tokens`` (B,T); zeros say nothing."""
        return self.net(x_t, log_snr, tokens, ordered)

    # --- training

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Pictures uint8 (N,C,H,W) and tokens int64 (N,T): captioned ones, or the drawings of another split."""
        return words.examples(split, seed)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Flow matching's loss in v (see ``ddpm.py``): ``x`` pictures or latents, ``labels`` their tokens int64 (B,T)."""
        x_0 = self.to_x_0(x)
        log_snr = self.training_log_snr(len(x), generator).to(x.device)
        alpha, sigma = (scale[:, None, None, None] for scale in alpha_sigma(log_snr))
        epsilon = torch.randn(x_0.shape, generator=generator, device=generator.device).to(x.device)
        tokens = self.forgetful(labels, generator)
        x_t = alpha * x_0 + sigma * epsilon
        v = alpha * epsilon - sigma * x_0  # Salimans and Ho 2022, section 4
        share = torch.rand(len(x_0), generator=generator, device=generator.device).to(x.device)
        v_pred = self(x_t, log_snr, tokens, share >= self.config.order_dropout)
        return {"loss": ((alpha + sigma).square() * (v_pred.float() - v).square()).mean()}

    def forgetful(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Some words, and some whole prompts, left out: int64 (B,T)."""
        return words.forgetful(tokens, self.config.word_dropout, self.config.prompt_dropout, generator)

    # --- sampling

    @torch.no_grad()
    def one_pass(self) -> None:
        """Eight guided pictures, for the probe."""
        x_t = torch.zeros(8, *self.shape, device=self.device)
        tokens = torch.zeros(8, self.config.num_tokens, dtype=torch.long, device=self.device)
        self.text_denoiser(tokens, tokens, 1.5)(x_t, 0.0)

    def tokens_of(self, request: TextRequest) -> tuple[Tensor, Tensor]:
        """Tokens of the prompt and of the negative prompt for each sample, int64 (B,T) each."""
        wanted, negative = words.tokens_of(request)
        return torch.from_numpy(wanted).to(self.device), torch.from_numpy(negative).to(self.device)

    @torch.no_grad()
    def sample(self, request: TextRequest, resume: State | None = None) -> Iterator[Frame]:
        """Pure noise first, then one frame per step: ``images`` is the expected picture, decoded (at first the noise).

        Extras: ``latent`` float32 (B,C,8,8), the noisy one; ``tokens`` int64 (B,T); ``t``, ``alpha_bar``, ``sigma``, ``log_snr``; in
        the first frame ``readings``, knob -> what was understood of each of its prompts; and if the request wants it ``looks``
        float32 (B,T,8,8), how much each place took from each word in the step before, the mean over blocks and heads.
        Every frame has a state; continuing it under another prompt branches off.
        """
        draw = self.uniforms(request)
        grid = Grid.make(request.num_steps, self.config.log_snr_min)
        moment = (
            SamplerState(0, draw("x_T")) if resume is None else restored(resume, grid, request, self.device)
        )
        tokens, _ = self.tokens_of(request)
        looks: list[Tensor] | None = [] if request.tells_looks else None
        denoise = self.prompt_denoiser(request, looks)
        passes = 1 if request.guidance_scale == 1 else 2
        if resume is None:
            yield words.introduced(self._frame(moment, grid, 0, tokens, looks), request)
        run = SAMPLERS[request.sampler](denoise, grid, moment, lambda step: draw("noise", step), request.eta)
        for moment in run:
            yield self._frame(moment, grid, moment.step * passes, tokens, looks)

    def prompt_denoiser(
        self, request: TextRequest, looks: list[Tensor] | None = None, towards: Walk | None = None
    ) -> Denoise:
        """What a request's prompts, strengths and guidance make of :meth:`text_denoiser`.

        ``towards``: the prompt at the other end of a walk, and how far on it each sample lies, 0..1.
        """
        tokens, negative = self.tokens_of(request)
        other = None
        if towards is not None:
            far, _ = self.tokens_of(replace(request, prompt=towards[0], each=()))
            other = far, torch.tensor(towards[1], dtype=torch.float32, device=self.device)
        return self.text_denoiser(
            tokens, negative, request.guidance_scale, looks, request.strengths, request.word_order, other
        )

    def text_denoiser(
        self,
        tokens: Tensor,
        negative: Tensor,
        scale: float,
        looks: list[Tensor] | None = None,
        strengths: tuple[float, ...] = (),
        word_order: bool = True,
        towards: tuple[Tensor, Tensor] | None = None,
    ) -> Denoise:
        """The function (x_t, log_snr) -> x_0_pred for these prompts (B,T), pushed away from the negative ones.

        ``looks`` then holds one map (B,places,T) of the last step; ``strengths`` are those of the words, 1 if left out;
        without ``word_order`` the words stand in no order; ``towards`` are other tokens (B,T) and how near to them each
        sample's words lie, 0..1 (B,).
        """
        net, count = self.sampling_net, len(tokens)
        times = torch.ones(tokens.shape, device=tokens.device)
        times[:, 1 : 1 + len(strengths)] = torch.tensor(strengths, device=tokens.device)

        def denoise(x_t: Tensor, log_snr: float) -> Tensor:
            alpha, sigma = math.sqrt(sigmoid(log_snr)), math.sqrt(sigmoid(-log_snr))
            level = torch.full((len(x_t),), log_snr, device=x_t.device)
            ordered = torch.full((len(x_t),), word_order, device=x_t.device)
            seen: list[Tensor] | None = None if looks is None else []
            if scale == 1:
                v_pred = net(x_t, level, tokens, ordered, times, seen, towards)
            else:  # with the prompt and without it, in one batch
                both, as_strong = torch.cat([tokens, negative]), torch.cat([times, torch.ones_like(times)])
                far = towards and (torch.cat([towards[0], negative]), torch.cat([towards[1], towards[1]]))
                pair = net(
                    x_t.repeat(2, 1, 1, 1), level.repeat(2), both, ordered.repeat(2), as_strong, seen, far
                )
                v_prompt, v_free = pair.chunk(2)
                v_pred = v_free + scale * (v_prompt - v_free)  # Ho and Salimans 2022, eq. 6
            if looks is not None and seen is not None:
                looks[:] = [torch.stack([s[:count] for s in seen]).mean(0)]
            return alpha * x_t - sigma * v_pred  # Salimans and Ho 2022, section 4

        return denoise

    def _frame(
        self, moment: SamplerState, grid: Grid, passes: int, tokens: Tensor, looks: list[Tensor] | None
    ) -> Frame:
        expected = (
            moment.history[0] if moment.history else moment.x_t
        )  # nothing is expected yet of pure noise
        pictures = self.to_pictures(expected)
        extras = {
            "x_0_pred": pictures,
            "latent": moment.x_t.cpu().numpy().copy(),
            "tokens": tokens.cpu().numpy(),
            **self.moment(grid, moment.step),
        }
        if looks is not None:
            side, count = self.config.cells, self.config.num_tokens
            maps = looks[0] if looks else expected.new_zeros(len(expected), side**2, count)
            extras["looks"] = maps.transpose(1, 2).unflatten(2, (side, side)).cpu().numpy()
        return Frame(moment.step, grid.num_steps, passes, pictures, extras, state_of(moment, grid))


MODEL = TextDiffusion
RECIPES = (
    words.recipe("ldm-emoji", TextDiffusionConfig(num_words=2029), "kl-emoji", steps=14000, decay_steps=2500),
)
