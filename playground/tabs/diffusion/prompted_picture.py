"""The Diffusion tab's views that begin with a picture and are told words: *Image to image*, *Inpaint* and *Colourise*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import DenoisesPrompts
from playground.contract import Frame, Model, Request
from playground.data import emoji
from playground.export.packed_pixels import packed, unpacked
from playground.tabs import prompt_remarks
from playground.tabs.diffusion.forward_process import LATENT_FORMULA
from playground.tabs.frame.python_code import Code
from playground.tabs.pictures.from_picture import SHAPE, FromPicture, Sampled, checked_picture
from playground.tabs.pictures.prompt_scores import PromptScores
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

_MODULE = "from playground.experiments.diffusion import prompted_picture"


class PromptedPicture(FromPicture[DenoisesPrompts]):
    """The picture at the left, what is made of it at the right."""

    capability = DenoisesPrompts
    plot: LinePlot
    masks: ClassVar[bool] = False  # whether a part is painted over
    title: ClassVar[str] = "x̂₀: what the model expects, decoded"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Told words about drawings, which have names."""
        return super().suits(model) and model.card.dataset == "emoji"

    def build(self) -> None:
        """The slot and the pictures."""
        held = emoji.load(emoji.split_for("test"))
        names = [f"{n.replace('-', ' ')} ({s})" for n, s in zip(held.names, held.styles, strict=True)]
        self.make_slot(names, self.masks).masked.connect(self._masked)
        self.grid = ImageGrid()
        self.grid.setAccessibleName("What is made of the picture")
        self.scores = PromptScores(self, self.grid)
        self.row = QHBoxLayout()
        self.row.addWidget(self.slot, 1)
        self.row.addWidget(self.grid, 2)
        self.column.addLayout(self.row, 1)
        self.player.speed = 10.0
        self.plot = LinePlot("Signal left", "step", "ᾱ")
        self.painted_over = self.first_mask()

    @classmethod
    def first_mask(cls) -> np.ndarray:
        """What is painted over until somebody paints."""
        return np.zeros(SHAPE[:2], bool)

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """The sampler for a picture (None: the request's drawing) and a mask."""
        raise NotImplementedError

    def taken(self) -> Sampled:
        """With the picture and the mask of now."""
        return self.sampled(self.picture, self.painted_over.copy())

    def _masked(self, mask: np.ndarray) -> None:
        self.painted_over = mask
        self.follow_hand()

    # --- keeping

    def settings(self) -> dict[str, Any]:
        """Pixels from elsewhere and the mask, packed."""
        return self.kept_picture("picture") | ({"mask": packed(self.painted_over)} if self.masks else {})

    def checked(
        self, settings: Mapping[str, Any], request: Request, model: DenoisesPrompts
    ) -> dict[str, Any]:
        """Pixels and a mask of the right size."""
        picture, said = checked_picture(settings, "picture")
        mask = unpacked(settings["mask"], SHAPE[:2]) > 0 if "mask" in settings else self.first_mask()
        return {"picture": picture, "said": said, "mask": mask}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """As it was."""
        self.picture, self.said, self.painted_over = settings["picture"], settings["said"], settings["mask"]
        self.start(request)

    # --- drawing

    def tell(self, frame: Frame) -> None:
        """What was understood of the prompt stands under it."""
        if not prompt_remarks.show(self.tab.knobs, frame):
            super().tell(frame)

    def draw(self, frame: Frame) -> None:
        """Both sides."""
        index = getattr(self.request, "index", 0) if self.picture is None else None
        if not np.array_equal(self.slot.grid.covered, self.painted_over):
            self.slot.set_mask(self.painted_over)
        self.slot.show_picture(frame.extras["origin"][0], index, self.said)
        self.grid.set_panels(self.panels(frame))
        self.scores.show(frame) if getattr(self.request, "prompt", "") else self.scores.clear()

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """What is made of it."""
        return [(self.title, frame.images)]

    def draw_plot(self, frame: Frame) -> None:
        """The walk begins where the picture's noise does."""
        frames = list(self.player.timeline)
        steps = np.array([f.step for f in frames], float)
        self.plot.set_curve("alpha_bar", np.array([f.extras["alpha_bar"] for f in frames]), steps)
        self.plot.set_range(x=(0, frame.total), y=(0, 1))
        self.plot.set_marker(frame.step)

    def code(self) -> Code | None:
        """For a drawing of the data set; pixels from elsewhere are in no program."""
        if self.picture is not None:
            return None
        return Code(self.call(), (_MODULE, *(("import numpy as np",) if self.masks else ())))

    def call(self) -> str:
        """The expression that makes the frames."""
        raise NotImplementedError


class PromptedImageToImage(PromptedPicture):
    """Noised part of the way, and back as something else."""

    name = "Image to image"
    formula = LATENT_FORMULA
    words = (
        "The way back from noise need not begin at its end. A picture is noised up to <b>strength</b>, and denoised from "
        "there while the network is told <b>what it should be</b> (<i>SDEdit</i>).<br><br>Noise drowns what is fine before what "
        "is large: a little strength changes colours and edges, much leaves only where things were. So one sketches "
        "for a text-to-image model: a few strokes for the shape, words for what it is.<br><br>Take a drawing by its name, open a "
        "file, paste a picture, or drop one on it."
    )

    def request_type(self, model: DenoisesPrompts) -> type[Request]:
        from playground.experiments.diffusion import prompted_picture

        return prompted_picture.ImageToImageRequest

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """Noise, and back."""
        from playground.experiments.diffusion import prompted_picture

        return lambda model, request: prompted_picture.image_to_image(model, request, picture)  # type: ignore[arg-type]

    def call(self) -> str:
        """Without more ado."""
        return "prompted_picture.image_to_image(model, request)"


class Inpaint(PromptedPicture):
    """A part is painted over and made anew."""

    name = "Inpaint"
    masks = True
    title = "what is known is kept, the rest is expected"
    formula = r"\hat{x}_0 = m \odot \hat{x}_0(z_t, c) + (1 - m) \odot E(x)"
    words = (
        "<b>Paint over a part</b> of the picture and say what the whole should show. Every time the network has said "
        "what it expects, the known places are <b>put back</b>: they walk along their own path from noise to "
        "picture, and the rest must fit to them.<br><br>What is known is kept in the latent, in places of 4x4 pixels: one "
        "that is painted over in part is made anew. In the end the known pixels are pasted back from the original, so "
        "nothing else changes; a seam shows where the two do not agree.<br><br>This is the simplest way. <i>RePaint</i> goes to and fro "
        "to hide seams, and Stable Diffusion has a network that is told the mask."
    )

    @classmethod
    def first_mask(cls) -> np.ndarray:
        """A square in the middle."""
        side = SHAPE[0]
        mask = np.zeros((side, side), bool)
        mask[side // 4 : -(side // 4), side // 4 : -(side // 4)] = True
        return mask

    def request_type(self, model: DenoisesPrompts) -> type[Request]:
        from playground.experiments.diffusion import prompted_picture

        return prompted_picture.InpaintRequest

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """What is known is held."""
        from playground.experiments.diffusion import prompted_picture

        return lambda model, request: prompted_picture.inpaint(model, request, picture, mask)  # type: ignore[arg-type]

    def call(self) -> str:
        """With the mask, as the rows and columns of its painted pixels."""
        if np.array_equal(self.painted_over, self.first_mask()):
            return "prompted_picture.inpaint(model, request)"
        bits = np.packbits(self.painted_over).tolist()
        mask = f"np.unpackbits(np.array({bits}, np.uint8)).reshape({self.painted_over.shape}).astype(bool)"
        return f"prompted_picture.inpaint(model, request, unknown={mask})"


class Colourise(PromptedPicture):
    """A grey picture is given colours."""

    name = "Colourise"
    title = "its brightness is kept, the colours are expected"
    formula = r"\hat{x}_0 + (Y - Y(\hat{x}_0)) \to \hat{x}_0"
    words = (
        "Of the picture only its <b>brightness</b> is kept. The network is asked what it expects, and each time the "
        "brightness of that is replaced by the one that is known; the <b>colours</b> are its own. Nothing was trained for "
        "this: a model of pictures knows which colours go with which shapes.<br><br>Say what it shows, and in which "
        "colour, in <b>prompt</b>. Several samples show what is open: a heart may be red or blue, a frog hardly."
    )

    def request_type(self, model: DenoisesPrompts) -> type[Request]:
        from playground.experiments.diffusion import prompted_picture

        return prompted_picture.ColouriseRequest

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """Brightness is held."""
        from playground.experiments.diffusion import prompted_picture

        return lambda model, request: prompted_picture.colourise(model, request, picture)  # type: ignore[arg-type]

    def call(self) -> str:
        """Without more ado."""
        return "prompted_picture.colourise(model, request)"
