"""Where nothing was installed by hand: training data are asked for, never fetched unasked, and their lack is a sentence."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from playground import data
from playground.cli.main import main
from playground.data import fashion, web


class Terminal(io.StringIO):
    """Standard input or error of a person at a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def site():
    """A web server of this machine that has one file; the list of what was asked for, and its address."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            found = self.path.endswith("/file")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(b"content" if found else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield asked, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_tests_find_what_a_fresh_machine_has():
    """The guard itself: nothing that a data package installs, no network, an empty home, here and in processes."""
    program = (
        "import os, socket\n"
        "from playground import data\n"
        "for name in ('fashion', 'bible'):\n"  # the emoji are shipped whole
        "    data.load(name, 'test')\n"
        "    try: data.load(name, 'train'); print('found', name)\n"
        "    except FileNotFoundError as error: print(error)\n"
        "try: socket.create_connection(('192.0.2.1', 80), 1)\n"
        "except ConnectionRefusedError as error: print(error)\n"
        "print(os.listdir(os.path.expanduser('~')), os.listdir(os.environ['PLAYGROUND_DATA']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert len(said) == 2 + 2 and not [line for line in said if line.startswith("found")]
    assert all("install" in line and line.endswith(".") for line in said[:-2]), said
    assert "ask for no host" in said[-2] and said[-1] == "[] []"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("198.51.100.1", 443), 1)
    with pytest.raises(OSError):
        socket.getaddrinfo("example.org", 443)


def test_training_without_its_data_says_what_to_install_and_fetches_nothing(tmp_path, monkeypatch, capsys):
    fetched = []
    monkeypatch.setattr(web, "download_file", lambda *a: fetched.append(a))
    monkeypatch.setattr(fashion, "download_file", lambda *a: fetched.append(a))
    assert main(["train", "ae2d-fashion", "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr()
    assert "dataset-fashion-mnist" in said.err and "--download" in said.err and said.err.count("\n") == 1
    assert not fetched and not (tmp_path / "run").exists(), "a run that cannot begin leaves nothing behind"
    assert main(["train", "ngram-bible", "--out", str(tmp_path / "run")]) == 1
    assert "bible-kjv-text" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, answer, fetches",
    [(["--download"], None, True), ([], "y\n", True), ([], "n\n", False), ([], "\n", False), ([], "", False)],
)
def test_data_are_fetched_after_a_yes_alone(options, answer, fetches, tmp_path, monkeypatch, capsys):
    fetched = []
    monkeypatch.setattr(fashion, "download_file", lambda url, *_: fetched.append(url))
    if answer is not None:
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["train", "ae2d-fashion", "--out", str(tmp_path / "run"), *options]) == 1  # they did not come
    assert [url.startswith("https://") for url in fetched] == [True] * (2 if fetches else 0)


def test_what_is_fetched_is_whole_and_the_published_file(site, tmp_path):
    asked, address = site
    right = hashlib.sha256(b"content").hexdigest()
    fetch = partial(web.download_file, target=tmp_path / "new" / "file")
    with pytest.raises(ValueError, match="not the published file"):
        fetch(address + "file", sha256="0" * 64)
    with pytest.raises(OSError, match=r"none could not be fetched: Not Found\."):
        fetch(address + "none", sha256=right)
    assert list(tmp_path.iterdir()) == []
    fetch(address + "file", sha256=right)
    assert (tmp_path / "new" / "file").read_bytes() == b"content" and asked == ["/file", "/none", "/file"]
    assert os.listdir(tmp_path / "new") == ["file"]


def test_a_folder_of_the_users_own_comes_first(tmp_path, monkeypatch):
    assert {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"} == set(fashion.missing())
    monkeypatch.setenv("PLAYGROUND_DATA", str(tmp_path))
    for name in fashion.missing():
        (tmp_path / name).write_bytes(b"something else")
    assert not fashion.missing() and not data.wants_download("fashion")
    with pytest.raises(ValueError, match=f"{Path(tmp_path).name}.*checksum differs"):
        data.load("fashion", "train")
