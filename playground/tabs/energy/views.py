"""The Energy tab: chains that wander downhill, what they repair, and what an energy can tell apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import HasEnergy, HasHiddenUnits, HasNoiseLevels
from playground.contract import Frame, Model, Request
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot, LinePlot

if TYPE_CHECKING:
    from playground.experiments.energy.explore import ChainModel

MOST_TRACES = 4  # chains whose energy is drawn, beside the mean of all
DROP = 0.05  # the first part of a run, whose fall from noise would flatten the rest
NUM_FILTERS = 64


def _code(run: str, request: str) -> Code:
    imports = ("from playground.experiments.energy import explore",)
    return Code(f"explore.{run}", imports, f"explore.{request}")


def _reach(energies: np.ndarray) -> tuple[float, float] | None:
    """An axis for energies (steps, chains) in coarse steps, so that it does not slide all the time; None for too few."""
    if len(energies) < 2:
        return None
    low, high = float(energies.min()), float(energies.max())
    step = 10 ** math.floor(math.log10(max(high - low, 1e-9))) / 2
    return math.floor(low / step - 0.5) * step, math.ceil(high / step + 0.5) * step


def _beside(frame: Frame) -> list[tuple[str, np.ndarray]]:
    """The states, beside what the step saw or aimed at where the model tells."""
    if "corrupted" in frame.extras:
        seen = frame.extras["corrupted"]
        return [("restored: the mean of P(x)", frame.images), ("corrupted: what it saw", seen)]
    if "denoised" in frame.extras:
        aim = frame.extras["denoised"]
        return [("the chain, at its level of noise", frame.images), ("denoised: where downhill led", aim)]
    return [("", frame.images)]


class Chains(View):
    """Many chains in parallel, each with its energy."""

    name = "Chains"
    plot: LinePlot
    words = (
        "An energy-based model gives every picture one number, its <b>energy</b>: low means plausible. To draw, a "
        "<b>Markov chain</b> wanders, a little downhill and with some noise at every step."
    )
    formula = r"p(x) = \exp(-E(x)) / Z"

    def explanation(self, model: Model) -> tuple[str, str]:
        """Four kinds of chain."""
        mixing = (
            "<br><br>Start the chains from noise, from test images, or where training's own chains were left: if all "
            "end up alike, they <b>mix</b>."
        )
        words = {
            "energy/rbm": mixing
            + "<br><br>Here pixels are <b>black or white</b>; grey is the probability of white. A "
            "step draws all hidden units given the pixels, then all pixels given these.",
            "energy/ebm": mixing
            + "<br><br>Here a step follows the gradient of the energy. Its noise is far smaller "
            "than theory asks for (temperature = noise² / (2 step_size), {t:.1e} as trained): the chains look for "
            "valleys more than they sample.",
            "energy/gsn": mixing
            + "<br><br>This one has no energy at all: it <b>corrupts</b> the picture and "
            "<b>restores</b> it, over and over. Where the chain spends its time is the model.",
            "energy/score_ebm": "<br><br>Here <b>every level of noise σ has its own energy</b>: smooth hills under much "
            "noise, fine valleys under little. A chain follows the gradient, at temperature 1, while the level falls: "
            "<b>annealed</b> Langevin dynamics.<br><br>The gradient was learned by <b>denoising</b>: downhill must "
            "lead from a noisy picture to the clean one. No chain ran in training. The curves show the energy at one "
            "and the same level, that of the <i>Energy</i> view.",
        }
        more = words.get(model.card.network, mixing)
        if "{t" in more:
            more = more.format(t=model.config.noise**2 / (2 * model.config.step_size))
        formula = self.formula
        if model.likelihood == "none":
            formula = r"\tilde{x} \sim C(\tilde{x} \mid x), \; x \sim P(x \mid \tilde{x})"
        elif isinstance(model, HasNoiseLevels):
            formula = r"E_\sigma(x) = \|r(x, \sigma)\|^2 / 2"
        return self.words + more, formula

    def build(self) -> None:
        """The grid, and the traces."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.player.speed = 30.0
        self.plot = LinePlot("Energy of each chain", "step", "nats")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """See the base class."""
        return _beside(frame)

    def draw(self, frame: Frame) -> None:
        """The pictures."""
        self.grid.set_panels(self.panels(frame), captions=self.class_names())

    def draw_plot(self, frame: Frame) -> None:
        """The energies so far, or what moves where there is none."""
        frames = list(self.player.timeline)
        steps = np.array([f.step for f in frames], float)
        reach = None
        if "energy" in frame.extras:
            energies = np.stack([f.extras["energy"] for f in frames])
            traces = {"mean": energies.mean(1)}
            traces |= {f"{i + 1}": energies[:, i] for i in range(min(MOST_TRACES, energies.shape[1]))}
            self.plot.set_curves(traces, steps)
            reach = _reach(energies[steps >= DROP * frame.total, :MOST_TRACES])
        else:
            self.plot.set_title("How much each step changes the pictures")
            self.plot.set_labels("step", "grey levels")
            moved = [
                float(np.abs(b.images.astype(int) - a.images).mean()) for a, b in itertools.pairwise(frames)
            ]
            self.plot.set_curve("change", np.array(moved), steps[1:])
        self.plot.set_range(x=(0, frame.total), y=reach)
        self.plot.set_marker(frame.step)

    def opened(self) -> None:
        """Another model, other curves."""
        self.plot.clear()
        self.plot.set_title("Energy of each chain")
        self.plot.set_labels("step", "nats")


class Repair(View["ChainModel"]):
    """A part of a test image is lost; chains fill it in while the rest is held."""

    name = "Denoise and complete"
    plot: LinePlot
    words = (
        "A chain need not start from nothing. Here it starts from a <b>damaged test image</b>: what is known is put "
        "back after every step, and the chain fills in the rest so that the whole has low energy.<br><br>Several "
        "chains try it at once: where they differ, the model is unsure. Under <i>noise over everything</i> nothing is "
        "held, and the chain walks to a clean picture near by."
    )
    formula = r"p(x_{lost} \mid x_{known}) \propto \exp(-E(x))"

    def request_type(self, model: ChainModel) -> type[Request]:
        """See the class."""
        from playground.experiments.energy import explore

        return explore.repair_request(model.Request)  # type: ignore[arg-type]

    hidden_knobs = frozenset({"start", "label", "guidance_scale"})  # a repair is not told the class

    def sampler(self, model: ChainModel, request: Request) -> Iterator[Frame]:
        """The chains."""
        from playground.experiments.energy import explore

        return explore.repair(model, request)

    def code(self) -> Code:
        """See the base class."""
        return _code("repair(model, request)", "repair_request(model.Request)")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The chains."""
        return _beside(frame) if "denoised" in frame.extras else super().panels(frame)

    def class_names(self) -> list[str] | None:
        """None: no chain is told a class here."""
        return None

    def relevant(self, request: Request) -> dict[str, bool]:
        """The level belongs to noise."""
        return {"amount": getattr(request, "damage", "") == "noise"}

    def build(self) -> None:
        """The original, the chains, and how far they are from it."""
        self.original, self.grid = ImageGrid(), ImageGrid()
        self.original.setAccessibleName("The test image before it was damaged")
        row = QHBoxLayout()
        row.addWidget(self.original, 1)
        row.addWidget(self.grid, 3)
        self.column.addLayout(row, 1)
        self.player.speed = 30.0
        self.plot = LinePlot("Difference from the original", "step", "grey levels")

    def draw(self, frame: Frame) -> None:
        """Pictures."""
        original = frame.extras["original"]
        self.original.set_images(original, captions=["original"])
        self.grid.set_panels(self.panels(frame))

    def draw_plot(self, frame: Frame) -> None:
        """The mean difference so far."""
        original, frames = frame.extras["original"], list(self.player.timeline)
        apart = [float(np.abs(f.images.astype(int) - original).mean()) for f in frames[-400:]]
        self.plot.set_curve("difference", np.array(apart), np.array([f.step for f in frames[-400:]], float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)


class Energies(View[HasEnergy]):
    """Histograms of energies: garments, other images, samples, and one picture of the user's choice."""

    name = "Energy"
    capability = HasEnergy
    plot: BarPlot
    words = (
        "What energy does the model give to garments it has never seen, and what to images that are no garments? If "
        "the histograms lie apart, the energy can tell them apart: <b>AUC</b> is the probability that a random other "
        "image has a higher energy than a random garment (50 % is blind).<br><br>Watch for kinds of image that get "
        "<i>lower</i> energies than garments: simple pictures often do.<br><br>Energies are in nats "
        "<b>up to an unknown constant</b>: they rank pictures of one model, and say nothing between models."
    )
    formula = r"\log p(x) = -E(x) - \log Z"

    def explanation(self, model: HasEnergy) -> tuple[str, str]:
        """Where every level of noise has its own energy, one has been chosen."""
        if not isinstance(model, HasNoiseLevels):
            return super().explanation(model)
        *shared, _ = self.words.split("<br><br>")
        chosen = (
            "Energies are in nats <b>up to an unknown constant</b>. This model has one for every level of noise; here it "
            "is that which told garments apart best."
        )
        return "<br><br>".join([*shared, chosen]), self.formula

    def request_type(self, model: HasEnergy) -> type[Request]:
        """See the class."""
        from playground.experiments.energy import explore

        return explore.census_request(model.Request)  # type: ignore[arg-type]

    def sampler(self, model: HasEnergy, request: Request) -> Iterator[Frame]:
        """A kind at a time."""
        from playground.experiments.energy import explore

        return explore.census(model, request)

    def code(self) -> Code:
        """See the base class."""
        return _code("census(model, request)", "census_request(model.Request)")

    def class_names(self) -> list[str] | None:
        """None: the pictures are of many kinds."""
        return None

    def build(self) -> None:
        """Examples with their AUC, the histograms under them."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 3)
        self.histograms = LinePlot("Energies", "energy, nats up to a constant", "share of images")
        self.column.addWidget(self.histograms, 4)
        self.plot = BarPlot("AUC against test images", "", "")

    def draw(self, frame: Frame) -> None:
        """An example of each kind."""
        energies = frame.extras["energies"]
        yours = f"yours: {frame.extras['chosen']:.3g}".replace("-", "−")
        self.grid.set_images(frame.images, captions=[*energies, yours])

    def draw_plot(self, frame: Frame) -> None:
        """What has been measured so far."""
        energies, areas = frame.extras["energies"], frame.extras["auc"]
        every = np.concatenate(list(energies.values()))
        low, high = np.quantile(every, [0.002, 0.998])
        edges = np.linspace(low, high, 41)
        middles = (edges[:-1] + edges[1:]) / 2
        shares = {}
        for name, values in energies.items():
            counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
            shares[name] = counts / len(values)
        self.histograms.set_curves(shares, middles)
        self.histograms.set_marker(float(np.clip(frame.extras["chosen"], edges[0], edges[-1])))
        others = {k: v for k, v in areas.items() if k != "test images"}
        if others:
            values = np.array(list(others.values()))
            self.plot.set_values(values, high=1.0, names=[k.split()[-1] for k in others])


class Filters(View[HasHiddenUnits]):
    """An RBM's receptive fields, lit by the hidden units that are on."""

    name = "Filters"
    capability = HasHiddenUnits
    plot: BarPlot
    words = (
        "Each hidden unit looks at the picture through its own <b>filter</b>: the weights between it and every pixel. "
        "Bright weights want white there, dark ones want black.<br><br>As the chain runs, the filters of the units "
        "that are <b>on</b> light up: the picture is made of what they have in common. Click another chain to see "
        "its units."
    )
    formula = r"P(h_j = 1 \mid v) = \sigma(c_j + \sum_i W_{ij} v_i)"

    def build(self) -> None:
        """Chains, filters."""
        self.chains, self.grid = ImageGrid(), ImageGrid()
        self.chains.setAccessibleName("Chains; choose one to see its hidden units")
        self.chains.selection_changed.connect(lambda _: self._light())
        row = QHBoxLayout()
        row.addWidget(self.chains, 2)
        row.addWidget(self.grid, 5)
        self.column.addLayout(row, 1)
        self.player.speed = 15.0
        self.fetch = self.new_lane("filters")
        self.fetch.frames_arrived.connect(lambda frames: self._take(frames[-1].payload))
        self.fetch.failed.connect(self.tab.show_failure)
        self.filters: np.ndarray | None = None
        self.plot = BarPlot("Hidden units by how probably they are on", "P(h = 1)", "units")

    def opened(self) -> None:
        """Another machine has other filters."""
        from playground.experiments.energy import explore

        self.filters = None
        self.fetch.play(self.source(explore.filters))

    def _take(self, weights: np.ndarray) -> None:
        strongest = np.argsort(-np.abs(weights).mean((1, 2)))[:NUM_FILTERS]
        chosen = weights[strongest]
        scale = np.quantile(np.abs(chosen), 0.98, axis=(1, 2), keepdims=True)
        self.filters, self.units = np.clip(chosen / scale, -1, 1), strongest
        self._light()

    def draw(self, frame: Frame) -> None:
        """The chains, and the lit filters of the chosen one."""
        self.chains.set_images(frame.images)
        if self.chains.selected() < 0:
            self.chains.select(0)
        self._light()

    def _light(self) -> None:
        frame = self.player.frame
        chosen = max(self.chains.selected(), 0)
        if frame is None or self.filters is None or chosen >= len(frame.images):
            return
        on = frame.extras["hidden"][chosen]
        light = (0.4 + 0.6 * on[self.units])[:, None, None]
        grey = (self.filters + 1) / 2 * light
        self.grid.set_images((grey[..., None] * 255).astype(np.uint8))
        counts, edges = np.histogram(on, bins=20, range=(0, 1))
        self.plot.set_values(counts, x=(edges[:-1] + edges[1:]) / 2)
