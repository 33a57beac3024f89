"""The lessons that come with the program: every scene can be shown, and three of each are, in the real window."""

from __future__ import annotations

import itertools

import pytest

from playground import families
from playground.contract import knobs
from playground.export.picture_metadata import request_of
from playground.families import Family
from playground.lessons import library
from playground.models.plane_catalogue import is_plane, trained_live
from playground.tabs import registry
from playground.tabs.frame.view import suiting
from tests.windows import WAIT, load

LESSONS = library.shipped()
SCENES = [
    pytest.param(scene, id=f"{lesson.name}-{number}")
    for lesson in LESSONS
    for number, scene in enumerate(lesson.scenes, 1)
]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_names_what_is_here_and_never_repeats_itself(lesson):
    library.check(lesson)
    assert len(lesson.scenes) >= 5 and lesson.summary
    assert any(scene.question for scene in lesson.scenes)
    alike = [a.title for a, b in itertools.pairwise(lesson.scenes) if a.shows == b.shows]
    assert not alike, "a scene that shows what the one before it shows"
    for scene in lesson.scenes:
        sentences = scene.text.count(". ") + scene.text.count("? ") + scene.text.count(": ")
        assert 1 <= sentences <= 4 and scene.notes, scene.title


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_fits_its_view(scene):
    shows, entry = scene.shows, families.entry(scene.shows.tab)
    if not isinstance(entry, Family):
        return
    assert shows.model and shows.view
    model = trained_live(shows.model) if is_plane(shows.model) else load(shows.model)
    named = [k for k in registry.views_of(entry) if k.name == shows.view and k in suiting([k], model)]
    assert named, f"{shows.model} has no view called {shows.view}"
    kind = named[0]
    request_type = kind.request_type(kind, model)
    request = request_of(request_type, shows.settings, len(model.card.classes))
    kind.checked(kind, shows.state, request, model)
    known = {knob.name for knob in knobs(request_type)}
    assert set(shows.visible or ()) <= known - kind.hidden_knobs
    assert {a.knob for a in scene.actions if a.kind == "drag"} <= known
    assert model.card.family == shows.tab


# the first of each lesson, and two that draw quickly
SHOWN = {
    "diffusion": (0, 1, 3),
    "gan": (3, 4, 8),
    "latent-space": (0, 4, 7),
    "autoregressive": (3, 5, 10),
    "flow": (1, 2, 10),
    "energy": (1, 8, 9),
    "likelihood": (2, 4, 10),
    "trilemma": (1, 8, 9),
    "choosing": (1, 2, 6),
    "words": (0, 6, 7),
    "plane": (1, 2, 5),
    "doing": (1, 8, 10),
    "dream": (1, 4),
    "sound": (2, 4, 6),
}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_three_scenes_are_shown(qtbot, shared_window, lesson):
    window, player = shared_window, shared_window.lessons.player
    player.open(lesson, SHOWN[lesson.name][0])
    for at in SHOWN[lesson.name]:
        if at != player.index:
            player.go_to(at)
        qtbot.waitUntil(lambda: not player.is_busy, timeout=4 * WAIT)
        scene, tab = lesson.scenes[at], window.current
        assert window.lessons.opener.complaint == ""
        assert window.lessons.bar.title.text() == scene.title
        if tab is None:
            assert window.page.key == scene.shows.tab
            assert window.page.scene.name == scene.shows.view
            continue
        assert (tab.family.key, tab.model_id) == (scene.shows.tab, scene.shows.model)
        assert tab.view.name == scene.shows.view
        qtbot.waitUntil(lambda tab=tab: tab.view.player.frame is not None, timeout=4 * WAIT)
        dragged = {a.knob for a in scene.actions if a.kind == "drag"}
        for name, value in scene.shows.settings.items():
            assert name in dragged or getattr(tab.view.request, name) == value
        tab.view.player.stop()
    player.close()
    assert window.lessons.bar.isHidden()
