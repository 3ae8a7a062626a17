"""What the merge of a batch that does not fit in memory changes, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.large.bits import Bits, Positions
from cascade.iceberg.large.rows import LargeRows
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.merge.file_matching import FileMatching
from cascade.iceberg.merge.plan import FileIdentity, FileMerge

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.table import FileScanTask


@dataclass(frozen=True)
class LargeFileMerge:
    """What changes in one data file; see `FileMerge`. Several chunks of the batch can change one file.

    Args:
        task: the file.
        rewrite: whether the file is written anew.
    """

    task: FileScanTask
    rewrite: bool
    _deleted: np.ndarray[Any, Any]
    _drop: np.ndarray[Any, Any]
    _put: Positions

    @property
    def put(self) -> np.ndarray[Any, Any]:
        """Positions of the batch's rows that replace rows of the file, sorted."""
        return self._put.array()

    def with_put(self, put: np.ndarray[Any, Any]) -> FileMerge:
        """Return the change with the rows that are written to the file, if it is written anew."""
        import numpy as np

        drop = np.flatnonzero(np.unpackbits(self._drop, count=self.task.file.record_count))
        return FileMerge(self.task, self._deleted, drop, put, self.rewrite)


@dataclass(frozen=True)
class LargeMergePlan:
    """The changes that merge a large batch into a table; see `MergePlan`.

    Args:
        snapshot_id: the snapshot that was read; None for an empty branch.
        layout: ids of the schema and of the partition spec that were read.
        rows: the batch in the table's schema, sorted by key, one row for each key.
        digest: identifies these rows.
        seen: all files of the table.
        candidates: those that can contain a key of the batch.
        files: the changes in those files that change.
        append: whether a row's key is in no file.
        removes: whether a row removes its key.
        outdated: whether the table has a newer version of a row.
        updated: number of rows that replace an older version.
        removed: number of keys that are removed.
    """

    snapshot_id: int | None
    layout: tuple[int, int]
    rows: LargeRows
    digest: str
    seen: frozenset[FileIdentity]
    candidates: frozenset[FileIdentity]
    files: tuple[LargeFileMerge, ...]
    append: Bits
    removes: Bits
    outdated: Bits
    updated: int
    removed: int

    @property
    def inserted(self) -> int:
        """Number of rows whose keys are new."""
        return self.append.count

    @property
    def decided(self) -> Iterator[pa.Table]:
        """The rows that decide about their keys, a chunk at a time: those that land, and those that remove a key."""
        for number, rows in enumerate(self.rows.chunks()):
            yield rows.filter(pa.array(~self.outdated.chunk(number)))

    @property
    def decided_rows(self) -> int:
        """Number of rows that decide about their keys."""
        return self.rows.num_rows - self.outdated.count

    @property
    def landed(self) -> Iterator[pa.Table]:
        """The rows that are in the table after the merge, a chunk at a time."""
        for number, rows in enumerate(self.rows.chunks()):
            yield rows.filter(pa.array(~(self.outdated.chunk(number) | self.removes.chunk(number))))

    @property
    def landed_rows(self) -> int:
        """Number of rows that are in the table after the merge."""
        both = sum(
            int((self.outdated.chunk(number) & self.removes.chunk(number)).sum()) for number in range(len(self.rows))
        )
        return self.rows.num_rows - self.outdated.count - self.removes.count + both


@dataclass
class FileChanges:
    """Collects what the chunks of a batch change in one file.

    Args:
        task: the file.
    """

    task: FileScanTask
    _deleted: np.ndarray[Any, Any] | None = field(default=None, init=False)
    _drop: np.ndarray[Any, Any] | None = field(default=None, init=False)
    _dropped: int = field(default=0, init=False)
    _put: Positions = field(default_factory=Positions, init=False)

    def add(self, change: FileMerge, start: int, matching: FileMatching) -> None:
        """Add what a chunk changes.

        Args:
            change: the change, whose rows have positions in the chunk.
            start: position of the chunk in the batch.
            matching: what found it.
        """
        import numpy as np

        drop = np.zeros(self.task.file.record_count, dtype=bool)
        drop[change.drop] = True
        packed = np.packbits(drop)
        self._drop = packed if self._drop is None else self._drop | packed
        self._deleted = change.deleted
        self._dropped += len(change.drop)
        self._put.add(np.sort(change.put), start, matching.rows.num_rows)

    def merge(self, costs: Costs, *, can_delete: bool) -> LargeFileMerge:
        """Return what changes in the file."""
        assert self._deleted is not None and self._drop is not None
        gone = len(self._deleted) + self._dropped
        rewrite = costs.rewrites(self.task.file.record_count, gone, can_delete=can_delete)
        return LargeFileMerge(self.task, rewrite, self._deleted, self._drop, self._put)
