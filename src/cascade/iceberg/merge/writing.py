"""Write planned changes of files: new versions, position deletes, and new rows, which small files are folded into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.data_file_writer import split_by_layout, write_files
from cascade.iceberg.files import read_file, without
from cascade.iceberg.keys import sorted_by_key
from cascade.iceberg.merge.folding import files_to_fold, is_small
from cascade.iceberg.merge.plan import FileMerge
from cascade.iceberg.position_deletes import own_delete_files, write_position_deletes

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionKey
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.typedef import Record

FOLDING_PLANS = 3
"""How often a planner folds files, for which it competes with every other writer of the table."""


def folds_with(
    table: Table, unchanged: Iterable[FileScanTask], rows: pa.Table
) -> dict[Record, tuple[FileScanTask, ...]]:
    """Choose the small files that are replaced by one file together with new rows.

    Args:
        table: the table.
        unchanged: the files that do not change otherwise.
        rows: the new rows.

    Returns:
        The files, by their partition of the layout.
    """
    by_partition: dict[Record, list[FileScanTask]] = defaultdict(list)
    for task in filter(is_small, unchanged):
        if task.file.spec_id == table.metadata.default_spec_id:
            by_partition[task.file.partition].append(task)
    if not by_partition:
        return {}
    folds = {}
    for partition, part in split_by_layout(table, rows):
        record = _record(partition)
        if folded := files_to_fold(by_partition[record], part.num_rows):
            folds[record] = folded
    return folds


def write_changes(
    table: Table,
    files: Iterable[FileMerge],
    batch: pa.Table,
    added: pa.Table,
    folds: Mapping[Record, tuple[FileScanTask, ...]],
    unique_key: Sequence[str],
) -> FileChange:
    """Write the new versions of files, one at a time, the deletes of others, and the new rows.

    Args:
        table: the table.
        files: the changes of files.
        batch: the rows that the changes refer to.
        added: the rows that go to new files.
        folds: the files that are replaced together with these rows.
        unique_key: the columns to sort by; none to keep the order.
    """
    gone: list[DataFile] = []
    new: list[DataFile] = []
    for change in files:
        gone += own_delete_files(change.task)
        if change.rewrite:
            gone.append(change.task.file)
            new += write_files(table, _rewritten(table, batch, change, unique_key))
        else:
            new.append(write_position_deletes(table, change.task.file, change.gone))
    for partition, rows in split_by_layout(table, added):
        folded = folds.get(_record(partition), ())
        for task in folded:
            gone += [task.file, *own_delete_files(task)]
        if folded:
            rows = sorted_by_key(pa.concat_tables([*(read_file(table, task) for task in folded), rows]), unique_key)
        new += write_files(table, rows)
    return FileChange(deleted=tuple(gone), added=tuple(new))


def _rewritten(table: Table, batch: pa.Table, change: FileMerge, unique_key: Sequence[str]) -> pa.Table:
    wanted = projection(table)
    put = batch.take(pa.array(change.put))
    with open_data_file(table, change.task.file) as opened:
        kept = [without(opened.read(group, wanted), change.gone, group.start) for group in opened.groups]
    return sorted_by_key(pa.concat_tables([*kept, put]), unique_key)


def _record(partition: PartitionKey | None) -> Record:
    from pyiceberg.typedef import Record

    return partition.partition if partition is not None else Record()
