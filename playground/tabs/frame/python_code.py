"""A view's sampler as a line of Python, read off its own source: what is copied is what runs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Code:
    """How a view's frames are made without a window.

    Attributes:
        run: an expression over ``model`` and ``request``.
        imports: lines that it needs.
        request: an expression for the request's type, where it is neither ``model.Request`` nor can be imported.
    """

    run: str
    imports: tuple[str, ...] = ()
    request: str = ""


def code_of(sampler: Callable[..., Any]) -> Code | None:
    """Of a method that only imports and returns an expression over its arguments; None if it does more."""
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(sampler))).body
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    imports = [s for s in body[:-1] if isinstance(s, ast.Import | ast.ImportFrom)]
    last = body[-1] if body else None
    if len(imports) != len(body) - 1 or not isinstance(last, ast.Return) or last.value is None:
        return None
    known = {"model", "request"} | {a.asname or a.name for s in imports for a in s.names}
    used = {node.id for node in ast.walk(last.value) if isinstance(node, ast.Name)}
    if not used <= known:
        return None
    return Code(ast.unparse(last.value), tuple(ast.unparse(s) for s in imports))
