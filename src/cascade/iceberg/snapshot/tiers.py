"""Which manifests are written as one, so that neither their number nor the cost of a commit grows.

The manifests of a class have similar numbers of entries. Eight of a class become one of the next, so an entry is copied
once per class. A full manifest is never copied for its size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

FAN_IN = 8
_BITS_OF_A_CLASS = 3
MOST_ENTRIES = 128
"""The most live entries of a manifest that is written here. A commit that replaces a file copies its manifest."""

T = TypeVar("T")


def merged_groups(
    items: Iterable[T], size: Callable[[T], int], kind: Callable[[T], Hashable]
) -> tuple[list[T], list[list[T]]]:
    """Divide manifests into those that stay and those that become one.

    Args:
        items: the manifests.
        size: returns the number of live entries.
        kind: returns what all manifests of a group must share.

    Returns:
        The manifests that stay, and groups of at least eight.
    """
    classes: dict[tuple[Hashable, int], list[T]] = {}
    stay, groups = [], []
    for item in items:
        if size(item) >= MOST_ENTRIES // 2:
            stay.append(item)
        else:
            classes.setdefault((kind(item), _class_of(size(item))), []).append(item)
    for members in classes.values():
        if len(members) >= FAN_IN:
            groups.append(members)
        else:
            stay += members
    return stay, groups


def evenly(items: Sequence[T]) -> list[Sequence[T]]:
    """Cut entries into the fewest parts of equal size that do not exceed the most entries of a manifest."""
    parts = max(1, math.ceil(len(items) / MOST_ENTRIES))
    size = math.ceil(len(items) / parts)
    return [items[start : start + size] for start in range(0, len(items), size)]


def _class_of(size: int) -> int:
    return (size.bit_length() - 1) // _BITS_OF_A_CLASS
