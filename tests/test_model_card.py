"""The model card says where a model is not that of its paper."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QFrame, QLabel

from playground.tabs.frame.model_card import CardButton
from tests.windows import load


def said(button: CardButton) -> list[str]:
    """The texts of the card that is open."""
    (popup,) = (f for f in button.window().findChildren(QFrame) if f.property("role") == "popup")
    texts = [label.text() for label in popup.findChildren(QLabel)]
    popup.close()
    return texts


@pytest.mark.parametrize(
    "name, words",
    [("stylegan-fashion", ["two layers", "gain", "tanh", "path length"]), ("tarflow-fashion", ["1x1", "±3"])],
)
def test_what_is_not_the_papers_stands_on_the_card(qtbot, name, words):
    model, button = load(name), CardButton()
    qtbot.addWidget(button)
    button.show_card(model.card, model.differs)
    button.open()
    texts = said(button)
    assert "differs from it" in texts
    (sentence,) = (text for text in texts if text == model.differs)
    assert all(word in sentence for word in words)


def test_where_nothing_differs_there_is_no_such_line(qtbot):
    model, button = load("nice-fashion"), CardButton()
    qtbot.addWidget(button)
    button.show_card(model.card, model.differs)
    button.open()
    texts = said(button)
    assert "differs from it" not in texts and any(model.card.paper in t for t in texts)
