"""The model card: a button beside the model menu that opens what a checkpoint says about itself."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QWidget

from playground.checkpoints import Card
from playground.ui.theme import theme
from playground.ui.widgets.controls import IconButton


class CardButton(IconButton):
    """Opens the card below itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("info", "Model card: who made this model, from what, and how good it is", parent)
        self._card: Card | None = None
        self._differs = ""
        self._popup: QFrame | None = None
        self.clicked.connect(self.open)

    def show_card(self, card: Card, differs: str = "") -> None:
        """Speak of another checkpoint; ``differs``, where its model is not that of the paper, is known once it is loaded."""
        self._card, self._differs = card, differs

    def open(self) -> None:
        """Show the card until the next click elsewhere."""
        if self._card is None:
            return
        self._popup = QFrame(self.window(), Qt.WindowType.Popup)
        self._popup.setProperty("role", "popup")
        self._popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        form = QFormLayout(self._popup)
        margin = round(theme.em())
        form.setContentsMargins(margin, margin, margin, margin)
        for name, text in rows(self._card, self._differs):
            value = QLabel(text)
            value.setWordWrap(True)
            value.setMinimumWidth(round(theme.em() * 24))
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label = QLabel(name)
            label.setProperty("role", "caption")
            form.addRow(label, value)
        self._popup.move(self.mapToGlobal(QPoint(0, self.height())))
        self._popup.show()


def rows(card: Card, differs: str = "") -> list[tuple[str, str]]:
    """The card as names and texts."""
    from playground import data, labels  # a card that is opened has time; the window has not
    from playground.evaluation import report

    if data.modality(card.dataset) is data.Modality.POINTS:
        return [
            ("model", f"{card.id}: {card.system}"),
            ("paper", card.paper),
            (
                "trained on",
                f"{card.dataset_title}, here and now, in a process of its own: no weights are stored",
            ),
        ]
    minutes = card.training_seconds / 60
    is_text = data.modality(card.dataset) is data.Modality.TEXT
    seen = {
        data.Modality.TEXT: f"stretches of {data.DATASETS[card.dataset].image_shape[1]} characters"
        if is_text
        else "",
        data.Modality.SOUND: "recordings",
        data.Modality.STROKES: "drawings",
        data.Modality.CONTROL: "stretches of 32 frames",
    }.get(data.modality(card.dataset), "images")
    is_own = labels.is_own(card.dataset)
    trained_on = {"fashion": ", 55,000 training images", "icons": ", icons of other names held out"}.get(
        card.dataset, ""
    )
    licence = "" if is_own else f" ({card.licence}{'' if is_text or card.dataset == 'icons' else ' licence'})"
    said = [
        ("model", f"{card.id}: {card.system}"),
        ("paper", card.paper),
        *([("differs from it", differs)] if differs else []),
        ("trained on", f"{card.dataset_title}{licence}{trained_on}"),
        (
            "training",
            f"{card.images_seen:,} {seen} seen in {minutes:.0f} minutes on {card.machine}, {card.date}",
        ),
        ("size", f"{card.parameters:,} parameters"),
        ("likelihood", {"none": "none: it can only draw"}.get(card.likelihood, card.likelihood)),
    ]
    for name, figure in card.metrics.items():
        if isinstance(figure, dict) and "value" in figure:
            counted = ((key[4:], n) for key, n in figure.items() if key.startswith("num_"))
            what, number = next(counted, ("images", 0))
            count = f"{number:,} {'test images' if what == 'images' else what.replace('_', ' ')}"
            if "num_characters" in figure:
                count = f"{figure['num_characters']:,} characters of {', '.join(figure['books'])}"
            value = f"{figure['value']:.3f} {figure.get('unit', '')} ({figure.get('kind', '')}, {count})"
            said.append((name.replace("_", " "), value))
    if report.PICTURES in card.metrics:
        said += report.sentences(card.metrics[report.PICTURES])
    if card.built_on:
        said.append(("built on", ", ".join(card.built_on)))
    if card.guided_by:
        said.append(("guided by", ", ".join(card.guided_by)))
    return said
