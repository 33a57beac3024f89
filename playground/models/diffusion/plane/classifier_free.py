"""Classifier-free guidance in the plane: one network learns the scores of two classes and of both together.

Ho and Salimans 2022, "Classifier-Free Diffusion Guidance" (arXiv:2207.12598), algorithms 1 and 2, over the variance-preserving
SDE of ``score_sde_vp.py``.  ``guidance_scale`` is 1 + w of equation 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from playground.contract import guidance_knob, knob
from playground.models.diffusion.plane.score_sde import Epsilon, ScoreSDERequest
from playground.models.diffusion.plane.score_sde_vp import VPConfig, VPPlane
from playground.models.plane import PlaneRequest, gaussian_noise, uniform_noise

_NONE = 2  # the embedding of no class
_LABELS = {"none": (_NONE, _NONE), "both": (0, 1), "first": (0, 0), "second": (1, 1)}  # dealt out in turn


@dataclass(frozen=True)
class ClassifierFreeConfig(VPConfig):
    """As that of the SDE, and how often no class is told in training."""

    class_dropout: float = 0.2


@dataclass(frozen=True)
class ClassifierFreeRequest(ScoreSDERequest):
    """Which class, and how far towards it."""

    label: str = knob(
        "none",
        label="class",
        choices=(
            ("none", "none"),
            ("both", "both in turn"),
            ("first", "the first"),
            ("second", "the second"),
        ),
        help="Which class the points are of: one moon or the other, one ring, every second heap, else the left half or the right. Without a class the whole target is drawn.",
    )
    guidance_scale: float = guidance_knob(
        1.0,
        "How far the score is pushed from that of no class towards, and beyond, that of the class. At 1 the class itself is drawn; higher, points keep away from the other class and crowd together: surer, and less of the density.",
    )


class ClassifierFreePlane(VPPlane):
    """epsilon(x_t, t, class), with a class that means none."""

    key: ClassVar[str] = "classifier-free-plane"
    system: ClassVar[str] = "Classifier-free guidance"
    paper: ClassVar[str] = "Ho and Salimans 2022, arXiv:2207.12598"
    Config = ClassifierFreeConfig
    Request = ClassifierFreeRequest
    config: ClassifierFreeConfig

    def __init__(self, config: ClassifierFreeConfig = ClassifierFreeConfig()) -> None:
        super().__init__(config)
        self.classes = nn.Embedding(3, config.width)

    def epsilon_of(self, x_t: Tensor, t: Tensor, classes: Tensor) -> Tensor:
        """(N,2), times (N,) or (1,), classes int64 (N,) with 2 for none -> the noise, (N,2)."""
        out: Tensor = self.net(x_t, t, self.classes(classes))
        return out

    def epsilon_pred(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Without a class: of the whole target."""
        return self.epsilon_of(x_t, t, torch.full((1,), _NONE, device=x_t.device))

    def epsilon_for(self, request: PlaneRequest, count: int) -> Epsilon:
        """Equation 6: the classes of a request are dealt out to its ``count`` points in turn."""
        wanted = _LABELS[getattr(request, "label", "none")]
        scale = getattr(request, "guidance_scale", 1.0)
        places = torch.arange(count, device=self.device) + request.first_index
        classes = torch.tensor(wanted, device=self.device)[places % 2]

        def epsilon(x_t: Tensor, t: Tensor) -> Tensor:
            of_class = self.epsilon_of(x_t, t, classes)
            return of_class if scale == 1 else torch.lerp(self.epsilon_pred(x_t, t), of_class, scale)

        return epsilon if wanted != _LABELS["none"] else self.epsilon_pred

    def score_for(self, request: PlaneRequest, x_t: Tensor, level: float) -> Tensor:
        """grad log p_t (N,2), guided as a request asks; of the whole target where it asks for both classes."""
        both = getattr(request, "label", "none") == "both"
        return self.score_by(self.epsilon_pred if both else self.epsilon_for(request, len(x_t)), x_t, level)

    def loss_of_classes(self, x: Tensor, classes: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Algorithm 1: the class is left out by chance."""
        t = self.smallest + (1 - self.smallest) * uniform_noise(len(x), x, generator)
        left_out = uniform_noise(len(x), x, generator) < self.config.class_dropout
        epsilon = gaussian_noise(x, generator)
        x_t = self.alpha(t)[:, None] * x + self.sigma(t)[:, None] * epsilon
        guess = self.epsilon_of(x_t, t, classes.masked_fill(left_out, _NONE))
        return {"loss": (epsilon - guess).square().mean()}


MODEL = ClassifierFreePlane
