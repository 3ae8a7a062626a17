"""Which version of its code a workflow runs."""

from __future__ import annotations

import hashlib
import inspect
import linecache
from collections.abc import Callable
from pathlib import Path

from cascade.declarations.functions import location_of

_DIGITS = 12


def code_version(function: Callable[..., object]) -> str:
    """Return the version of a workflow's code: a digest of the source of its module.

    Any edit of the module changes it, also one of a comment. An edit of a module that it imports does not.

    Args:
        function: the decorated function.

    Returns:
        Twelve hexadecimal digits, or an empty string if the source is not there.
    """
    location = location_of(function)
    if location is None:
        return ""
    try:
        source = Path(location.file).read_bytes()
    except (OSError, ValueError):
        # The loader of a zip file, for example, knows the source.
        names = getattr(inspect.unwrap(function), "__globals__", None)
        source = "".join(linecache.getlines(location.file, names)).encode()
    lines = source.replace(b"\r\n", b"\n")
    return hashlib.sha256(lines).hexdigest()[:_DIGITS] if lines else ""
