"""Decide what a batch changes in the files of a table, one file at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.data_file_reader import Projection, open_data_file, projection
from cascade.iceberg.merge.batch_keys import BatchKeys
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.merge.matching import Match, find_keys, newer_than_batch, same_as_batch
from cascade.iceberg.merge.plan import FileMerge
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.position_deletes import deleted_positions

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.table import FileScanTask, Table


@dataclass
class FileMatching:
    """Decides what changes in the files of a table, one file at a time.

    Args:
        table: the table.
        rows: the batch.
        unique_key: the columns of the key.
        costs: decides how old versions of rows disappear.
        versions: which version of a key wins, and which rows remove their key.
        compare: whether rows that equal those of the batch must be left alone.

    Attributes:
        updated: number of rows that replace an older version.
        removed: number of keys that are removed.
        found: for each row of the batch, whether its key is in one of the files so far.
        outdated: for each row of the batch, whether one of the files so far has a newer version.
        removes: for each row of the batch, whether it removes its key.
    """

    table: Table
    rows: pa.Table
    unique_key: tuple[str, ...]
    costs: Costs
    versions: Versions
    compare: bool
    updated: int = field(default=0, init=False)
    removed: int = field(default=0, init=False)
    found: np.ndarray[Any, Any] = field(init=False)
    outdated: np.ndarray[Any, Any] = field(init=False)
    removes: np.ndarray[Any, Any] = field(init=False)
    _key: Projection = field(init=False)
    _all: Projection = field(init=False)
    _version: Projection | None = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        self.found = np.zeros(self.rows.num_rows, dtype=bool)
        self.outdated = np.zeros(self.rows.num_rows, dtype=bool)
        self.removes = self.versions.removes(self.rows)
        version = self.versions.dedup_sort
        self._key, self._all = projection(self.table, self.unique_key), projection(self.table)
        self._version = projection(self.table, [version]) if version is not None else None

    def file_merge(self, task: FileScanTask, keys: BatchKeys) -> FileMerge | None:
        """Return what changes in a file, or None if nothing does.

        Args:
            task: the file.
            keys: the keys of the batch that it can contain.
        """
        import numpy as np
        import polars as pl

        rows, deleted = task.file.record_count, deleted_positions(self.table, task)
        with open_data_file(self.table, task.file) as opened:
            match = find_keys(opened, self._key, keys, deleted)
            if not len(match):
                return None
            if self._version is not None:
                match = self._without_newer(match, newer_than_batch(opened, self._version, match, self.rows))
            # Another writer may have written a key twice. The first version counts, and the others are dropped.
            first = pl.Series(match.row).is_first_distinct().to_numpy() & ~self.found[match.row]
            self.found[match.row] = True
            changed = np.ones(len(match), dtype=bool)
            put = first & ~self.removes[match.row]
            if put.any() and (self.compare or self.costs.compares(rows, len(match))):
                changed[put] = ~same_as_batch(opened, self._all, match.where(put), self.rows)
        if not changed.any():
            return None
        put &= changed
        self.updated += int(put.sum())
        self.removed += int((first & ~put & changed).sum())
        drop = match.at[changed]
        can_delete = self.table.metadata.format_version == 2
        rewrite = self.costs.rewrites(rows, len(deleted) + len(drop), can_delete=can_delete)
        return FileMerge(task, deleted, drop, match.row[put], rewrite)

    def _without_newer(self, match: Match, is_newer: np.ndarray[Any, Any]) -> Match:
        """Return the matches without rows that are newer than those of the batch, which stay as they are."""
        newer = match.row[is_newer]
        self.found[newer] = self.outdated[newer] = True
        return match.where(~is_newer)
