"""Likelihood and one image: the numbers of ``playground score``, files of every kind, areas against an oracle, and the scene."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import QApplication

from playground import checkpoints, data, labels, paths
from playground.app import MainWindow
from playground.cli.main import main
from playground.data import image_import
from playground.data.auc import auc
from playground.evaluation import out_of_distribution
from playground.export import picture_metadata
from playground.tabs.compare import score_words, scoring
from playground.tabs.compare.score_layout import Columns, Histograms
from playground.tabs.frame.model_cache import ModelCache
from playground.ui.pictures.paint_grid import between
from playground.ui.theme import theme
from tests.windows import picture_cards

WAIT = 120_000  # ms, for a busy machine; nothing here waits for time itself
QUICK = ("nice-fashion", "vae2d-fashion")


# --- scores


def printed_score(tmp_path, capsys, id, image):
    np.save(tmp_path / "one.npy", image[None])
    capsys.readouterr()
    assert main(["score", str(id), "--images", str(tmp_path / "one.npy"), "--json"]) == 0
    return json.loads(capsys.readouterr().out)[0]


@pytest.mark.parametrize("card", [c for c in picture_cards() if c.likelihood != "none"], ids=lambda c: c.id)
def test_the_numbers_are_those_of_playground_score(card, tmp_path, capsys):
    image = data.load("fashion", "test")[0][3]
    messages = list(scoring.score_summaries(scoring.Bench(ModelCache("cpu")), [card], image))
    score = messages[1].payload.score_summary.score
    told = printed_score(tmp_path, capsys, card.id, image)
    assert (score.kind, score.unit) == (told["kind"], told["unit"]) == (card.likelihood, score.unit)
    assert score.value == pytest.approx(told["value"], abs=1e-6)
    assert score.standard_error == pytest.approx(told["standard_error"], abs=1e-6)


def test_quick_models_answer_first_and_a_broken_one_does_not_silence_the_others(monkeypatch):
    cards = [c for c in checkpoints.cards() if c.id in QUICK]
    bench = scoring.Bench(ModelCache("cpu"))
    times = {"nice-fashion": 30.0, "vae2d-fashion": 5.0}
    monkeypatch.setattr(bench, "milliseconds", lambda card: times[card.id])
    load = bench.model

    def model(id):
        if id == "vae2d-fashion":
            raise ValueError("It is broken.")
        return load(id)

    monkeypatch.setattr(bench, "model", model)
    messages = list(scoring.score_summaries(bench, cards, np.zeros((28, 28, 1), np.uint8)))
    size, broken, scored = (message.payload for message in messages)
    assert size.num_bytes > 0 and (broken.id, scored.id) == ("vae2d-fashion", "nice-fashion")
    assert broken.sentence == "It is broken." and math.isfinite(scored.score_summary.score.value)


def test_a_model_without_a_likelihood_says_so():
    model = checkpoints.load("ae2d-fashion")
    with pytest.raises(ValueError, match="can only draw"):
        out_of_distribution.judge(model, np.zeros((28, 28, 1), np.uint8))
    for card in checkpoints.cards():
        if card.likelihood == "none":
            assert score_words.waiting(card).note.startswith("None: ")


def test_rows_have_names_that_people_read_and_the_id_in_the_tooltip():
    for card in checkpoints.cards():
        row = score_words.waiting(card)
        assert row.title == labels.short(card.id, card.system) and card.id not in row.title + row.under_title
        assert row.tip.splitlines()[0] == card.id and card.id not in row.link


def test_bytes_are_those_of_an_ideal_code():
    assert out_of_distribution.code_bytes(8, 784) == 784 and out_of_distribution.code_bytes(
        2.001, 784
    ) == math.ceil(2.001 * 98)
    assert out_of_distribution.code_bytes(math.inf, 784) is None
    noise, black = out_of_distribution.pictures("noise", 1)[0], np.zeros((28, 28, 1), np.uint8)
    assert out_of_distribution.png_bytes(noise) > 784 > out_of_distribution.png_bytes(black)


# --- sets


def test_sets_are_the_same_every_time_and_one_by_one():
    garments = data.load("fashion", "test")[0]
    for name in out_of_distribution.SETS:
        many = out_of_distribution.pictures(name, 5)
        assert many.shape == (5, 28, 28, 1) and many.dtype == np.uint8
        assert np.array_equal(many, out_of_distribution.pictures(name, 5))
        assert np.array_equal(many[3], out_of_distribution.pictures(name, 1, first=3)[0])
        if name in ("shuffled", "grey", "noise"):
            assert not np.array_equal(many, out_of_distribution.pictures(name, 5, seed=1))
    assert np.array_equal(out_of_distribution.pictures("inverted", 3), 255 - garments[:3])
    shuffled = out_of_distribution.pictures("shuffled", 3)
    assert np.array_equal(np.sort(shuffled.reshape(3, -1)), np.sort(garments[:3].reshape(3, -1)))
    grey = out_of_distribution.pictures("grey", 40).reshape(40, -1)
    assert (grey == grey[:, :1]).all() and len(set(grey[:, 0].tolist())) > 20
    with pytest.raises(ValueError, match="no set"):
        out_of_distribution.pictures("cats", 1)


def test_the_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    ours, theirs = out_of_distribution.pictures("digits", 4), load_digits().images
    for i in range(4):
        grey = Image.fromarray(np.rint(theirs[i] * 255 / 16).astype(np.uint8))
        assert np.array_equal(ours[i, ..., 0], np.asarray(grey.resize((28, 28), Image.Resampling.BILINEAR)))


def test_the_area_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    garments, others = rng.normal(0, 1, 57).round(1), rng.normal(0.4, 2, 31).round(1)  # with ties
    truth = np.r_[np.zeros(57), np.ones(31)]
    expected = roc_auc_score(truth, np.r_[garments, others])
    assert auc(garments, others) == pytest.approx(expected, abs=1e-12)
    assert auc(garments, np.full(3, np.inf)) == 1 and auc(garments, garments) == 0.5


@pytest.mark.parametrize("word", ["out-of-distribution", "lens"])  # the second is its name of version 0.1
def test_what_is_measured_is_kept_and_belongs_to_the_weights(tmp_path, capsys, word):
    own = tmp_path / "nice-fashion.safetensors"
    shutil.copyfile(paths.folder("pretrained") / own.name, own)
    assert out_of_distribution.read(own) is None
    assert main(["evaluate", str(own), "--only", word, "--count", "3", "--save"]) == 0
    assert "AUC" in capsys.readouterr().out
    census = out_of_distribution.read(own)
    assert census.count == 3 and census.kind == "bound" and census.milliseconds > 0
    told = printed_score(tmp_path, capsys, own, out_of_distribution.pictures("digits", 3)[2])
    assert census.scores["digits"][2] == pytest.approx(told["value"], rel=1e-4)
    text = out_of_distribution.path_of(own).read_text()
    out_of_distribution.path_of(own).write_text(text.replace(checkpoints.weights_hash(own), "0" * 16))
    assert out_of_distribution.read(own) is None
    for broken in ("", "[]", "{", text[: len(text) // 2], text.replace("digits", "cats")):
        out_of_distribution.path_of(own).write_text(broken)
        assert out_of_distribution.read(own) is None


def test_scores_without_end_are_kept(tmp_path):
    own = tmp_path / "nice-fashion.safetensors"
    shutil.copyfile(paths.folder("pretrained") / own.name, own)
    scores = {name: np.array([1.234567, np.inf]) for name in out_of_distribution.SETS}
    out_of_distribution.write(own, out_of_distribution.Census("bound", "bits/dim", 1.0, scores))
    census = out_of_distribution.read(own)
    assert census.scores["grey"].tolist() == [1.2346, math.inf] and census.auc("grey") == 0.5


def test_shipped_measurements_are_small_and_of_the_shipped_weights():
    files = sorted(paths.folder("pretrained").glob("*.lens.json"))
    assert files
    for file in files:
        assert file.stat().st_size <= 15_000, file.name
        census = out_of_distribution.read(file.with_name(file.name.replace(".lens.json", ".safetensors")))
        assert census is not None and census.count >= 16, file.name


def test_histograms_keep_every_score_and_place_the_marker():
    rng = np.random.default_rng(1)
    first, second = rng.normal(3, 0.5, 200), np.r_[rng.normal(4, 0.1, 99), np.inf]
    drawn = Histograms.of(first, second)
    assert drawn.first.max() == drawn.second.max() == 1
    edges = np.linspace(drawn.low, drawn.high, len(drawn.first) + 1)
    expected = np.histogram(np.clip(first, edges[0], edges[-1]), edges)[0]
    assert np.allclose(drawn.first, expected / expected.max())
    assert drawn.place(drawn.low) == 0 and drawn.place(1e9) == 1 and not drawn.holds(math.inf)
    far = Histograms.of(first, np.full(50, 1e6))
    assert far.high < 20 and far.second[-1] == 1, "an axis to a million would make a line of the garments"


# --- files


def saved(tmp_path, image, name="one.png", **how):
    image.save(tmp_path / name, **how)
    return image_import.read(tmp_path / name)


def test_a_picture_of_the_right_size_is_taken_pixel_for_pixel(tmp_path):
    garment = data.load("fashion", "test")[0][5]
    came = saved(tmp_path, Image.fromarray(garment[..., 0]))
    assert (
        np.array_equal(came.pixels, garment)
        and "pixel for pixel" in came.said
        and "not inverted" in came.said
    )
    colour = saved(tmp_path, Image.fromarray(garment[..., 0]).convert("RGB"))
    assert np.array_equal(colour.pixels, garment) and "grey already" in colour.said


def test_modes_are_converted_as_the_sentence_says(tmp_path):
    ramp = np.arange(784, dtype=np.uint8).reshape(28, 28)
    red = np.zeros((28, 28, 3), np.uint8)
    red[..., 0] = 255
    came = saved(tmp_path, Image.fromarray(red))
    assert (came.pixels == 76).all() and "luma" in came.said  # 0.299 * 255
    rgba = np.dstack([np.full((28, 28, 3), 255, np.uint8), np.where(ramp > 99, 255, 0).astype(np.uint8)])
    came = saved(tmp_path, Image.fromarray(rgba))
    assert np.array_equal(came.pixels[..., 0], rgba[..., 3]) and "over black" in came.said
    deep = saved(tmp_path, Image.fromarray(ramp.astype(np.uint16) * 257))
    assert np.array_equal(deep.pixels[..., 0], ramp) and "16 bits" in deep.said
    palette = Image.fromarray(ramp).convert("P")
    palette.putpalette([v for i in range(256) for v in (i, i, i)])
    came = saved(tmp_path, palette)
    assert np.array_equal(came.pixels[..., 0], ramp) and "palette" in came.said
    bits = saved(tmp_path, Image.fromarray(ramp > 99))
    assert set(np.unique(bits.pixels)) == {0, 255} and "black and white" in bits.said
    floats = saved(tmp_path, Image.fromarray((ramp / 255).astype(np.float32)), "one.tiff")
    assert np.array_equal(floats.pixels[..., 0], ramp) and "fractions" in floats.said
    inks = saved(tmp_path, Image.new("CMYK", (28, 28)), "one.jpg")
    assert (inks.pixels == 255).all() and "ground is bright" in inks.said
    film = saved(
        tmp_path,
        Image.new("L", (28, 28), 0),
        "one.gif",
        save_all=True,
        append_images=[Image.new("L", (28, 28), 255)],
    )
    assert (film.pixels == 0).all() and "first of several" in film.said


def test_sizes_are_fitted_whole_into_black(tmp_path):
    one = saved(tmp_path, Image.new("L", (1, 1), 200))
    assert (one.pixels == 200).all() and "enlarged to 28 × 28" in one.said
    blocks = np.kron(np.arange(784).reshape(28, 28) % 256, np.ones((40, 40))).astype(np.uint8)
    large = saved(tmp_path, Image.fromarray(blocks))
    assert np.array_equal(large.pixels[..., 0], blocks[::40, ::40]) and "averaged down" in large.said
    wide = saved(tmp_path, Image.new("L", (3000, 1500), 255))
    assert (wide.pixels[7:21] == 255).all() and (wide.pixels[:7] == 0).all() and "28 × 14" in wide.said
    thread = saved(tmp_path, Image.new("L", (1, 5000), 255))
    assert (thread.pixels > 0).sum() == 28
    turned = np.zeros((28, 28), np.uint8)
    turned[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    came = saved(tmp_path, Image.fromarray(turned), "one.png", exif=exif)
    assert (came.pixels[:4] == 255).all() and (came.pixels[4:] == 0).all() and "EXIF" in came.said


def png(width, height, body=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("notes.txt", b"These are words.", "not a picture"),
        ("empty.png", b"", "not a picture"),
        ("words.png", b"no picture at all", "not a picture"),
        ("bomb.png", png(60_000, 60_000, zlib.compress(bytes(10**6))), "million pixels"),
        ("large.png", png(10_000, 9_000, zlib.compress(bytes(1000))), "million pixels"),
        ("cut.png", png(280, 280, zlib.compress(bytes(280 * 281)))[:90], "cannot be read|damaged"),
        ("page.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(image_import.PictureError, match=said) as refused:
        image_import.read(tmp_path / name)
    assert name in str(refused.value) and "\n" not in str(refused.value)


def test_a_text_bomb_and_a_missing_file_are_refused(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "0" * 80_000_000, zip=True)
    Image.new("L", (28, 28)).save(tmp_path / "one.png", pnginfo=info)
    with pytest.raises(image_import.PictureError, match="damaged"):
        image_import.read(tmp_path / "one.png")
    with pytest.raises(image_import.PictureError, match="cannot be read"):
        image_import.read(tmp_path / "nothing.png")
    with pytest.raises(image_import.PictureError):
        image_import.read(tmp_path)


# --- the scene


def test_a_line_is_painted_without_gaps():
    line = between((0, 0), (4, 10))
    assert line[0] == (0, 0) and line[-1] == (4, 10)
    assert all(max(abs(a - c), abs(b - d)) == 1 for (a, b), (c, d) in itertools.pairwise(line))


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.2])
def test_columns_never_overlap_and_narrow_rows_keep_the_chosen_area(qapp, scale):
    theme.set_scale(qapp, scale)
    for width in (560, 860, 1400):
        columns = Columns.of(width, 5, 2)
        places = [columns.title, columns.number, columns.histogram, *columns.areas, columns.size]
        assert columns.areas[2][1] > 0
        for (left, wide), (after, _) in itertools.pairwise(places):
            assert left + wide <= after + 0.01
    theme.set_scale(qapp, 1.0)


@pytest.fixture
def window(qtbot, monkeypatch):
    """A window on the lens with the quick models only."""
    app = QApplication.instance()
    theme.load_fonts()
    theme.apply(app, "dark")
    every = checkpoints.cards()
    kept = [c for c in every if c.id in (*QUICK, "ae2d-fashion")]
    monkeypatch.setattr(checkpoints, "sound_and_broken", lambda: (kept, {}))
    window = MainWindow(tab="compare", view="One image")
    window.resize(1280, 800)
    window.show()
    window.stream.start()
    yield window
    window.close()
    window.deleteLater()


def test_one_picture_before_the_models(window, qtbot, tmp_path, capsys):
    scene = window.page.scene
    garments = data.load("fashion", "test")[0]

    def settled(image=None):
        done = scene.scores.state == "finished" and len(scene.score_summaries) == 2
        return done and (image is None or np.array_equal(scene.image, image))

    def key(name, modifier=Qt.KeyboardModifier.NoModifier):
        qtbot.keyClick(window, name, modifier)

    qtbot.waitUntil(lambda: settled(garments[0]), timeout=WAIT)
    for id in QUICK:
        row, told = scene.rows[id].content, printed_score(tmp_path, capsys, id, garments[0])
        assert (
            row.number == f"{told['value']:.3f}" and row.unit == "bits/dim" and row.word.startswith("bound")
        )
        assert row.size == math.ceil(told["value"] * 98) and len(row.areas) == 5 and not row.stale
    assert "IW" in scene.rows["vae2d-fashion"].content.word
    assert "no prior" in scene.rows["ae2d-fashion"].content.note
    assert (
        scene.png.content.size == out_of_distribution.png_bytes(garments[0]) and scene.raw.content.size == 784
    )

    key(Qt.Key.Key_N)
    qtbot.waitUntil(lambda: settled(garments[1]), timeout=WAIT)
    key(Qt.Key.Key_P)
    key(Qt.Key.Key_I)
    qtbot.waitUntil(lambda: settled(255 - garments[0]), timeout=WAIT)
    assert "inverted" in scene.said.text()

    before = scene.rows["nice-fashion"].content.histograms
    scene.header.chosen.emit(out_of_distribution.OTHERS.index("noise"))
    assert (
        scene.others.index() == out_of_distribution.OTHERS.index("noise")
        and "uniform noise" in scene.explained.text()
    )
    assert not np.array_equal(scene.rows["nice-fashion"].content.histograms.second, before.second)

    # painted: with the pointer, then with the keys
    spot = scene.grid.picture_rect(0).topLeft().toPoint()
    pixel = round(scene.grid.picture_rect(0).width() / 28)
    scene.panel.blank.click()
    start, end = (spot + QPoint(pixel * n + 2, pixel * n + 2) for n in (4, 20))
    qtbot.mousePress(scene.grid, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseRelease(scene.grid, Qt.MouseButton.LeftButton, pos=start)
    scene.grid.setFocus()
    for _ in range(8):
        qtbot.keyClick(scene.grid, Qt.Key.Key_Right)
    at = scene.grid.picture()
    qtbot.keyClick(scene.grid, Qt.Key.Key_Space)
    assert scene.grid.picture()[4, 12, 0] == 255 and at[4, 12, 0] == 0
    qtbot.waitUntil(lambda: settled(scene.grid.picture()), timeout=WAIT)
    assert scene.said.text() == "Painted over." and end

    # dropped, refused, pasted
    mine = out_of_distribution.pictures("digits", 1)[0]
    Image.fromarray(mine[..., 0]).convert("RGBA").save(tmp_path / "mine.png")
    (tmp_path / "notes.txt").write_text("words")
    for name in ("mine.png", "notes.txt"):
        dropped = QMimeData()
        dropped.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
        event = QDropEvent(
            QPointF(9, 9),
            Qt.DropAction.CopyAction,
            dropped,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        window.dropEvent(event)
        if name == "mine.png":
            qtbot.waitUntil(lambda: settled(mine), timeout=WAIT)
            assert "mine.png: 28 × 28" in scene.said.text() and "over black" in scene.said.text()
        else:
            qtbot.waitUntil(lambda: "not a picture" in window.page.banner.text(), timeout=WAIT)
            assert np.array_equal(scene.image, mine)
    image = QImage(56, 56, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    QApplication.clipboard().setImage(image)
    key(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: settled(np.full((28, 28, 1), 255, np.uint8)), timeout=WAIT)
    assert "averaged down" in scene.said.text() and window.page.banner.text() == ""

    # a fresh sample, live
    scene.source.setCurrentIndex(scene.source.findData("model:vae2d-fashion"))
    qtbot.waitUntil(
        lambda: "drawn by vae, 2 numbers" in scene.said.text().lower() and settled(), timeout=WAIT
    )
    drawn = scene.image
    key(Qt.Key.Key_N)
    qtbot.waitUntil(lambda: settled() and not np.array_equal(scene.image, drawn), timeout=WAIT)

    # unseen it asks nobody, seen again it goes on
    scene.source.setCurrentIndex(0)
    scene.take(7)
    scene.rest()
    assert scene.scores.state == "paused"
    scene.wake()
    qtbot.waitUntil(lambda: settled(garments[7]), timeout=WAIT)

    # a row leads to the model's own view of the same test image
    row = scene.rows["vae2d-fashion"]
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.current is not None and window.current.view is not None, timeout=WAIT)
    tab = window.current
    qtbot.waitUntil(lambda: tab.view.name == "Reconstruct" and tab.view.request is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: tab.view.request.index == 7, timeout=WAIT)
    assert tab.model.card.id == "vae2d-fashion"
    scene.reopen()  # another device, while nobody looks
    assert scene.scores.state == "paused"


def test_a_picture_of_ours_is_scored_and_opens_its_run(window, qtbot, tmp_path):
    window.tabs.setCurrentIndex(window.tabs.count() - 1)
    scene, banner = window.page.scene, window.page.banner
    kept = picture_metadata.PictureMetadata(
        "vae", "vae2d-fashion", "", "Generate", {"num_samples": 1, "seed": 11}
    )
    pixels = out_of_distribution.pictures("digits", 1, first=3)[0]
    for name, seed in (("one.png", 11), ("two.png", 12)):
        settings = {**kept.settings, "seed": seed}
        picture_metadata.save_png(
            tmp_path / name, pixels[..., 0], dataclasses.replace(kept, settings=settings)
        )
    window.open_file(tmp_path / "one.png")
    qtbot.waitUntil(lambda: "one.png is scored" in banner.text(), timeout=WAIT)
    assert (
        np.array_equal(scene.image, pixels) and banner.kind() == "info" and "vae2d-fashion" in banner.text()
    )
    qtbot.waitUntil(lambda: scene.scores.state == "finished", timeout=WAIT)
    scene.take(3)
    assert not banner.isVisible(), "an offer that outlives its picture"

    window.open_file(tmp_path / "two.png")
    qtbot.waitUntil(lambda: "two.png is scored" in banner.text(), timeout=WAIT)
    scene.page.switch.setFocus(Qt.FocusReason.TabFocusReason)
    passed = [window.focusWidget()]
    while passed[-1] is not banner.button:
        qtbot.keyClick(passed[-1], Qt.Key.Key_Tab)
        assert window.focusWidget() not in passed, "no way to the offer by Tab"
        passed.append(window.focusWidget())
    qtbot.keyClick(banner.button, Qt.Key.Key_Return)
    assert window.current.family.key == "vae" and not banner.isVisible()
    qtbot.waitUntil(
        lambda: window.current.view is not None and window.current.view.request is not None, timeout=WAIT
    )
    assert window.current.model_id == "vae2d-fashion" and window.current.view.request.seed == 12
