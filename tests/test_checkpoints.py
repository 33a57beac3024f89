"""Files that are not what they should be get one sentence, and nothing is executed."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import save as to_bytes

from playground import checkpoints, paths
from playground.checkpoints import blank, files, int8
from playground.cli.main import main

GOOD = sorted(paths.folder("pretrained").glob("*.safetensors"))[0]


def parts(path=GOOD):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def assemble(header, body):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def with_card(change):
    header, body = parts()
    card = json.loads(header["__metadata__"]["card"])
    change(card)
    header["__metadata__"]["card"] = json.dumps(card)
    return assemble(header, body)


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


def nan_weights():
    header, body = parts()
    name = next(n for n in header if n != "__metadata__" and header[n]["dtype"] == "F16")
    begin, _ = header[name]["data_offsets"]
    spoiled = bytearray(body)
    spoiled[begin : begin + 2] = np.float16("nan").tobytes()
    return assemble(header, bytes(spoiled))


def wrong_shape():
    header, body = parts()
    name = next(n for n in header if n != "__metadata__" and len(header[n]["shape"]) == 4)
    header[name]["shape"] = header[name]["shape"][::-1]
    return assemble(header, body)


def missing_tensor():
    from safetensors import safe_open

    with safe_open(GOOD, "numpy") as file:
        tensors = {n: file.get_tensor(n) for n in list(file.keys())[1:]}
        return to_bytes(tensors, file.metadata())


def steps_missing():
    large, steps = int8.pack(np.ones((64, 64), np.float32))
    assert steps.shape == (64,)
    return to_bytes({"w": large}, parts()[0]["__metadata__"])


def with_tensor(change):
    """A sound file but for one entry of its table of tensors."""
    header, body = parts()
    change(next(header[n] for n in header if n != "__metadata__"))
    return assemble(header, body)


def huge_steps():
    """Steps that are finite, of which 127 are more than a float32 can be."""
    large, steps = int8.pack(np.ones((64, 64), np.float32))
    tensors = {"w": large, "w" + int8.STEP: np.full_like(steps, 3e38)}
    return to_bytes(tensors, parts()[0]["__metadata__"])


def other_numbers(name, change):
    """A shipped file of which the numbers of one tensor are changed."""
    from safetensors import safe_open

    with safe_open(paths.folder("pretrained") / "ngram-bible.safetensors", "numpy") as file:
        tensors = {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118 (not a dict)
        return to_bytes({**tensors, name: change(tensors[name])}, file.metadata())


def table(change):
    """The good file with another table of tensors."""
    header, body = parts()
    change(header, next(name for name in header if name != "__metadata__"))
    return assemble(header, body)


HOSTILE = {
    "padded": lambda: GOOD.read_bytes() + b"more",
    "a tensor that overlaps another": lambda: table(lambda h, name: h[name].update(data_offsets=[5, 9])),
    "a tensor of a size that its shape denies": lambda: table(lambda h, name: h[name].update(shape=[3, 1])),
    "a tensor of numbers of an unknown kind": lambda: table(lambda h, name: h[name].update(dtype="Q9")),
    "a tensor larger than any memory": lambda: table(lambda h, name: h[name].update(shape=[2**40, 2**40])),
    "a tensor of a negative size": lambda: table(lambda h, name: h[name].update(shape=[-1])),
    "a tensor of too many dimensions": lambda: table(
        lambda h, name: h[name].update(shape=[*h[name]["shape"], *[1] * 8])
    ),
    "a header that is a list": lambda: struct.pack("<Q", 2) + b"[]",
    "no tensors": lambda: to_bytes({}, parts()[0]["__metadata__"]),
    "steps too large": huge_steps,
    "counts that make no tree": lambda: other_numbers("num_children", lambda a: np.full_like(a, 255)),
    "shares below zero": lambda: other_numbers("shares", lambda a: -a),
    "doubles that no float is": lambda: other_numbers("shares", lambda a: np.full(a.shape, 1e300)),
    "whole numbers for fractions": lambda: other_numbers("shares", lambda a: a.astype(np.int64)),
    "built on a list of lists": lambda: with_card(lambda c: c.update(built_on=[["made-fashion@0"]])),
    "guided by numbers": lambda: with_card(lambda c: c.update(guided_by=[1])),
    "classes that are tables": lambda: with_card(lambda c: c.update(classes=[{}])),
    "a paper of a megabyte": lambda: with_card(lambda c: c.update(paper="x" * 500_000)),
    "a licence with half a character": lambda: with_card(lambda c: c.update(licence="\ud800")),
    "a title of several lines": lambda: with_card(lambda c: c.update(dataset_title="a\nb")),
    "time without end": lambda: with_card(lambda c: c.update(training_seconds=float("inf"))),
    "parameters below zero": lambda: with_card(lambda c: c.update(parameters=-1)),
    "true for a number": lambda: with_card(lambda c: c.update(seed=True)),
    "true for a width": lambda: with_card(lambda c: c["config"].update(width=True)),
    "a likelihood that is none of the words": lambda: with_card(lambda c: c.update(likelihood="certain")),
    "a shape of truth": lambda: with_tensor(lambda t: t.update(shape=[True, *t["shape"]])),
    "a shape of seventy dimensions": lambda: with_tensor(lambda t: t.update(shape=t["shape"] + [1] * 70)),
    "a shape that is a table": lambda: with_tensor(lambda t: t.update(shape={})),
    "a type that is a list": lambda: with_tensor(lambda t: t.update(dtype=[])),
    "places of truth": lambda: with_tensor(lambda t: t.update(data_offsets=[False, t["data_offsets"][1]])),
    "bytes without their steps": steps_missing,
    "truncated": lambda: GOOD.read_bytes()[:-1000],
    "cut in the header": lambda: GOOD.read_bytes()[:300],
    "empty": lambda: b"",
    "seven bytes": lambda: b"1234567",
    "a pickle": lambda: pickle.dumps(Bomb()),
    "a header of 2^60 bytes": lambda: struct.pack("<Q", 2**60) + b"{}" * 100,
    "nonsense for a header": lambda: struct.pack("<Q", 10) + b"0123456789" + b"x" * 100,
    "a header nested too deeply": lambda: struct.pack("<Q", 900_000) + b"[" * 900_000,
    "no card": lambda: to_bytes({"w": np.zeros(3, np.float32)}),
    "a card that is not JSON": lambda: to_bytes({"w": np.zeros(3, np.float32)}, {"card": "{"}),
    "a card with fields missing": lambda: with_card(lambda c: c.pop("network")),
    "a card with a field of the wrong kind": lambda: with_card(lambda c: c.update(config=[1, 2])),
    "an unknown network": lambda: with_card(lambda c: c.update(network="os/system")),
    "a network outside the house": lambda: with_card(lambda c: c.update(network="../../evil")),
    "an unknown field of the configuration": lambda: with_card(lambda c: c["config"].update(evil=1)),
    "a giant network": lambda: with_card(lambda c: c["config"].update(width=10**9)),
    "a network of gigabytes": lambda: with_card(lambda c: c["config"].update(width=4096)),
    "a network of another width": lambda: with_card(lambda c: c["config"].update(width=8)),
    "a width that is a word": lambda: with_card(lambda c: c["config"].update(width="wide")),
    "wrong shapes": wrong_shape,
    "a tensor missing": missing_tensor,
    "weights that are not numbers": nan_weights,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_check_refuses_with_one_sentence(kind, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "bad.safetensors"
    file.write_bytes(HOSTILE[kind]())
    assert main(["check", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1 and said.err.strip().endswith(".") and "bad.safetensors" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "exploded").exists()


def test_check_passes_everything_shipped(capsys):
    assert main(["check"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(checkpoints.cards())


def test_checkpoints_are_small():
    files = list(paths.folder("pretrained").glob("*.safetensors"))
    for file in files:  # colours from noise may take twice as much
        card = checkpoints.read_card(file)
        in_colour = card.family == "diffusion" and card.dataset == "emoji"
        assert file.stat().st_size <= (16 if in_colour else 8) * 2**20, file.name
    assert sum(f.stat().st_size for f in files) <= 140 * 2**20  # in two wheels, each under 100 MB


def test_saving_and_loading_gives_the_same_model(tmp_path):
    model = checkpoints.load(GOOD)
    checkpoints.save(
        tmp_path / "copy.safetensors", model, model.card, model.card.recipe.get("stored", "float16")
    )
    again = checkpoints.load(tmp_path / "copy.safetensors")
    for name, value in model.state_dict().items():
        assert value.equal(again.state_dict()[name]), name
    assert checkpoints.weights_hash(GOOD) == checkpoints.weights_hash(tmp_path / "copy.safetensors")


def test_packed_weights_are_within_half_a_step_and_pack_to_the_same_bits():
    rng = np.random.default_rng(0)
    weights = (
        rng.normal(size=(40, 16, 5)).astype(np.float32)
        * np.logspace(-6, 1, 40, dtype=np.float32)[:, None, None]
    )
    weights[3] = 0
    whole, steps = int8.pack(weights)
    again = int8.unpack({"w": whole, "w" + int8.STEP: steps, "b": weights[0]})
    assert sorted(again) == ["b", "w"] and again["w"].dtype == np.float32
    assert (np.abs(again["w"] - weights) <= steps[:, None, None] / 2 * (1 + 1e-6)).all()
    assert np.allclose(steps, np.abs(weights).max((1, 2)) / 127, rtol=2**-11)
    assert all(np.array_equal(a, b) for a, b in zip(int8.pack(again["w"]), (whole, steps), strict=True))


def test_what_was_unpacked_packs_to_the_same_steps_however_they_fall():
    """That takes steps of few bits: of others, 127 are no exact float32, and the next packing may find a neighbour."""
    weights = np.random.default_rng(1).normal(size=(20_000, 4)).astype(np.float32)
    whole, steps = int8.pack(weights)
    again = int8.unpack({"w": whole, "w" + int8.STEP: steps})["w"]
    assert all(np.array_equal(a, b) for a, b in zip(int8.pack(again), (whole, steps), strict=True))
    assert np.array_equal(again.astype(np.float64), whole * steps.astype(np.float64)[:, None]), "exactly"


def test_bytes_and_steps_that_do_not_belong_together_are_refused():
    whole, steps = int8.pack(np.ones((64, 64), np.float32))
    name = "w" + int8.STEP
    for wrong in ({"w": whole, name: steps[:-1]}, {"w": whole, name: steps.astype(np.int32)}, {"w": whole}):
        with pytest.raises(ValueError, match="lacks the steps of the packed tensor 'w'"):
            int8.unpack(wrong)
    for wrong in ({"w": whole.astype(np.float32), name: steps}, {name: steps}):
        with pytest.raises(ValueError, match="has steps for 'w', which is not packed"):
            int8.unpack(wrong)


def test_weights_in_bytes_draw_the_same_pictures_but_for_little(tmp_path):
    import torch

    model = checkpoints.load("glow-fashion")  # shipped as float16
    checkpoints.save(tmp_path / "small.safetensors", model, model.card, "int8")
    small = checkpoints.load(tmp_path / "small.safetensors")
    assert (tmp_path / "small.safetensors").stat().st_size < 0.7 * model.file.stat().st_size
    request = model.Request(num_samples=10)
    (*_, exact), (*_, rough) = model.sample(request), small.sample(request)
    assert 0 < np.abs(exact.images.astype(int) - rough.images).mean() < 2.5
    assert all(p.dtype == torch.float32 for p in small.parameters())


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError):
        checkpoints.write_atomically(target, b"new")
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_metrics_belong_to_exactly_these_weights(tmp_path):
    file = tmp_path / "a.safetensors"
    file.write_bytes(GOOD.read_bytes())
    checkpoints.write_metrics(file, {"bits_per_dim": {"value": 1.0}})
    checkpoints.write_metrics(file, {"fid": {"value": 2.0}})
    assert checkpoints.read_metrics(file) == {"bits_per_dim": {"value": 1.0}, "fid": {"value": 2.0}}
    file.write_bytes(file.read_bytes()[:-2] + b"\x00\x01")
    assert checkpoints.read_metrics(file) == {}


def test_figures_beside_a_checkpoint_are_read_only_if_they_are_figures(tmp_path, capsys):
    file = tmp_path / "a.safetensors"
    file.write_bytes(GOOD.read_bytes())
    good = {"value": 1.0, "standard_error": 0.1, "unit": "bits/dim", "kind": "exact", "num_images": 9}
    spoiled = {
        "a": 3,
        "b": {**good, "value": "1"},
        "c": {**good, "unit": 5},
        "d": {"value": 1.0, "unit": "nats"},
        "e": {"fid": [1]},
        "f": {"quality": {"value": float("nan")}},
    }
    text = json.dumps({checkpoints.weights_hash(file): {"bits_per_dim": good, **spoiled}})
    checkpoints.metrics_path(file).write_text(text)
    assert checkpoints.read_card(file).metrics == {"bits_per_dim": good}
    for broken in ("[" * 100_000, "null", '{"x": 1}'):
        checkpoints.metrics_path(file).write_text(broken)
        assert checkpoints.read_metrics(file) == {}


def test_a_network_may_not_ask_for_more_memory_than_its_file_accounts_for():
    asked = []

    class Greedy(torch.nn.Module):
        def __init__(self, config):
            super().__init__()
            for _ in range(100):
                asked.append(torch.empty(config["width"], 1000).numel())

    with pytest.raises(blank.TooLarge):
        blank.build(Greedy, {"width": 10}, max_numbers=50_000)
    assert sum(asked) <= 50_000
    blank.build(Greedy, {"width": 10}, max_numbers=1_000_000)


def test_loading_imports_nothing_that_takes_seconds():
    """torch's compiler and sympy come along with some operations on the ``meta`` device."""
    program = (
        "import sys; from playground import checkpoints\n"
        "for card in checkpoints.cards(): checkpoints.load(card.id)\n"
        "print(sorted({'torch._dynamo', 'sympy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_card_is_read_again_only_when_its_files_change(tmp_path, monkeypatch):
    path = tmp_path / "vae-fashion.safetensors"
    shutil.copy(paths.folder("pretrained") / path.name, path)
    read, opened = files.read_header, []
    monkeypatch.setattr(files, "read_header", lambda p: opened.append(p) or read(p))
    assert checkpoints.read_card(path).metrics == {} == checkpoints.read_card(path).metrics
    assert len(opened) == 1
    checkpoints.write_metrics(path, {"bits_per_dim": {"value": 3.0}})
    assert checkpoints.read_card(path).metrics == {"bits_per_dim": {"value": 3.0}}
    shutil.copy(paths.folder("pretrained") / "nice-fashion.safetensors", path)
    assert checkpoints.read_card(path).id == "nice-fashion"
    path.unlink()
    with pytest.raises(checkpoints.CheckpointError, match="cannot be read"):
        checkpoints.read_card(path)


def test_the_card_that_menus_read_is_the_one_that_is_checked_on_loading():
    cards, broken = checkpoints.sound_and_broken()
    assert broken == {} and cards == [checkpoints.read_header(file).card for file in files.found()]


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_a_card_or_a_sentence_in_the_menus(tmp_path, monkeypatch, kind):
    (tmp_path / "own-file.safetensors").write_bytes(HOSTILE[kind]())
    monkeypatch.setattr(paths, "checkpoint_folders", lambda: [tmp_path])
    cards, broken = checkpoints.sound_and_broken()
    assert len(cards) + len(broken) == 1
    assert all(
        one.startswith("own-file.safetensors ") or " own-file.safetensors " in one for one in broken.values()
    )
