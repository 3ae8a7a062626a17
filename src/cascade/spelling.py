"""Suggest the name that was probably meant, for errors about unknown names. Standard library only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_CUTOFF = 0.75
"""The minimum similarity of a suggestion. Below it, most suggestions are noise: `user` would become `customers`."""

_SURE = 0.85
"""The minimum similarity of names whose first letters differ, which a slip of the finger rarely changes."""

_SHORT = 5
"""Below this length, a name with another first letter is another name: `PST` is not `MST`."""


def nearest(given: object, known: Iterable[str], *, cutoff: float = _CUTOFF) -> str | None:
    """Find the known name that was probably meant: one with nearly the same letters, with the same words, or the only
    one that begins so.

    Args:
        given: the name as written.
        known: the names that exist.
        cutoff: the minimum similarity, from 0 to 1, as `difflib.get_close_matches` measures it. A cutoff above the
            default leaves out names that only share words, such as `weather` and `weather_observations`, or
            a beginning.

    Returns:
        The closest name, or None if none is close.
    """
    text = _plain(str(given))
    names: dict[str, str] = {}
    for name in known:
        names.setdefault(_plain(name), name)
    if text in names:
        return names[text]
    for close in difflib.get_close_matches(text, names, n=5, cutoff=cutoff):
        if _begin_alike(text, close):
            return names[close]
    if cutoff > _CUTOFF:
        return None
    related = [name for name in names if _share_words(text, name)]
    if related:
        return names[min(related, key=lambda name: abs(len(name) - len(text)))]
    begun = [name for name in names if len(text) > 1 and name.startswith(text)]
    return names[begun[0]] if len(begun) == 1 else None


def did_you_mean(given: object, known: Iterable[str], *, cutoff: float = _CUTOFF) -> str:
    """Suggest the known name that was probably meant, as a sentence to append to an error.

    Args:
        given: the name as written.
        known: the names that exist.
        cutoff: the minimum similarity, from 0 to 1; see `nearest`.

    Returns:
        Text such as ` Did you mean "weather"?`, with its leading space, or an empty string.
    """
    meant = nearest(given, known, cutoff=cutoff)
    return f' Did you mean "{meant}"?' if meant is not None else ""


def _plain(name: str) -> str:
    return re.sub(r"[-\s]", "_", name.casefold())


def _begin_alike(text: str, name: str) -> bool:
    if text[:1] == name[:1]:
        return True
    if min(len(text), len(name)) < _SHORT:
        # A swap of the first two letters is a slip, too.
        return len(text) == len(name) > 2 and text[:2] == name[1::-1]
    return difflib.SequenceMatcher(None, name, text).ratio() >= _SURE


def _share_words(text: str, name: str) -> bool:
    """Return whether one name consists of words of the other, and of a good part of them."""
    shorter, longer = sorted((_words(text), _words(name)), key=lambda words: sum(map(len, words)))
    if not shorter or len("".join(shorter)) < 0.3 * len("".join(longer)):
        return False
    return all(any(word == other or (len(word) > 3 and other.startswith(word)) for other in longer) for word in shorter)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name)
