"""Which arithmetic a sampler runs in: float32, or bfloat16 in channels_last where this machine is quicker with it.

A probe decides, once per machine: it runs one pass of the network both ways and keeps its verdict in a file, so that the
same request gives the same bits tomorrow.  Scores and ``playground.load`` stay with float32; training, which promises no bits,
asks :func:`bfloat16_pays`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from playground import paths
from playground.capabilities import HalvesPrecision, Precision
from playground.contract import Model

GAIN = 1.15  # bf16 has to be this much quicker, or exactness is worth more
_ROUNDS = 3
_PATIENCE = 1.0  # seconds after which a second measurement of each has to do


def settle(model: Model, wanted: str = "auto") -> Precision:
    """Set the precision of a model that is on its device already.

    Args:
        wanted: ``fp32``, ``bf16``, or ``auto``: what the probe found quicker here.

    Raises:
        ValueError: one sentence, for bf16 with a model that has no such sampler.
    """
    if not isinstance(model, HalvesPrecision):
        if wanted == "bf16":
            raise ValueError(f"{model.card.id} samples in fp32 only.")
        return "fp32"
    model.set_precision(_verdict(model) if wanted == "auto" else wanted)  # type: ignore[arg-type]
    return model.precision


def seconds(model: HalvesPrecision, rounds: int = _ROUNDS) -> dict[Precision, float]:
    """Seconds of one pass in each precision, taken in turn so that a busy machine is unfair to neither; the best counts."""
    before, best = model.precision, dict.fromkeys(get_args(Precision), float("inf"))
    start = time.perf_counter()
    for i in range(rounds):
        if i > 1 and time.perf_counter() - start > _PATIENCE:  # a machine that is busy elsewhere
            break
        for precision in best:
            model.set_precision(precision)
            began = time.perf_counter()
            model.one_pass()
            if i:  # the first of each warms up
                best[precision] = min(best[precision], time.perf_counter() - began)
    model.set_precision(before)
    return best


@lru_cache
def bfloat16_pays(device_type: str) -> bool:
    """Whether products in bfloat16 are quicker here: a processor without instructions for them is 40 times slower."""
    import torch

    if device_type != "cpu":
        return device_type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    best = {}
    for kind in (torch.float32, torch.bfloat16):
        a, times = torch.ones(256, 256, dtype=kind), []
        for _ in range(_ROUNDS + 1):
            began = time.perf_counter()
            a @ a
            times.append(time.perf_counter() - began)
        best[kind] = min(times[1:])  # the first warms up
    return best[torch.float32] / best[torch.bfloat16] >= GAIN


def _verdict(model: HalvesPrecision) -> Precision:
    if next(model.parameters()).device.type != "cpu":
        return "fp32"  # nobody has measured it on a GPU yet
    verdicts = _read()
    key = _key(model)
    if verdicts.get(key) not in get_args(Precision):
        if not bfloat16_pays("cpu"):
            return "fp32"  # and no pass of the network, which could take many seconds, has to find that out
        found = seconds(model)
        verdicts[key] = "bf16" if found["fp32"] / found["bf16"] >= GAIN else "fp32"
        _write(verdicts)
    return verdicts[key]


def _key(model: HalvesPrecision) -> str:
    """What the verdict depends on: processor, torch, the shape of the network."""
    import torch

    config = hashlib.sha256(repr(model.config).encode()).hexdigest()[:8]
    return f"{type(model).__name__}-{config} on {_processor()}, torch {torch.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        wanted = ("vendor_id", "cpu family", "model\t", "model name")
        found = dict.fromkeys(line.split(":", 1)[1].strip() for line in lines if line.startswith(wanted))
        return " ".join(found) or platform.processor()
    except OSError:
        return platform.processor() or platform.machine()


def _file() -> Path:
    return paths.cache() / "precision.json"


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _write(verdicts: dict[str, Any]) -> None:
    """Kept if it can be; a machine without a home probes again."""
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        partial = _file().with_suffix(f".{os.getpid()}.part")
        partial.write_text(json.dumps(verdicts, indent=1))
        partial.replace(_file())
    except OSError:
        pass
