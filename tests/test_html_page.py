"""The HTML page: it holds its pictures, stays small, loads nothing, and plays in a browser where one is installed."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from playground.cli.main import main
from playground.export import html_page
from playground.export.window_state import read_link
from tests.windows import WAIT

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def data_of(text: str) -> list[dict]:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1)
    )


def decoded(picture: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))


def noise(count: int, side: int = 40) -> list[np.ndarray]:
    return list(np.random.default_rng(1).integers(0, 256, (count, side, side), np.uint8))


def test_the_pictures_are_inside_to_the_bit():
    frames = noise(3)
    (part,) = data_of(html_page.page("T", [html_page.Part("A", frames, ["a", "b", "c"], start=1)]))
    assert [np.array_equal(decoded(p), f) for p, f in zip(part["frames"], frames, strict=True)] == [True] * 3
    assert part["captions"] == ["a", "b", "c"] and part["start"] == 1
    assert part["width"] % 40 == 0 and part["width"] > 400, (
        "small pictures are enlarged a whole number of times"
    )


def test_a_long_run_is_thinned_until_it_fits():
    frames = noise(300, 100)
    text = html_page.page("T", [html_page.Part("A", frames, [str(i) for i in range(300)])], 1_000_000)
    (part,) = data_of(text)
    assert len(text.encode()) < 1_000_000 and 20 < len(part["frames"]) < 240
    assert part["captions"][0] == "0" and part["captions"][-1] == "299"
    assert np.array_equal(decoded(part["frames"][-1]), frames[-1])


def test_no_text_of_a_page_is_taken_for_markup():
    evil = "</script><script>alert(1)</script><b>"
    part = html_page.Part(evil, [evil], [evil], evil, settings={evil: evil}, question=evil, answer=evil)
    text = html_page.page(evil, [part])
    assert evil not in text and html.escape(evil) in text
    assert data_of(text)[0]["title"] == evil


def test_a_page_needs_a_picture(tmp_path):
    with pytest.raises(ValueError, match="at least one picture"):
        html_page.write(tmp_path / "a.html", "T", [html_page.Part("A", [])])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "settings"), [("ddpm-fashion", ["num_steps=6"]), ("ngram-bible", ["num_tokens=20"])]
)
def test_sample_writes_a_page_that_loads_nothing(tmp_path, model, settings):
    out = tmp_path / "run.html"
    assert main(["sample", model, "--count", "2", "--set", *settings, "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert len(text.encode()) < html_page.MOST_BYTES
    assert not re.search(r'(src|href)\s*=\s*"(?!data:)|url\(|@import|https?://(?!www\.w3\.org)', text)
    (part,) = data_of(text)
    assert len(part["frames"]) == len(part["captions"]) >= 6
    assert ["model", model] in part["settings"] and ["seed", "7"] in part["settings"]
    state = read_link(part["here"].removeprefix("playground --open ").strip("'"))
    assert (state.model, state.settings["num_samples"]) == (model, 2)


SPY = """
<script>
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const said = () => document.getElementById("said").textContent;
const found = [said()];
for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home", "PageDown", "PageUp", "PageDown", "PageDown"]) {
  press(key);
  found.push(said());
}
const scrub = document.getElementById("scrub");
press("PageUp");
scrub.value = 2;
scrub.dispatchEvent(new Event("input"));
found.push(said());
press(" ");
found.push(document.getElementById("play").textContent);
press(" ");
found.push(document.getElementById("play").textContent);
const picture = document.getElementById("picture");
picture.decode().then(() => {
  found.push(picture.naturalWidth + "x" + picture.naturalHeight);
  document.body.setAttribute("data-found", JSON.stringify(found));
});
</script>
</body>"""


@pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
def test_it_plays_steps_and_scrubs_in_a_browser(tmp_path):
    parts = [
        html_page.Part("First", noise(4), [f"a{i}" for i in range(4)], start=0),
        html_page.Part("Second", noise(2, 30), ["b0", "b1"], "Words", start=0),
    ]
    file = tmp_path / "page.html"
    file.write_text(html_page.page("Two", parts).replace("</body>", SPY), encoding="utf-8")
    done = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=3000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    steps = ["a0", "a1", "a2", "a1", "a3", "a0", "b0", "a0", "b0", "b0"]
    assert json.loads(html.unescape(found.group(1))) == [*steps, "a2", "Pause", "Play", "40x40"]


def test_a_run_on_the_screen_is_saved_as_a_page(qtbot, open_window, tmp_path):
    window = open_window(tab="flow", model_id="nice-fashion", view="Generate")
    tab = window.current
    qtbot.waitUntil(lambda: tab.view.player.frame is not None and tab.view.is_settled, timeout=WAIT)
    tab.keeper.open()
    dialog = tab.keeper.dialog
    dialog.page.set_index(1)
    dialog.kind.setCurrentIndex(dialog.kind.findData(".html"))
    path = tmp_path / "run.html"
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(path)
    (part,) = data_of(path.read_text(encoding="utf-8"))
    assert len(part["frames"]) == len(tab.view.player.timeline) == len(part["captions"])
    assert part["formula"].count("<svg ") >= 1 and "currentColor" in part["formula"]  # as the window draws it
    assert ["model", "nice-fashion"] in part["settings"]
    state = read_link(part["here"].removeprefix("playground --open ").strip("'"))
    assert (state.tab, state.model, state.view) == ("flow", "nice-fashion", "Generate")
