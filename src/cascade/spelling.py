"""Suggest the name that was probably meant, for errors about unknown names. Standard library only."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CUTOFF = 0.6
"""The minimum similarity of a suggestion. Below it, most suggestions are noise."""


def nearest(given: object, known: Iterable[str], *, cutoff: float = _CUTOFF) -> str | None:
    """Find the known name that is closest to the given one.

    Args:
        given: the name as written.
        known: the names that exist.
        cutoff: the minimum similarity, from 0 to 1, as `difflib.get_close_matches` measures it.

    Returns:
        The closest name, or None if none is close.
    """
    matches = difflib.get_close_matches(str(given), list(known), n=1, cutoff=cutoff)
    return matches[0] if matches else None


def did_you_mean(given: object, known: Iterable[str], *, cutoff: float = _CUTOFF) -> str:
    """Suggest the known name that is closest to the given one, as a sentence to append to an error.

    Args:
        given: the name as written.
        known: the names that exist.
        cutoff: the minimum similarity, from 0 to 1.

    Returns:
        Text such as ` Did you mean "weather"?`, with its leading space, or an empty string.
    """
    meant = nearest(given, known, cutoff=cutoff)
    return f' Did you mean "{meant}"?' if meant is not None else ""
