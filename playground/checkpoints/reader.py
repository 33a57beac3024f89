"""Checkpoints: one safetensors file that rebuilds its own model, with a JSON card in its header.

Nothing is ever unpickled.  Reading, listing and checking headers needs no torch; :func:`load` imports it.  Every check
runs before a network is touched, and every refusal is one sentence (:class:`CheckpointError`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from playground import models, packing, paths

MAX_FILE_BYTES = 256 * 2**20
MAX_HEADER_BYTES = 2**20
_ID = r"[a-z0-9]+(-[a-z0-9]+)+"  # system-dataset
_ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "I8": 1, "BOOL": 1}


class CheckpointError(ValueError):
    """A file that is not a checkpoint of ours, said in one sentence."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint says about itself.  All of it is plain JSON."""

    id: str
    family: str
    system: str
    paper: str
    network: str  # "family/file" under playground/models
    likelihood: str
    config: dict[str, Any]
    dataset: str
    dataset_title: str
    licence: str
    classes: list[str]
    recipe: dict[str, Any]
    seed: int
    images_seen: int
    training_seconds: float
    machine: str
    date: str
    parameters: int
    built_on: list[str] = field(
        default_factory=list
    )  # "id@hash" of the checkpoint that this one needs, if any
    guided_by: list[str] = field(default_factory=list)  # "id@hash" of a weaker one that guides it, if any
    metrics: dict[str, Any] = field(default_factory=dict)  # measured later; not in the header


@dataclass(frozen=True)
class Header:
    """A checked header: the card, and where each tensor lies in the file."""

    card: Card
    tensors: dict[str, tuple[str, tuple[int, ...], int, int]]  # name -> (dtype, shape, begin, end)
    data_start: int


# --- reading, without torch


def resolve(id_or_path: str | Path) -> Path:
    """The file of a shipped id, or the path itself.

    Raises:
        CheckpointError: if there is neither.
    """
    path = Path(id_or_path)
    shipped = paths.folder("pretrained") / f"{id_or_path}.safetensors"
    if path.suffix != ".safetensors" and path.name == str(id_or_path) and shipped.is_file():
        return shipped
    if path.is_file():
        return path
    names = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.safetensors"))) or "none yet"
    raise CheckpointError(f"There is no checkpoint {str(id_or_path)!r}; shipped are {names}.")


def cards() -> list[Card]:
    """The cards of all shipped checkpoints with their measured figures, sorted by family and id."""
    files = sorted(paths.folder("pretrained").glob("*.safetensors"))
    return sorted((read_card(f) for f in files), key=lambda c: (c.family, c.id))


def read_card(path: Path) -> Card:
    """The card of a file, with the figures of the ``.metrics.json`` beside it if they are of these weights.

    Raises:
        CheckpointError: one sentence.
    """
    return _read_card(path, _stamp(path), _stamp(metrics_path(path)))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does: the moment of its last change and its size; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _read_card(path: Path, weights: object, metrics: object) -> Card:
    """Read once for each state of the two files: views ask for all cards when they open."""
    return dataclasses.replace(read_header(path).card, metrics=read_metrics(path))


def read_metrics(path: Path) -> dict[str, Any]:
    """What was measured of exactly these weights; empty if nothing was."""
    try:
        return dict(json.loads(metrics_path(path).read_text())[weights_hash(path)])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Add figures to the ``.metrics.json`` beside a checkpoint, under the hash of its weights."""
    merged = {**read_metrics(path), **metrics}
    write_atomically(metrics_path(path), json.dumps({weights_hash(path): merged}, indent=1).encode() + b"\n")


def metrics_path(path: Path) -> Path:
    """``<id>.safetensors`` -> ``<id>.metrics.json``."""
    return path.with_suffix(".metrics.json")


def weights_hash(path: Path) -> str:
    """SHA-256 of the weights without the card, 16 hex digits: measured figures belong to these."""
    data = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", data[:8])
    return hashlib.sha256(data[8 + header_bytes :]).hexdigest()[:16]


def read_header(path: Path) -> Header:
    """Check sizes, tensor table and card.

    Raises:
        CheckpointError: one sentence that says what is wrong.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if size > MAX_FILE_BYTES:
                raise CheckpointError(
                    f"{path.name} is {size / 2**20:.0f} MB; checkpoints are at most {MAX_FILE_BYTES >> 20} MB."
                )
            if len(start) < 8:
                raise CheckpointError(f"{path.name} is too short to be a checkpoint ({size} bytes).")
            (header_bytes,) = struct.unpack("<Q", start)
            if header_bytes > MAX_HEADER_BYTES or 8 + header_bytes > size:
                raise CheckpointError(
                    f"{path.name} is not a safetensors file, or it is cut off: its header claims {header_bytes} bytes."
                )
            raw = file.read(header_bytes)
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.") from None
    table = _parse_table(path, raw)
    card = _parse_card(path, table.pop("__metadata__", None))
    return Header(card, _parse_tensors(path, table, size - 8 - header_bytes), 8 + header_bytes)


def _parse_table(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        table = json.loads(raw)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path.name} is not a safetensors file: its header is not JSON.") from None
    if not isinstance(table, dict):
        raise CheckpointError(f"{path.name} is not a safetensors file: its header is not a table.")
    return table


def _parse_card(path: Path, metadata: Any) -> Card:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("card"), str):
        raise CheckpointError(f"{path.name} carries no card, so it is not a checkpoint of this program.")
    try:
        values = json.loads(metadata["card"])
    except (ValueError, RecursionError):
        raise CheckpointError(f"The card in {path.name} is not JSON.") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"The card in {path.name} is not a table.")
    kinds = {"str": str, "int": int, "float": (int, float), "dict": dict, "list": list}
    for f in dataclasses.fields(Card):
        optional = f.default_factory is not dataclasses.MISSING
        if f.name not in values and not optional:
            raise CheckpointError(f"The card in {path.name} has no field {f.name!r}.")
        kind = kinds[str(f.type).partition("[")[0]]
        if f.name in values and (not isinstance(values[f.name], kind) or isinstance(values[f.name], bool)):  # type: ignore[arg-type]
            raise CheckpointError(f"The card in {path.name} has a field {f.name!r} of the wrong kind.")
    card = Card(**{f.name: values[f.name] for f in dataclasses.fields(Card) if f.name in values})
    if not re.fullmatch(_ID, card.id):
        raise CheckpointError(f"The card in {path.name} has an id that is not of the form system-dataset.")
    if not models.exists(card.network):
        raise CheckpointError(
            f"{path.name} wants the network {card.network[:60]!r}, which this version does not have."
        )
    if card.family != card.network.partition("/")[0]:
        raise CheckpointError(f"The card in {path.name} names a family that is not that of its network.")
    return dataclasses.replace(card, metrics={})


def _parse_tensors(
    path: Path, table: dict[str, Any], data_bytes: int
) -> dict[str, tuple[str, tuple[int, ...], int, int]]:
    tensors: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    try:
        for name, entry in table.items():
            shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
            if not all(isinstance(n, int) and 0 <= n <= 2**31 for n in (*shape, begin, end)):
                raise CheckpointError(
                    f"The tensor {name[:60]!r} in {path.name} has an impossible shape or place."
                )
            if end - begin != math.prod(shape) * _ITEM_BYTES[entry["dtype"]]:
                raise CheckpointError(
                    f"The tensor {name[:60]!r} in {path.name} has a size that its shape denies."
                )
            tensors[name] = (entry["dtype"], shape, begin, end)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"The table of tensors in {path.name} is broken.") from None
    position = 0
    for name, (_, _, begin, end) in sorted(tensors.items(), key=lambda item: item[1][2:]):
        if begin != position:
            raise CheckpointError(
                f"The tensor {name[:60]!r} in {path.name} overlaps another or leaves a gap."
            )
        position = end
    if position != data_bytes:
        raise CheckpointError(
            f"{path.name} is cut off or padded: {data_bytes} bytes of weights where {position} belong."
        )
    if not tensors:
        raise CheckpointError(f"{path.name} holds no weights.")
    return tensors


def read_arrays(path: Path, header: Header) -> dict[str, np.ndarray]:
    """The tensors as numpy arrays (bfloat16 widened to float32, bytes unpacked to it: ``packing.py``).

    Raises:
        CheckpointError: if a number in them is not finite, or bytes lack the size of their steps.
    """
    data = path.read_bytes()[header.data_start :]
    plain = {
        "F32": "<f4",
        "F16": "<f2",
        "F64": "<f8",
        "I64": "<i8",
        "I32": "<i4",
        "U8": "u1",
        "I8": "i1",
        "BOOL": "?",
    }
    arrays = {}
    for name, (dtype, shape, begin, end) in header.tensors.items():
        if dtype == "BF16":
            wide = np.frombuffer(data[begin:end], "<u2").astype(np.uint32) << 16
            array = wide.view(np.float32).reshape(shape)
        else:
            array = np.frombuffer(data[begin:end], plain[dtype]).reshape(shape)
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"The tensor {name[:60]!r} in {path.name} holds numbers that are not finite."
            )
        arrays[name] = array
    try:
        return packing.unpack(arrays)
    except ValueError as error:
        raise CheckpointError(f"{path.name} {error}.") from None


# --- building the model


def load(id_or_path: str | Path) -> Any:
    """Rebuild a model from its file, in eval mode on the CPU; it knows its ``card``, ``file`` and ``weights_hash``.

    Raises:
        CheckpointError: one sentence, if anything about the file is wrong.
    """
    path = resolve(id_or_path)
    header = read_header(path)
    arrays = read_arrays(path, header)
    model = _build(header.card, path.name, sum(array.size for array in arrays.values()))
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    _compare_shapes(path, expected, {name: array.shape for name, array in arrays.items()})
    import torch

    dtypes = {name: value.dtype for name, value in model.state_dict().items()}
    state = {name: torch.from_numpy(np.array(array)).to(dtypes[name]) for name, array in arrays.items()}
    model.load_state_dict(state, assign=True)
    _give_foundation(model, path, header.card)
    _give_guide(model, path, header.card)
    model.card = dataclasses.replace(header.card, metrics=read_metrics(path))
    model.file, model.weights_hash = path, weights_hash(path)
    return model.eval().requires_grad_(False)


def _build(card: Card, where: str, num_weights: int) -> Any:
    """The network of a card, to be filled; what it computes while it is built may take room beside its weights."""
    from playground.models import blank

    network = models.network_class(card.network)
    config = _make_config(network.Config, card.config, where)
    try:
        return blank.build(network, config, 4 * num_weights + 2**22)
    except (RuntimeError, ValueError, TypeError, ZeroDivisionError, IndexError, OverflowError) as error:
        raise CheckpointError(f"The configuration in {where} does not make a network ({error}).") from None


def _give_foundation(model: Any, path: Path, card: Card) -> None:
    """Load what a model is built on, from beside its file or from what is shipped, and hand it over."""
    if bool(card.built_on) != hasattr(model, "build_on") or len(card.built_on) > 1:
        raise CheckpointError(f"The card in {path.name} does not name the one model that it is built on.")
    for name in card.built_on:
        file = _find(path, name, "is built on")
        if read_header(file).card.built_on:
            raise CheckpointError(f"{path.name} is built on {file.stem}, which itself is built on another.")
        _hand_over(path, file, model.build_on)


def _give_guide(model: Any, path: Path, card: Card) -> None:
    """Load the weaker model that guides a model, and hand it over."""
    if card.guided_by and (not hasattr(model, "be_guided_by") or len(card.guided_by) > 1):
        raise CheckpointError(f"The card in {path.name} names a guide that its network cannot follow.")
    for name in card.guided_by:
        file = _find(path, name, "is guided by")
        if read_header(file).card.guided_by:
            raise CheckpointError(f"{path.name} is guided by {file.stem}, which itself is guided by another.")
        _hand_over(path, file, model.be_guided_by)


def _find(path: Path, name: str, needs: str) -> Path:
    """The file of the model ``id@hash`` that the one at ``path`` needs, from beside it or from what is shipped."""
    wanted, _, weights = name.partition("@")
    if not re.fullmatch(_ID, wanted):
        raise CheckpointError(f"The card in {path.name} {needs} something that has no id.")
    folders = dict.fromkeys((path.parent, paths.folder("pretrained")))
    there = [f for f in (folder / f"{wanted}.safetensors" for folder in folders) if f.is_file()]
    if not there:
        raise CheckpointError(f"{path.name} {needs} {wanted}, which is neither beside it nor shipped.")
    for file in there:
        read_header(file)  # refuses what is not a checkpoint
        if weights_hash(file) == weights:
            return file
    raise CheckpointError(f"{path.name} {needs} other weights of {wanted} than the ones that are here.")


def _hand_over(path: Path, file: Path, take: Callable[[Any], None]) -> None:
    try:
        take(load(file))
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{path.name} does not fit {file.stem}: {error}.") from None


def _make_config(config: type, values: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(config)}
    for name, value in values.items():
        if name not in known:
            raise CheckpointError(f"The configuration in {where} has an unknown field {name[:60]!r}.")
        default = known[name].default
        kind: Any = (int, float) if isinstance(default, float) else type(default)
        if isinstance(value, list):
            value = values[name] = tuple(value)
        numbers = value if isinstance(value, tuple) else (value,)
        bounded = (
            all(not isinstance(n, (int, float)) or abs(n) <= 4096 for n in numbers) and len(numbers) <= 64
        )
        if not isinstance(value, kind) or not bounded:
            raise CheckpointError(f"The configuration in {where} has an impossible value for {name!r}.")
    return config(**values)


def _compare_shapes(path: Path, expected: Mapping[str, tuple], found: Mapping[str, tuple]) -> None:
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or extra:
        which = f"lacks {missing[0]!r}" if missing else f"has {extra[0][:60]!r} too much"
        raise CheckpointError(f"{path.name} does not fit its network: it {which}.")
    for name, shape in expected.items():
        if found[name] != shape:
            raise CheckpointError(
                f"{path.name} does not fit its network: {name!r} is {list(found[name])}, not {list(shape)}."
            )


def check(path: str | Path) -> Card:
    """Everything that can be checked of a file short of sampling from it.

    Raises:
        CheckpointError: one sentence.
    """
    return load(path).card


# --- writing


def save(path: Path, model: Any, card: Card, stored: str = "float16") -> None:
    """Write weights and card in one atomic step; ``stored`` is float32, float16, or int8 (``packing.py``).

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    import torch
    from safetensors.torch import save as to_bytes

    tensors = {}
    for name, value in model.state_dict().items():
        tensor = value.detach().cpu().contiguous()
        if stored == "int8" and packing.is_packable(tensor.numpy()):
            whole, steps = packing.pack(tensor.numpy())
            tensors[name], tensors[name + packing.STEP] = torch.from_numpy(whole), torch.from_numpy(steps)
        else:
            smaller = stored != "float32" and value.is_floating_point()
            tensors[name] = tensor.to(torch.float16 if smaller else value.dtype)
    text = dataclasses.asdict(card)
    text.pop("metrics")
    write_atomically(path, to_bytes(tensors, {"card": json.dumps(text)}))


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the file, then replace it: a kill at any moment leaves the old or the new one, whole."""
    with paths.replacing(path) as partial:
        partial.write_bytes(data)
