"""The Diffusion tab's *Super-resolution*: the second stage of a cascade beside bicubic interpolation, at 64x64 and at 128x128."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import DenoisesPrompts
from playground.contract import Frame, Model, Request
from playground.tabs.diffusion.prompted_picture import PromptedPicture
from playground.tabs.frame.python_code import Code
from playground.tabs.pictures import super_resolution
from playground.tabs.pictures.from_picture import Sampled
from playground.ui.plots.bar_plot import BarPlot

LARGEST = 128  # all are shown at this size, small ones in larger pixels
DECIBELS = 40.0  # top of the plot


class SuperResolutionView(PromptedPicture):
    """The small picture at the left; at the right what is made of it, row by row twice as large."""

    name = "Super-resolution"
    formula = r"\hat{x} = B(x) + f_\theta(x)"
    bars: BarPlot
    why_small = (
        "a pixel of 128x128 is one of the screen, so that nothing is blurred; a double click enlarges any"
    )
    words = (
        "A <b>cascade</b>: one model draws small, a second one makes that larger. Here the second stage alone, "
        "<i>sr-emoji</i>, a small convolutional network. It starts from <b>bicubic interpolation</b> and learns only what has to be "
        "added; what it paints is the mean of all that would fit, so where much would fit it stays soft.<br><br>At 64x64 the "
        "held-out drawings are known, so the <b>error</b> can be counted: 6 dB more is half of it. At 128x128 nobody knows the truth, "
        "and the network works on what it painted itself: look for edges that it makes too hard.<br><br>Take the picture "
        "<b>decoded</b>: half of what it learned from had such artefacts, so that it mends them."
    )

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Where there is a second stage for such pictures."""
        return super().suits(model) and super_resolution.suits(model)

    def build(self) -> None:
        """Slot and grid as elsewhere; the plot is of errors."""
        super().build()
        self.bars = BarPlot("PSNR against the drawing at 64x64", "", "dB")
        self.plot = self.bars  # type: ignore[assignment]  # of another kind here
        self.grid.may_be_larger = False  # they are, already

    def request_type(self, model: DenoisesPrompts) -> type[Request]:
        from playground.experiments.diffusion import super_resolution

        return super_resolution.SuperResolutionViewRequest

    def sampled(self, picture: np.ndarray | None, mask: np.ndarray) -> Sampled:
        """By the network that is shipped."""
        from playground.experiments.diffusion import super_resolution as experiment

        def run(model: Model, request: Request) -> Iterator[Frame]:
            upscaler = self.tab.model_cache.get(super_resolution.MODEL)
            return experiment.compare(model, upscaler, request, picture)  # type: ignore[arg-type]

        return run

    def relevant(self, request: Request) -> dict[str, bool]:
        """Words, where something is drawn; of pixels from elsewhere no drawing is chosen."""
        is_drawn = self.picture is None and getattr(request, "source", "") == "drawn"
        return {"prompt": is_drawn, "style": is_drawn, "seed": is_drawn, "source": self.picture is None}

    def draw(self, frame: Frame) -> None:
        """Two columns: without learning, and learned; the truth in a third row where it is known."""
        extras = frame.extras
        is_drawn = self.picture is None and getattr(self.request, "source", "") == "drawn"
        index = getattr(self.request, "index", 0) if self.picture is None and not is_drawn else None
        self.slot.show_picture(
            extras["origin"][0], index, f"drawn by {self.model.card.id}" if is_drawn else self.said
        )
        captions = ["bicubic, 64x64", "sr-emoji, 64x64", "bicubic, 128x128", "sr-emoji twice, 128x128"]
        if "psnr" in extras:
            captions[:2] = [f"{c}: {db:.1f} dB" for c, db in zip(captions, extras["psnr"], strict=False)]
            captions += ["the drawing at 64x64", "where sr-emoji errs, x4"]
        pictures = [images for _, images in self.panels(frame)]
        self.grid.set_images(np.concatenate(pictures), columns=2, captions=captions)

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Each uint8 (1,128,128,3)."""
        extras = frame.extras
        found = [
            ("bicubic, 64x64", extras["bicubic"]),
            ("sr-emoji, 64x64", frame.images),
            ("bicubic, 128x128", extras["bicubic_larger"]),
            ("sr-emoji twice, 128x128", extras["larger"]),
        ]
        if "truth" in extras:
            found += [
                ("the drawing at 64x64", extras["truth"]),
                ("where sr-emoji errs, x4", errors(frame.images, extras["truth"])),
            ]
        return [(title, in_large_pixels(images)) for title, images in found]

    def draw_plot(self, frame: Frame) -> None:
        """Both errors; of other pictures there is nothing to say."""
        self.bars.setVisible("psnr" in frame.extras)
        if "psnr" in frame.extras:
            decibels = frame.extras["psnr"]
            self.bars.set_values(
                decibels, highlight=1, high=max(DECIBELS, *decibels), names=["bicubic", "sr-emoji"]
            )

    def code(self) -> Code | None:
        """With the second stage by name."""
        if self.picture is not None:
            return None
        imports = ("from playground.experiments.diffusion import super_resolution",)
        return Code(
            f"super_resolution.compare(model, playground.load({super_resolution.MODEL!r}), request)", imports
        )


def in_large_pixels(images: np.ndarray) -> np.ndarray:
    """uint8 (B,H,W,C) -> (B,128,128,C), each pixel a square."""
    times = LARGEST // images.shape[1]
    return images.repeat(times, 1).repeat(times, 2)


def errors(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Four times the mean distance of the colours, dark where there is none: uint8 (B,H,W,3)."""
    distance = np.abs(images.astype(np.int64) - truth).mean(-1, keepdims=True)
    return np.clip(4 * distance, 0, 255).astype(np.uint8).repeat(3, -1)
