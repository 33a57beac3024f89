"""VQGAN: Esser, Rombach and Ommer, "Taming transformers for high-resolution image synthesis", CVPR 2021 (arXiv:2012.09841).

A VQ-VAE whose objective looks at more than pixels: a perceptual term compares what a trained network sees in a picture and in its
reconstruction, and late in training a discriminator judges patches (section 3.1).  So few codes cannot hold every pixel; these
terms decide what is kept.  The encoder and decoder begin as those of ``kl.py``, whose encoder is also the eye of the
perceptual term: the network that later judges samples must not have taught them.  The codebook follows the encoder by moving
averages with restarts, as in ``vqvae.py``: at this size it keeps all of its entries in use, and they lie where pictures are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, State, knob
from playground.models import noise
from playground.models.blocks import ChannelRMSNorm, from_uint8, to_uint8
from playground.models.network import Network
from playground.models.vae._quantizer import Quantizer, independent_codes, perplexity, straight_through
from playground.models.vae.kl import changed, make_decoder, make_encoder

DETERMINISTIC_LOGVAR = -30.0  # what ``encode`` reports: a code is a point
_CACHED = 64  # pictures that are decoded together
_RAMP = 100.0  # steps in which the adversarial term comes in


@dataclass(frozen=True)
class VQGANConfig:
    """Shape of the networks, and the weights of the objective's parts; widths and blocks are those of ``kl.py``."""

    image_size: int = 32
    channels: int = 3
    num_codes: int = 1024
    code_dim: int = 8  # numbers in an entry of the codebook
    width: int = 64
    num_blocks_half: int = 2
    num_blocks_encoder: int = 2
    num_blocks_decoder: int = 3
    discriminator_width: int = 48
    commitment: float = 0.25
    edge_weight: float = 1.0  # of the error of differences between neighbours
    perceptual_weight: float = 0.3
    adversarial_weight: float = 0.4  # against the slope of the error of the pixels (eq. 7)
    adversarial_from: int = 500  # steps without a discriminator
    changed_share: float = 0.5  # of the pictures of a batch that are recoloured, and so on, as for ``kl.py``


class Coder(nn.Module):
    """Encoder, codebook and decoder: what learns in one turn."""

    eye: (
        nn.Sequential | None
    )  # what the perceptual term looks through, in training; not a part of the weights

    def __init__(self, config: VQGANConfig) -> None:
        super().__init__()
        shape = (config.channels, config.width, config.num_blocks_half)
        self.encoder = make_encoder(*shape, config.num_blocks_encoder, config.code_dim)
        self.quantizer = Quantizer(1, config.num_codes, config.code_dim)
        self.decoder = make_decoder(*shape, config.num_blocks_decoder, config.code_dim)
        self.__dict__["eye"] = None

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Pictures in [-1, 1] (B,C,H,W) -> reconstructions, how different these look to the eye, encodings (B,H/4,W/4,D),
        their codes (...,1) and entries (...,D)."""
        vectors = self.encoder(pictures).float().permute(0, 2, 3, 1)
        with torch.autocast(pictures.device.type, enabled=False):
            codes = self.quantizer.nearest(vectors)
            quantized = self.quantizer.look_up(codes)
        passed = straight_through(vectors, quantized).permute(0, 3, 1, 2)
        recon = self.decoder(passed).float()
        return recon, self.perceptual(recon, pictures), vectors, codes, quantized

    def perceptual(self, one: Tensor, other: Tensor) -> Tensor:
        """How differently the eye sees two batches of pictures: squared distance of its unit features at both resolutions (as
        LPIPS, arXiv:1801.03924, with all channels alike); 0 without an eye."""
        if self.eye is None:
            return one.new_zeros(())
        pairs = zip(_seen(self.eye, one), _seen(self.eye, other), strict=True)
        return sum((a - b).square().sum(1).mean() for a, b in pairs)  # type: ignore[return-value]


class PatchDiscriminator(nn.Module):
    """Pictures (B,C,H,W) -> logits that patches of them are real, (B,1,H/4,W/4) (Isola et al. 2017, arXiv:1611.07004)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.to_half = nn.Conv2d(channels, width, 4, 2, 1)
        self.to_quarter = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.norm = ChannelRMSNorm(2 * width)
        self.mix = nn.Conv2d(2 * width, 2 * width, 3, padding=1)
        self.norm_out = ChannelRMSNorm(2 * width)
        self.head = nn.Conv2d(2 * width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.to_half(x), 0.2)
        h = F.leaky_relu(self.norm(self.to_quarter(h)), 0.2)
        h = F.leaky_relu(self.norm_out(self.mix(h)), 0.2)
        return self.head(h).float()


@dataclass(frozen=True)
class VQGANRequest(Request):
    """What to decode."""

    prior: str = knob(
        "frequencies",
        label="prior",
        choices=(("frequencies", "as often as they occur"), ("uniform", "every code alike")),
        help="Where the codes are drawn, each without a look at its neighbours. Either way the picture is a heap of pieces: which codes go together, a model on top has to learn.",
    )


class VQGAN(Network):
    """Pictures to a grid of 8x8 codes and back; nothing here knows which codes go together, so it cannot draw."""

    family = "vae"
    system = "VQGAN (without a transformer)"
    paper = "Esser, Rombach and Ommer 2021, arXiv:2012.09841"
    differs = "The perceptual term is taken from the encoder of kl-emoji in place of VGG, and the codebook follows by moving averages."
    Config = VQGANConfig
    Request = VQGANRequest
    likelihood = "none"
    num_threads: int | None = None
    sample_bytes = 2**21
    decoded_together = 1
    turns = ("coder", "discriminator")
    steps_done: Tensor

    def __init__(self, config: VQGANConfig) -> None:
        super().__init__()
        self.config = config
        self.num_codes = config.num_codes
        side = config.image_size // 4
        self.code_shape = (side, side, 1)
        self.latent_shape = (config.code_dim, side, side)
        self.coder = Coder(config)
        self.discriminator = PatchDiscriminator(config.channels, config.discriminator_width)
        self.register_buffer("steps_done", torch.zeros(()))

    @property
    def quantizer(self) -> Quantizer:
        """The codebook."""
        return self.coder.quantizer

    # --- training

    def learn_from(self, foundation: Any) -> None:
        """Begin as a KL autoencoder, whose encoder is kept as the eye of the perceptual term; it is not saved with the model."""
        weights = {f"encoder.{k}": v for k, v in foundation.encoder.state_dict().items()}
        weights |= {f"decoder.{k}": v for k, v in foundation.decoder.state_dict().items()}
        own = self.coder.state_dict()
        # the last layer of the encoder also gives log variances there
        self.coder.load_state_dict({k: weights[k][: len(v)] if k in weights else v for k, v in own.items()})
        device = self.steps_done.device
        self.coder.__dict__["eye"] = foundation.encoder.to(device).eval().requires_grad_(False)

    def loss(  # type: ignore[override]  # in turns, as a GAN's
        self, x: Tensor, labels: Tensor, generator: torch.Generator, turn: str
    ) -> dict[str, Tensor]:
        """The losses of section 3.1 in the turn of the coder or of the discriminator; labels are not used."""
        pictures = from_uint8(x)
        if self.training:
            pictures = changed(pictures, self.config.changed_share, generator)
        if turn == "coder":
            return self._coder_loss(pictures, generator)
        return self._discriminator_loss(pictures)

    def _coder_loss(self, pictures: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        config = self.config
        recon, perceptual, vectors, codes, quantized = self.coder(pictures)
        error = recon - pictures
        pixels = error.abs().mean() + error.square().mean()
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        commitment = (vectors - quantized).square().mean()
        likeness = pixels + config.edge_weight * edges
        if self.training:
            self.quantizer.follow(vectors.detach().flatten(0, 2), codes.flatten(0, 2), generator)
            self.steps_done += 1
        figures = {
            "reconstruction": pixels,
            "perceptual": perceptual,
            "commitment": commitment,
            "perplexity": perplexity(codes, self.num_codes),
            "psnr": -10 * torch.log10(error.square().mean((1, 2, 3)) / 4).mean(),
        }
        loss = likeness + config.perceptual_weight * perceptual + config.commitment * commitment
        if self.share_of_adversary > 0 and torch.is_grad_enabled():
            figures["adversarial"], slope = self._asked(recon)
            weight = self.share_of_adversary * _ratio(likeness, recon, slope)
            # its slope is known already: the discriminator is gone through once, and this has the term's value and that slope
            moved = (recon * slope).sum()
            loss = loss + weight * (figures["adversarial"] + moved - moved.detach())
        elif self.training:
            figures["adversarial"] = torch.zeros_like(loss)
        return {"loss": loss, **figures}

    def _asked(self, recon: Tensor) -> tuple[Tensor, Tensor]:
        """The adversarial term of reconstructions (B,C,H,W), and its slope there."""
        shown = recon.detach().requires_grad_()
        term = -self.discriminator(shown).mean()
        return term.detach(), torch.autograd.grad(term, shown)[0]

    def _discriminator_loss(self, pictures: Tensor) -> dict[str, Tensor]:
        """The hinge loss over patches; nothing to learn before its time."""
        if self.share_of_adversary == 0:
            return {"loss": 0 * self.discriminator(pictures[:1]).mean()}
        with torch.no_grad():
            vectors = self.coder.encoder(pictures).float().permute(0, 2, 3, 1)
            recon = self.decode(self.vectors_of(self.quantizer.nearest(vectors)))
        on_real, on_fake = self.discriminator(torch.cat([pictures, recon])).chunk(2)
        return {"loss": (F.relu(1 - on_real) + F.relu(1 + on_fake)).mean()}

    @property
    def share_of_adversary(self) -> float:
        """What the adversarial term weighs by now, 0 before it begins."""
        late = (float(self.steps_done) - self.config.adversarial_from) / _RAMP
        return self.config.adversarial_weight * min(1.0, max(0.0, late))

    @torch.no_grad()
    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """After training: how often each code occurs in some 4,000 of the pictures ``x``."""
        device = self.steps_done.device
        parts = x[:: max(1, len(x) // 4000)].split(500)
        self.quantizer.count(torch.cat([self.encode_codes(part.to(device)) for part in parts]))

    # --- pictures, codes and what these stand for

    @torch.no_grad()
    def encode_vectors(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> what its codes are the nearest entries to, float32 (B, *latent_shape)."""
        vectors: Tensor = self.coder.encoder(from_uint8(x)).float()
        return vectors

    @torch.no_grad()
    def encode_codes(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> code numbers, int64 (B,*code_shape)."""
        return self.quantizer.nearest(self.encode_vectors(x).permute(0, 2, 3, 1))

    @torch.no_grad()
    def decode_codes(self, codes: Tensor) -> Tensor:
        """``codes`` int64 (B,*code_shape) -> a picture in [-1, 1], (B,C,H,W)."""
        return self.decode(self.vectors_of(codes))

    def vectors_of(self, codes: Tensor) -> Tensor:
        """The entries that ``codes`` (B,*code_shape) name, (B, *latent_shape)."""
        return self.quantizer.look_up(codes).permute(0, 3, 1, 2)

    def decode_vectors(self, vectors: Tensor) -> Tensor:
        """``vectors`` (B, *latent_shape), which need not be entries of the codebook -> a picture in [-1, 1]."""
        return self.decode(vectors)

    def decode(self, z: Tensor) -> Tensor:
        """The same by the name that autoencoders give it."""
        return torch.cat([self.coder.decoder(part).float() for part in z.split(_CACHED)]).clamp(-1, 1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> the entries of its codes, and a log variance that says they are points."""
        mu = self.vectors_of(self.encode_codes(x))
        return mu, torch.full_like(mu, DETERMINISTIC_LOGVAR)

    # --- frames

    @torch.no_grad()
    def sample(self, request: VQGANRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw every code by itself and decode the grid: one frame, whose state holds the codes."""
        if resume is None:
            indices = range(request.first_index, request.first_index + request.num_samples)
            uniforms = noise.uniform(request.seed, indices, "codes", self.code_shape)
            yield from self.code_frames(
                independent_codes(self.quantizer, uniforms, request.prior == "uniform")
            )
        elif "codes" in resume:
            yield from self.code_frames(resume["codes"])
        else:
            yield from self.decode_frames(resume["z"])

    @torch.no_grad()
    def code_frames(self, codes: np.ndarray) -> Iterator[Frame]:
        """The frame of given ``codes`` int64 (B,*code_shape): it carries them, and as ``latent`` what they stand for."""
        given = torch.from_numpy(np.ascontiguousarray(codes, np.int64)).to(self.steps_done.device)
        z = self.vectors_of(given)
        extras = {"codes": codes, "latent": z.cpu().numpy()}
        yield Frame(1, 1, 1, to_uint8(self.decode(z)), extras, {"codes": codes})

    @torch.no_grad()
    def decode_frames(self, z: np.ndarray, output: str = "mean") -> Iterator[Frame]:
        """The frame of vectors that need not be entries of the codebook, ``z`` float32 (B, *latent_shape)."""
        latents = torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(self.steps_done.device)
        yield Frame(1, 1, 1, to_uint8(self.decode(latents)), {"latent": z}, {"z": z})

    @torch.no_grad()
    def reconstruct_frames(self, x: np.ndarray) -> Iterator[Frame]:
        """Pictures uint8 (B,H,W,C) as codes and back; the frame carries ``codes`` and ``latent``."""
        pixels = torch.from_numpy(np.array(x)).permute(0, 3, 1, 2).to(self.steps_done.device)
        for frame in self.code_frames(self.encode_codes(pixels).cpu().numpy()):
            yield Frame(1, 1, 2, frame.images, frame.extras, frame.state)


def _seen(eye: nn.Sequential, pictures: Tensor) -> list[Tensor]:
    """Unit features (B,D,H,W) of a KL autoencoder's encoder: at the end of its half resolution, and before its last layer."""
    found, h = [], pictures
    layers = list(eye)[:-1]
    second = [i for i, layer in enumerate(layers) if isinstance(layer, nn.PixelUnshuffle)][1]
    for i, layer in enumerate(layers):
        h = layer(h)
        if i in (second - 1, len(layers) - 1):
            found.append(F.normalize(h.float(), dim=1))
    return found


def _ratio(likeness: Tensor, recon: Tensor, slope: Tensor) -> Tensor:
    """Eq. 7: how much steeper the error of the pixels is than the adversarial term, whose slope is given, both at the reconstruction
    ``recon`` (the paper takes them at the decoder's last layer, one step further back)."""
    (steep,) = torch.autograd.grad(likeness, recon, retain_graph=True)
    return (steep.norm() / (slope.norm() + 1e-6)).clamp(0, 1e3).detach()


MODEL = VQGAN
RECIPES = (
    Recipe(
        id="vqgan-emoji",
        config=VQGANConfig(),
        dataset="emoji",
        start_from="kl-emoji",
        steps=900,
        batch_size=64,
        optimizer="muon",
        muon_learning_rate=0.005,
        learning_rate=1e-3,
        learning_rates={"discriminator": 0.5},
        warmup_steps=30,
        ema=0.99,
        snapshot={"num_samples": 10},
    ),
)
