"""Lesson files and links: what is written is read back, and whatever is wrong is said in one sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from playground.export import window_state
from playground.export.window_state import LinkError, WindowState, link_of, read_link
from playground.lessons import library, reader, writer
from playground.lessons.lesson import Action, Lesson, LessonScene, Question
from playground.lessons.reader import LessonError

RICH = Lesson(
    'A "quoted" title',
    (
        LessonScene(
            "First",
            "Two sentences. With a \\ and\ta tab.",
            WindowState(
                "diffusion",
                "ddpm-fashion",
                "Generate",
                {"seed": 3, "num_steps": 12, "sampler": "ddim", "guidance_scale": 2.0},
                5,
                {"trunk": [], "pointer": {"x": [0.5, -1.0]}, "on": True},
                ("num_steps", "seed"),
                2,
            ),
            "Speak slowly.\nThen wait.",
            (Action("drag", "guidance_scale", 4.0, 2.0), Action("play"), Action("wait")),
            Question("Why?", "Because — δ."),
        ),
        LessonScene("Second", "The Guide.", WindowState("guide", view="Map", visible=())),
    ),
    "A summary",
    3,
)
SCENE = '[[scene]]\ntitle = "A"\ntext = "B"\ntab = "vae"\n'


def test_a_lesson_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "mine.toml"
    writer.write(path, RICH)
    assert reader.read(path) == dataclasses.replace(RICH, path=path)
    assert reader.read(path).name == "mine"


def test_scenes_move_and_go():
    first, second = RICH.scenes
    assert RICH.moved(0, 1).scenes == (second, first)
    assert RICH.without(0).scenes == (second,)
    assert RICH.with_scene(second, 0).scenes == (second, first, second)
    assert RICH.with_changed(1, first).scenes == (first, first)


@pytest.mark.parametrize("scene", RICH.scenes)
def test_a_link_is_read_as_it_was_written(scene):
    link = link_of(scene.shows)
    assert link.isascii() and " " not in link and read_link(link) == scene.shows


@pytest.mark.parametrize("word", ["7", "true", "-1e3", '"quoted"', "null", "a b&c=d", "", "ä?#/@"])
def test_words_of_a_link_stay_words(word):
    state = WindowState("gan", "gan-fashion", "Generate", {"prompt": word})
    assert read_link(link_of(state)) == state


def test_a_lesson_may_name_a_state_by_its_link(tmp_path):
    path = tmp_path / "linked.toml"
    link = link_of(RICH.scenes[0].shows)
    path.write_text(f"title = 'T'\n[[scene]]\ntitle = 'A'\ntext = 'B'\nlink = '{link}'\n")
    assert reader.read(path).scenes[0].shows == RICH.scenes[0].shows


@pytest.mark.parametrize(
    ("link", "word"),
    [
        ("http://example.org", "begins with"),
        ("playground:", "names a tab"),
        ("playground:vae/a-b/c/d", "names a tab"),
        ("playground:vae/Not A Model", "model"),
        ("playground:vae/a-b/" + "x" * 200, "view"),
        ("playground:vae?step", "name=value"),
        ("playground:vae?@step=minus", "whole number"),
        ("playground:vae?@step=-1", "whole number"),
        ("playground:vae?@colour=red", "@colour"),
        ("playground:vae?@state=[1]", "table"),
        ("playground:vae?@state={", "JSON"),
        ("playground:vae?@state={%22a%22:NaN}", "JSON"),
        ("playground:vae?a%20b=1", "set"),
        ("playground:vae?" + "&".join(f"k{i}=1" for i in range(200)), "name=value"),
        ("playground:vae?a=" + "x" * window_state.LONGEST, "characters"),
    ],
)
def test_a_bad_link_gets_a_sentence(link, word):
    with pytest.raises(LinkError, match=word) as caught:
        read_link(link)
    assert_is_a_sentence(caught)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "lacks 'title'"),
        ("title = 'T'", "no scenes"),
        ("title = 'T'\nscene = []", "no scenes"),
        ("title = 'T'\nscene = 3", "list of tables"),
        ("title = 'T'\n[scene]\ntitle = 'A'", "list of tables"),
        ("title = 3\n" + SCENE, "'title' must be"),
        ("title = 'T'\ncolour = 'red'\n" + SCENE, "unknown key 'colour'"),
        ("title = 'T'\n" + SCENE + "wait = 3", "unknown key 'wait'"),
        ("title = 'T'\n[[scene]]\ntext = 'B'\ntab = 'vae'", "scene 1 lacks 'title'"),
        ("title = 'T'\n[[scene]]\ntitle = 'A'\ntext = 'B'", "lacks 'tab'"),
        ("title = 'T'\n" + SCENE + "seed = -1", "'seed' must be"),
        ("title = 'T'\n" + SCENE + "seed = true", "'seed' must be"),
        ("title = 'T'\n" + SCENE + "step = 2.5", "'step' must be"),
        ("title = 'T'\n" + SCENE + "visible = 'all'", "'visible' must be"),
        ("title = 'T'\n" + SCENE + "enlarged = 0", "from 1"),
        ("title = 'T'\n" + SCENE + "settings = { a = [1] }", "settings"),
        ("title = 'T'\n" + SCENE + "settings = { a = nan }", "settings"),
        ("title = 'T'\n" + SCENE + "state = { a = 1979-05-27 }", "state"),
        ("title = 'T'\n" + SCENE + "link = 'playground:vae'", "link and 'tab'"),
        ("title = 'T'\n" + SCENE + "question = 'why'", "'question' must be"),
        ("title = 'T'\n" + SCENE + "question = { text = 'why' }", "lacks 'answer'"),
        ("title = 'T'\n" + SCENE + "action = [{ kind = 'jump' }]", "no 'jump'"),
        ("title = 'T'\n" + SCENE + "action = [{ kind = 'drag', knob = 'a' }]", "needs 'to'"),
        ("title = 'T'\n" + SCENE + "action = [{ kind = 'play', knob = 'a' }]", "means nothing"),
        ("title = 'T'\n" + SCENE + "action = [{ kind = 'drag', knob = 'a', to = 1, seconds = 999 }]", "60"),
        ("title = 'T'\ntitle = 'U'", "not a lesson"),
        ("[[[", "not a lesson"),
        ("title = 'T'\n" + SCENE * 201, "at most 200"),
        ("a = " + "[" * 5000, "not a lesson"),
        ("title = '" + "x" * 300 + "'\n" + SCENE, "'title' must be"),
    ],
)
def test_a_bad_file_gets_a_sentence(tmp_path, text, word):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(LessonError, match=word) as caught:
        reader.read(path)
    assert_is_a_sentence(caught)
    assert "bad.toml" in str(caught.value)


def test_what_is_no_text_file_gets_a_sentence(tmp_path):
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LessonError, match="not a text file"):
        reader.read(path)
    path.write_bytes(b"#" * (reader.MOST_BYTES + 1))
    with pytest.raises(LessonError, match="larger"):
        reader.read(path)
    with pytest.raises(LessonError, match="cannot be read"):
        reader.read(tmp_path / "absent.toml")
    with pytest.raises(LessonError, match="cannot be read"):
        reader.read(tmp_path)


@pytest.mark.parametrize(
    ("shows", "word"),
    [
        (WindowState("gans"), "no tab called 'gans'"),
        (WindowState("vae", "vae9-fashion"), "no model called 'vae9-fashion'"),
        (WindowState("vae", "gan-fashion"), "is not in VAE but in gan"),
        (WindowState("guide", "gan-fashion"), "no model called"),
        (WindowState("vae", "vae-fashion", "Lattice"), "no view called 'Lattice'"),
        (WindowState("guide", view="Mop"), "no view called 'Mop'"),
    ],
)
def test_what_is_not_here_gets_a_sentence(shows, word):
    lesson = Lesson("T", (RICH.scenes[1], LessonScene("A", "B", shows)), path=Path("mine.toml"))
    with pytest.raises(LessonError, match=word) as caught:
        library.check(lesson)
    assert_is_a_sentence(caught)
    assert "mine.toml, scene 2" in str(caught.value)


def test_a_lesson_is_found_by_name_or_file(tmp_path):
    with pytest.raises(LessonError, match="no lesson called 'nonsense'"):
        library.find("nonsense")
    path = tmp_path / "mine.toml"
    writer.write(path, RICH)
    assert library.find(str(path)).title == RICH.title


def assert_is_a_sentence(caught) -> None:
    said = str(caught.value)
    assert said.endswith(".") and "\n" not in said and len(said) < 400
