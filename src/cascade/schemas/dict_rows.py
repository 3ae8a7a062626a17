"""Rows that are dicts, read column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any


class Absent:
    """The type of `ABSENT`, which stands for a field that a row lacks."""


ABSENT = Absent()


class DictRows(list[dict[str, object]]):
    """Rows whose columns are read once, by whoever needs them first.

    Change the rows only with `replace`.

    Args:
        rows: the rows, each of which is exactly a dict.
    """

    def __init__(self, rows: Iterable[dict[str, object]]) -> None:
        super().__init__(rows)
        self._columns: dict[str, list[Any]] = {}
        self._types: dict[str, set[type]] = {}

    @cached_property
    def names(self) -> list[Any]:
        """The fields that occur, in order of appearance."""
        if not self:
            return []
        first = list(self[0])
        # If each row has all fields of the first, and as many, all have the same. This is the fastest way to find out.
        if sum(map(len, self)) == len(first) * len(self):
            try:
                self._columns = {name: list(map(itemgetter(name), self)) for name in first}
            except KeyError:
                self._columns = {}
            else:
                return first
        return list(dict.fromkeys(chain.from_iterable(self)))

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of a field, `ABSENT` where a row lacks it."""
        if name not in self._columns:
            self._columns[name] = [row.get(name, ABSENT) for row in self]
        return self._columns[name]

    def types(self, name: str) -> set[type]:
        """Return the types of the values of a field, `Absent` if a row lacks it."""
        if name not in self._types:
            self._types[name] = set(map(type, self.column(name)))
        return self._types[name]

    def replace(self, name: str, values: Sequence[Any]) -> None:
        """Change the values of a field. Rows that change are copied first.

        Args:
            name: the field.
            values: its value in each row, `ABSENT` in rows that lack it.
        """
        for position, (value, old) in enumerate(zip(values, self.column(name), strict=True)):
            if value is not old:
                self[position] = {**self[position], name: value}
        self._columns[name] = list(values)
        self._types.pop(name, None)
