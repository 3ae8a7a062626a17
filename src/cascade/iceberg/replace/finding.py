"""Find the rows of a scope in the files of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.files import read_file
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.merge.plan import FileMerge
from cascade.iceberg.position_deletes import deleted_positions, is_deleted
from cascade.iceberg.replace.scopes import Scope

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.table import FileScanTask, Table


@dataclass(frozen=True)
class Found:
    """The rows of a scope.

    Args:
        gone: files whose rows are all in the scope.
        files: the changes that remove the rows from the other files.
        rows: number of rows in the scope.
    """

    gone: tuple[FileScanTask, ...]
    files: tuple[FileMerge, ...]
    rows: int


def candidates_of(table: Table, tasks: Iterable[FileScanTask], scope: Scope) -> list[FileScanTask]:
    """Return the files that can contain rows of a scope."""
    schema = table.schema()
    return [task for task in tasks if not scope.misses(schema, task.file)]


def find_rows(table: Table, tasks: Iterable[FileScanTask], scope: Scope, costs: Costs) -> Found:
    """Find the rows of a scope.

    Args:
        table: the table.
        tasks: the files that can contain rows of the scope.
        scope: the scope.
        costs: decides how the rows disappear.
    """
    gone, files, rows = [], [], 0
    can_delete = table.metadata.format_version == 2
    for task in tasks:
        deleted = deleted_positions(table, task)
        if scope.covers(table.schema(), task.file):
            found = None
            count = task.file.record_count - len(deleted)
        else:
            found = _positions(table, task, scope, deleted)
            count = len(found)
        rows += count
        left = task.file.record_count - len(deleted) - count
        if not left:
            gone.append(task)
        elif found is not None and count:
            rewrite = costs.rewrites(task.file.record_count, len(deleted) + count, can_delete=can_delete)
            files.append(FileMerge(task, deleted, found, found[:0], rewrite))
    return Found(tuple(gone), tuple(files), rows)


def read_rows(table: Table, found: Found) -> Iterator[pa.Table]:
    """Yield the rows of a scope, in all columns, a file or a row group at a time."""
    for task in found.gone:
        yield read_file(table, task)
    wanted = projection(table)
    for change in found.files:
        with open_data_file(table, change.task.file) as opened:
            yield from opened.read_at(change.drop, wanted)


def _positions(table: Table, task: FileScanTask, scope: Scope, deleted: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the positions of a file's rows that are in the scope and not deleted, sorted."""
    import numpy as np

    wanted = projection(table, scope.columns)
    found = [np.empty(0, dtype=np.int64)]
    with open_data_file(table, task.file) as opened:
        for group in opened.groups:
            inside = scope.contains(opened.read(group, wanted)).to_numpy(zero_copy_only=False)
            found.append(np.flatnonzero(inside).astype(np.int64) + group.start)
    positions = np.concatenate(found)
    live: np.ndarray[Any, Any] = positions[~is_deleted(positions, deleted)]
    return live
