"""Pictures that begin something: image to image, painting over, colour for grey; and the slot that takes them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from playground.contract import make_request
from playground.data import emoji, image_import
from playground.experiments.diffusion import prompted_picture
from playground.experiments.diffusion.prompted_picture import (
    LUMA,
    ColouriseRequest,
    ImageToImageRequest,
    InpaintRequest,
)
from playground.ui.pictures.mask_grid import MaskGrid
from playground.ui.pictures.picture_slot import PictureSlot
from tests.windows import WAIT, load

HELD = emoji.load(emoji.split_for("test"))


@pytest.fixture(scope="module")
def model():
    return load("ldm-emoji")


def last(frames):
    *_, frame = frames
    return frame


def request(kind, **settings):
    return make_request(kind, {"num_steps": 4, "num_samples": 2, **settings})


def test_more_strength_leaves_less_of_a_drawing(model):
    changes = []
    for strength in (0.25, 0.5, 1.0):
        asked = request(ImageToImageRequest, index=3, strength=strength, prompt="cat")
        frames = list(prompted_picture.image_to_image(model, asked))
        assert len(frames) == frames[-1].total + 1 == round(strength * 4) + 1
        assert np.array_equal(frames[0].extras["origin"][0], HELD.images[3])
        changes.append(np.abs(frames[-1].images.astype(float) - HELD.images[3]).mean())
    assert changes == sorted(changes) and changes[0] < changes[2] / 2


def test_a_whole_way_from_a_picture_is_the_way_from_noise(model):
    asked = request(ImageToImageRequest, strength=1.0, prompt="cat")
    drawn = last(
        model.sample(make_request(model.Request, {"num_steps": 4, "num_samples": 2, "prompt": "cat"}))
    )
    made = last(prompted_picture.image_to_image(model, asked))
    assert np.abs(made.images.astype(float) - drawn.images).mean() < 6


def test_what_is_known_stays_as_it_was(model):
    mask = np.zeros((32, 32), bool)
    mask[:, 20:] = True
    frames = list(prompted_picture.inpaint(model, request(InpaintRequest, index=5), unknown=mask))
    for frame in frames:
        assert np.array_equal(frame.images[:, ~mask], np.broadcast_to(HELD.images[5][~mask], (2, 640, 3)))
    assert np.abs(frames[-1].images[0, mask].astype(int) - frames[-1].images[1, mask]).max() > 20
    own = np.full((32, 32, 3), 200, np.uint8)
    frame = last(prompted_picture.inpaint(model, request(InpaintRequest), own, np.zeros((32, 32), bool)))
    assert np.array_equal(frame.images, np.stack([own, own])), "nothing is painted over, nothing changes"


def test_the_known_part_of_a_latent_walks_along_its_own_path(model):
    """What the unknown part is expected to be depends on the known: another picture beside it, other pixels."""
    mask = np.zeros((32, 32), bool)
    mask[:, 16:] = True
    one, other = HELD.images[5].copy(), HELD.images[5].copy()
    other[:, :16] = (0, 0, 0)
    made = [
        last(prompted_picture.inpaint(model, request(InpaintRequest, prompt=""), p, mask)).images[:, mask]
        for p in (one, other)
    ]
    assert np.abs(made[0].astype(int) - made[1]).mean() > 1


def test_a_grey_picture_keeps_its_brightness_and_gets_colours(model):
    frame = last(prompted_picture.colourise(model, request(ColouriseRequest, index=40, prompt="red heart")))
    assert np.ptp(frame.extras["origin"][0], axis=-1).max() == 0, "it begins grey"
    luma = HELD.images[40] @ np.array(LUMA)
    inside = (frame.images > 0).all(-1) & (frame.images < 255).all(-1)  # where nothing was cut off
    own = frame.images @ np.array(LUMA)
    assert np.abs(own - luma)[inside].max() < 2.5
    assert np.ptp(frame.images, axis=-1).max() > 40


def test_files_come_in_colour_over_white(tmp_path):
    pixels = np.zeros((64, 32, 4), np.uint8)
    pixels[:32] = (250, 10, 20, 255)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    found = image_import.read(tmp_path / "p.png", 32, colour=True)
    assert (
        found.pixels.shape == (32, 32, 3) and "over white" in found.said and "middle of white" in found.said
    )
    assert found.pixels[4, 16].tolist() == [250, 10, 20]
    assert found.pixels[28, 16].tolist() == found.pixels[4, 2].tolist() == [255, 255, 255]
    Image.fromarray(np.full((32, 32), 7, np.uint8)).save(tmp_path / "grey.png")
    assert (image_import.read(tmp_path / "grey.png", 32, colour=True).pixels == 7).all()


def test_a_brush_paints_a_mask_and_takes_it_away(qtbot):
    grid = MaskGrid((32, 32, 3))
    qtbot.addWidget(grid)
    grid.resize(320, 320)
    grid.show_picture(HELD.images[0])
    masks = []
    grid.masked.connect(masks.append)
    grid.point_at(10, 10)
    qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert masks[-1][10, 10] and 12 < masks[-1].sum() < 30 and np.array_equal(grid.picture(), HELD.images[0])
    assert not grid.one(0)[2][10, 10], "what is painted over is hatched"
    qtbot.keyClick(grid, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert not masks[-1].any()
    grid.paints = False
    qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert len(masks) == 2


def test_a_slot_takes_names_files_and_what_is_dropped(qtbot, tmp_path):
    slot = PictureSlot((32, 32, 3), "drawing", ["red heart (noto)", "cat (twemoji)", "dog (noto)"])
    qtbot.addWidget(slot)
    Image.fromarray(HELD.images[2]).save(tmp_path / "own.png")
    with qtbot.waitSignal(slot.stepped) as stepped:
        slot.go_to_name("Cat")
    assert stepped.args == [1]
    with qtbot.waitSignal(slot.refused) as refused:
        slot.go_to_name("zebra")
    assert "zebra" in refused.args[0]
    with qtbot.waitSignal(slot.given, timeout=WAIT) as given:
        slot.take_file(tmp_path / "own.png")
    assert np.array_equal(given.args[0], HELD.images[2])
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with qtbot.waitSignal(slot.refused, timeout=WAIT) as refused:
        slot.take_file(tmp_path / "bad.png")
    assert "bad.png" in refused.args[0]
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "own.png"))])
    dropped = QDropEvent(
        QPointF(QPoint(9, 9)),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    with qtbot.waitSignal(slot.given, timeout=WAIT):
        slot.dropEvent(dropped)
