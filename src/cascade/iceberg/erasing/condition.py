"""Which rows are to be erased, of a table and of its quarantine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.exceptions import UsageError
from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.reading import condition
from cascade.iceberg.row_filter import RowFilter, row_filter

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from cascade.table_ref import TableRef

_ROW = "row"


@dataclass
class Condition:
    """A condition on the rows of a table.

    Args:
        columns: the columns that decide it.
        matches: returns the positions of the rows, of those columns, that meet it.
        may_match: returns whether the statistics of a file allow a row that meets it.
        unclear: the rows of which it could not be decided.
    """

    columns: tuple[str, ...]
    matches: Callable[[pa.Table], pa.Array]
    may_match: Callable[[DataFile], bool]
    unclear: set[str] = field(default_factory=set)
    _counts: dict[str, int] = field(default_factory=dict)

    def count(self, table: Table, file: DataFile) -> int:
        """Return how many rows of a data file meet the condition, those that delete files remove included.

        A file never changes, so it is read once.

        Args:
            table: the table.
            file: the file.
        """
        found = self._counts.get(file.file_path)
        if found is None:
            found = self._counts[file.file_path] = self.read_count(table, file) if self.may_match(file) else 0
        return found

    def read_count(self, table: Table, file: DataFile) -> int:
        """Return what `count` does, from the rows alone, whatever statistics and earlier readings say."""
        wanted = projection(table, self.columns)
        with open_data_file(table, file) as opened:
            return sum(len(self.matches(opened.read(group, wanted))) for group in opened.groups)


def condition_of(table: Table, ref: TableRef, where: str) -> Condition:
    """Return the condition of an Iceberg filter expression.

    Args:
        table: the table.
        ref: its name, for errors.
        where: the expression, such as `user_id = 'x'`. Its values are never part of SQL.

    Raises:
        UsageError: the expression is invalid, or is met by every row of the table or by none.
    """
    from pyiceberg.expressions import AlwaysFalse

    judge = row_filter(table, ref, where)
    if isinstance(judge.bound, AlwaysFalse):
        raise UsageError(
            f"No row of {ref} can meet the filter {where!r}.",
            hint="A required column is never null, for example, and a number has the limits of its type.",
        )
    if not judge.columns:
        raise UsageError(
            f"Every row of {ref} meets the filter {where!r}, so it does not tell which rows are to be erased.",
            hint="To remove all rows, drop the table.",
        )
    return Condition(judge.columns, judge.matches, judge.may_match)


def refused_condition_of(
    table: Table, ref: TableRef, where: str, source_names: Mapping[str, Sequence[str]]
) -> Condition:
    """Return the condition for the quarantine of a table: its rows are those of the source, as JSON.

    Args:
        table: the table, not its quarantine.
        ref: its name.
        where: the expression.
        source_names: under which names the source may have a column; under its own if it is absent.
    """
    judge = RowFilter(table.schema(), condition(table, ref, where))
    names = {name: (name, *source_names.get(name, ())) for name in judge.columns}
    types = {name: judge.arrow.field(name).type for name in judge.columns}
    unclear: set[str] = set()

    def matches(rows: pa.Table) -> pa.Array:
        texts = rows.column(_ROW).to_pylist()
        read = [_values(text, names, types) for text in texts]
        found = judge.matches(pa.Table.from_pylist([row for row, _ in read], schema=judge.arrow))
        met = set(found.to_pylist())
        unclear.update(text for at, text in enumerate(texts) if at not in met and not read[at][1])
        return found

    return Condition((_ROW,), matches, lambda file: True, unclear)


def _values(
    text: str, names: Mapping[str, Sequence[str]], types: Mapping[str, pa.DataType]
) -> tuple[dict[str, Any], bool]:
    """Return the columns of a refused row, and whether each of them is what the source gave."""
    try:
        row = json.loads(text)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        return {}, False
    found: dict[str, Any] = {}
    sure = True
    for column, spellings in names.items():
        name = next((one for one in spellings if one in row), None)
        try:
            found[column] = None if name is None else _as(row[name], types[column])
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            found[column] = None
            sure = False
        sure &= name is not None
    return found, sure


def _as(value: Any, kind: pa.DataType) -> Any:
    """Return a value of JSON as one of a column's type."""
    if value is None or pa.types.is_nested(kind):
        return value
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return value if isinstance(value, str) else json.dumps(value)
    try:
        pa.scalar(value, kind)
        return value
    except (pa.ArrowException, TypeError, ValueError):
        return pa.scalar(str(value)).cast(kind).as_py()
