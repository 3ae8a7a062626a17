"""Read a whole data file of a table, and remove files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.position_deletes import deleted_positions

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table


def read_file(table: Table, task: FileScanTask, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one data file, without the rows that delete files remove, in file order.

    Args:
        table: the table, for its schema.
        task: the file.
        columns: names of the columns to read; all if absent.
    """
    wanted = projection(table, columns)
    deleted = deleted_positions(table, task)
    with open_data_file(table, task.file) as opened:
        parts = [without(opened.read(group, wanted), deleted, group.start) for group in opened.groups]
    return pa.concat_tables(parts) if parts else wanted.arrow.empty_table()


def without(rows: pa.Table, deleted: np.ndarray[Any, Any], start: int) -> pa.Table:
    """Return the rows that are not deleted.

    Args:
        rows: consecutive rows of a file.
        deleted: positions in the file, sorted.
        start: position of the first row in the file.
    """
    import numpy as np

    first, last = np.searchsorted(deleted, [start, start + rows.num_rows])
    if first == last:
        return rows
    keep = np.ones(rows.num_rows, dtype=bool)
    keep[deleted[first:last] - start] = False
    return rows.filter(pa.array(keep))


def remove_files(table: Table, files: Iterable[DataFile]) -> None:
    """Remove data files that no snapshot refers to. Maintenance removes those that remain."""
    for file in files:
        try:
            table.io.delete(file.file_path)
        except Exception:
            continue
