"""What can be read of a function without calling it: its place, and the names it takes."""

from __future__ import annotations

import inspect
import sys

from cascade.exceptions import SourceLocation


def location_of(function: object, *, depth: int = 0) -> SourceLocation:
    """Return file and line of a function with its decorators.

    Args:
        function: the function; anything else stands for the caller's own line.
        depth: how many callers up that line is, where it is needed.
    """
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if code is not None:
        return SourceLocation(code.co_filename, code.co_firstlineno)
    frame = sys._getframe(depth + 1)
    return SourceLocation(frame.f_code.co_filename, frame.f_lineno)


def parameters_of(function: object) -> dict[str, bool]:
    """The names that may be passed to a function, and whether each must be."""
    try:
        parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        item.name: item.default is inspect.Parameter.empty
        for item in parameters
        if item.kind in named or item.kind is inspect.Parameter.POSITIONAL_ONLY
    }
