"""What a model promises: requests that are knobs, frames that are ready to draw, states that can be resumed.

Nothing here imports torch or Qt, so that the window, the command line and the checkpoint reader can all speak these
types before either is loaded.  A model is one file in ``models/<family>/`` that ends with ``MODEL`` and ``RECIPES``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

from playground import labels, numerals

if TYPE_CHECKING:
    import numpy as np
    import torch

LikelihoodKind = Literal["exact", "bound", "energy", "none"]
State = dict[str, Any]  # name -> numpy array or number: everything a sampler needs to continue to the bit
# the value of a ``label`` field that means: sample i shows class i modulo the number of classes
EACH_CLASS = -1


# --- knobs: one schema, three faces (the panel in the window, ``--set name=value``, the settings inside a picture)


@dataclass(frozen=True)
class Knob:
    """One field of a request, described well enough to draw it, to parse it and to explain it."""

    name: str
    type: type
    default: Any
    label: str
    help: str
    low: float | None = None  # of a class: 0 takes "each in turn" out of the choices
    high: float | None = None
    step: float | None = None
    choices: tuple[tuple[Any, str], ...] | Literal["classes"] | None = None
    unit: str = ""
    log: bool = False  # the slider moves in powers
    fold: bool = False  # shown under "More"
    telling: tuple[Any, ...] = ()  # values that a grid shows unless told others; empty: spread over the range
    longest: int | None = None  # free text: so many characters at most, all of them plain (see ``plain``)
    lines: int = 1  # free text: height of its field
    live: bool = False  # free text: taken over at every key, not when it is done
    # what a whole number counts, from 0 or from 1 as ``low`` says: its data set knows how many there are
    counts: Literal["", "test images", "rows", "columns"] = ""

    def check(self, value: Any) -> Any:
        """Return ``value`` as this knob's type.

        Raises:
            ValueError: one sentence, if it is of the wrong type, out of range or not among the choices.
        """
        try:
            value = numerals.as_type(self.type, value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{self.name} takes {_article(self.type)}, not {value!r}.") from None
        if self.longest is not None and value != plain(value, self.longest):
            raise ValueError(f"{self.name} takes at most {self.longest} plain characters (ASCII).")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{self.name} must be a finite number.")
        if isinstance(self.choices, tuple) and value not in [v for v, _ in self.choices]:
            raise ValueError(f"{self.name} must be one of {', '.join(str(v) for v, _ in self.choices)}.")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ValueError(f"{self.name} must {self._range()}, not {value}.")
        return value

    def _range(self) -> str:
        if self.high is None or self.low is None:
            return f"be at least {self.low:g}" if self.high is None else f"be at most {self.high:g}"
        return f"lie between {self.low:g} and {self.high:g}"


_TYPOGRAPHIC = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "\t": " ",
        "\r": None,
    }
)


def plain(text: str, longest: int) -> str:
    """The first ``longest`` characters of a text, in ASCII: typographic marks become plain ones, all else is left out."""
    found = text.translate(_TYPOGRAPHIC)
    return "".join(c for c in found if c == "\n" or " " <= c <= "~")[:longest]


def knob(default: Any, *, label: str, help: str, **how: Any) -> Any:
    """A dataclass field that is also a knob; keywords are those of :class:`Knob`."""
    return field(default=default, metadata={"knob": {"label": label, "help": help, **how}})


def class_knob(help: str) -> Any:
    """The class of the pictures; unless told, each in turn."""
    return knob(EACH_CLASS, label="class", choices="classes", help=help)


def guidance_knob(default: float, help: str, high: float = 8.0, step: float = 0.1) -> Any:
    """How far draws are pushed towards their class (Ho and Salimans 2022); 1 is off."""
    return knob(default, label="guidance_scale", low=1.0, high=high, step=step, help=help)


@dataclass(frozen=True)
class Request:
    """What to generate.  Fields made with :func:`knob` are what a person can turn."""

    seed: int = knob(
        7,
        label="seed",
        low=0,
        high=2**31 - 1,
        help="Fixes all the noise. The same seed gives the same pictures; sample i of a seed never depends on how many you ask for.",
    )
    num_samples: int = knob(
        16, label="num_samples", low=1, high=100, help="How many pictures are generated together."
    )
    first_index: int = 0  # index of the first sample in the seed's endless sequence (to split a large job)


AnyRequest = TypeVar("AnyRequest", bound=Request)
RequestType = type[Request]


def knobs(request: type[Request]) -> tuple[Knob, ...]:
    """The knobs of a request type, in the order of its fields with those of the base class last."""
    own = [f for f in dataclasses.fields(request) if "knob" in f.metadata]
    base = {f.name for f in dataclasses.fields(Request)}
    own.sort(key=lambda f: f.name in base)
    return tuple(_as_knob(f) for f in own)


def _as_knob(one: dataclasses.Field[Any]) -> Knob:
    """A field's knob, called as people call it."""
    said = {**one.metadata["knob"], "label": labels.of_knob(one.metadata["knob"]["label"])}
    return Knob(name=one.name, type=type(one.default), default=one.default, **said)


def make_request(request: type[AnyRequest], settings: Mapping[str, Any]) -> AnyRequest:
    """Build a request from names and values (strings are parsed), checking every one.

    Raises:
        ValueError: one sentence, for an unknown name or a value that its knob refuses.
    """
    known = {k.name: k for k in knobs(request)}
    for name in settings:
        if name not in known:
            raise ValueError(f"There is no setting called {name!r}; there are {', '.join(known)}.")
    return request(**{name: known[name].check(value) for name, value in settings.items()})


def settings_of(request: Request) -> dict[str, Any]:
    """The inverse of :func:`make_request`: every knob's value, as plain JSON types."""
    return {k.name: getattr(request, k.name) for k in knobs(type(request))}


def labels_of(label: int, request: Request, num_classes: int) -> np.ndarray:
    """The class of each sample, int64 (B,); ``EACH_CLASS`` deals them out in turn by sample index."""
    import numpy as np  # not before the window is on the screen

    index = request.first_index + np.arange(request.num_samples)
    return index % num_classes if label == EACH_CLASS else np.full(request.num_samples, label)


def _article(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}.get(
        kind, str(kind)
    )


# --- frames


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of a generation, in numpy on the CPU, ready to draw.

    Attributes:
        step: moments done so far, 0..total.
        total: moments in all.
        passes: network passes so far (for one batch; a guided diffusion step counts two).
        images: uint8 (B, H, W, C), grey or in colours, of any size; of a text (B, 1, T, 1), the ASCII codes of its characters, 0
            where nothing is written yet.  Which of these it is, the data set of the model says (``data/modality.py``).
        extras: what else there is to see: ``x_0_pred`` uint8 (B,H,W,C), ``logits`` (B,256), ``latent`` (B,D), ``text`` ...
        state: everything needed to continue from here, offered every so many frames; pass it as ``resume``.
    """

    step: int
    total: int
    passes: int
    images: np.ndarray
    extras: Mapping[str, Any] = field(default_factory=dict)
    state: State | None = None

    @cached_property  # asked for by the stream and by the timeline, of hundreds of frames a second
    def nbytes(self) -> int:
        """Memory held by this frame without its state, in bytes."""
        return self.images.nbytes + _nbytes(self.extras)

    @cached_property
    def state_nbytes(self) -> int:
        """Memory held by the state, in bytes."""
        return _nbytes(self.state or {})


Payload = TypeVar("Payload", covariant=True)


@dataclass(frozen=True, eq=False)
class Message(Generic[Payload]):
    """What a generator has to tell that is no moment of a generation: a loaded model, rows of a table, a figure so far.

    Attributes:
        payload: what is told.
        step: parts done so far, 0..total, of work that tells more than once.
        total: parts in all.
    """

    payload: Payload
    step: int = 1
    total: int = 1
    state_nbytes: ClassVar[int] = 0  # nothing goes on from here

    @cached_property
    def nbytes(self) -> int:
        """Memory held by the payload, in bytes, as far as arrays say it."""
        parts = self.payload if isinstance(self.payload, tuple) else (self.payload,)
        return _nbytes(dict(enumerate(parts)))


def pixel_order(frame: Frame) -> np.ndarray:
    """Which pixel of a picture comes when, as places in it, (H*W,): what the frame says, or row by row."""
    import numpy as np

    height, width = frame.images.shape[1:3]
    return np.asarray(frame.extras.get("order", np.arange(height * width)))


def _nbytes(values: Mapping[Any, Any]) -> int:
    # a list: a run has hundreds of frames a second
    return sum([getattr(v, "nbytes", 64) for v in values.values()])


# --- likelihoods


@dataclass(frozen=True)
class Score:
    """What a model says about one image: ``bits/dim`` (exact, or a bound: the truth is at most this) or ``nats`` (energy).

    Of a text it is ``bits/char``, of a sound ``bits/sample``.
    """

    value: float | None
    kind: LikelihoodKind
    unit: Literal["bits/dim", "bits/char", "bits/sample", "nats", ""]
    standard_error: float = (
        0.0  # of this number, from the random draws it was averaged over; 0 if there were none
    )


# --- recipes: what trained a checkpoint, as data


@dataclass(frozen=True)
class Recipe:
    """Everything that ``playground train`` needs to make one checkpoint again.

    ``seconds`` is not a limit but how the schedule is planned: the learning rate falls along ``steps``.
    """

    id: str
    config: Any
    steps: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    final_learning_rate: float = 0.02  # as a fraction of ``learning_rate``, reached on a cosine
    # where parts learn in turns: a factor on ``learning_rate`` in the turn of the part that it names (1 if none is named)
    learning_rates: Mapping[str, float] = field(default_factory=dict)
    decay_steps: int = 0  # if any, the rate stays at its peak and falls along a line in so many last steps
    warmup_steps: int = 300
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    optimizer: Literal["adamw", "muon"] = "adamw"
    muon_learning_rate: float = 0.01  # for the matrices inside the network, if ``optimizer`` is "muon"
    max_grad_norm: float = 1.0
    ema: float = 0.999  # 0 turns it off
    ema_ramp: int = 10  # before ``ema`` binds, step s weighs as s^(ema_ramp - 2): 2 is the mean of all
    bfloat16: bool = True
    compile: bool = True
    seed: int = 0
    dataset: str = "fashion"
    built_on: str = ""  # id of the shipped checkpoint that it needs, such as the tokenizer of a prior; spaces part several
    guided_by: str = ""  # id of the shipped checkpoint of a weaker model that guides its samples, if any
    stored: Literal["float32", "float16", "int8"] = "float16"  # the weights (parity with float32 is tested)
    snapshot: Mapping[str, Any] = field(
        default_factory=dict
    )  # settings of the pictures in the training record
    # best honest settings, chosen on validation images
    evaluate: Mapping[str, Any] = field(default_factory=dict)
    start_from: str = (
        ""  # the checkpoint of another recipe that the model learns from (``learn_from``), if any
    )
    num_scored: int | None = None  # test images whose likelihood is measured; None for all of them
    augment: bool = False  # every training picture is shown shifted a little, and mirrored or not, by chance
    drawn_by: str = ""  # id of the model whose pictures were added to those of the user's own, if any


# --- the card, and the contract


@dataclass(frozen=True)
class Card:
    """What a checkpoint says about itself.  All of it is plain JSON."""

    id: str
    family: str
    system: str
    paper: str
    network: str  # "family/file" under playground/models
    likelihood: str
    config: dict[str, Any]
    dataset: str
    dataset_title: str
    licence: str
    classes: list[str]
    recipe: dict[str, Any]
    seed: int
    images_seen: int
    training_seconds: float
    machine: str
    date: str
    parameters: int
    # "id@hash" of each checkpoint that this one needs, mostly none or one
    built_on: list[str] = field(default_factory=list)
    guided_by: list[str] = field(default_factory=list)  # "id@hash" of a weaker one that guides it, if any
    metrics: dict[str, Any] = field(default_factory=dict)  # measured later; not in the header


@runtime_checkable
class Model(Protocol):
    """A network with a loss and a sampler.  ``sample`` is a generator decorated with ``@torch.no_grad()``."""

    if (
        TYPE_CHECKING
    ):  # no part of isinstance: they come with its checkpoint, and one in training has none yet
        card: Card
        file: Path
        weights_hash: str

    family: str
    system: str  # full name on screen
    paper: str
    differs: str  # where it differs from the paper by more than its size, in a sentence for the card; "" for nowhere
    config: Any  # an instance of ``Config``
    num_threads: int | None  # CPU threads that its sampler is quickest with; None for all of them
    sample_bytes: int  # working memory that one picture takes while it is sampled, roughly

    @property
    def Config(self) -> type:
        """A frozen dataclass of plain values, from which the network is built."""
        ...

    @property
    def Request(self) -> RequestType:
        """What can be asked of its sampler: a dataclass of knobs."""
        ...

    @property
    def likelihood(self) -> LikelihoodKind:
        """What its scores are."""
        ...

    def sample(self, request: Any, resume: State | None = None) -> Iterator[Frame]:
        """Yield a frame after every step the eye could care about; the last one is the result."""
        ...

    def loss(
        self, x: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """``x`` uint8 (B,C,H,W), ``labels`` int64 (B,); returns ``loss`` (a scalar) and figures worth a curve."""
        ...

    def parameters(self, recurse: bool = True) -> Iterator[torch.nn.Parameter]:
        """Its weights, as every network of torch gives them."""
        ...
