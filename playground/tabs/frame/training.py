"""The view that every family has: how the model was trained, as curves and as the pictures it drew on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from playground import data
from playground.capabilities import HasNoiseLevels
from playground.checkpoints import Card, training_record
from playground.contract import Frame, Model, Request
from playground.data import characters, icons
from playground.export import contact_sheet, waveform
from playground.families import TRAINING
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.trainable import LearnsInTurn
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.plots.plot_column import PlotColumn
from playground.ui.widgets.text_page import TextPage

_NAMES = {"loss": "training", "validation_loss": "validation"}
_PICTURES = "<b>Drag the timeline</b> to see what the model drew at each moment, always from the same noise."
_WORDS = (
    "Each step shows the model a batch of pictures{batch}, measures its <b>loss</b>, and moves every weight "
    "downhill.<br><br>"
    + _PICTURES
    + "<br><br>The <i>validation</i> pictures are never trained on: if only the training loss fell, it would be "
    "learning by heart."
)
_TEXT_WORDS = (
    "Each step shows the model some stretches of text{batch}. A network measures its <b>loss</b>, the bits that each "
    "character costs it, and moves every weight downhill; a model that counts, counts.<br><br>It finds out which "
    "characters are common, then which follow each other, then words, then how lines begin.<br><br>The "
    "<i>validation</i> loss is that of {parts} that it never sees."
)
_SOUND_WORDS = (
    "Each step shows the model some clips{batch}. It measures its <b>loss</b>, the bits that each sample costs it, and moves "
    "every weight downhill.<br><br>First it finds out how loud speech is and that a clip ends in silence, then the hum of "
    "voices, then which sounds make which word.<br><br>"
    + _PICTURES
    + "<br><br>The <i>validation</i> loss is that of whole clips in voices that it never hears; training clips are cut "
    "behind the word, where silence would cost next to nothing."
)
_STROKES_WORDS = (
    "Each step shows the model some drawings{batch}, <b>point by point</b>, and measures what each next point and each "
    "lift of the pen costs it: the mixture learns where the pen may go from here. The <i>kl</i> is what a drawing's code "
    "may cost; its price rises slowly, so that the code is used at all.<br><br><b>Drag the timeline</b>: first scribbles, "
    "then lines that close, then things.<br><br>The <i>validation</i> drawings are of icons whose names are in no training "
    "drawing."
)
_GAME_WORDS = (
    "Two networks learn <b>in turn</b>{batch}: the discriminator to tell real pictures from drawn ones, the generator "
    "to fool it. Where one gains, the other loses: <b>neither loss has to fall</b>, and a good fight stays even.<br><br>"
    + _PICTURES
)
_ENERGY_WORDS = (
    "Each training step pushes the energy of real pictures{batch} <b>down</b> and that of what its own chains found "
    "<b>up</b>. The loss is the difference, so it need <b>not</b> fall: near zero, the chains find pictures as plausible "
    "to the model as real ones.<br><br>" + _PICTURES
)
_DENOISING_WORDS = (
    "Each training step lays noise of every strength over pictures{batch} and asks the energy which way downhill leads. "
    "Its gradient is fitted to the noise that a diffusion model finds there; <i>denoising</i> is its error against the "
    "noise itself. <b>No chain runs.</b><br><br>" + _PICTURES
)
_DRAWING = 160  # pixels of a drawing's side, where strokes are made pictures
_SKIPPED = 0.04  # the first part of a run, whose loss would flatten all that follows

_APART = 5.0  # figures of such different size share an axis of powers of ten


class Training(View):
    """Curves with a marker, and the pictures of the snapshot before it."""

    name = "Training"
    group = TRAINING
    plot: PlotColumn
    formula = r"\theta_{t+1} = \theta_t - \eta \, \nabla L(\theta_t)"
    hidden_knobs = frozenset({"seed", "num_samples"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whoever has a record."""
        return training_record.path_for(model) is not None

    def request_type(self, model: Model) -> type[Request]:
        return training_record.TrainingRecordRequest

    def explanation(self, model: Model) -> tuple[str, str]:
        """With the figures of this run."""
        card = model.card
        minutes, batch = card.training_seconds / 60, card.recipe.get("batch_size", "")
        is_energy = model.likelihood == "energy"
        of_energies = _DENOISING_WORDS if isinstance(model, HasNoiseLevels) else _ENERGY_WORDS
        words = _GAME_WORDS if isinstance(model, LearnsInTurn) else of_energies if is_energy else _WORDS
        modality = data.modality(card.dataset)
        others = {
            data.Modality.TEXT: (_TEXT_WORDS, "stretches"),
            data.Modality.SOUND: (_SOUND_WORDS, "clips"),
            data.Modality.STROKES: (_STROKES_WORDS, "drawings"),
        }
        words, seen = others.get(modality, (words, "pictures"))
        parts = data.DATASETS[card.dataset].parts if card.dataset in data.DATASETS else ""
        words = words.format(batch=f" ({batch} at a time)" if batch else "", parts=parts or "texts") + (
            f"<br><br>This run: {card.parameters / 1e6:.2f} million weights, {card.images_seen:,} {seen} seen, "
            f"{minutes:.0f} minutes on {card.machine}."
        )
        return words, self.formula

    @staticmethod
    def _draws_strokes(model: Model) -> bool:
        return data.modality(model.card.dataset) is data.Modality.STROKES

    def sampler(self, model: Model, request: Request) -> Iterator[Frame]:
        """The record from the beginning."""
        path = training_record.path_for(model)
        if path is None:
            raise ValueError(f"{model.card.id} has no training record.")
        return training_record.frames(self._read(path))

    def _read(self, path: Path) -> training_record.TrainingRecord:
        """A record, whose codes of drawings become pictures."""
        record = training_record.read(path)
        if not self._draws_strokes(self.model):
            return record
        drawn = [[icons.picture(codes[0], _DRAWING) for codes in moment] for moment in record.pictures]
        return dataclasses.replace(record, pictures=np.array(drawn))

    def code(self) -> Code | None:
        """The stored pictures."""
        return Code(
            "training_record.frames(training_record.read(training_record.path_for(model)))",
            ("from playground.checkpoints import training_record",),
            "training_record.TrainingRecordRequest",
        )

    def build(self) -> None:
        """Pictures; the loss and the other figures in the panel."""
        self._drawn: training_record.TrainingRecord | None = None  # whose curves are on the plots
        self._losses: dict[str, str] = {}  # which curves are losses, and what they are called
        self.grid = ImageGrid()
        self.grid.setAccessibleName("Pictures drawn during training")
        self.curves = LinePlot("Loss", "training step", "loss")
        self.page = TextPage()
        self.page.setAccessibleName("Texts written during training")
        self.is_text = False
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.page, 1)
        self.player.speed = 30.0
        self.others = LinePlot("Other figures", "training step", "value")
        self.plot = PlotColumn(self.curves, self.others)

    def opened(self) -> None:
        """A page for models of text, a grid for the others."""
        self.is_text = data.modality(self.model.card.dataset) is data.Modality.TEXT
        self.grid.setVisible(not self.is_text)
        self.page.setVisible(self.is_text)

    def relevant(self, request: Request) -> dict[str, bool]:
        """All moments at once are pictures."""
        return {"show": not self.is_text}

    def turn(self, request: Request) -> None:
        """The same record, shown in another way: nothing begins again."""
        self.adopt(request)
        if self.player.frame is not None:
            self.draw(self.player.frame)

    def draw(self, frame: Frame) -> None:
        """Curves, marker, pictures."""
        record: training_record.TrainingRecord = frame.extras["record"]
        if record is not self._drawn:
            self._draw_curves(record)
        self.curves.set_marker(frame.step)
        self._say(frame.extras["figures"], frame.step)
        if self.is_text:
            self._write(frame.images)
            return
        if getattr(self.request, "show", "moment") == "all":
            self._draw_all(record, frame.step)
            return
        at = record.snapshot_steps[frame.extras["snapshot"]]
        self.grid.set_known(None)
        self.grid.set_images(self._seen(frame.images), title=f"Drawn after {at:,} training steps")

    def draw_plot(self, frame: Frame) -> None:
        """Where the other figures stand."""
        self.others.set_marker(frame.step)

    def _seen(self, made: np.ndarray) -> np.ndarray:
        """What was drawn as pictures uint8 (n,H,W,C): sounds as their waveforms."""
        is_sound = data.modality(self.model.card.dataset) is data.Modality.SOUND
        return waveform.pictures(made) if is_sound else made

    def _write(self, texts: np.ndarray) -> None:
        """Each text a paragraph, uint8 (n,1,T,1)."""
        gap = np.full((len(texts), 2), 10, np.uint8)
        codes = np.concatenate([texts[:, 0, :, 0], gap], 1).ravel()[:-2]
        codes = codes[codes > 0]
        self.page.set_text(codes, 0, len(codes))

    def _draw_all(self, record: training_record.TrainingRecord, step: int) -> None:
        moments, n = record.pictures.shape[:2]
        names = [f"step {s:,}" for s in record.snapshot_steps]
        sheet = self._seen(record.pictures.reshape(moments * n, *record.pictures.shape[2:]))
        self.grid.set_images(sheet, columns=n, row_captions=names)
        seen = np.repeat([s <= step for s in record.snapshot_steps], n)
        self.grid.set_known(np.broadcast_to(seen[:, None, None], sheet.shape[:3]))

    def _draw_curves(self, record: training_record.TrainingRecord) -> None:
        self._drawn = record
        self.curves.clear()
        self._losses = _losses(record)
        for key, name in self._losses.items():
            steps, values = record.curves[key]
            self.curves.set_curve(name, values, steps)
        settled = [
            v[s >= _SKIPPED * record.last_step] for s, v in map(record.curves.__getitem__, self._losses)
        ]
        together = np.concatenate(settled) if settled else np.zeros(0)
        high, low = (float(together.max()), float(together.min())) if len(together) else (1.0, 0.0)
        self.curves.set_range(x=(0, record.last_step), y=(low, high) if high > low else None)
        self.curves.set_notes(legs(self.model.card, record.last_step))
        self._draw_others({k: c for k, c in record.curves.items() if k not in self._losses}, record.last_step)

    def _draw_others(self, curves: dict[str, tuple[np.ndarray, np.ndarray]], last_step: int) -> None:
        curves = {k.replace("_", " "): c for k, c in curves.items() if not k.startswith("validation_")}
        if len(curves) > 1:  # a game has many: a legend of four lines would leave no plot
            curves = {k: c for k, c in curves.items() if not k.endswith("gradient norm")}
        sizes = np.array([np.median(values) for _, values in curves.values()])
        apart = len(sizes) > 0 and sizes.min() > 0 and sizes.max() > _APART * sizes.min()
        self.others.clear()
        self.others.set_log(bool(apart))
        for name, (steps, values) in curves.items():
            self.others.set_curve(name, np.where(values > 0, values, np.nan) if apart else values, steps)
        self.others.set_title(next(iter(curves)).capitalize() if len(curves) == 1 else "Other figures")
        self.others.set_range(x=(0, last_step))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Pictures, or the first text as a picture."""
        if not self.is_text:
            return [("", self._seen(frame.images))]
        codes = frame.images[0, 0, :, 0]
        return [("", contact_sheet.page(characters.text_of(codes), 0, len(codes), 60)[None])]

    def _say(self, figures: dict[str, float], step: int) -> None:
        parts = [f"{name} {figures[key]:.3f}" for key, name in self._losses.items() if key in figures]
        self.curves.set_title(f"Loss at step {step:,}" + (f": {', '.join(parts)}" if parts else ""))


def legs(card: Card, last_step: int) -> list[tuple[float, str]]:
    """Where a run changed: where it went on from its own earlier end, and where its rate began its last fall."""
    recipe, found = card.recipe, []
    steps, fall = recipe.get("steps"), recipe.get("decay_steps")
    went_on = str(recipe.get("continued_from", "")).startswith(f"{card.id}@")
    if went_on and isinstance(steps, int) and last_step > steps:
        found.append((float(last_step - steps), "went on, rate raised"))
    if isinstance(fall, int) and 0 < fall < last_step:
        found.append((float(last_step - fall), "rate falls"))
    return found


def _losses(record: training_record.TrainingRecord) -> dict[str, str]:
    """The curves that are losses and their names: the usual two, or one for each player of a game."""
    usual = {key: name for key, name in _NAMES.items() if key in record.curves}
    players = [k for k in record.curves if k.endswith("_loss") and not k.startswith("validation_")]
    return usual or {key: key.removesuffix("_loss") for key in players}
