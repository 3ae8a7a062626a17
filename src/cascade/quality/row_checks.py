"""Checks of the values of one column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cascade.iceberg.sql_text import sql_name, sql_text, sql_value
from cascade.quality.kinds import RowCheck

_FLOATS = frozenset({"FLOAT", "DOUBLE"})
# DuckDB compares each row with each value of a list, but looks it up among the rows of a query.
_COMPARED_ONE_BY_ONE = 8


@dataclass(frozen=True)
class _ColumnCheck(RowCheck):
    column: str

    @property
    def read(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)


@dataclass(frozen=True)
class NotNull(_ColumnCheck):
    """Every row has a value in a column.

    Args:
        column: the column.
        scope: defaults to `"partition"`.
        name: defaults to `not_null_<column>`.
    """

    kind = "not_null"

    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition of failing rows."""
        return f"{sql_name(self.column)} IS NULL"

    def fault(self) -> str:
        """Return what is wrong with a failing row."""
        return f"{self.column} is null"


@dataclass(frozen=True)
class Range(_ColumnCheck):
    """Every value of a column lies between two values, both included. Nulls pass; NaN fails.

    Args:
        column: the column, of numbers, dates, timestamps or strings.
        min: the smallest value; None for no limit.
        max: the largest value; None for no limit.
        scope: defaults to `"partition"`.
        name: defaults to `range_<column>`.
    """

    min: Any = None
    max: Any = None

    kind = "range"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if self.min is None and self.max is None:
            yield "it needs min, max or both."
        for name, value in (("min", self.min), ("max", self.max)):
            yield from (f"{name}: {problem}" for problem in _value_problems(value))
        try:
            if self.min is not None and self.max is not None and self.min > self.max:
                yield f"min {self.min!r} is greater than max {self.max!r}."
        except TypeError:
            yield f"min {self.min!r} and max {self.max!r} cannot be compared."

    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition of failing rows."""
        name = sql_name(self.column)
        parts = [f"{name} < {sql_value(self.min)}"] if self.min is not None else []
        parts += [f"{name} > {sql_value(self.max)}"] if self.max is not None else []
        parts += [f"isnan({name})"] if types.get(self.column) in _FLOATS else []
        return " OR ".join(parts)

    def fault(self) -> str:
        """Return what is wrong with a failing row."""
        # NaN is neither less nor greater than a limit.
        if self.max is None:
            return f"{self.column} is not at least {self.min}"
        if self.min is None:
            return f"{self.column} is not at most {self.max}"
        return f"{self.column} is not between {self.min} and {self.max}"


@dataclass(frozen=True)
class OneOf(_ColumnCheck):
    """Every value of a column is one of a set. Nulls pass.

    Args:
        column: the column.
        values: the values that are allowed.
        scope: defaults to `"partition"`.
        name: defaults to `one_of_<column>`.
    """

    values: Collection[Any]

    kind = "one_of"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if isinstance(self.values, (str, bytes)) or not isinstance(self.values, Collection) or not self.values:
            yield f"values must be a collection of values, not {self.values!r}."
        elif None in self.values:
            yield "values contains None, but nulls always pass. Remove it, or add NotNull."
        else:
            for value in self.values:
                yield from _value_problems(value)

    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition of failing rows."""
        listed = ", ".join(map(sql_value, self.values))
        if len(self.values) > _COMPARED_ONE_BY_ONE:
            listed = f"SELECT unnest([{listed}])"
        return f"{sql_name(self.column)} NOT IN ({listed})"

    def fault(self) -> str:
        """Return what is wrong with a failing row."""
        shown = ", ".join(str(value) for value in list(self.values)[:5])
        return f"{self.column} is not one of {shown}{', ...' if len(self.values) > 5 else ''}"


@dataclass(frozen=True)
class Pattern(_ColumnCheck):
    """Every string of a column matches a regular expression as a whole. Nulls pass.

    Args:
        column: the column.
        pattern: the expression, in the syntax of RE2, which has no lookaround and no backreferences.
        scope: defaults to `"partition"`.
        name: defaults to `pattern_<column>`.
    """

    pattern: str

    kind = "pattern"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not isinstance(self.pattern, str):
            yield f"pattern must be a regular expression, not {self.pattern!r}."
            return
        try:
            re.compile(self.pattern)
        except re.error as error:
            yield f"pattern {self.pattern!r} is not a regular expression: {error}."
            return
        if re.search(r"\(\?(?:[=!]|<[=!]|P=)|\\[1-9]", self.pattern):
            yield f"pattern {self.pattern!r} has a lookaround or a backreference, which RE2 does not support."

    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition of failing rows."""
        return f"NOT regexp_full_match({sql_name(self.column)}, {sql_text(self.pattern)})"

    def fault(self) -> str:
        """Return what is wrong with a failing row."""
        return f"{self.column} does not match {self.pattern}"


@dataclass(frozen=True)
class Length(_ColumnCheck):
    """Every string, list or binary value of a column has a length between two numbers, both included. Nulls pass.

    Args:
        column: the column.
        min: the fewest characters, items or bytes; None for no limit.
        max: the most; None for no limit.
        scope: defaults to `"partition"`.
        name: defaults to `length_<column>`.
    """

    min: int | None = None
    max: int | None = None

    kind = "length"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if self.min is None and self.max is None:
            yield "it needs min, max or both."
        given = {"min": self.min, "max": self.max}
        wrong = [name for name, value in given.items() if value is not None and not _is_count(value)]
        yield from (f"{name} must be a whole number of at least 0, not {given[name]!r}." for name in wrong)
        if not wrong and self.min is not None and self.max is not None and self.min > self.max:
            yield f"min {self.min} is greater than max {self.max}."

    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition of failing rows."""
        function = "octet_length" if types.get(self.column) == "BLOB" else "length"
        length = f"{function}({sql_name(self.column)})"
        parts = [f"{length} < {self.min}"] if self.min is not None else []
        return " OR ".join([*parts, *([f"{length} > {self.max}"] if self.max is not None else [])])

    def fault(self) -> str:
        """Return what is wrong with a failing row."""
        if self.max is None:
            return f"{self.column} is shorter than {self.min}"
        if self.min is None:
            return f"{self.column} is longer than {self.max}"
        return f"the length of {self.column} is not between {self.min} and {self.max}"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _value_problems(value: object) -> Iterator[str]:
    try:
        sql_value(value)
    except ValueError as error:
        yield str(error)
