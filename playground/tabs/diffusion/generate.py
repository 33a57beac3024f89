"""The Diffusion tab: noise turns into pictures, and beside it what the model thinks they will be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from playground import data
from playground.capabilities import Denoises, FollowsGuide, JumpsToData, ReadsPrompts
from playground.contract import Frame, Model, Request
from playground.families import LOOK_INSIDE
from playground.tabs import prompt_remarks
from playground.tabs.branches import trunk as trunks
from playground.tabs.branches.view import Branching
from playground.tabs.diffusion.attention_map import latent_maps
from playground.tabs.diffusion.few_steps import FewSteps
from playground.tabs.diffusion.forward_process import LATENT_FORMULA
from playground.tabs.diffusion.noisy_brush import NoisyBrush, Pixels, read_paint
from playground.tabs.frame.knob_grid import KnobGrid
from playground.tabs.pictures.prompt_scores import PromptScores, words_on_bars
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

if TYPE_CHECKING:
    from playground.models.diffusion.base import DiffusionModel


class Generate(Branching["DiffusionModel"]):
    """x_t and x_0_pred, one frame per denoising step."""

    name = "Generate"
    turning_branches = True
    plot: LinePlot
    words = (
        "Every picture starts as pure Gaussian noise, <i>x<sub>T</sub></i>. At each step the network looks at the noisy "
        "picture <i>x<sub>t</sub></i> and predicts the clean one, <i>x<sub>0</sub></i>; the sampler goes a small part "
        "of the way there and asks again.<br><br>Early predictions are an average of everything that could still "
        "come: a blur. As noise leaves, they make up their mind. Drag the timeline to go back and forth."
        "<br><br><b>Pause half-way and change the class or the guidance</b>: the run branches there, from the same "
        "half-finished pictures. More <b>steps</b> buy quality with time."
    )
    latent_words = (
        "As in Stable Diffusion, the noise is not in the picture but in its <b>latent</b>: 49 cells of 16 numbers, which the "
        "encoder of the <i>VQ-VAE</i> made of it. A transformer takes the noise away; the decoder then paints."
        "<br><br>So the network need not care for every pixel, only for what belongs together, and it has 49 places to "
        "look at in place of 784."
        "<br><br><b>Pause half-way and change the class or the guidance</b>: the run branches there."
    )
    prompt_words = (
        "A <b>prompt</b> becomes numbers, and a transformer takes the noise from a <b>latent</b> of 8x8 places, step by step. "
        "It sees places and words together; the decoder of an autoencoder paints what it expects so far. That is the shape of "
        "Stable Diffusion.<br><br><b>Guidance</b> pushes towards the prompt and away from no prompt, or from "
        "the <b>negative prompt</b>. A style is one more word. Words that training never put together, such as a purple "
        "octopus, work as far as the network has learned what each of them does."
        "<br><br><b>Pause half-way and change the prompt</b>: the run branches there."
    )
    formula = r"x_t = \sqrt{\bar{\alpha}_t} \, x_0 + \sqrt{1 - \bar{\alpha}_t} \, \epsilon"

    def explanation(self, model: DiffusionModel) -> tuple[str, str]:
        """One that jumps has other steps, and its guidance is built in; another works on latents."""
        if isinstance(model, ReadsPrompts):
            return self.prompt_words + words_on_bars(), LATENT_FORMULA
        if model.latent:
            return self.latent_words, LATENT_FORMULA
        if not isinstance(model, JumpsToData):
            return self.words, self.formula
        words = (
            "Every picture starts as pure Gaussian noise. At each step the network is told where it is and <b>how far "
            "to jump</b>, and one pass takes it there: it learned from a diffusion model's walks where they lead."
            "<br><br>More steps are smaller jumps, each easier to guess. With <b>fresh noise</b> a jump goes to the end "
            "and new noise is added before the next, as in the first consistency models."
        )
        return words, FewSteps.formula

    def build(self) -> None:
        """Two grids in one, and the noise schedule."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.brush = NoisyBrush(self.grid, self._resting)
        self.brush.begun.connect(self.branch_at)
        self.brush.painted.connect(self._paint)
        self.player.changed.connect(self.brush.refresh)
        self.column.addWidget(self.brush)
        self.scores = PromptScores(self, self.grid)
        self.player.speed = 10.0  # a dozen steps would be over in a third of a second
        self.plot = LinePlot("Signal left", "step", "ᾱ")

    # --- painting on x_t

    def _resting(self) -> Frame | None:
        return None if self.player.is_playing else self.player.frame

    def _paint(self, frame: Frame, pixels: list[tuple[int, int, int, int]]) -> None:
        """The run goes on from a frame with some pixels of x_t painted."""
        assert self.request is not None
        request, index = self.request, self.player.timeline.index_of_step(frame.step)

        def play(denoiser: Denoises) -> Iterator[Frame]:
            from playground.experiments import branching

            return branching.painted(denoiser, request, frame, pixels)

        self.player.lane.touch()
        self.player.start(self.source(play), keep=index - 1)
        self.refresh_bar()

    def start(self, request: Request, patient: bool = False) -> None:
        """A new run, without the paint of the last one."""
        self.brush.forget()
        super().start(request, patient)

    def edits_now(self) -> Pixels:
        return dict(self.brush.pixels)

    def take_edits(self, edits: Pixels) -> None:
        self.brush.pixels = dict(edits)

    def edited_at(self, step: int) -> str:
        return "paint" if self.brush.at(step) else ""

    def edit_list(self) -> list[tuple[int, int, int, int, int]]:
        return [(*at, grey) for at, grey in self.brush.pixels.items()]

    def drop_edits(self, frame: Frame) -> None:
        self.brush.drop_after(frame.step)

    def settings(self) -> dict[str, Any]:
        """The branches, and what was painted."""
        painted = {"painted": self.brush.written()} if self.brush.pixels else {}
        return {**super().settings(), **painted}

    def checked(self, settings: Mapping[str, Any], request: Request, model: DiffusionModel) -> dict[str, Any]:
        """Branches that follow one another, pixels that exist."""
        shape = (getattr(request, "num_samples", 1), *data.DATASETS[model.card.dataset].image_shape[:2])
        paint = read_paint(settings, shape, getattr(request, "num_steps", 1))
        return {"trunk": trunks.read_back(settings, request, model), "painted": paint}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The branches with their paint."""
        self.brush.pixels = dict(settings["painted"])
        super().restore(request, settings)

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """What is denoised, and what it is expected to become."""
        extras = frame.extras
        if isinstance(self.model, ReadsPrompts):
            expected = ("x̂₀: what the model expects, decoded", frame.images)
            if len(frame.images) > 1 or "latent" not in extras:
                return [expected]
            side = frame.images.shape[1]  # one picture leaves room for what is denoised
            return [("z_t: the latent, maps of 8x8 numbers", latent_maps(extras["latent"], side)), expected]
        if "z_t" in extras:
            said = "zₜ: its latent, 16 maps of 7x7 numbers"
            return [(said, extras["z_t"]), ("x̂₀: what the model expects, decoded", extras["x_0_pred"])]
        return [
            ("xₜ: the picture with its noise", frame.images),
            ("x̂₀: what the model expects", extras["x_0_pred"]),
        ]

    def relevant(self, request: Request) -> dict[str, bool]:
        """eta is a knob of DDIM alone; only a model with a guide follows it; where nothing is pushed, it does not matter where."""
        guided = isinstance(self.model, FollowsGuide) and self.model.guide is not None
        auto = guided and getattr(request, "autoguidance_scale", 1.0) != 1
        pushed = auto or getattr(request, "guidance_scale", 1.0) != 1
        limits = dict.fromkeys(("guidance_t_min", "guidance_t_max"), pushed)
        return {"eta": getattr(request, "sampler", "") == "ddim", "autoguidance_scale": guided, **limits}

    def tell(self, frame: Frame) -> None:
        """What was understood of a prompt stands under it."""
        if not prompt_remarks.show(self.tab.knobs, frame):
            super().tell(frame)

    def draw(self, frame: Frame) -> None:
        """Both pictures."""
        panels = self.panels(frame)
        self.grid.set_panels(panels, captions=self.class_names())
        self.scores.show(frame, len(panels)) if isinstance(self.model, ReadsPrompts) else self.scores.clear()

    def draw_plot(self, frame: Frame) -> None:
        """Where on the schedule they stand."""
        frames = list(self.player.timeline)
        steps = np.array([f.step for f in frames], float)
        self.plot.set_curve("alpha_bar", np.array([f.extras["alpha_bar"] for f in frames]), steps)
        self.plot.set_range(x=(0, frame.total), y=(0, 1))
        self.plot.set_marker(frame.step)


class GuidanceGrid(KnobGrid):
    """One noise, a row of guidance scales for each of a few classes."""

    name = "Guidance"
    group = LOOK_INSIDE
    words = (
        "One noise for all pictures. In each row the network is told another class; from left to right it is told "
        "<b>louder</b>.<br><br>Classifier-free guidance asks the network twice, with the class and without, and goes "
        "further in the direction of the difference. At 1 it is off: varied, sometimes vague. A little makes pictures "
        "clear and typical; much makes them alike, hard and overdrawn.<br><br>The bars are the price: two passes per "
        "step in place of one."
    )
    formula = r"\hat{v} = v(x_t) + w \, (v(x_t, c) - v(x_t))"
    preset: ClassVar = {
        "rows": "label",
        "row_values": "Trouser, Dress, Sneaker, Bag",
        "columns": "guidance_scale",
        "column_values": "1, 1.5, 2, 3, 5, 8",
    }
    hidden_knobs = frozenset({"num_samples", "rows", "columns"})


class TwoGuides(KnobGrid):
    """One noise and one class, pushed towards the class along a row, and away from a weaker model down a column."""

    name = "Two guides"
    group = LOOK_INSIDE
    words = (
        "One noise and one class. From left to right, pictures are pushed <b>towards the class</b>; from top to bottom, "
        "<b>away from a bad version of the network</b>: a smaller one, trained for minutes.<br><br>Both err in the same "
        "places, the small one more, so going on in the direction of their difference undoes errors of both. Compare "
        "the first column with the first row. Top left is the network by itself."
    )
    formula = r"\hat{v} = v + (w_c - 1)(v - v_{\text{no class}}) + (w_a - 1)(v - v_{\text{weak}})"
    preset: ClassVar = {
        "rows": "autoguidance_scale",
        "row_values": "1, 1.5, 2, 3",
        "columns": "guidance_scale",
        "column_values": "1, 1.5, 2, 4",
    }
    hidden_knobs = frozenset({"num_samples", "rows", "columns"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """It has a guide."""
        return isinstance(model, FollowsGuide) and model.guide is not None and super().suits(model)


class Steps(KnobGrid):
    """One noise, a row of step counts for each sampler."""

    name = "Steps"
    group = LOOK_INSIDE
    words = (
        "One noise for all pictures. From left to right the sampler may take <b>more steps</b> from noise to picture; "
        "each row has another rule for a step.<br><br>One step can only answer with the average of everything that "
        "is possible. The cleverer rules remember earlier steps and arrive with fewer; DDIM goes to the same picture "
        "in the end, since it follows the same path; DDPM adds fresh noise at every step, so it arrives elsewhere."
    )
    formula = r"x_T \to x_{t_1} \to \ldots \to x_0"
    preset: ClassVar = {
        "rows": "sampler",
        "columns": "num_steps",
        "column_values": "1, 2, 4, 8, 24",
    }
    hidden_knobs = frozenset({"num_samples", "rows", "columns"})
