"""Speak: a word grows sample by sample, with what each sample is drawn from, and what it hears of the earlier ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from playground.capabilities import Speaks
from playground.contract import Frame
from playground.data import mu_law
from playground.export import wav, waveform
from playground.models.autoregressive import next_token
from playground.tabs.autoregressive.speech import loudspeaker
from playground.tabs.autoregressive.speech.code_bars import CodeBars
from playground.tabs.autoregressive.speech.sheets import Spectrogram, Waveform
from playground.tabs.autoregressive.speech.tree import DilationTree
from playground.tabs.branches.view import Branching
from playground.ui.widgets.file_dialogs import ask_to_save


class Speak(Branching[Speaks]):
    """One clip: waveform, spectrogram, the tree of dilations, and the latest sample's distribution."""

    name = "Speak"
    capability = Speaks
    words = (
        "8,000 times a second the model gives a probability to <b>each of 256 pressures</b> and one is drawn. Each sample "
        "is drawn from the shaded eighth of a second before it, through layers whose two taps lie 1, 2, 4, … 512 samples "
        "apart: <b>the tree</b>. A layer is as bright as what it lets through.<br><br>That much is a few swings of the "
        "vocal cords, and less than a word. What comes when, the network is told: it has a coarse spectrogram of each word in each "
        "voice.<br><br><b>Click the sound</b> to go back. <b>C</b> holds a moment: choose another <i>word</i> or "
        "<i>voice</i>, and the clip goes on with it from there.<br><br>A synthesizer taught it, not a person."
    )
    formula = r"p(x) = \prod_t p(x_t \mid x_1, \ldots, x_{t-1}, h_t)"
    hidden_knobs = frozenset({"num_samples"})

    def build(self) -> None:
        """From top to bottom: sound, what it is made of, where it comes from."""
        self.waveform, self.spectrogram = Waveform(), Spectrogram()
        self.tree, self.bars = DilationTree(), CodeBars()
        self.listen = QPushButton("Listen")
        self.listen.setToolTip("Play what there is of the clip (needs the package sounddevice)")
        self.listen.clicked.connect(self._listen)
        self.save = QPushButton("Save WAV …")
        self.save.setToolTip("16-bit PCM, mono, 8 kHz, with its settings inside")
        self.save.clicked.connect(self._ask_to_save)
        for sheet in (self.waveform, self.spectrogram):
            sheet.picked.connect(self._go_back_to)
        rows = QVBoxLayout()
        rows.addWidget(self.waveform, 5)
        rows.addWidget(self.spectrogram, 5)
        lower = QHBoxLayout()
        lower.addWidget(self.tree, 7)
        lower.addWidget(self.bars, 3)
        rows.addLayout(lower, 8)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.listen)
        buttons.addWidget(self.save)
        buttons.addStretch(1)
        rows.addLayout(buttons)
        self.column.addLayout(rows, 1)
        self.player.speed = 30.0

    def opened(self) -> None:
        """The layers of this model."""
        super().opened()
        self.tree.set_dilations(self.model.config.dilations)

    # --- drawing

    def draw(self, frame: Frame) -> None:
        """All four."""
        position: int = frame.extras["position"]
        codes = frame.images[0, 0, :, 0]
        self.waveform.caption = f"Waveform: {position:,} samples, {position / mu_law.RATE:.3f} of {len(codes) / mu_law.RATE:.1f} s"
        self.waveform.set_clip(codes, position, self.model.receptive_field)
        self.spectrogram.set_clip(codes, position, 0)
        activity: np.ndarray = frame.extras.get("activity", np.zeros((1, 0)))
        self.tree.set_state(codes[:position], activity[0])
        temperature: float = getattr(self.request, "temperature", 1.0)
        chances = next_token.distribution(frame.extras["logits"][0], temperature)
        self.bars.set_values(chances, int(codes[position - 1]) if position else -1)
        self.listen.setEnabled(position > 0)
        self.save.setEnabled(position > 0)

    def _go_back_to(self, sample: int) -> None:
        """To the moment after so many samples, as far as there are any."""
        frame = self.player.frame
        if frame is None:
            return
        self.player.pause()
        step = sample * frame.total // frame.images.shape[2]
        self.player.seek(self.player.timeline.index_of_step(step))

    # --- what is heard and kept

    def _codes(self) -> np.ndarray | None:
        """What there is of the clip on the screen, uint8 (n,)."""
        frame = self.player.frame
        return None if frame is None else frame.images[0, 0, : frame.extras["position"], 0]

    def _listen(self) -> None:
        codes = self._codes()
        if codes is not None and (sentence := loudspeaker.play(codes)):
            self.tab.banner.show_notice(sentence)

    def _ask_to_save(self) -> None:
        word = getattr(self.request, "word", "word").replace(" ", "-")
        ask_to_save(self, "Save the sound", f"{word}.wav", "Sound (*.wav)", self.write_wav)

    def write_wav(self, path: Path) -> None:
        """Keep what there is of the clip, with its settings; what goes wrong is said in the banner."""
        from playground.tabs.frame.exporter import metadata_of

        codes, kept = self._codes(), metadata_of(self)
        if codes is None or kept is None:
            return
        try:
            wav.write(path, codes[None, None, :, None], kept.to_json())
        except OSError as error:
            self.tab.banner.show_error(f"{path}: {error.strerror or error}.")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The waveform, for an animation."""
        return [("", waveform.pictures(frame.images))]
