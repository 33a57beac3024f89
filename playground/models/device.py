"""What there is to compute on, found out by computing.

A card that is listed may have no kernels in this build of torch, an old driver, or be gone since the machine slept: so a
small network pass is run on it, and its result compared with the CPU's, before it is chosen.
"""

from __future__ import annotations

import os
from typing import Any

_CLOSE = 1e-3  # of a pass whose numbers are about 1

os.environ.setdefault(
    "PYTORCH_ENABLE_MPS_FALLBACK", "1"
)  # what MPS lacks is computed on the CPU; read by torch's import


def listed() -> list[str]:
    """What torch names besides the CPU, whether it works or not."""
    import torch

    found = [f"cuda:{i}" if i else "cuda" for i in range(torch.cuda.device_count())]
    return [*found, "mps"] if torch.backends.mps.is_available() else found


def found() -> tuple[list[str], dict[str, str]]:
    """The devices that compute, the fastest first and the CPU last; and of the others, why they do not."""
    faults = {device: fault(device) for device in listed()}
    working = [device for device, reason in faults.items() if not reason]
    return [*working, "cpu"], {device: reason for device, reason in faults.items() if reason}


def fault(device: str) -> str:
    """What is wrong with a device, as one line; empty if it computes what the CPU does."""
    import torch

    x = torch.linspace(-1, 1, 2 * 3 * 8 * 8).view(2, 3, 8, 8)
    weight = torch.linspace(-0.2, 0.2, 4 * 3 * 3 * 3).view(4, 3, 3, 3)
    try:
        full_precision()
        with torch.no_grad():
            given = _pass(x.to(device), weight.to(device)).cpu()
            expected = _pass(x, weight)
    except (
        Exception
    ) as error:  # of a driver, of a missing kernel: whatever it raises, the device is of no use
        return " ".join(str(error).split())[:160] or type(error).__name__
    if not torch.allclose(given, expected, atol=_CLOSE):
        return "it computes other numbers than the processor"
    return ""


def _pass(x: Any, weight: Any) -> Any:
    """A convolution, a product and a normalisation: what every network is made of."""
    import torch.nn.functional as F

    h = F.silu(F.conv2d(x, weight, padding=1)).flatten(1)  # (B, 256)
    return F.layer_norm(h, h.shape[1:]) @ h.T / 16


def full_precision() -> None:
    """Let convolutions and products on a GPU use all bits of float32, as models promise; cuDNN would round to 10 of 23."""
    import torch

    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device (or this machine) had no room: not every backend has an exception of its own for that."""
    text = str(error)
    return isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text


def free(device: str) -> None:
    """Give back what torch keeps of a device's memory for later."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cuda" and torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif kind == "mps" and torch.backends.mps.is_available():
        torch.mps.empty_cache()


def peak_memory(device: str) -> int | None:
    """Bytes that a device held at most since :func:`forget_peak`; None where torch does not count them."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(torch.mps.driver_allocated_memory()) if kind == "mps" else None


def forget_peak(device: str) -> None:
    """Count from here."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
