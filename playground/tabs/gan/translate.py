"""The GAN tab's *Translate*: a drawing painted while the pen moves, and a picture turned into another style and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from playground.capabilities import Translates
from playground.contract import Frame, Model, Request
from playground.export.packed_pixels import packed, unpacked
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.tabs.gan.drawing_tools import DrawingTools
from playground.tabs.pictures.from_picture import SHAPE, FromPicture, Sampled, checked_picture
from playground.ui.pictures.drawing_grid import DrawingGrid
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.bar_plot import BarPlot

if TYPE_CHECKING:
    from playground.models.gan.cyclegan import CycleGAN
    from playground.models.gan.pix2pix import Pix2Pix

_MODULE = "from playground.experiments.gan import translation"


class TranslatedSamples(View[Translates]):
    """Held-out drawings, what is made of them, and the truth."""

    name = "Generate"
    capability = Translates
    words = (
        "Nothing is drawn from noise here: the model is <b>given a picture</b> and makes another of it. At the left what "
        "goes in, then what comes out, then the same thing as an artist made it, which the model has never seen.<br><br>"
        "Two things pull at it. It should be <b>near the truth</b>, pixel by pixel; that alone gives the mean of all "
        "colourings that would be possible, a dull one. And it should <b>look real to a discriminator</b>, which "
        "looks at patches: so it takes a side."
    )
    formula = r"\min_G \max_D \; \E [\log D(x, y)] + \E [\log (1 - D(x, G(x)))] + \lambda \, \E |y - G(x)|"

    def build(self) -> None:
        """Three grids side by side."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)

    def draw(self, frame: Frame) -> None:
        """What went in, what came out, the truth."""
        self.grid.set_panels(self.panels(frame))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """See the base class."""
        more = [("and back", frame.extras["again"])] if "again" in frame.extras else []
        own = [("given", frame.extras["drawing"]), ("translated", frame.images)]
        return [*own, *more, ("as the artist has it", frame.extras["truth"])]


class FromDrawing(FromPicture[Any]):
    """A drawing that can be drawn on at the left, what is made of it at the right."""

    name = "Translate"
    capability = Translates
    why_small = "the drawing stands beside what is made of it, with its tools"
    keeps_dabs: ClassVar[bool] = True

    def build(self) -> None:
        """The slot with its tools, and the pictures."""
        self.sheet = DrawingGrid(SHAPE)
        self.sheet.keeps_dabs = self.keeps_dabs
        self.make_slot(self.names(), grid=self.sheet)
        self.tools = DrawingTools(self.sheet)
        self.tools.cleared.connect(self.sheet.clear)
        self.sheet.sketched.connect(self._drawn)
        self.grid = ImageGrid()
        self.grid.setAccessibleName("What is made of the drawing")
        left, row = QVBoxLayout(), QHBoxLayout()
        left.addWidget(self.slot, 1)
        left.addWidget(self.tools)
        row.addLayout(left, 1)
        row.addWidget(self.grid, 2)
        self.column.addLayout(row, 1)
        self.dabs = np.zeros((*SHAPE[:2], 4), np.uint8)

    @staticmethod
    def names() -> list[str]:
        """What the held-out drawings are called."""
        from playground.data.emoji import pairs as emoji_pairs

        return [n.replace("-", " ") for n in emoji_pairs.lines_and_colours("test").names.tolist()]

    def sampled(self, own: np.ndarray | None, dabs: np.ndarray) -> Sampled:
        """The sampler for a drawing (None: the request's) and its dabs."""
        raise NotImplementedError

    def taken(self) -> Sampled:
        """With the drawing and the dabs of now."""
        return self.sampled(self.picture, self.dabs.copy())

    # --- the drawing

    def take(self, picture: np.ndarray | None, said: str) -> None:
        """Another drawing has no dabs yet."""
        super().take(picture, said)
        self.dabs = np.zeros_like(self.dabs)

    def _drawn(self, paper: np.ndarray, dabs: np.ndarray) -> None:
        """A stroke: what is made of it follows the hand."""
        frame = self.player.frame
        untouched = (
            self.picture is None and frame is not None and np.array_equal(paper, frame.extras["drawing"][0])
        )
        self.picture, self.dabs = None if untouched else paper, dabs
        self.said = self.said if untouched else "drawn by hand"
        self.follow_hand()

    # --- keeping

    def settings(self) -> dict[str, Any]:
        """A drawing that is no test drawing, and the dabs, packed."""
        return self.kept_picture("drawing") | ({"dabs": packed(self.dabs)} if self.dabs.any() else {})

    def checked(self, settings: Mapping[str, Any], request: Request, model: Model) -> dict[str, Any]:
        """Pixels of the right size."""
        (picture, said), dabs = checked_picture(settings, "drawing"), (*SHAPE[:2], 4)
        hints = unpacked(settings["dabs"], dabs) if "dabs" in settings else np.zeros(dabs, np.uint8)
        return {"drawing": picture, "said": said, "dabs": hints}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """As it was."""
        self.picture, self.said, self.dabs = settings["drawing"], settings["said"], settings["dabs"]
        self.start(request)

    # --- drawing it

    def draw(self, frame: Frame) -> None:
        """Both sides; what the hand has drawn since then stays."""
        index = getattr(self.request, "index", 0) if self.picture is None else None
        paper = frame.extras["drawing"][0] if self.picture is None else self.picture
        self.slot.show_picture(paper, index, self.said)
        self.sheet.show_drawing(paper, self.dabs)
        self.grid.set_panels(self.panels(frame))

    def call(self) -> str:
        """The expression that makes the frames of a test drawing."""
        raise NotImplementedError

    def code(self) -> Code | None:
        """For a held-out drawing without dabs; a hand's drawing is in no program."""
        if self.picture is not None or self.dabs.any():
            return None
        return Code(self.call(), (_MODULE,))


class Paint(FromDrawing):
    """A line drawing is painted while the pen moves."""

    words = (
        "<b>Draw</b>, and the network paints it while the pen moves: one pass of a U-Net, which sees the whole "
        "drawing small and every line in full. It has learned from drawings of things and their colours, so it asks "
        "itself what this is, and which colours such things have.<br><br><b>Dabs of colour</b> say it: choose "
        "a colour and touch a region, and the region takes it, up to the next line. Half of what it learned from had "
        "such dabs of the truth.<br><br><b>Noise</b> leaves out channels at random: its only source of chance, and a small "
        "one. Such a model has learned to give <i>one</i> answer. The small pictures show what each level of the network "
        "answers to: down to 4x4 places, and up again."
    )
    formula = r"\min_G \max_D \; \E [\log D(x, y)] + \E [\log (1 - D(x, G(x)))] + \lambda \, \E |y - G(x)|"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Where dabs are taken."""
        return isinstance(model, Translates) and model.takes_dabs

    def request_type(self, model: Pix2Pix) -> type[Request]:
        from playground.experiments.gan import translation

        return translation.PaintRequest

    def relevant(self, request: Request) -> dict[str, bool]:
        """Without noise there is one colouring."""
        noisy = bool(request.noise)  # type: ignore[attr-defined]
        return {"num_samples": noisy, "seed": noisy}

    def sampled(self, own: np.ndarray | None, dabs: np.ndarray) -> Sampled:
        """One pass."""
        from playground.experiments.gan import translation

        return lambda model, request: translation.paint(model, request, own, dabs)  # type: ignore[arg-type]

    def call(self) -> str:
        """Without more ado."""
        return "translation.paint(model, request)"

    def build(self) -> None:
        """Beside the pictures, where other views have a plot, what the levels answer to."""
        super().build()
        self.plot = self.levels = ImageGrid()
        self.levels.may_be_larger = False
        self.levels.setAccessibleName("How strongly each level of the U-Net answers, place by place")

    def draw_plot(self, frame: Frame) -> None:
        """The levels, from the drawing down and up again."""
        levels, sides = frame.extras["levels"], frame.extras["sides"]
        names = [f"{side}x{side}" for side in sides]
        self.levels.set_images(levels, columns=3, captions=names, title="What each level answers to")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The colourings; beside a single one the artist's, where there is one."""
        own = [("painted", frame.images)]
        both = "truth" in frame.extras and len(frame.images) == 1
        return [*own, ("as the artist has it", frame.extras["truth"])] if both else own


class Turn(FromDrawing):
    """A picture in the other style, and as it comes back."""

    keeps_dabs = False
    plot: BarPlot
    words = (
        "<b>Two styles, and no pair was ever shown.</b> One network turns the first style into the second, another "
        "turns it back. What holds them is the round: a picture that has been there <b>has to come back</b> as it was, and in "
        "the other style it has to look real to that style's discriminator.<br><br>Nothing says that a cat becomes a cat. "
        "It is the easiest way to come back.<br><br>The names that both styles share are a truth nobody showed it. The bars "
        "say how far the picture moved, how far it is from the truth, how far the <i>unchanged</i> picture is from it, "
        "and how far from home it comes back."
    )
    formula = r"\L(G, D_B) + \L(F, D_A) + \lambda \, \E |F(G(a)) - a| + \lambda \, \E |G(F(b)) - b|"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Where there is a way back."""
        return isinstance(model, Translates) and model.both_ways

    @staticmethod
    def names() -> list[str]:
        """What the held-out drawings are called."""
        from playground.data.emoji import pairs as emoji_pairs

        return [
            n.replace("-", " ") for n in emoji_pairs.two_styles("noto", "fluent-emoji", "test").names.tolist()
        ]

    def request_type(self, model: CycleGAN) -> type[Request]:
        from playground.experiments.gan import translation

        return translation.TurnRequest

    hidden_knobs = frozenset({"index", "seed"})

    def sampled(self, own: np.ndarray | None, dabs: np.ndarray) -> Sampled:
        """There and back."""
        from playground.experiments.gan import translation

        return lambda model, request: translation.turn(model, request, own)  # type: ignore[arg-type]

    def call(self) -> str:
        """Without more ado."""
        return "translation.turn(model, request)"

    def build(self) -> None:
        """The errors of the round."""
        super().build()
        self.plot = BarPlot("How far apart", "", "grey levels")

    def draw(self, frame: Frame) -> None:
        """What is not known yet is hatched."""
        super().draw(frame)
        pictures, known = self.panels(frame)[0][1], frame.extras["known"]
        names = ["in the other style", "and back", "as the artist has it"][: len(pictures)]
        self.grid.set_images(pictures, captions=names)
        there = np.ones(len(pictures), bool)
        there[: len(known)] = known
        hidden = None if there.all() else np.broadcast_to(there[:, None, None], pictures.shape[:3])
        self.grid.set_known(hidden)

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """There, back, and the truth where there is one."""
        truth = [frame.extras["truth"]] if "truth" in frame.extras else []
        return [("", np.concatenate([frame.images, *truth]))]

    def draw_plot(self, frame: Frame) -> None:
        """Distances between the pictures, so far as they are known."""
        own, (there, again) = frame.extras["drawing"][0].astype(int), frame.images.astype(int)
        bars = {"moved": np.abs(there - own).mean()}
        if "truth" in frame.extras:
            truth = frame.extras["truth"][0].astype(int)
            bars |= {"to the truth": np.abs(there - truth).mean(), "unchanged": np.abs(own - truth).mean()}
        if frame.extras["known"][1]:
            bars["back to itself"] = np.abs(again - own).mean()
        self.plot.set_values(np.array(list(bars.values())), names=list(bars))
