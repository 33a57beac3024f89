"""Diffusion that trains on all noise levels alike: log-SNRs are drawn evenly, where ``ddpm.py`` prefers the middle ones."""

from playground.contract import Recipe
from playground.models.diffusion.ddpm import Diffusion, DiffusionConfig


class EvenDiffusion(Diffusion):
    """DDPM's network, loss, samplers and knobs; one line differs."""

    system = "Diffusion, noise levels drawn evenly"

    def training_log_snr(self, count, generator):
        return super().training_log_snr(count, generator).uniform_(-10, 10, generator=generator)


MODEL = EvenDiffusion
RECIPES = (
    Recipe(id="even-fashion", config=DiffusionConfig(num_detail_blocks=3), steps=8000, batch_size=128),
)
