"""Lessons in the window: keys, the path, knobs that are hidden, making a lesson, links, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest

from playground.cli.main import main
from playground.export.window_state import WindowState, link_of
from playground.lessons import reader, writer
from playground.lessons.lesson import Action, Lesson, LessonScene, Question
from playground.lessons.notes import NotesWindow
from tests.test_html_page import data_of
from tests.windows import WAIT

LONG = 4 * WAIT  # the first scene waits for torch, and tests run side by side
PLANE = WindowState(
    "vae", "vae2d-fashion", "Latent plane", {"show": "manifold"}, state={"pointer": [1.0, -0.5]}
)
SAMPLES = WindowState(
    "vae", "vae2d-fashion", "Generate", {"num_samples": 4, "seed": 3}, visible=("temperature",)
)
CHOICE = WindowState("guide", view="Which model?", state={"answers": {"need": "best"}})
LESSON = Lesson(
    "Three",
    (
        LessonScene("Plane", "A plane. Two numbers.", PLANE, "Speak up."),
        LessonScene("Four", "Four pictures.", SAMPLES, question=Question("Why?", "Because.")),
        LessonScene("Choice", "Which?", CHOICE),
    ),
)


@pytest.fixture
def lessons(shared_window):
    yield shared_window.lessons
    shared_window.lessons.player.close()


def arrive(qtbot, lessons):
    qtbot.waitUntil(lambda: not lessons.player.is_busy, timeout=LONG)
    assert lessons.opener.complaint == ""


def settled(qtbot, window):
    def still() -> bool:
        view = window.current.view
        return view is not None and view.is_settled and view.player.frame is not None

    qtbot.waitUntil(still, timeout=LONG)


def test_keys_step_through_a_lesson_and_off_its_path(qtbot, shared_window, lessons):
    window, bar = shared_window, lessons.bar
    lessons.player.open(LESSON)
    arrive(qtbot, lessons)
    assert window.current.view.name == "Latent plane" and bar.title.text() == "Plane"
    assert not bar.back.isEnabled() and bar.on.isEnabled()
    QTest.keyClick(window, Qt.Key.Key_PageDown)
    arrive(qtbot, lessons)
    assert window.current.view.name == "Generate" and window.current.view.request.num_samples == 4
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not lessons.player.is_on_path and bar.path.isVisible() and not bar.text.isVisible()
    window.current.go("vae-fashion", "Sliders", {})
    qtbot.waitUntil(lambda: window.current.view.name == "Sliders", timeout=LONG)
    QTest.keyClick(window, Qt.Key.Key_PageDown)  # off the path it turns the views
    assert lessons.player.index == 1 and window.current.view.name != "Sliders"
    QTest.keyClick(window, Qt.Key.Key_Escape)
    arrive(qtbot, lessons)
    assert window.current.view.name == "Generate" and window.current.model_id == "vae2d-fashion"
    QTest.keyClick(window, Qt.Key.Key_PageDown)
    assert window.page.scene.name == "Which model?" and window.page.scene.answers == {"need": "best"}
    QTest.keyClick(window, Qt.Key.Key_PageDown)
    assert lessons.player.index == 2 and not bar.on.isEnabled()
    QTest.keyClick(window, Qt.Key.Key_PageUp)
    arrive(qtbot, lessons)
    assert lessons.player.index == 1


def test_a_lesson_opened_in_a_hall_speaks_as_large_as_the_rest(qtbot, open_window):
    """The bar was hidden when type grew; F11 comes before the lesson as often as after it."""
    window = open_window(model_id="vae2d-fashion", view="Generate")
    window.lecture.begin(full_screen=False)
    try:
        window.lessons.player.open(LESSON)
        arrive(qtbot, window.lessons)
        bar, large = window.lessons.bar, QGuiApplication.font().pixelSize()
        assert large > 13 and bar.title.font().pixelSize() > large
        assert {part.font().pixelSize() for part in (bar.text, bar.notes, bar.ask)} == {large}
    finally:
        window.lessons.player.close()
        window.lecture.end()


def test_space_goes_on_where_nothing_plays(qtbot, shared_window, lessons):
    lessons.player.open(LESSON, 1)
    arrive(qtbot, lessons)
    settled(qtbot, shared_window)
    QTest.keyClick(shared_window, Qt.Key.Key_Space)
    assert lessons.player.index == 2


def test_a_scene_hides_knobs_and_the_path_left_shows_them(qtbot, shared_window, lessons):
    lessons.player.open(LESSON, 1)
    arrive(qtbot, lessons)
    knobs = shared_window.current.knobs
    assert knobs.row("temperature").isVisible() and not knobs.row("seed").isVisible()
    lessons.player.step_off()
    assert knobs.row("seed").isVisible()


def test_hidden_knobs_go_into_the_scene_that_is_made(qtbot, shared_window, lessons):
    lessons.opener.show_state(dataclasses.replace(SAMPLES, visible=None))
    qtbot.waitUntil(lambda: not lessons.opener.is_opening, timeout=LONG)
    settled(qtbot, shared_window)
    knobs = shared_window.current.knobs
    everything = set(knobs.settings())
    knobs.hide_knob("seed")
    assert not knobs.row("seed").isVisible() and knobs.row("temperature").isVisible()
    assert set(lessons.state().visible) == everything - {"seed"}
    shared_window.current.go("", "Sliders", {})  # other knobs: nothing was said of them
    qtbot.waitUntil(lambda: shared_window.current.view.name == "Sliders", timeout=LONG)
    assert knobs.shown_only() is None


def test_one_picture_fills_the_canvas_and_goes_into_the_scene(qtbot, shared_window, lessons):
    lessons.opener.show_state(dataclasses.replace(SAMPLES, enlarged=3))
    canvas = shared_window.current.canvas
    qtbot.waitUntil(lambda: canvas.enlargement is not None, timeout=LONG)
    settled(qtbot, shared_window)
    assert canvas.enlargement.sample == 2 and lessons.state().enlarged == 3
    lessons.opener.show_state(SAMPLES)
    qtbot.waitUntil(lambda: not lessons.opener.is_opening, timeout=LONG)
    settled(qtbot, shared_window)
    assert canvas.enlargement is None and lessons.state().enlarged is None


def test_a_question_keeps_its_answer_until_asked(qtbot, shared_window, lessons):
    lessons.player.open(LESSON, 1)
    arrive(qtbot, lessons)
    bar = lessons.bar
    assert bar.ask.isVisible() and not bar.question.isVisible()
    bar.ask.click()
    assert bar.question.isVisible() and not bar.answer.isVisible()
    bar.reveal.click()
    assert bar.answer.isVisible() and bar.answer.text() == "Because."
    lessons.player.previous()
    assert not (bar.ask.isVisible() or bar.question.isVisible() or bar.answer.isVisible())


def test_a_knob_is_dragged_and_a_run_is_waited_for(qtbot, shared_window, lessons):
    shows = WindowState(
        "gan", "gan-fashion", "Latent walk", {"num_samples": 1, "num_steps": 4, "temperature": 0.5}
    )
    actions = (Action("wait"), Action("drag", "temperature", 1.5, 0.2), Action("wait"), Action("play"))
    lessons.player.open(Lesson("T", (LessonScene("A", "B", shows, actions=actions),)))
    arrive(qtbot, lessons)
    assert shared_window.current.view.request.temperature == 1.5
    assert len(shared_window.current.view.player.timeline) == 4


def test_a_drag_of_what_is_not_there_is_said(qtbot, shared_window, lessons):
    shows = dataclasses.replace(SAMPLES, visible=None)
    lessons.player.open(
        Lesson("T", (LessonScene("A", "B", shows, actions=(Action("drag", "t", 1.0, 0.1),)),))
    )
    qtbot.waitUntil(lambda: not lessons.player.is_busy, timeout=LONG)
    assert "no knob called 't'" in lessons.opener.complaint


@pytest.mark.parametrize("settings", [{"num_samples": 10**9}, {"colour": "red"}, {"seed": "seven"}])
def test_a_scene_that_does_not_fit_is_refused_in_a_sentence(qtbot, shared_window, lessons, settings):
    shows = WindowState("vae", "vae2d-fashion", "Generate", settings)
    lessons.player.open(Lesson("T", (LessonScene("A", "B", shows),)))
    qtbot.waitUntil(lambda: not lessons.player.is_busy, timeout=LONG)
    assert lessons.opener.complaint.endswith(".")


def test_a_lesson_made_in_the_window_reopens_as_it_was(qtbot, shared_window, lessons, tmp_path):
    for state in (PLANE, SAMPLES):
        lessons.opener.show_state(state)
        qtbot.waitUntil(lambda: not lessons.opener.is_opening, timeout=LONG)
        settled(qtbot, shared_window)
        lessons.add_scene()
        lessons.dialog.title.setText(state.view)
        lessons.dialog.text.setPlainText("What one sees.")
        lessons.dialog.accept()
    lessons.retitle("  Mine \n and yours ")
    lessons.move(-1)
    path = tmp_path / "mine.toml"
    lessons.save(path)
    made = lessons.player.lesson
    assert reader.read(path) == made and made.title == "Mine and yours"
    assert [scene.title for scene in made.scenes] == ["Generate", "Latent plane"]
    assert made.scenes[0].shows.settings["num_samples"] == 4
    assert made.scenes[1].shows.state == {"pointer": [1.0, -0.5]}
    assert lessons.player.index == 0
    lessons.player.close()
    lessons.open(str(path))
    arrive(qtbot, lessons)
    settled(qtbot, shared_window)
    assert shared_window.current.view.name == "Generate"
    lessons.player.next()
    arrive(qtbot, lessons)
    assert shared_window.current.view.settings() == {"pointer": [1.0, -0.5]}
    lessons.delete()
    assert [scene.title for scene in lessons.player.lesson.scenes] == ["Generate"]


def test_a_scene_needs_a_title(qtbot, shared_window, lessons):
    lessons.player.open(LESSON)
    lessons.edit_words()
    dialog = lessons.dialog
    dialog.title.setText("  ")
    dialog.accept()
    assert dialog.isVisible()
    dialog.title.setText("Another")
    dialog.question.setText("And?")
    dialog.accept()
    assert lessons.player.scene.title == "Another" and lessons.player.scene.question.text == "And?"


def test_what_cannot_be_saved_is_said(shared_window, lessons, tmp_path):
    lessons.player.open(LESSON)
    lessons.save(tmp_path / "absent" / "mine.toml")
    assert "cannot be written" in lessons.opener.complaint


def test_a_copied_link_opens_the_same_state(qtbot, shared_window, lessons):
    lessons.opener.show_state(PLANE)
    qtbot.waitUntil(lambda: not lessons.opener.is_opening, timeout=LONG)
    settled(qtbot, shared_window)
    lessons.copy_link()
    link = QGuiApplication.clipboard().text()
    assert link.startswith("playground:vae/vae2d-fashion/Latent%20plane?")
    shared_window.open_tab("guide")
    lessons.open_link(link)
    qtbot.waitUntil(lambda: not lessons.opener.is_opening, timeout=LONG)
    assert shared_window.current.view.name == "Latent plane"
    assert shared_window.current.view.settings() == {"pointer": [1.0, -0.5]}


@pytest.mark.parametrize(
    "link", ["playground:nowhere", "playground:vae/gan-fashion", "playground:lesson/absent"]
)
def test_a_bad_link_changes_nothing(shared_window, lessons, link):
    before = shared_window.tabs.currentIndex()
    lessons.open_link(link)
    assert lessons.opener.complaint.endswith(".") and shared_window.tabs.currentIndex() == before
    assert lessons.player.lesson is None


def test_the_guide_opens_lessons_and_links(qtbot, shared_window, lessons):
    shared_window.open_tab("guide")
    shared_window.page.show_scene("Lessons")
    guide = shared_window.page.scene
    assert set(guide.links) >= {"diffusion", "gan", "choosing"}
    guide.line.setText(link_of(SAMPLES))
    guide.open.click()
    qtbot.waitUntil(lambda: not lessons.opener.is_opening, timeout=LONG)
    assert shared_window.current.view.name == "Generate"
    shared_window.open_tab("guide")
    guide.links["choosing"].click()
    assert lessons.player.lesson.name == "choosing"


def drop(window, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    nothing = Qt.KeyboardModifier.NoModifier
    window.dropEvent(
        QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
    )


def test_a_lesson_is_opened_by_drop_and_a_bad_one_is_refused(qtbot, shared_window, lessons, tmp_path):
    path = tmp_path / "mine.toml"
    writer.write(path, LESSON)
    drop(shared_window, path)
    arrive(qtbot, lessons)
    assert lessons.player.lesson.title == "Three"
    path.write_text("title = 3")
    drop(shared_window, path)
    assert "mine.toml" in lessons.opener.complaint and lessons.player.lesson.title == "Three"


def test_a_lesson_dropped_where_pictures_are_taken_is_a_lesson_still(qtbot, shared_window, lessons, tmp_path):
    shared_window.open_tab("compare")
    shared_window.page.show_scene("One image")
    path = tmp_path / "mine.toml"
    writer.write(path, LESSON)
    drop(shared_window, path)
    arrive(qtbot, lessons)
    assert lessons.player.lesson.title == "Three"


def test_notes_have_a_window_with_the_same_keys(qtbot, shared_window, lessons):
    lessons.player.open(LESSON)
    arrive(qtbot, lessons)
    lessons.show_notes()
    notes = lessons.notes
    assert isinstance(notes, NotesWindow) and notes.isVisible()
    assert notes.notes.text() == "Speak up." and notes.coming.text() == "Next: Four"
    QTest.keyClick(notes, Qt.Key.Key_PageDown)
    assert lessons.player.index == 1 and notes.title.text() == "Four"
    lessons.player.close()
    assert not notes.isVisible()


# --- the command line


def test_lessons_are_listed(capsys):
    assert main(["lesson", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 9 and all(set(row) == {"name", "title", "scenes"} for row in rows)
    assert rows[0] == {"name": "diffusion", "title": "How a diffusion model works", "scenes": 11}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (None, "cannot be read"),
        ("", "lacks 'title'"),
        ("title = 'T'", "no scenes"),
        ("title = 'T'\n[[scene]]\ntitle = 'A'\ntext = 'B'\ntab = 'nowhere'", "no tab"),
        ("title = 'T'\n[[scene]]\ntitle = 'A'\ntext = 'B'\ntab = 'vae'\nmodel = 'no-model'", "no model"),
        ("title = 'T'\n[[scene]]\ntitle = 'A'\ntext = 'B'\ntab = 'vae'\nview = 'No view'", "no view"),
        ("title = 'T'\n[[scene]]\ntitle = 'A'\ntext = 'B'\ntab = 7", "'tab' must be"),
    ],
)
def test_a_hostile_lesson_gets_a_sentence_and_exit_2(tmp_path, capsys, text, word):
    path = tmp_path / "bad.toml"
    if text is not None:
        path.write_text(text)
    assert main(["lesson", str(path), "--screenshots", str(tmp_path / "shots")]) == 2
    said = capsys.readouterr()
    assert word in said.err and said.err.count("\n") == 1 and not said.out
    assert not (tmp_path / "shots").exists()


@pytest.mark.parametrize(
    "words", [["--out", "a.html"], ["diffusion", "--out", "a.pdf"], ["diffusion", "--json"], ["nonsense"]]
)
def test_wrong_words_get_a_sentence_and_exit_2(capsys, words):
    assert main(["lesson", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


PLAYED = Lesson("Two", (LESSON.scenes[1], LESSON.scenes[2]))


def test_a_lesson_is_exported_from_the_window_as_a_page(qtbot, shared_window, lessons, tmp_path):
    lessons.player.open(PLAYED)
    arrive(qtbot, lessons)
    path = tmp_path / "two.html"
    lessons.export(path)
    qtbot.waitUntil(lambda: lessons.recorder is None, timeout=LONG)
    assert lessons.opener.complaint == ""
    assert_is_a_page_of_two(path)


def assert_is_a_page_of_two(path: Path) -> None:
    parts = data_of(path.read_text(encoding="utf-8"))
    assert [part["title"] for part in parts] == ["Four", "Choice"]
    assert parts[0]["question"] == "Why?" and parts[0]["settings"][0] == ["model", "vae2d-fashion"]
    assert all(part["frames"] and part["here"].startswith("playground --open ") for part in parts)


def test_the_command_plays_a_lesson_into_pictures_and_a_page(tmp_path):
    lesson, shots, page = tmp_path / "two.toml", tmp_path / "new" / "shots", tmp_path / "two.html"
    writer.write(lesson, PLAYED)
    words = ["lesson", str(lesson), "--screenshots", str(shots), "--out", str(page), "--size", "1280x800"]
    done = subprocess.run(
        [sys.executable, "-m", "playground", *words, "--theme", "dark"],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    pictures = [np.asarray(Image.open(shots / name)) for name in ("01.png", "02.png")]
    assert len(list(shots.iterdir())) == 2 and pictures[0].shape[:2] == (800, 1280)
    assert (pictures[0] != pictures[1]).any()
    assert_is_a_page_of_two(page)


def test_a_scene_that_cannot_be_shown_ends_the_command_with_a_sentence(tmp_path):
    lesson = tmp_path / "bad.toml"
    shows = WindowState("vae", "vae2d-fashion", "Generate", {"num_samples": 10**6})
    writer.write(lesson, Lesson("T", (LessonScene("A", "B", shows),)))
    done = subprocess.run(
        [sys.executable, "-m", "playground", "lesson", str(lesson), "--screenshots", str(tmp_path / "shots")],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 1 and "bad, scene 1: " in done.stderr and "num_samples" in done.stderr
