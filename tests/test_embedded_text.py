"""Settings come back out of every kind of file that keeps them, also after an editor has saved a PNG anew; and out of text."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from playground.cli.main import main
from playground.data import file_kinds
from playground.export import animation, gif, picture_metadata
from playground.export.picture_metadata import KEYWORD, PictureMetadata, PictureMetadataError

KEPT = PictureMetadata("vae", "vae-fashion", "0123", "Generate", {"seed": 7, "temperature": 0.5}, step=3)
LONG = PictureMetadata("vae", "vae-fashion", "0123", "Generate", {"seed": 7}, state={"moved": "é" * 3000})
SHEETS = [np.full((12, 16), level, np.uint8) for level in (0, 90, 200)]


def with_info(path, info):
    Image.fromarray(SHEETS[0]).save(path, pnginfo=info)


def z_text(path, text):
    info = PngInfo()
    info.add_text(KEYWORD, text, zip=True)
    with_info(path, info)


def i_text(path, text, packed=False):
    info = PngInfo()
    info.add_text("Software", "an editor")
    info.add_itxt(KEYWORD, text, lang="en", tkey="settings", zip=packed)
    with_info(path, info)


WRITERS = {
    "zTXt.png": z_text,
    "iTXt.png": i_text,
    "packed.png": lambda path, text: i_text(path, text, packed=True),
    "a.gif": lambda path, text: animation.write(path, SHEETS, 3, 20, settings=text),
    "a.webp": lambda path, text: animation.write(path, SHEETS, 3, 20, settings=text),
    "a.jpg": lambda path, text: Image.fromarray(SHEETS[0]).save(path, comment=text.encode()),
    "renamed.jpg": lambda path, text: (
        animation.write(path.with_suffix(".gif"), SHEETS, 3, 20, settings=text)
        or path.with_suffix(".gif").rename(path)
    ),
}
if ".mp4" in animation.kinds():
    WRITERS["a.mp4"] = lambda path, text: animation.write(path, SHEETS, 3, 20, settings=text)


@pytest.mark.parametrize("kept", [KEPT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("name", WRITERS)
def test_settings_come_back(name, kept, tmp_path):
    WRITERS[name](tmp_path / name, kept.to_json())
    assert picture_metadata.read(tmp_path / name) == kept


@pytest.mark.parametrize("name", [name for name in WRITERS if not name.endswith("mp4")])
def test_the_pictures_are_whole_beside_them(name, tmp_path):
    WRITERS[name](tmp_path / name, KEPT.to_json())
    with Image.open(tmp_path / name) as picture:
        moving = getattr(picture, "n_frames", 1) > 1
        assert moving == (name.endswith(("gif", "webp")) or "renamed" in name)
        for i, sheet in enumerate(SHEETS if moving else SHEETS[:1]):
            picture.seek(i)
            assert np.array_equal(np.asarray(picture.convert("L")), sheet)


def test_a_film_from_the_command_line_opens_as_its_run(tmp_path):
    assert (
        main(["sample", "vae2d-fashion", "--count", "4", "--seed", "3", "--out", str(tmp_path / "a.gif")])
        == 0
    )
    kept = picture_metadata.read(tmp_path / "a.gif")
    assert (kept.model, kept.settings["seed"], kept.settings["num_samples"]) == ("vae2d-fashion", 3, 4)


def bomb(path):
    info = PngInfo()
    info.add(b"zTXt", KEYWORD.encode() + b"\0\0" + zlib.compress(b"{" * 2**24, 9))
    with_info(path, info)


def spoiled(path):
    info = PngInfo()
    info.add(b"zTXt", KEYWORD.encode() + b"\0\0" + b"no zlib stream")
    with_info(path, info)


REFUSED = {
    "bomb.png": (bomb, "too long"),
    "spoiled.png": (spoiled, "cannot be unpacked"),
    "plain.gif": (lambda p: animation.write(p, SHEETS, 3, 20), "carries no settings"),
    "cut.gif": (
        lambda p: p.write_bytes(b'GIF89a!\xfe\x28{"program": "Generative Playground", "family'),
        "not JSON",
    ),
    "plain.jpg": (lambda p: Image.fromarray(SHEETS[0]).save(p), "carries no settings"),
    "a.pdf": (lambda p: p.write_bytes(b"%PDF-1.4"), "it is a PDF document"),
    "a.bin": (lambda p: p.write_bytes(b"12345"), "none that is known"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_files_are_one_sentence(name, tmp_path):
    make, said = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(PictureMetadataError, match=said) as refusal:
        picture_metadata.read(tmp_path / name)
    assert str(refusal.value).endswith(".") and name in str(refusal.value)


def test_files_are_called_what_they_are(tmp_path):
    heads = {
        b"\0\0\0\x18ftypheic": "HEIC picture",
        b"\0\0\0\x1cftypavif": "AVIF picture",
        b"\0\0\0\x18ftypisom": "MP4 film",
        b"RIFF....WEBPVP8L": "WebP picture",
        b"RIFF....WAVEfmt ": "WAV recording",
        b"\xff\xd8\xff\xe0": "JPEG picture",
        b"PK\x03\x04": file_kinds.kind_of_bytes(b"PK\x03\x04zz"),
        b"": "",
        b"BM\0\0\0\0\0\0{": "",  # a checkpoint whose header has 19,778 bytes
    }
    for head, kind in heads.items():
        (tmp_path / "x").write_bytes(head)
        assert file_kinds.kind_of(tmp_path / "x") == kind
    assert "ZIP" in file_kinds.kind_of_bytes(b"PK\x03\x04zz") and file_kinds.kind_of(tmp_path / "none") == ""


# --- GIF as a stream


def test_a_gif_stands_and_moves_as_it_should(tmp_path):
    rng = np.random.default_rng(0)
    grey = [rng.integers(0, 256, (30, 40), dtype=np.uint8) for _ in range(3)]
    grey += [grey[-1], grey[-1].copy()]
    grey[-1][3:5, 7:20] = 0
    for sheets in (grey, [np.stack([s // 64 * 64, s // 128, 255 - s // 64], -1) for s in grey]):
        with (tmp_path / "a.gif").open("wb") as file:
            gif.write(file, sheets, [50, 50, 40, 40, 1500])
        with Image.open(tmp_path / "a.gif") as film:
            assert film.n_frames == len(sheets) and film.info["loop"] == 0
            for i, (sheet, stands) in enumerate(zip(sheets, [50, 50, 40, 40, 1500], strict=True)):
                film.seek(i)
                assert film.info["duration"] == stands
                assert np.array_equal(np.asarray(film.convert("L" if sheet.ndim == 2 else "RGB")), sheet)


def test_a_long_film_of_large_sheets_does_not_fit_into_memory_and_need_not(tmp_path):
    """120 sheets of 4 MB each: the process grows by some of them."""
    resource = pytest.importorskip("resource", reason="needs the size of a process")
    assert resource.RUSAGE_SELF == 0
    program = (
        "import resource, sys, pathlib, numpy as np\n"
        "from playground.export import animation\n"
        "def size(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == 'darwin' else 2**10)\n"
        "def sheets(n):\n"
        "    for i in range(n):\n"
        "        sheet = np.zeros((2000, 2000), np.uint8); sheet[i * 8 : i * 8 + 300, 500:900] = i + 1; yield sheet\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "animation.write(path, sheets(3), 3, 25); before = size()\n"
        "animation.write(path, sheets(120), 120, 25); print(size() - before)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.gif")]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 60
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 120


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG", "a.webp"])
def test_a_picture_keeps_its_settings_in_every_format(name, tmp_path):
    colours = np.repeat(np.repeat(SHEETS[0], 8, 0), 8, 1)
    picture_metadata.save(tmp_path / name, colours, KEPT)
    assert picture_metadata.read(tmp_path / name) == KEPT
    with Image.open(tmp_path / name) as picture:
        found = np.asarray(picture.convert("L")).astype(int)
    assert abs(found - colours).max() <= (16 if "jp" in name.lower() else 0)


@pytest.mark.parametrize("name", ["a.bmp", "a"])
def test_a_picture_of_another_ending_is_refused_and_nothing_is_left(name, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.png"):
        picture_metadata.save(tmp_path / name, SHEETS[0], KEPT)
    assert list(tmp_path.iterdir()) == []


def test_settings_too_long_for_a_jpeg_are_refused(tmp_path):
    long = dataclasses.replace(KEPT, state={"text": "x" * 70_000})
    with pytest.raises(ValueError, match="longer than a JPEG"):
        picture_metadata.save(tmp_path / "a.jpg", SHEETS[0], long)
    picture_metadata.save(tmp_path / "a.webp", SHEETS[0], long)
    assert picture_metadata.read(tmp_path / "a.webp") == long


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_a_film_is_written_while_its_frames_are_made(name, tmp_path):
    sizes = []

    def sheets():
        random = np.random.default_rng(0)
        for _ in range(4):
            sizes.append(sum(f.stat().st_size for f in tmp_path.iterdir()))
            yield random.integers(0, 256, (200, 200, 3), np.uint8)

    animation.write(tmp_path / name, sheets(), 4, 20)
    assert sizes == sorted(sizes) and sizes[3] > 40_000  # two frames at least have left the memory


def test_a_webp_of_parts_that_change_at_odd_places_is_whole(tmp_path):
    first = np.zeros((21, 33, 3), np.uint8)
    second = first.copy()
    second[7:12, 5:9] = (250, 10, 90)
    third = second.copy()
    third[20, 32] = 255
    animation.write(tmp_path / "a.webp", [first, second, second, third], 4, 25)
    with Image.open(tmp_path / "a.webp") as film:
        assert film.n_frames == 4 and film.info["loop"] == 0
        for i, sheet in enumerate((first, second, second, third)):
            film.seek(i)
            assert np.array_equal(np.asarray(film.convert("RGB")), sheet)
            assert film.info["duration"] == (1500 if i == 3 else 40)
