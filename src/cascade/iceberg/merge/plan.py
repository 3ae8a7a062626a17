"""What a merge changes, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.typedef import Record

FileIdentity = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class FileMerge:
    """What changes in one data file.

    Args:
        task: the file.
        deleted: positions of its rows that are deleted already, sorted.
        drop: positions of further rows that are removed from it, sorted.
        put: positions of the batch's rows that replace them.
        rewrite: whether the file is written anew with the rows in `put`. Otherwise a position delete file removes the
            rows, and those in `put` go to new files.
    """

    task: FileScanTask
    deleted: np.ndarray[Any, Any]
    drop: np.ndarray[Any, Any]
    put: np.ndarray[Any, Any]
    rewrite: bool

    @property
    def gone(self) -> np.ndarray[Any, Any]:
        """Positions of the rows that are deleted after the merge, sorted."""
        import numpy as np

        return np.sort(np.concatenate([self.deleted, self.drop]))


@dataclass(frozen=True)
class MergePlan:
    """The changes that merge a batch into a table.

    Args:
        snapshot_id: the snapshot that was read; None for an empty branch.
        layout: ids of the schema and of the partition spec that were read.
        rows: the batch in the table's schema, sorted by key, one row for each key.
        digest: identifies these rows; see `cascade.iceberg.digest`.
        candidates: the files that can contain a key of the batch.
        files: the changes in those files that change.
        append: positions of the batch's rows whose keys are in no file.
        folds: small files that are replaced by one file together with the new rows, by their partition.
        updated: number of rows that replace an older version.
        removed: number of keys that are removed.
        removes: a boolean for each row of the batch: whether it removes its key.
        outdated: a boolean for each row of the batch: whether the table has a newer version.
    """

    snapshot_id: int | None
    layout: tuple[int, int]
    rows: pa.Table
    digest: str
    candidates: frozenset[FileIdentity]
    files: tuple[FileMerge, ...]
    append: np.ndarray[Any, Any]
    folds: Mapping[Record, tuple[FileScanTask, ...]]
    updated: int
    removed: int
    removes: np.ndarray[Any, Any]
    outdated: np.ndarray[Any, Any]

    @property
    def decided(self) -> pa.Table:
        """The rows of the batch that decide about their keys: those that land, and those that remove a key."""
        return self.rows.filter(pa.array(~self.outdated)) if self.outdated.any() else self.rows

    @property
    def landed(self) -> pa.Table:
        """The rows of the batch that are in the table after the merge."""
        gone = self.outdated | self.removes
        return self.rows.filter(pa.array(~gone)) if gone.any() else self.rows

    @property
    def inserted(self) -> int:
        """Number of rows whose keys are new."""
        return len(self.append)

    @property
    def added(self) -> np.ndarray[Any, Any]:
        """Positions of the batch's rows that go to new files, sorted."""
        import numpy as np

        moved = [file.put for file in self.files if not file.rewrite]
        return np.sort(np.concatenate([self.append, *moved])) if moved else self.append

    @property
    def added_rows(self) -> pa.Table:
        """The batch's rows that go to new files, sorted by key."""
        added = self.added
        return self.rows if len(added) == self.rows.num_rows else self.rows.take(pa.array(added))

    @property
    def folded(self) -> frozenset[FileIdentity]:
        """The files that are folded."""
        return frozenset(identity(task) for tasks in self.folds.values() for task in tasks)


def identity(task: FileScanTask) -> FileIdentity:
    """Return what identifies the rows of a data file: its path, and those of its delete files."""
    return task.file.file_path, frozenset(file.file_path for file in task.delete_files)


def layout_of(table: Table) -> tuple[int, int]:
    """Return the ids of the schema and of the partition spec."""
    return table.metadata.current_schema_id, table.metadata.default_spec_id
