"""Networks built only to be filled from a file: within the memory the file accounts for, and without random numbers.

Building on torch's ``meta`` device would need no memory at all, but reaches operations that torch has there in Python
only, and importing those takes two seconds at every start of the window.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
_RANDOM_FILLS = {
    nn.init.uniform_,
    nn.init.normal_,
    nn.init.trunc_normal_,
    nn.init.kaiming_uniform_,
    nn.init.kaiming_normal_,
    nn.init.xavier_uniform_,
    nn.init.xavier_normal_,
    nn.init.orthogonal_,
}


class TooLarge(ValueError):
    """A network asks for more memory than its file has numbers for."""


class _Blank(TorchFunctionMode):
    def __init__(self, max_numbers: int) -> None:
        super().__init__()
        self._left = max_numbers

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _RANDOM_FILLS:
            return args[0] if args else kwargs["tensor"]
        if func in _FACTORIES:
            self._left -= _numbers(args, kwargs)
            if self._left < 0:
                raise TooLarge("it is larger than its weights")
            if func in (torch.rand, torch.randn):
                func = torch.zeros
        return func(*args, **kwargs)


def _numbers(args: tuple, kwargs: dict[str, Any]) -> int:
    first = kwargs.get("size", args[0] if args else ())
    shape = first if isinstance(first, (tuple, list)) else args
    return math.prod(int(n) for n in shape)


def build(network: type, config: Any, max_numbers: int) -> Any:
    """``network(config)`` on the CPU, its random weights left unset.

    Raises:
        TooLarge: as soon as it asks for more than ``max_numbers`` numbers.
    """
    with _Blank(max_numbers):
        return network(config)
