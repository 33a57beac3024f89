"""The export dialog, its files and the clipboard; and what comes back from files that somebody tampered with."""

from __future__ import annotations

import csv
import dataclasses
import json
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog

from playground import checkpoints, data
from playground.cli.main import main
from playground.contract import EACH_CLASS
from playground.export import animation, contact_sheet, picture_metadata, samples
from playground.export.picture_metadata import PictureMetadata, PictureMetadataError
from playground.tabs.frame.exporter import view_state_of
from playground.ui.playback.job import Job
from tests.test_exported_pictures import WAIT, begun, go, picture_of, same, settle, window  # noqa: F401 (a fixture)
from tests.test_window import drop

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
CARDS = {card.id: card for card in checkpoints.cards()}


@pytest.fixture
def vae(window, qtbot):  # noqa: F811
    """The tab, standing on a finished run of the quickest sampler."""
    tab, view = go(qtbot, window, CARDS["vae-fashion"], "Generate")
    tab.knobs.set_settings({"seed": 5, "num_samples": 6})
    settle(qtbot, view)
    view.setFocus()
    tab.banner.clear()
    yield tab
    tab.keeper.close()


def kept(**changes):
    card = CARDS["vae-fashion"]
    file = checkpoints.resolve(card.id)
    usual = PictureMetadata(
        family="vae",
        model=card.id,
        weights=checkpoints.weights_hash(file),
        view="Generate",
        settings={"temperature": 1.0, "output": "mean", "seed": 9, "num_samples": 4},
    )
    return dataclasses.replace(usual, **changes)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(text, size=(8, 8), keyword=picture_metadata.KEYWORD):
    """A picture with any text inside and any size in its header."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    said = chunk(b"tEXt", keyword.encode() + b"\0" + text)
    return b"\x89PNG\r\n\x1a\n" + head + said + chunk(b"IEND", b"")


def json_of(**changes):
    return json.dumps({**dataclasses.asdict(kept()), **changes}).encode()


def settings(**changes):
    return json_of(settings={**kept().settings, **changes})


HOSTILE = {
    "not JSON": (lambda: png(b"{never closed"), "not JSON"),
    "nested for ever": (lambda: png(b"[" * 100_000), "not JSON"),
    "not a number": (
        lambda: png(settings(temperature=1).replace(b"1.0", b"NaN").replace(b": 1,", b": NaN,")),
        "JSON",
    ),
    "a list": (lambda: png(b"[1, 2]"), "not a table"),
    "no settings": (lambda: png(b"x", keyword="Comment"), "carries no settings"),
    "nothing missing but the view": (lambda: png(json_of(view=None)), "'view'"),
    "lacking": (lambda: png(b'{"family": "vae"}'), "lack"),
    "a path for a model": (lambda: png(json_of(model="../../etc/passwd")), "'model'"),
    "an unknown model": (lambda: png(json_of(model="vae-elsewhere")), "not here"),
    "an unknown family": (lambda: png(json_of(family="poetry")), "not here"),
    "a family that is not the model's": (lambda: png(json_of(family="diffusion")), "not here"),
    "an unknown view": (lambda: png(json_of(view="Fly")), "no view called 'Fly'"),
    "an unknown knob": (lambda: png(settings(colour=3)), "no setting called 'colour'"),
    "words for numbers": (lambda: png(settings(seed="seven")), "seed cannot be"),
    "truth for numbers": (lambda: png(settings(seed=True)), "seed cannot be"),
    "a table for a number": (lambda: png(settings(seed={})), "'settings'"),
    "too many": (lambda: png(settings(num_samples=10**9)), "num_samples must lie between"),
    "huge": (lambda: png(settings(temperature=10**400)), "temperature"),
    "infinite": (lambda: png(settings(temperature=1).replace(b": 1,", b": 1e999,")), "finite"),
    "a huge step": (lambda: png(json_of(step=10**30)), "'step'"),
    "a step back": (lambda: png(json_of(step=-1)), "'step'"),
    "a bomb": (lambda: png(json_of(), size=(2**30, 2**30)), "larger than any export"),
    "cut off": (lambda: png(json_of())[:100], "damaged"),
    "wrong checksums": (lambda: png(json_of())[:-20].replace(b"mean", b"draw") + b"0" * 40, "checksums"),
    "only a signature": (lambda: png(json_of())[:8], "cut off"),
    "no picture of ours": (lambda: b"GIF89a", "carries no settings"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pictures_are_refused_with_one_sentence(window, vae, qtbot, tmp_path, kind):  # noqa: F811
    make, said = HOSTILE[kind]
    view, request = vae.view, vae.view.request
    shown = [rest for _columns, *rest in picture_of(vae)]  # fewer fit in a column beside a sentence
    (tmp_path / "bad.png").write_bytes(make())
    drop(window, tmp_path / "bad.png")
    qtbot.waitUntil(lambda: not window.current.banner.isHidden(), timeout=WAIT)
    text = window.current.banner.text()
    assert said in text and text.endswith(".") and "\n" not in text and "Traceback" not in text
    assert window.current is vae and vae.view is view and vae.view.request == request
    assert same([rest for _columns, *rest in picture_of(vae)], shown), "nothing is lost"


@pytest.mark.parametrize(
    "state, said",
    [
        ({"edits": [[0, 0, 0, 256]]}, "numbers that do not fit"),
        ({"edits": [[99, 0, 0, 5]]}, "do not exist"),
        ({"edits": [[0, 28, 0, 5]]}, "do not exist"),
        ({"edits": [[0, 1, 2, 0.5]]}, "do not exist"),
        ({"edits": "all"}, "not numbers"),
        ({"edits": [["a", 1, 2, 3]]}, "not numbers"),
        ({"edits": [[0, 1, 2, 1e300]]}, "do not fit"),
        ({"edits": [[0, 1, 2]]}, "do not fit"),
        ({"selected": 10**30}, "do not fit"),
    ],
)
def test_impossible_edits_are_refused(state, said):
    from playground.tabs.autoregressive.generate import Generate

    model = checkpoints.load("pixelcnn-fashion")
    with pytest.raises(ValueError, match=said):
        Generate.checked(None, state, model.Request(), model)


@pytest.mark.parametrize(
    "trunk",
    [
        "x",
        [3],
        [{"until": 3}],
        [{"until": "3", "settings": {}}],
        [{"until": 12, "settings": {}}],
        [{"until": 5, "settings": {}}, {"until": 5, "settings": {}}],
        [{"until": 5, "settings": {"num_steps": 50}}],
        [{"until": 5, "settings": {"label": 77}}],
    ],
)
def test_impossible_branches_are_refused(trunk):
    from playground.tabs.diffusion.generate import Generate

    model = checkpoints.load("ddpm-fashion")
    with pytest.raises(ValueError):
        Generate.checked(None, {"trunk": trunk}, model.Request(), model)


def test_a_class_that_the_model_does_not_know_is_refused():
    model = checkpoints.load("ddpm-fashion")
    with pytest.raises(ValueError, match="no class number 10"):
        picture_metadata.request_of(model.Request, {"label": 10}, 10)
    assert picture_metadata.request_of(model.Request, {"label": EACH_CLASS}, 10).label == EACH_CLASS


def test_other_weights_are_said_and_shown(window, vae, qtbot, tmp_path):  # noqa: F811
    picture_metadata.save_png(tmp_path / "old.png", np.zeros((4, 4), np.uint8), kept(weights="0" * 16))
    window.open_file(tmp_path / "old.png")
    qtbot.waitUntil(lambda: vae.view.request.seed == 9 and begun(vae.view.player), timeout=WAIT)
    assert "weights of vae-fashion are others" in vae.banner.text() and vae.banner.kind() == "info"


def test_a_picture_from_the_command_line_opens_in_the_window(window, vae, qtbot, tmp_path):  # noqa: F811
    file = tmp_path / "drawn.png"
    how = ["--count", "6", "--seed", "3", "--set", "temperature=0.73", "--out", str(file)]
    assert main(["sample", "vae-fashion", *how]) == 0
    drop(window, file)
    qtbot.waitUntil(lambda: vae.view.request.seed == 3 and begun(vae.view.player), timeout=WAIT)
    settle(qtbot, vae.view)
    assert vae.view.request.temperature == vae.knobs.request().temperature == 0.73, (
        "not as rounded by its field"
    )
    with Image.open(file) as sheet:
        drawn = np.asarray(sheet)
    assert np.abs(drawn.astype(int) - contact_sheet.tile(vae.view.player.frame.images)).max() <= 1
    assert vae.banner.isHidden()


def test_an_edited_picture_comes_back(window, qtbot, tmp_path, monkeypatch):  # noqa: F811
    tab, view = go(qtbot, window, CARDS["pixelcnn-fashion"], "Generate")
    tab.knobs.set_settings({"seed": 4, "num_samples": 2})
    qtbot.waitUntil(lambda: begun(view.player) and view.player.timeline.last.step > 70, timeout=WAIT)
    for step, sample, value in ((20, 0, 255), (41, 1, 200)):
        view.player.pause()
        view.player.seek(view.player.timeline.index_of_step(step))
        view.grid.select(sample)
        view._refresh_editor()
        view.editor.slider.setValue(value)
        qtbot.waitUntil(lambda: begun(view.player) and view.player.timeline.last.step > 70, timeout=WAIT)
    view.player.pause()
    view.player.seek(view.player.timeline.index_of_step(60))
    settle(qtbot, view)
    images, shown = view.player.frame.images.copy(), picture_of(tab)
    assert images[0].flat[19] == 255 and images[1].flat[40] == 200
    moment = view_state_of(tab.view)
    picture_metadata.save_png(tmp_path / "edited.png", images[0, ..., 0], moment.kept)
    tab.knobs.reset()
    assert view.edits == {}, "a new run has no edits"
    window.open_file(tmp_path / "edited.png")
    qtbot.waitUntil(lambda: view.request.seed == 4 and begun(view.player), timeout=WAIT)
    qtbot.waitUntil(lambda: not view.player.is_sampling and view.player.frame.step == 60, timeout=WAIT)
    assert np.array_equal(view.player.frame.images, images) and same(picture_of(tab), shown)
    space = {}
    monkeypatch.chdir(tmp_path)  # it saves a picture
    exec(moment.snippet, space)
    assert np.array_equal(space["images"], images)


def test_a_branch_of_a_branch_comes_back(window, qtbot, tmp_path, monkeypatch):  # noqa: F811
    tab, view = go(qtbot, window, CARDS["ddpm-fashion"], "Generate")
    tab.knobs.set_settings({"seed": 4, "num_samples": 1, "num_steps": 6, "label": 1})
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    settle(qtbot, view)
    for step, label in ((2, 7), (4, 8)):
        view.player.seek(step)
        tab.knobs.set_settings({"label": label})
        qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
        settle(qtbot, view)
    assert [until for _, until in view.trunk] == [2, 4]
    images, kept_one = view.player.frame.images.copy(), tab.picture_metadata()
    moment = view_state_of(tab.view)
    picture_metadata.save_png(tmp_path / "branch.png", images[0, ..., 0], kept_one)
    tab.knobs.set_settings({"seed": 5})
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    assert view.trunk == []
    window.open_file(tmp_path / "branch.png")
    qtbot.waitUntil(lambda: view.request.seed == 4 and begun(view.player), timeout=WAIT)
    settle(qtbot, view)
    assert view.player.frame.step == 6 and np.array_equal(view.player.frame.images, images)
    assert view.settings() == kept_one.state
    space = {}
    monkeypatch.chdir(tmp_path)  # it saves a picture
    exec(moment.snippet, space)
    assert np.abs(space["images"].astype(int) - images).max() <= 1


# --- the dialog


def test_a_picture_is_as_large_as_chosen_and_carries_everything(vae, qtbot, tmp_path):
    vae.keeper.open()
    dialog = vae.keeper.dialog
    images = vae.view.player.frame.images
    dialog.words.setChecked(False)
    dialog.arrangement.set_index(1)
    dialog.zoom.setValue(3)
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(tmp_path / "row.png")
    with Image.open(tmp_path / "row.png") as file:
        assert file.info[picture_metadata.KEYWORD] == view_state_of(vae.view).kept.to_json()
        pixels = np.asarray(file)
    assert pixels.shape == (28 * 3, (6 * 29 - 1) * 3)
    for i, image in enumerate(images):
        part = pixels[:, i * 29 * 3 : (i * 29 + 28) * 3]
        assert np.array_equal(part, image[..., 0].repeat(3, 0).repeat(3, 1))
    assert picture_metadata.read(tmp_path / "row.png") == view_state_of(vae.view).kept


def test_numbers_are_saved_as_csv(vae, qtbot, tmp_path):
    vae.keeper.open()
    dialog = vae.keeper.dialog
    dialog.page.set_index(dialog.pages.index("Numbers"))
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(tmp_path / "numbers.csv")
    with (tmp_path / "numbers.csv").open() as file:
        header, *rows = csv.reader(file)
    latent = vae.view.player.frame.extras["latent"]
    assert header[0] == "picture" and len(rows) == 6
    columns = [header.index(f"latent_{d}") for d in range(latent.shape[1])]
    found = np.array([[float(row[c]) for c in columns] for row in rows])
    assert np.allclose(found, latent, rtol=1e-6)


@pytest.mark.parametrize(
    "name, view_name, ending", [("wavenet-words", "Speak", ".wav"), ("sketchrnn-icons", "Draw", ".svg")]
)
def test_sounds_and_strokes_are_saved_as_what_they_are(window, qtbot, tmp_path, name, view_name, ending):  # noqa: F811
    tab, view = go(qtbot, window, CARDS[name], view_name)
    settle(qtbot, view)
    tab.keeper.open()
    dialog = tab.keeper.dialog
    dialog.page.set_index(dialog.pages.index("Samples"))
    dialog.file.setCurrentIndex(dialog.file.findData(ending))
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(tmp_path / f"made{ending}")
    tab.keeper.close()
    assert picture_metadata.read(tmp_path / f"made{ending}") == view_state_of(view).kept
    again = samples.of_run(list(view.player.timeline), data.modality(view.model.card.dataset))
    samples.write(tmp_path / f"again{ending}", again, view_state_of(view).kept.to_json())
    assert (tmp_path / f"made{ending}").read_bytes() == (tmp_path / f"again{ending}").read_bytes()


@pytest.mark.parametrize("ending", animation.kinds())
def test_a_run_is_saved_as_a_film(window, qtbot, tmp_path, ending):  # noqa: F811
    tab, view = go(qtbot, window, CARDS["vae-fashion"], "Interpolate")
    tab.knobs.set_settings({"num_steps": 5})
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    settle(qtbot, view)
    tab.keeper.open()
    dialog = tab.keeper.dialog
    dialog.page.set_index(dialog.pages.index("Animation"))
    dialog.kind.setCurrentIndex(dialog.kind.findData(ending))
    dialog.film_zoom.setValue(3)
    dialog.caption.setText("")
    dialog.counter.setChecked(False)
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(tmp_path / f"walk{ending}")
    tab.keeper.close()
    assert [p.name for p in tmp_path.iterdir()] == [f"walk{ending}"]
    if ending == ".mp4":
        return
    frames = list(view.player.timeline)
    with Image.open(tmp_path / f"walk{ending}") as film:
        assert film.n_frames == len(frames) == 5 and film.size == (84, 84)
        for i, frame in enumerate(frames):
            film.seek(i)
            found = np.asarray(film.convert("L"), int)[1::3, 1::3]
            assert np.abs(found - frame.images[0, ..., 0]).max() <= 1


def test_a_film_that_is_cancelled_leaves_what_was_there(vae, qtbot, tmp_path):
    path = tmp_path / "run.gif"
    path.write_bytes(b"older")
    begun_writing, go_on = threading.Event(), threading.Event()

    def slow():
        for _ in range(50):
            begun_writing.set()
            go_on.wait(10)
            yield np.zeros((40, 40), np.uint8)

    job = Job(lambda tick: animation.write(path, slow(), 50, 10, tick))
    with qtbot.waitSignal(job.cancelled, timeout=WAIT):
        job.start()
        begun_writing.wait(10)
        job.cancel()
        go_on.set()
    assert path.read_bytes() == b"older" and [p.name for p in tmp_path.iterdir()] == ["run.gif"]


def test_closing_the_dialog_gives_up_what_it_writes(vae, qtbot, tmp_path, monkeypatch):
    entered, done = threading.Event(), threading.Event()
    vae.keeper.open()
    dialog = vae.keeper.dialog

    def work(tick):
        entered.set()
        try:
            while True:
                tick(0.5)
        finally:
            done.set()

    monkeypatch.setattr(dialog, "_work", lambda path: work)
    dialog.save_to(tmp_path / "never.png")
    entered.wait(10)
    assert dialog.stop.isVisible() and not dialog.save.isVisible()
    vae.keeper.close()
    assert done.wait(10) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("page", ["Picture", "Numbers"])
def test_no_right_to_write_is_one_sentence(vae, qtbot, tmp_path, page):
    vae.keeper.open()
    dialog = vae.keeper.dialog
    dialog.page.set_index(dialog.pages.index(page))
    with qtbot.waitSignal(dialog.failed, timeout=WAIT):
        dialog.save_to(tmp_path / "missing" / "a.png")
    text = vae.banner.text()
    assert text.startswith("a.png could not be written: No such file") and text.endswith(".")
    assert dialog.save.isVisible() and dialog.isVisible(), "it can be tried again elsewhere"


def test_a_full_disk_leaves_the_older_file(vae, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"older")

    def full(*how, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    vae.keeper.open()
    with qtbot.waitSignal(vae.keeper.dialog.failed, timeout=WAIT):
        vae.keeper.dialog.save_to(path)
    assert "No space left on device" in vae.banner.text()
    assert path.read_bytes() == b"older" and [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_keys_export_and_copy(window, vae, qtbot, tmp_path, monkeypatch):  # noqa: F811
    clipboard = QApplication.clipboard()
    clipboard.clear()
    qtbot.keyClick(vae.view, Qt.Key.Key_C, CTRL)
    image = clipboard.image()
    assert image.width() > 100 and image.height() > 100
    qtbot.keyClick(vae.view, Qt.Key.Key_C, CTRL | SHIFT)
    assert picture_metadata.from_json(clipboard.text(), "the clipboard") == view_state_of(vae.view).kept
    qtbot.keyClick(vae.view, Qt.Key.Key_S, CTRL)
    dialog = vae.keeper.dialog
    assert dialog.isVisible() and not dialog.isModal()
    dialog.copies[2].click()
    assert "import playground" in clipboard.text()
    chosen = tmp_path / "by-key.png"
    monkeypatch.setattr(QFileDialog, "open", lambda self: self.fileSelected.emit(str(chosen)))
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert picture_metadata.read(chosen).view == "Generate"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not vae.keeper.dialog or not vae.keeper.dialog.isVisible()


def test_text_keeps_its_own_copy_key(vae, qtbot):
    clipboard = QApplication.clipboard()
    field = vae.knobs.row("seed").field
    field.setFocus()
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_C, CTRL)
    assert clipboard.text() == "5"


def test_the_open_dialog_takes_pictures(window, vae, qtbot, tmp_path, monkeypatch):  # noqa: F811
    picture_metadata.save_png(tmp_path / "x.png", np.zeros((4, 4), np.uint8), kept())
    monkeypatch.setattr(QFileDialog, "open", lambda self: self.fileSelected.emit(str(tmp_path / "x.png")))
    window.ask_file()
    qtbot.waitUntil(lambda: vae.view.request.seed == 9, timeout=WAIT)


# --- sheets


def test_sheets_keep_every_pixel_and_stay_grey():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (5, 6, 7, 1), dtype=np.uint8)
    content = contact_sheet.Content("x", (("one", images), ("two", images[::-1])), 3, captions=list("abcde"))
    plain = contact_sheet.compose([content], 2, words=False)
    assert plain.ndim == 2 and plain.shape == ((2 * 7 - 1) * 2, 2 * (3 * 8 - 1) * 2 + 6)
    assert np.array_equal(plain[:12, :14], images[0, ..., 0].repeat(2, 0).repeat(2, 1))
    worded = contact_sheet.compose([content], 2, words=True, caption="what it is")
    assert worded.shape[0] > plain.shape[0] + 30 and worded.max() > 150
    coloured = contact_sheet.compose(
        [content, dataclasses.replace(content, panels=(("", np.repeat(images, 3, 3)),))], 1, True
    )
    assert coloured.ndim == 3 and (coloured[..., 0] == coloured[..., 2]).all()


def test_long_runs_are_thinned_evenly_with_their_end():
    chosen = animation.thinned(785)
    assert len(chosen) <= animation.MOST_FRAMES and chosen[-1] == 784
    assert set(np.diff(chosen)) == {4} and animation.thinned(12) == list(range(12))


def test_a_broken_picture_names_the_file(tmp_path):
    with pytest.raises(PictureMetadataError, match=r"none\.png cannot be read"):
        picture_metadata.read(tmp_path / "none.png")
