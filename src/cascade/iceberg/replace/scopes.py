"""Scopes: which rows of a table a batch replaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.merge.batch_keys import file_bounds

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema


class Scope(Protocol):
    """Decides which rows of a table are replaced."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that decide."""
        ...

    def misses(self, schema: Schema, file: DataFile) -> bool:
        """Return whether the statistics of a file show that none of its rows is in the scope."""
        ...

    def covers(self, schema: Schema, file: DataFile) -> bool:
        """Return whether the statistics of a file show that all of its rows are in the scope."""
        ...

    def contains(self, rows: pa.Table) -> pa.Array:
        """Return a boolean for each row, never null: whether it is in the scope."""
        ...


@dataclass(frozen=True)
class WholeTable:
    """All rows."""

    columns: tuple[str, ...] = ()

    def misses(self, schema: Schema, file: DataFile) -> bool:
        """Return False."""
        return False

    def covers(self, schema: Schema, file: DataFile) -> bool:
        """Return True."""
        return True

    def contains(self, rows: pa.Table) -> pa.Array:
        """Return true for each row."""
        return pa.repeat(True, rows.num_rows)


@dataclass(frozen=True)
class NoRows:
    """No rows: a batch is added to the table."""

    columns: tuple[str, ...] = ()

    def misses(self, schema: Schema, file: DataFile) -> bool:
        """Return True."""
        return True

    def covers(self, schema: Schema, file: DataFile) -> bool:
        """Return False."""
        return False

    def contains(self, rows: pa.Table) -> pa.Array:
        """Return false for each row."""
        return pa.repeat(False, rows.num_rows)


@dataclass(frozen=True)
class Window:
    """The rows whose date or timestamp lies in a range.

    Args:
        column: the column.
        start: the first value, as the number that Iceberg stores: days or microseconds since 1970.
        end: the value after the last one.
    """

    column: str
    start: int
    end: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def misses(self, schema: Schema, file: DataFile) -> bool:
        """Return whether all values of a file are outside of the range."""
        bounds = file_bounds(schema, file, self.columns)[self.column]
        return bounds is not None and (bounds.most < self.start or bounds.least >= self.end)

    def covers(self, schema: Schema, file: DataFile) -> bool:
        """Return whether all values of a file are inside the range."""
        bounds = file_bounds(schema, file, self.columns)[self.column]
        inside = bounds is not None and self.start <= bounds.least and bounds.most < self.end
        return inside and _nulls(schema, file, self.column) == 0

    def contains(self, rows: pa.Table) -> pa.Array:
        """Return, for each row, whether its value is inside the range."""
        column = rows.column(self.column)
        numbers = column.cast(pa.int32() if pa.types.is_date32(column.type) else pa.int64())
        return _known(pc.and_(pc.greater_equal(numbers, self.start), pc.less(numbers, self.end)))


@dataclass(frozen=True)
class EqualTo:
    """The rows in which a column of strings has one value.

    Args:
        column: the column.
        value: the value, or None for null.
    """

    column: str
    value: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def misses(self, schema: Schema, file: DataFile) -> bool:
        """Return whether no row of a file can have the value."""
        if self.value is None:
            return _nulls(schema, file, self.column) == 0
        bounds = file_bounds(schema, file, self.columns)[self.column]
        return bounds is not None and not bounds.least <= self.value <= bounds.most

    def covers(self, schema: Schema, file: DataFile) -> bool:
        """Return whether every row of a file has the value."""
        if self.value is None:
            return _nulls(schema, file, self.column) == file.record_count
        bounds = file_bounds(schema, file, self.columns)[self.column]
        same = bounds is not None and bounds.least == self.value == bounds.most
        return same and _nulls(schema, file, self.column) == 0

    def contains(self, rows: pa.Table) -> pa.Array:
        """Return, for each row, whether it has the value."""
        if self.value is None:
            return _known(pc.is_null(rows.column(self.column)))
        return _known(pc.equal(rows.column(self.column), self.value))


@dataclass(frozen=True)
class Both:
    """The rows that are in two scopes.

    Args:
        first: a scope.
        second: another one.
    """

    first: Scope
    second: Scope

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of both."""
        return (*self.first.columns, *self.second.columns)

    def misses(self, schema: Schema, file: DataFile) -> bool:
        """Return whether one of the scopes has no row of a file."""
        return self.first.misses(schema, file) or self.second.misses(schema, file)

    def covers(self, schema: Schema, file: DataFile) -> bool:
        """Return whether both scopes have all rows of a file."""
        return self.first.covers(schema, file) and self.second.covers(schema, file)

    def contains(self, rows: pa.Table) -> pa.Array:
        """Return, for each row, whether it is in both scopes."""
        return pc.and_(self.first.contains(rows), self.second.contains(rows))


def _nulls(schema: Schema, file: DataFile, column: str) -> int | None:
    """Return the number of nulls in a column of a file; None if the file does not have the column, or does not say."""
    return (file.null_value_counts or {}).get(schema.find_field(column).field_id)


def _known(mask: pa.ChunkedArray) -> pa.Array:
    filled = pc.fill_null(mask, False).combine_chunks()
    return filled.chunk(0) if isinstance(filled, pa.ChunkedArray) else filled
