"""The Diffusion tab's views of a decoder of directions (DALL-E 2): *Variations*, *Between pictures* and *Arithmetic*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from playground import data
from playground.contract import Frame, Model, Request
from playground.data import emoji
from playground.export.packed_pixels import packed, unpacked
from playground.models.directions import DrawsDirections
from playground.tabs.diffusion.prompted_picture import PromptedPicture
from playground.tabs.frame.python_code import Code
from playground.tabs.pictures.from_picture import Sampled
from playground.ui.pictures.picture_slot import PictureSlot

_MODULE = "from playground.experiments.diffusion import directions"


class Directions(PromptedPicture):
    """A picture at the left, and what is made of its direction."""

    capability = DrawsDirections  # type: ignore[assignment]  # of another kind than the views of prompts
    title = "drawn from directions"

    def code(self) -> Code | None:
        """For drawings of the data set; pixels from elsewhere are in no program."""
        return None if self.picture is not None else Code(self.call(), (_MODULE,))


class Variations(Directions):
    """The same thing again, otherwise."""

    name = "Variations"
    title = "other pictures that point the same way"
    formula = r"x \to e = \text{CLIP}(x) \to x', x'', \ldots"
    words = (
        "CLIP gives a picture a <b>direction</b>, 64 numbers. They keep what it is called by: the thing, its colours, its style. They do not keep "
        "where each line runs. The decoder draws pictures that point the same way, so everything in which these differ is what "
        "the direction <b>does not say</b>, and what they share is what CLIP has seen.<br><br>Take a drawing by its name, open a "
        "file, paste a picture, or drop one on it. R for other noise."
    )

    def request_type(self, model: Model) -> type[Request]:
        from playground.experiments.diffusion import directions

        return directions.VariationsRequest

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """Around one direction."""
        from playground.experiments.diffusion import directions

        return lambda model, request: directions.variations(model, request, picture)  # type: ignore[arg-type]

    def call(self) -> str:
        """Without more ado."""
        return "directions.variations(model, request)"


class Arithmetic(Directions):
    """A picture, minus words, plus words."""

    name = "Arithmetic"
    title = "turned towards the difference of the texts"
    formula = r"e_\theta = \text{slerp}(e, \frac{t_{+} - t_{-}}{\| t_{+} - t_{-} \|}, \theta)"
    words = (
        "Pictures and words point into one space. So the <b>difference of two texts</b> is a direction too: from what the picture "
        "is to what it should be. The picture's own direction is turned towards it, further from left to right and from top to bottom, "
        "while the noise stays.<br><br>Say what it is in <b>minus</b>, and what it should become in <b>plus</b>. What is in both texts drops "
        "out, so the rest of the picture need not be named. Turned too far, it is no longer that picture."
    )

    def request_type(self, model: Model) -> type[Request]:
        from playground.experiments.diffusion import directions

        return directions.ArithmeticRequest

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """Turned step by step."""
        from playground.experiments.diffusion import directions

        return lambda model, request: directions.arithmetic(model, request, picture)  # type: ignore[arg-type]

    def call(self) -> str:
        """Without more ado."""
        return "directions.arithmetic(model, request)"


class BetweenPictures(Directions):
    """What lies between two pictures' directions."""

    name = "Between pictures"
    title = "from the first to the second, on one noise"
    formula = (
        r"e_a = \frac{\sin((1 - a) \theta)}{\sin \theta} \, e_1 + \frac{\sin(a \theta)}{\sin \theta} \, e_2"
    )
    why_small = "the whole way stands between its two ends"
    words = (
        "Two pictures have two directions, and between them lies a way on the sphere. Each picture on it is drawn from its direction, with "
        "<b>the same noise</b>. What changes first, the thing or its colours? Mixing pixels gives two pictures through each other; "
        "mixing directions gives pictures of something in between, as far as the decoder knows such things.<br><br>The ends are drawn anew as "
        "well: a direction does not remember its picture."
    )

    def build(self) -> None:
        """Another slot at the right."""
        super().build()
        held = emoji.load(emoji.split_for("test"))
        names = [f"{n.replace('-', ' ')} ({s})" for n, s in zip(held.names, held.styles, strict=True)]
        self.other: np.ndarray | None = None
        self.other_said = ""
        self.second = PictureSlot(data.DATASETS["emoji"].image_shape, "drawing", names)
        self.second.stepped.connect(self._step_second)
        self.second.given.connect(self.give_second)
        self.second.refused.connect(self.tab.banner.show_warning)
        self.row.addWidget(self.second, 1)

    def request_type(self, model: Model) -> type[Request]:
        from playground.experiments.diffusion import directions

        return directions.BetweenRequest

    def adopt(self, request: Request) -> None:
        """The slot has the number."""
        super().adopt(request)
        self.tab.knobs.set_shown("second_index", False)

    def _step_second(self, index: int) -> None:
        self.other, self.other_said = None, ""
        if self.request is not None and index == self.request.second_index:  # type: ignore[attr-defined]
            self.start(self.request)
        self.tab.knobs.set_settings({"second_index": index})

    def give_second(self, picture: np.ndarray, said: str) -> None:
        """End with pixels uint8 (H,W,3) from elsewhere."""
        self.other, self.other_said = picture, said
        if self.request is not None:
            self.start(self.request)

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """With the second picture of now."""
        from playground.experiments.diffusion import directions

        other = self.other
        return lambda model, request: directions.between(model, request, picture, other)  # type: ignore[arg-type]

    def settings(self) -> dict[str, Any]:
        """Pixels of both from elsewhere."""
        more = {} if self.other is None else {"other": packed(self.other), "other_said": self.other_said}
        return {**super().settings(), **more}

    def checked(self, settings: Mapping[str, Any], request: Request, model: Any) -> dict[str, Any]:
        """Pixels of the right size."""
        said = settings.get("other_said", "")
        if not isinstance(said, str) or len(said) > 500:
            raise ValueError("its view was given words that do not fit.")
        shape = data.DATASETS["emoji"].image_shape
        other = unpacked(settings["other"], shape) if "other" in settings else None
        return {**super().checked(settings, request, model), "other": other, "other_said": said}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """As it was."""
        self.other, self.other_said = settings["other"], settings["other_said"]
        super().restore(request, settings)

    def draw(self, frame: Frame) -> None:
        """Both ends, and the way."""
        super().draw(frame)
        index = getattr(self.request, "second_index", 0) if self.other is None else None
        self.second.show_picture(frame.extras["other"][0], index, self.other_said)

    def call(self) -> str:
        """Without more ado."""
        return "directions.between(model, request)"

    def code(self) -> Code | None:
        """For drawings of the data set alone."""
        return None if self.other is not None else super().code()
