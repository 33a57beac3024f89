"""What a network that speaks is told at every 5 ms: which word, in which voice, and where in it we are; see ``wavenet.py``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.data import mel, spoken_words
from playground.models.autoregressive._sound_run import LENGTH, STRIDE


@dataclass(frozen=True)
class ConditionConfig:
    """Shape of what it is told."""

    num_bands: int = 32  # of a word's spectrogram
    num_directions: int = 10  # in which the spectrogram of a word differs from voice to voice
    voice_width: int = 32
    time_width: int = 16
    condition_width: int = 96
    num_words: int = len(spoken_words.WORDS)
    num_voices: int = len(spoken_words.VOICES)


class Condition(nn.Module):
    """What every layer is told at each 5 ms, computed once a clip."""

    spectra: Tensor
    directions: Tensor
    coordinates: Tensor

    def __init__(self, config: ConditionConfig, outputs: int) -> None:
        super().__init__()
        self.config = config
        num_words, num_directions = config.num_words, config.num_directions
        width = config.condition_width
        self.num_strides = LENGTH // STRIDE
        shape = (config.num_bands, LENGTH // mel.HOP)
        # kept in the checkpoint: the mean of each word, in which directions voices differ from it, and where each voice lies
        self.register_buffer("spectra", torch.zeros(num_words, *shape))
        self.register_buffer("directions", torch.zeros(num_words, num_directions, *shape))
        self.register_buffer("coordinates", torch.zeros(num_words, config.num_voices, num_directions))
        self.voice = nn.Embedding(config.num_voices + 1, config.voice_width)  # the last is no voice
        self.time = nn.Embedding(self.num_strides, config.time_width)
        self.mix = nn.Conv1d(config.num_bands + config.voice_width + config.time_width, width, 5, padding=2)
        self.mix_again = nn.Conv1d(width, width, 5, padding=2)
        self.to_layers = nn.Linear(width, outputs)
        for table in (self.voice, self.time):
            nn.init.normal_(table.weight, std=0.5)

    def hear_words(self, codes: np.ndarray, words: np.ndarray, voices: np.ndarray) -> None:
        """Take the principal components of each word's spectrograms from clips uint8 (N,1,T,1), one in each voice."""
        heard = torch.from_numpy(mel.spectrogram(codes[:, 0, :, 0], self.config.num_bands))
        means = torch.stack([heard[words == word].mean(0) for word in range(self.config.num_words)])
        heard = (heard - means.mean()) / means.std()
        for word in range(self.config.num_words):
            own = heard[words == word]
            self.spectra[word] = own.mean(0)
            u, s, vh = torch.linalg.svd((own - own.mean(0)).flatten(1), full_matrices=False)
            count = min(self.config.num_directions, len(s))
            self.directions[word, :count] = vh[:count].view(count, *own.shape[1:])
            self.coordinates[word, voices[words == word], :count] = u[:, :count] * s[:count]

    def spectra_of(self, words: Tensor, voices: Tensor) -> Tensor:
        """``words`` and ``voices`` int64 (B,), -1 for no voice -> what is to be heard, (B, bands, T/80); the mean where no voice is said."""
        known = (voices >= 0)[:, None]
        coordinates = self.coordinates[words, voices.clamp(min=0)] * known
        return self.spectra[words] + torch.einsum("br,brkt->bkt", coordinates, self.directions[words])

    def forward(self, words: Tensor, voices: Tensor) -> Tensor:
        """``words`` and ``voices`` int64 (B,) -> (B, T/40, outputs)."""
        batch, config = len(words), self.config
        spectra = F.interpolate(self.spectra_of(words, voices), size=self.num_strides, mode="linear")
        voice = self.voice(torch.where(voices < 0, config.num_voices, voices))
        voice = voice[:, :, None].expand(-1, -1, self.num_strides)
        time = self.time.weight.T.expand(batch, -1, -1)
        h = F.silu(self.mix(torch.cat([spectra, voice, time], 1)))
        h = h + F.silu(self.mix_again(h))
        out: Tensor = self.to_layers(h.transpose(1, 2))
        return out
