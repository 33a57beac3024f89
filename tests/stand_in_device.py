"""A device that is not there: it computes on the CPU and refuses what Apple's MPS refuses, float64.

Tensors on it call themselves ``meta`` and hold a tensor of the CPU, with which every operation is done.  An operation
that mixes both places raises, as it would on a GPU; so does one that would put float64 on the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "meta"  # what torch calls the device; its own meta tensors hold no numbers and never come up here
_AUTOCAST = torch.autocast
_aten = torch.ops.aten
_ACROSS = ("copy_", "_to_copy")  # what may speak of both places


class OnDevice(torch.Tensor):
    """A tensor on the device; ``inner`` is where its numbers are."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> OnDevice:
        if inner.dtype in (torch.float64, torch.complex128):
            raise TypeError("Cannot put a tensor of float64 on this device: it has no float64.")
        found: OnDevice = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=NAME,
        )
        found.inner = inner
        return found

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})

    def __repr__(self) -> str:  # type: ignore[override]
        return f"OnDevice({self.inner!r})"


def _compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    flat, name = list(_leaves([args, list(kwargs.values())])), func.overloadpacket.__name__
    there = [t for t in flat if isinstance(t, OnDevice)]
    asked = kwargs.get("device")
    to_device = torch.device(asked).type == NAME if asked is not None else bool(there)
    if _State.fault and (there or to_device):
        raise RuntimeError(_State.fault)
    here = [t for t in flat if isinstance(t, torch.Tensor) and not isinstance(t, OnDevice) and t.dim() > 0]
    if there and here and name not in _ACROSS and "index" not in name:
        raise RuntimeError(f"{func} was given tensors on the CPU and on the device.")
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    found = func(*_map(_inner, args), **_map(_inner, kwargs))
    if there and func is _aten.convolution.default:
        found = found + _State.error
    if name.endswith("_"):  # in place
        return args[0]
    return _map(_wrapped, found) if to_device else found


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _map(change: Any, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_map(change, part) for part in value)
    return {k: _map(change, v) for k, v in value.items()} if isinstance(value, dict) else change(value)


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, OnDevice) else value


def _wrapped(value: Any) -> Any:
    return OnDevice(value) if isinstance(value, torch.Tensor) else value


class _Operations(TorchDispatchMode):
    """Tensors that are made on the device, which no argument says."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


class _Functions(TorchFunctionMode):
    """What torch decides before an operation is seen."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if (
            func in (torch.tensor, torch.as_tensor)
            and device is not None
            and torch.device(device).type == NAME
        ):
            return func(*args, **{**kwargs, "device": "cpu"}).to(NAME)
        if func is torch.Tensor.tolist and isinstance(args[0], OnDevice):
            return args[0].inner.tolist()
        return func(*args, **kwargs)


@contextmanager
def known() -> Iterator[None]:
    """What all threads have to know of the device: models can be moved to it."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # no parameter changes its kind in place
    try:
        with patch.object(torch, "autocast", _autocast):
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)
        _State.fault, _State.error = "", 0.0


def _autocast(device_type: str, **how: Any) -> Any:
    """There is none for ``meta``, and models only switch it off."""
    return _AUTOCAST("cpu" if device_type == NAME else device_type, **how)


def use_on_this_thread() -> None:
    """A thread that calls this can compute on the device for as long as it lives."""
    _Functions().__enter__()
    _Operations().__enter__()


@contextmanager
def present() -> Iterator[None]:
    """Within this, this thread can compute on the device."""
    with known(), _Functions(), _Operations():
        yield


class _State:
    fault = ""
    error = 0.0


def err_by(error: float) -> None:
    """From now on every convolution there is off by ``error``, until ``known`` ends."""
    _State.error = error


def lose(sentence: str) -> None:
    """From now on every operation there raises, as on a card after the machine slept; until ``known`` ends."""
    _State.fault = sentence
