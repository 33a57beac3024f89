"""The judge of spoken words: a small convolutional network that says which of the fifty words a clip is.

What it sees is a mel spectrogram (``data/mel.py``).  It is trained on the training voices alone, with hiss laid under the clips, as one does
for recognisers that are to work outside a studio (multi-condition training; people understand single words in noise as loud as they are),
clips moved in time, voices moved up and down, and stripes of time and of bands blotted out (Park et al. 2019, arXiv:1904.08779);
how often it is right about voices that it never heard is printed beside every figure that it gives.  It generates nothing: its checkpoint lies in ``assets/judge``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import LikelihoodKind, Recipe
from playground.data import mel, mu_law, spoken_words
from playground.data.mel import GAIN, HOP, WINDOW


@dataclass(frozen=True)
class RecogniserConfig:
    """Shape of the network, and what is done to training clips."""

    num_bands: int = 40
    width: int = 48
    num_classes: int = len(spoken_words.WORDS)
    shift: int = 4  # spectra, in each direction
    bend: int = 3  # bands, in each direction
    longest_stripe: int = 6
    noise: float = 0.5  # in natural logarithms of energy
    label_smoothing: float = 0.1
    least_snr: float = 0.0  # dB of speech over the hiss that is laid under three clips of four, at worst
    most_snr: float = 40.0


class Recogniser(nn.Module):
    """Clips uint8 -> words."""

    family: ClassVar[str] = "judge"
    system: ClassVar[str] = "Recogniser of words"
    paper: ClassVar[str] = "Davis and Mermelstein 1980; LeCun et al. 1989"
    likelihood: ClassVar[LikelihoodKind] = "none"
    Config = RecogniserConfig
    bands: Tensor

    def __init__(self, config: RecogniserConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("bands", torch.from_numpy(mel.bands(config.num_bands)), persistent=False)
        self.stem = nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=s, padding=1, bias=False)
            for a, b, s in ((width, width, 1), (width, 2 * width, 2), (2 * width, 2 * width, 1))
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (width, width, 2 * width, 2 * width))
        self.rows = nn.Conv1d(2 * width * math.ceil(config.num_bands / 4), 2 * width, 3, padding=1)
        self.head = nn.Linear(2 * width * 4, config.num_classes)

    def spectrogram(self, x: Tensor) -> Tensor:
        """Clips uint8 (B,1,1,T) -> logarithms of energy, float32 (B, bands, T/80 + 1)."""
        return log_mel(_sound_of(x), self.bands)

    def forward(self, x: Tensor) -> Tensor:
        """Clips uint8 (B,1,1,T) -> logits (B, num_classes)."""
        return self._judge(self.spectrogram(x))

    def _judge(self, spectrogram: Tensor) -> Tensor:
        h = F.relu(self.norms[0](self.stem(spectrogram[:, None])))
        for convolution, norm in zip(self.convolutions, list(self.norms)[1:], strict=True):
            h = F.relu(norm(convolution(h)))
        h = F.relu(self.rows(h.flatten(1, 2)))  # (B, 2*width, T/320): all bands of a moment together
        return self.head(F.adaptive_avg_pool1d(h, 4).flatten(1).float())

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy; spectrograms are changed at random while training, and only then."""
        if self.training:
            heard = log_mel(_with_hiss(_sound_of(x), self.config, generator), self.bands)
            spectrogram = _changed(heard, self.config, generator)
        else:
            spectrogram = self.spectrogram(x)
        logits = self._judge(spectrogram)
        right = (logits.argmax(1) == labels).float().mean()
        smoothing = self.config.label_smoothing if self.training else 0.0
        return {"loss": F.cross_entropy(logits, labels, label_smoothing=smoothing), "accuracy": right}


def log_mel(sound: Tensor, bands: Tensor) -> Tensor:
    """Pressures float32 (B,T) -> log energy, float32 (B, bands, T/80 + 1); about 0 where there is silence."""
    sound = F.pad(sound, (WINDOW // 2, WINDOW // 2))
    pieces = sound.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW, device=sound.device)
    power = torch.fft.rfft(pieces).abs().square()  # (B, moments, WINDOW/2 + 1)
    return torch.log1p(GAIN * power @ bands.T).transpose(1, 2)


def _sound_of(x: Tensor) -> Tensor:
    """Mu-law clips uint8 (B,1,1,T) -> pressures, float32 (B,T)."""
    table = torch.from_numpy(mu_law.decode(np.arange(256, dtype=np.uint8))).to(x.device)
    return table[x[:, 0, 0].long()]


def _with_hiss(sound: Tensor, config: RecogniserConfig, generator: torch.Generator) -> Tensor:
    """Pressures (B,T) with white noise under three clips of four, between ``least_snr`` and ``most_snr`` below what is said."""
    u = torch.rand(2, len(sound), 1, generator=generator).to(sound.device)
    below = config.least_snr + u[0] * (config.most_snr - config.least_snr)
    loudness = sound.square().mean(1, keepdim=True).sqrt() * 10 ** (-below / 20) * (u[1] < 0.75)
    return sound + loudness * torch.randn(sound.shape, generator=generator).to(sound.device)


def _changed(x: Tensor, config: RecogniserConfig, generator: torch.Generator) -> Tensor:
    """Spectrograms (B,bands,moments), each moved in time and in pitch, made louder and noisy, with two stripes blotted out."""
    batch, bands, moments = x.shape
    u = torch.rand(8, batch, 1, generator=generator).to(x.device)
    rows = torch.arange(bands, device=x.device) - ((2 * u[0] - 1) * config.bend).round().long()
    columns = torch.arange(moments, device=x.device) - ((2 * u[1] - 1) * config.shift).round().long()
    numbers = torch.arange(batch, device=x.device)[:, None, None]
    x = x[numbers, rows.clamp(0, bands - 1)[:, :, None], columns.clamp(0, moments - 1)[:, None, :]]
    blotted = _stripe(rows, u[2], u[3], config.longest_stripe)[:, :, None]
    blotted = blotted | _stripe(columns, u[4], u[5], config.longest_stripe)[:, None, :]
    x = x * (0.8 + 0.4 * u[6][:, :, None])
    noise = torch.randn(x.shape, generator=generator).to(x.device) * u[7][:, :, None] * config.noise
    return torch.where(blotted, 0.0, (x + noise).clamp(min=0))


def _stripe(places: Tensor, where: Tensor, length: Tensor, longest: int) -> Tensor:
    start = where * places.shape[1]
    return (places >= start) & (places < start + length * longest)


MODEL = Recogniser
RECIPES = (
    Recipe(
        id="recogniser-words",
        config=RecogniserConfig(),
        dataset="words",
        steps=900,
        batch_size=64,
        learning_rate=2e-3,
        final_learning_rate=0.0,
        warmup_steps=50,
        betas=(0.9, 0.95),
        weight_decay=0.02,
        ema=0.0,
        compile=False,
    ),
)
