"""What is dropped on the window or pasted into it: opened, or called what it is, never an exception and never nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from playground.contract import Message
from playground.experiments.vae import latent_sliders
from playground.export import animation, picture_metadata
from playground.export.picture_metadata import PictureMetadata
from playground.tabs.frame.page import LinkTarget
from tests.windows import WAIT, begun, wait_open


@pytest.fixture
def window(shared_window, qtbot):
    """On the VAE's tab, with nothing said."""
    shared_window.go(_place("vae"))
    wait_open(qtbot, shared_window)
    qtbot.waitUntil(lambda: begun(shared_window.current.view.player), timeout=WAIT)
    shared_window.current.banner.clear()
    return shared_window


def _place(tab, view=""):
    return LinkTarget(tab, "", view)


def drop(window, mime):
    """As a hand lets it go over the window."""
    everywhere, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(9, 9), everywhere, mime, left, Qt.KeyboardModifier.NoModifier))


def urls(*addresses):
    mime = QMimeData()
    mime.setUrls([QUrl(address) for address in addresses])
    return mime


@pytest.mark.parametrize(
    "address, said",
    [
        ("https://example.org/cat.jpg", "address on the web"),
        ("http://example.org/cat.jpg?size=9", "address on the web"),
        ("data:image/png;base64,iVBORw0KGgo=", "no file of this machine"),
        ("file:///", "folder"),
        ("about:blank", "no file of this machine"),
        ("", "no file"),
    ],
)
def test_what_is_no_file_is_said(window, address, said):
    drop(window, urls(address))
    assert said in window.current.banner.text() and window.current.banner.text().endswith(".")


@pytest.mark.parametrize(
    "name, content, said",
    [
        (
            "a.heic",
            b"\0\0\0\x18ftypheic0000",
            "HEIC picture, which is not opened here: save it as PNG or JPEG",
        ),
        ("a.avif", b"\0\0\0\x18ftypavif0000", "AVIF picture"),
        ("a.pdf", b"%PDF-1.7 ........", "neither a checkpoint nor a picture: it is a PDF document"),
        ("a.pt", b"PK\x03\x04........", "never unpickled"),
        ("a.txt", b"some words, no more", "a.txt is not a safetensors file"),
        ("a.txt", b"", "too short to be a checkpoint"),
        ("a.mp4", b"\0\0\0\x18ftypisom0000", "carries no settings"),
    ],
)
def test_a_file_is_called_what_it_is(window, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    drop(window, urls(QUrl.fromLocalFile(str(tmp_path / name)).toString()))
    text = window.current.banner.text()
    assert said in text and name in text and text.endswith(".")


def test_folders_and_files_that_are_gone_are_said(window, tmp_path):
    for path, said in ((tmp_path, "is a folder"), (tmp_path / "gone.png", "There is no file")):
        window.open_file(path)
        assert said in window.current.banner.text()


def test_a_photograph_is_offered_to_compare(window, qtbot, tmp_path):
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(tmp_path / "cat.jpg")
    window.open_file(tmp_path / "cat.jpg")
    banner = window.current.banner
    assert banner.text().startswith("cat.jpg carries no settings") and banner.kind() == "info"
    QTest.mouseClick(_action(banner), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.page is not None and _said(window).startswith("cat.jpg: 60"), timeout=WAIT)


def _action(banner):
    return next(b for b in banner.findChildren(QPushButton) if b.text() == "Score it in Compare")


def _said(window):
    return window.page.scene.said.text()


def pixels():
    image = QImage(50, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    mime = urls("https://example.org/cat.jpg")
    mime.setImageData(image)
    return mime


def test_a_picture_from_a_browser_is_taken_with_its_pixels(window, qtbot):
    drop(window, pixels())
    assert "That is a picture" in window.current.banner.text()
    window.go(_place("compare", "One image"))
    drop(window, pixels())
    qtbot.waitUntil(lambda: "50 × 30 pixels" in _said(window), timeout=WAIT)


def test_settings_are_pasted_back_as_text(window, qtbot):
    tab = window.current
    kept = tab.picture_metadata()
    text = picture_metadata.from_json(kept.to_json(), "x")
    assert text == kept
    tab.knobs.set_settings({"seed": kept.settings["seed"] + 1})
    qtbot.waitUntil(lambda: begun(tab.view.player), timeout=WAIT)
    QGuiApplication.clipboard().setText(f"\n{kept.to_json()}\n")
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: tab.view.request.seed == kept.settings["seed"], timeout=WAIT)
    for wrong, said in (
        ("{no json", "not JSON"),
        ("[1]", "no file, no picture and no settings"),
        ("{}", "lack"),
    ):
        QGuiApplication.clipboard().setText(wrong)
        QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        assert said in tab.banner.text()


def test_a_film_opens_as_its_run(window, qtbot, tmp_path):
    kept: PictureMetadata = window.current.picture_metadata()
    other = PictureMetadata(**{**vars(kept), "settings": {**kept.settings, "seed": 123}})
    animation.write(tmp_path / "run.gif", [np.zeros((9, 9), np.uint8)] * 2, 2, 20, settings=other.to_json())
    window.open_file(tmp_path / "run.gif")
    qtbot.waitUntil(lambda: window.current.view.request.seed == 123, timeout=WAIT)


def test_lanes_end_with_their_model(window, qtbot, monkeypatch):
    """What is measured of a model in *Sliders* goes on for seconds; the next one has other dimensions, and no such thing."""

    def endless(model):
        while True:
            yield Message(np.ones(model.latent_shape[0]), 1, 2)

    monkeypatch.setattr(latent_sliders, "information", endless)
    tab = window.current
    window.go(LinkTarget("vae", "vae-fashion", "Sliders"))
    qtbot.waitUntil(lambda: tab.view.name == "Sliders" and tab.model.card.id == "vae-fashion", timeout=WAIT)
    view = tab.view
    qtbot.waitUntil(lambda: view.kl is not None, timeout=WAIT)
    window.go(LinkTarget("vae", "ae2d-fashion", "Sliders"))
    qtbot.waitUntil(lambda: tab.model.card.id == "ae2d-fashion" and begun(view.player), timeout=WAIT)
    assert view is tab.view and view.measurer.state == "stopped" and view.kl is None
