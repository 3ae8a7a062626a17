"""Read the rows that are in one state of a table and, as far as its files tell, not in another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.files import read_file
from cascade.iceberg.position_deletes import deleted_positions, is_deleted
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.table import FileScanTask, Table


def changed_rows(before: Table, after: Table, columns: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """Read the rows that only one of two states may have. Files that both have, with the same rows, are not opened.

    Args:
        before: the table in one state.
        after: the same table in another.
        columns: the columns to read, in the table's current schema.

    Returns:
        The rows of `before` and of `after`. A row that moved to another file is in both.
    """
    old, new = _by_path(before), _by_path(after)
    left: list[pa.Table] = []
    right: list[pa.Table] = []
    # Files that were written anew are where the old ones were, so that their keys are in the same order.
    key = after.schema().identifier_field_ids
    for path in sorted(old.keys() | new.keys(), key=lambda path: _lower_bounds(old.get(path) or new[path], key)):
        if path not in new:
            left.append(read_file(before, old[path], columns))
        elif path not in old:
            right.append(read_file(after, new[path], columns))
        elif _delete_files(old[path]) != _delete_files(new[path]):
            gone_before, gone_after = deleted_positions(before, old[path]), deleted_positions(after, new[path])
            left += _read_at(before, old[path], _only(gone_after, gone_before), columns)
            right += _read_at(after, new[path], _only(gone_before, gone_after), columns)
    none = projection(after, columns).arrow.empty_table()
    return pa.concat_tables([none, *left]), pa.concat_tables([none, *right])


def _by_path(table: Table) -> dict[str, FileScanTask]:
    return {task.file.file_path: task for task in data_files(table)}


def _lower_bounds(task: FileScanTask, columns: Sequence[int]) -> tuple[bytes, ...]:
    """Return the bounds of some columns in a file, which sort in the same way in both states."""
    bounds = task.file.lower_bounds or {}
    return tuple(bounds.get(column, b"") for column in columns)


def _delete_files(task: FileScanTask) -> set[str]:
    return {file.file_path for file in task.delete_files}


def _only(positions: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the positions that are not among others."""
    only: np.ndarray[Any, Any] = positions[~is_deleted(positions, others)]
    return only


def _read_at(
    table: Table, task: FileScanTask, positions: np.ndarray[Any, Any], columns: Sequence[str]
) -> Iterator[pa.Table]:
    if not len(positions):
        return
    with open_data_file(table, task.file) as opened:
        yield from opened.read_at(positions, projection(table, columns))
