"""What models of pictures can do besides sampling, see the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from playground.contract import Frame, Model, Request, Score

if TYPE_CHECKING:
    from torch import Tensor

Precision = Literal["fp32", "bf16"]


# --- likelihoods


@runtime_checkable
class Scores(Model, Protocol):
    """Has a likelihood, a bound or an energy."""

    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """``x`` uint8 (B,C,H,W); one score per image."""


@runtime_checkable
class ImportanceWeighted(Scores, Protocol):
    """Its bound becomes tighter the more codes are drawn (Burda, Grosse and Salakhutdinov 2015)."""

    num_dims: int  # numbers of a picture

    def importance_weighted_bound(self, x: Tensor, k: int = 64, seed: int = 0) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> the bound with ``k`` weights in bits/dim, (B,)."""

    def weights_in_turn(self, x: Tensor, k: int, seed: int = 0) -> Iterator[Tensor]:
        """The ``k`` log-weights of each picture one after the other, each (B,), in nats."""


@runtime_checkable
class SplitsElbo(Model, Protocol):
    """Its bound has a price of the picture given the code, and a price of the code."""

    def elbo_parts(self, x: Tensor, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> reconstruction, KL and standard error of the first, each (B,) in bits/dim."""


@runtime_checkable
class PricesReconstruction(Model, Protocol):
    """Says what a picture costs given its code; the code has no price."""

    def reconstruction_bits(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> bits/dim, (B,)."""


@runtime_checkable
class HasEnergy(Scores, Protocol):
    """Its score is an energy, in nats up to a constant of its own."""

    num_compared: int  # images of each kind that are compared in histograms: a slow energy takes fewer


@runtime_checkable
class EstimatesPartition(Scores, Protocol):
    """The constant of its energy can be estimated, so that energies become likelihoods."""

    energy_is_bound: (
        bool  # its score is never below the energy that is meant, so that likelihoods become bounds
    )

    def binarise(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> the states whose energies are meant, (B,D)."""

    def log_partition(self, base: Tensor) -> tuple[float, float]:
        """From the mean of training's states (D,): log Z in nats, and its standard error."""


# --- latents


@runtime_checkable
class Decodes(Model, Protocol):
    """Turns a latent into a picture in one go."""

    latent_shape: tuple[int, ...]

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B, *latent_shape) -> mean picture in [-1, 1], (B,C,H,W)."""


@runtime_checkable
class DecodesFrames(Decodes, Protocol):
    """Does so for sliders and planes: from a latent that was pointed at to a frame."""

    decoded_together: int  # so many pictures take as long as one

    def decode_frames(self, z: np.ndarray, *how: Any, **more: Any) -> Iterator[Frame]:
        """``z`` float32 (B,D); then ``output``, ``seed`` and ``first_index`` where pixels can be drawn, ``labels`` where told."""


@runtime_checkable
class Encodes(Model, Protocol):
    """Turns a picture into a latent."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> ``mu`` and ``logvar``, each (B, *latent_shape)."""


@runtime_checkable
class Reconstructs(DecodesFrames, Encodes, Protocol):
    """Encodes a picture and decodes it again."""

    def reconstruct_frames(self, x: np.ndarray, *how: Any, **more: Any) -> Iterator[Frame]:
        """Pictures uint8 (B,H,W,C); the frame carries their ``latent``.  ``labels`` where the model is told classes."""


@runtime_checkable
class Invertible(Reconstructs, Protocol):
    """Its latent is the picture in other numbers: nothing is lost either way."""

    def to_z(self, y: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Grey levels in [0, 256), (B,C,H,W) -> the last state, and log |det| (B,)."""

    def from_z(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """``z`` (B,D) -> grey levels, (B,C,H,W)."""


@runtime_checkable
class MeasuresInformation(Encodes, Protocol):
    """Knows how much each number of a code says about the picture."""

    latent_shape: tuple[int, ...]

    def kl_per_dimension(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> KL in nats, (B, *latent_shape)."""


@runtime_checkable
class ClassConditional(Model, Protocol):
    """Its request has a ``label`` field, ``EACH_CLASS`` or 0..num_classes-1."""

    num_classes: int


@runtime_checkable
class ReadsPrompts(Model, Protocol):
    """Draws what words say: its request has ``prompt``, ``style`` and ``each``, (style, prompt) of every sample."""

    def remarks(self, prompt: str) -> str:
        """What a person should know of how a prompt is read: sentences, empty if it is read as written."""


@runtime_checkable
class Upscales(Model, Protocol):
    """Makes pictures larger: the second stage of a cascade."""

    def upscale(self, images: np.ndarray) -> np.ndarray:
        """Pictures uint8 (B,H,W,C) -> uint8 (B,2H,2W,C)."""


@runtime_checkable
class Translates(Model, Protocol):
    """Turns pictures of one kind into pictures of another."""

    translation: str  # from what to what
    both_ways: bool
    takes_dabs: bool  # ``dabs`` of colour uint8 (N,H,W,4), the last channel 0 where there is none, and ``noise`` with its ``seed``

    def translate(self, images: np.ndarray, back: bool = False, **how: Any) -> np.ndarray:
        """Pictures uint8 (N,H,W,3) -> uint8 (N,H,W,3); ``back`` raises ValueError with one sentence where there is no way."""


@runtime_checkable
class Completes(Model, Protocol):
    """Fills in the unknown part of a picture."""

    def complete(self, x: Tensor, known: Tensor, request: Any) -> Iterator[Frame]:
        """``x`` uint8 (B,C,H,W); ``known`` bool (H,W): True where the picture is given."""


# --- pixel by pixel


@runtime_checkable
class PredictsPixels(ClassConditional, Scores, Protocol):
    """Gives every pixel a distribution given the earlier ones and the class."""

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W), ``labels`` (B,) -> mixture parameters (B,H,W,3K) (``models/discretized_logistic.py``)."""

    def nats_per_pixel(self, x: Tensor, labels: Tensor) -> Tensor:
        """-log p of each pixel given the earlier ones and the class: (B,H,W)."""


@runtime_checkable
class DrawsInGroups(PredictsPixels, Completes, Protocol):
    """Draws a coarse picture pixel by pixel, then the others in groups, each at once: an order of its own, not that of reading."""

    order: np.ndarray  # (H*W,), which pixel comes when
    num_one_by_one: int  # of them, pixels that are drawn alone


@runtime_checkable
class AttendsToPixels(PredictsPixels, Protocol):
    """Has layers of causal attention over the picture so far."""

    @property
    def attention_layers(self) -> Any:
        """Its attention layers, the lowest first; each knows its ``num_heads``."""


@runtime_checkable
class AttendsSparsely(AttendsToPixels, Protocol):
    """Each of its layers, which have a ``kind``, looks at a few of the earlier pixels only."""

    def pattern(self, row: int, column: int) -> np.ndarray:
        """Which pixels each layer may look at from one, both counted from 0: bool (layers,H,W)."""


@runtime_checkable
class MasksConnections(PredictsPixels, Protocol):
    """Keeps an order among the pixels by setting weights to zero."""

    def masks(self, ordering: Tensor | int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Bool (hidden,pixels), (hidden,hidden) and (pixels,hidden): which weights are left."""


@runtime_checkable
class TakesNoiseAway(Model, Protocol):
    """Has a way from pictures to what noise is added to, and back."""

    latent: bool  # latents are denoised, not pictures
    device: Any  # where the weights are
    noisy: Any  # what is denoised, by its letter
    shape: Any  # C, H, W of it

    def to_x_0(self, x: Tensor) -> Tensor:
        """What noise is added to: pictures uint8 (B,C,H,W) -> float32 (B, *shape)."""

    def to_pictures(self, x_t: Tensor) -> np.ndarray:
        """The way back: (B, *shape) -> pictures uint8 (B,H,W,C), on the CPU."""

    def uniforms(self, request: Request) -> Callable[..., Tensor]:
        """(name, step) -> the standard normal noise of a request, (B, *shape)."""


@runtime_checkable
class Denoises(ClassConditional, TakesNoiseAway, Protocol):
    """Says at any level of noise which clean picture it expects, so that any sampler can walk with it."""

    def denoiser(self, labels: Tensor, guidance: Any = 1.0) -> Callable[[Tensor, float], Tensor]:
        """The function (x_t, log_snr) -> x_0_pred for these classes (B,), guided."""


@runtime_checkable
class DenoisesPrompts(ReadsPrompts, TakesNoiseAway, Protocol):
    """The same where it is told words; its request has ``strengths`` of them."""

    def prompt_denoiser(self, request: Any, looks: Any = None, towards: Any = None) -> Callable[..., Tensor]:
        """The function (x_t, log_snr) -> x_0_pred for a request's prompts.

        A list ``looks`` then holds what each place took from each word, (B,places,T); ``towards`` is a prompt, and how near to it
        the words of each sample lie, 0..1.
        """


@runtime_checkable
class JumpsToData(ClassConditional, Protocol):
    """Goes from any level of noise to any lower one in one pass."""

    def jump(self, x_t: Tensor, t: float, s: float, labels: Tensor) -> tuple[Tensor, Tensor]:
        """From time t to an earlier s, and the clean picture where the same way would end: both (B,C,H,W)."""


@runtime_checkable
class HasNoiseLevels(Model, Protocol):
    """A chain of it falls through levels of noise."""

    def levels(self, request: Any) -> Any:
        """The levels that a request's chain goes through."""


@runtime_checkable
class HasHiddenUnits(Model, Protocol):
    """Hidden units that are on or off, in one layer or more; each looks for something in the picture."""

    def hidden_given(self, v: Tensor, temperature: float = 1.0) -> Tensor:
        """``v`` (B,D) -> the probability of each hidden unit of the first layer to be on, (B,num_hidden)."""

    def features(self) -> list[Tensor]:
        """For each layer, weights between its units and the pixels, (units,C,H,W); frames tell which units are on:
        ``hidden``, ``hidden_2``."""


@runtime_checkable
class Adversarial(Decodes, Protocol):
    """A generator with a discriminator that has an output for every picture."""

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """Shape of one z, a draw from the standard normal."""

    def picture_of(self, z: np.ndarray, request: Any) -> Frame:
        """The frame of draws from the prior, ``z`` float32 (B, *prior_shape), under the knobs of a request."""

    def discriminator_output(self, x: Tensor, labels: Tensor) -> Tensor:
        """The probability that pictures in [-1, 1], (B,C,H,W), are real: (B,)."""

    def start_of_search(self, goal: Tensor, labels: Tensor) -> Tensor:
        """Where a search for the latent of ``goal`` (1,C,H,W) begins."""


@runtime_checkable
class HasStyles(Adversarial, Protocol):
    """Layers that take a style each."""

    num_layers: int

    def w_of(self, z: Tensor, labels: Tensor, truncation_psi: float = 1.0) -> Tensor:
        """``z`` (B, *prior_shape) -> styles (B,w_dim)."""


@runtime_checkable
class BuildsOn(Protocol):
    """Needs other models, mostly one, which its card names with the hashes of their weights."""

    num_foundations: int

    def build_on(self, foundation: Any) -> None:
        """Raises ValueError with the end of a sentence, if it is not what is needed."""


@runtime_checkable
class FollowsGuide(Protocol):
    """Its samples can be pushed away from those of a weaker model, which its card names with the hash of its weights."""

    guide: Any  # None until it is given

    def be_guided_by(self, weaker: Any) -> None:
        """Raises ValueError with the end of a sentence, if the two do not speak of the same thing."""


@runtime_checkable
class HalvesPrecision(Model, Protocol):
    """Its sampler can run in bfloat16 (parity with float32 is tested)."""

    precision: Precision

    def set_precision(self, precision: Precision) -> None:
        """Sample in this arithmetic from now on."""

    def one_pass(self) -> None:
        """One typical network pass of its sampler, for the probe."""
