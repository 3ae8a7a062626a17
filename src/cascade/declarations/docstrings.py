"""The description of an asset: the docstring of its function, without the sections about arguments and results."""

from __future__ import annotations

import functools
import inspect
import re

_SECTIONS = (
    "args|arguments|parameters|params|other parameters|keyword args|keyword arguments|receives|returns?|yields?|raises|"
    "warns|attributes"
)
_GOOGLE = re.compile(rf"(?i)(?:{_SECTIONS}):\s*")
_NUMPY = re.compile(rf"(?i)(?:{_SECTIONS})\s*")
_FIELD = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword|type|raises?|except|exception|returns?|rtype|yields?)\b.*:"
)
_UNDERLINE = re.compile(r"-{3,}\s*")


def description_of(function: object) -> str | None:
    """Return what the docstring of a function says to readers who do not call it.

    Args:
        function: the function, or a partial application of one.

    Returns:
        The docstring without the sections of Google's, NumPy's and Sphinx's styles about its arguments, what it returns
        and what it raises. None if nothing is left.
    """
    while isinstance(function, functools.partial):
        function = function.func
    lines = (inspect.getdoc(function) or "").split("\n")
    kept: list[str] = []
    section = ""
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        underlined = bool(_UNDERLINE.fullmatch(after))
        if underlined and line.strip():
            section = "numpy" if _NUMPY.fullmatch(line) else ""
        elif _GOOGLE.fullmatch(line) or _FIELD.match(line):
            section = "indented"
        elif section == "indented" and line and not line.startswith((" ", "\t")):
            section = ""
        if not section:
            kept.append(line)
    return "\n".join(kept).strip() or None
