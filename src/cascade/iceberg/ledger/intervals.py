"""Sets of whole numbers, as intervals that neither overlap nor touch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
"""The first and the last number, both included."""

Intervals: TypeAlias = tuple[Interval, ...]
"""Sorted, with at least one number missing between two of them."""

NONE: Intervals = ()


def merged(intervals: Iterable[Interval]) -> Intervals:
    """Return the union of intervals, which may overlap and come in any order."""
    found: list[Interval] = []
    for first, last in sorted(intervals):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def contains(intervals: Intervals, number: int) -> bool:
    """Return whether a number is in a set."""
    place = bisect_right(intervals, number, key=_first)
    return place > 0 and number <= intervals[place - 1][1]


def with_one(intervals: Intervals, number: int) -> Intervals:
    """Return a set with one more number. It touches only the neighbors, however many intervals there are."""
    low = bisect_left(intervals, number - 1, key=_last)
    high = bisect_right(intervals, number + 1, key=_first)
    return (*intervals[:low], *merged((*intervals[low:high], (number, number))), *intervals[high:])


def without(intervals: Intervals, gone: Intervals) -> Intervals:
    """Return the numbers of a set that are not in another."""
    for first, last in gone:
        low, high = bisect_left(intervals, first, key=_last), bisect_right(intervals, last, key=_first)
        if low == high:
            continue
        left, right = (intervals[low][0], first - 1), (last + 1, intervals[high - 1][1])
        kept = (each for each in (left, right) if each[0] <= each[1])
        intervals = (*intervals[:low], *kept, *intervals[high:])
    return intervals


def count(intervals: Intervals) -> int:
    """Return how many numbers a set has."""
    return sum(last - first + 1 for first, last in intervals)


def _first(interval: Interval) -> int:
    return interval[0]


def _last(interval: Interval) -> int:
    return interval[1]
