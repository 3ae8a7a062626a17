"""Read a table page by page at one snapshot, so that what others commit meanwhile moves no row.

The rows are in the order of the files' names and, in a file, in that of the file. Files never change, so the place
where a page ends is the same whenever it is asked for, as long as the snapshot is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.branches import table_with
from cascade.iceberg.data_file_reader import RowGroup, open_data_file, projection
from cascade.iceberg.position_deletes import deleted_positions, is_deleted
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.row_filter import RowFilter

MOST_BYTES = 32 * 1024 * 1024
"""How many bytes of rows, in Arrow, a page holds at most, unless its first row alone has more."""

_ROWS_AT_ONCE = 16_384


@dataclass(frozen=True)
class Place:
    """Where a page begins.

    Args:
        file: number of the data file, in the order of their paths.
        row: position in the file.
    """

    file: int = 0
    row: int = 0


@dataclass(frozen=True)
class Page:
    """Some rows of a table.

    Args:
        rows: the rows.
        next: where the next page begins; None at the end of the table. With a filter, the rest may hold no row.
    """

    rows: pa.Table
    next: Place | None


def table_at(table: Table, snapshot_id: int | None, schema_id: int) -> Table | None:
    """Return a table whose current snapshot is one of those that it keeps.

    Args:
        table: the table, as loaded from the catalog.
        snapshot_id: the snapshot; None for a table that had none.
        schema_id: the schema in which it is read.

    Returns:
        None if the snapshot has expired.
    """
    schemas = {schema.schema_id for schema in table.metadata.schemas}
    if schema_id not in schemas or (snapshot_id is not None and table.snapshot_by_id(snapshot_id) is None):
        return None
    return table_with(table, current_snapshot_id=snapshot_id, current_schema_id=schema_id)


def read_page(table: Table, columns: Sequence[str], judge: RowFilter, start: Place, limit: int) -> Page:
    """Read a page. At any time, one row group and the page are in memory.

    Args:
        table: the table at a snapshot.
        columns: the columns to read, in this order.
        judge: the filter of the rows, over the columns of the table.
        start: where the page begins.
        limit: how many rows it has at most. Large rows make it shorter; see `MOST_BYTES`.

    Returns:
        The page.
    """
    tasks = sorted(data_files(table), key=lambda task: task.file.file_path)
    reading = _Reading(table, tuple(columns), judge, limit)
    for number in range(start.file, len(tasks)):
        task = tasks[number]
        if not judge.may_match(task.file):
            continue
        if reading.is_full:
            return Page(reading.rows(), Place(number))
        stopped = reading.read(task, start.row if number == start.file else 0)
        if stopped is not None:
            return Page(reading.rows(), Place(number, stopped))
    return Page(reading.rows(), None)


@dataclass
class _Reading:
    """A page while it is read.

    Args:
        table: the table at a snapshot.
        columns: the columns of the page.
        judge: the filter.
        left: how many rows it still may get.
    """

    table: Table
    columns: tuple[str, ...]
    judge: RowFilter
    left: int
    _bytes: int = field(default_factory=lambda: MOST_BYTES)
    _parts: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._wanted = projection(self.table, list(dict.fromkeys((*self.columns, *self.judge.columns))))

    @property
    def is_full(self) -> bool:
        return self.left <= 0 or self._bytes <= 0

    def rows(self) -> pa.Table:
        """Return the rows that were read."""
        schema = pa.schema([self._wanted.arrow.field(name) for name in self.columns])
        return pa.concat_tables(self._parts) if self._parts else schema.empty_table()

    def read(self, task: FileScanTask, start: int) -> int | None:
        """Read rows of a file from a position on.

        Returns:
            The position of the next row if the page is full before the end of the file.
        """
        deleted = deleted_positions(self.table, task)
        with open_data_file(self.table, task.file) as opened:
            for group in opened.groups:
                if group.start + group.rows <= start:
                    continue
                if self.is_full:
                    return max(start, group.start)
                rows = opened.read(group, self._wanted)
                positions = self._positions(rows, group, deleted, start)
                taken = self._take(rows, positions - group.start)
                if taken < len(positions):
                    return int(positions[taken])
        return None

    def _positions(
        self, rows: pa.Table, group: RowGroup, deleted: np.ndarray[Any, Any], start: int
    ) -> np.ndarray[Any, Any]:
        found = self.judge.matches(rows).to_numpy(zero_copy_only=False) + group.start
        kept: np.ndarray[Any, Any] = found[(found >= start) & ~is_deleted(found, deleted)]
        return kept

    def _take(self, rows: pa.Table, places: np.ndarray[Any, Any]) -> int:
        """Add rows until the page is full, and return how many."""
        rows, taken = rows.select(self.columns), 0
        average = max(1, rows.nbytes // max(1, rows.num_rows))
        while taken < len(places) and not self.is_full:
            count = max(1, min(self.left, _ROWS_AT_ONCE, self._bytes // average))
            part = _rows_at(rows, places[taken : taken + count])
            if part.nbytes > self._bytes and part.num_rows > 1:
                # Some rows are larger than most. About as many as fit, or one.
                part = part.slice(0, max(1, int(part.num_rows * self._bytes / part.nbytes)))
            if part.nbytes > self._bytes and (self._parts or taken):
                self._bytes = 0
                break
            self._parts.append(part)
            self.left -= part.num_rows
            self._bytes -= part.nbytes
            taken += part.num_rows
        return taken


def _rows_at(rows: pa.Table, places: np.ndarray[Any, Any]) -> pa.Table:
    """Return some rows, without a copy if they are consecutive."""
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 == len(places):
        return rows.slice(first, len(places))
    return rows.take(pa.array(places))
