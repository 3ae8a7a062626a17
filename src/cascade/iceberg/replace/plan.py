"""What a replacement changes, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import pyarrow as pa

from cascade.iceberg.large.rows import LargeRows
from cascade.iceberg.merge.plan import FileIdentity, FileMerge, identity
from cascade.iceberg.replace.scopes import Scope

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask
    from pyiceberg.typedef import Record


R = TypeVar("R", bound=pa.Table | LargeRows)
"""Rows in memory, or on disk."""


@dataclass(frozen=True)
class ReplacePlan(Generic[R]):
    """The changes that replace the rows of a scope.

    Args:
        scope: which rows are replaced; None if the batch is in the table already, as its last snapshot shows.
        layout: ids of the schema and of the partition spec that were read.
        rows: the batch in the table's schema.
        digest: identifies these rows in any order.
        changes: whether anything changes: whether the scope's rows differ from those of the batch.
        candidates: the files that can contain rows of the scope.
        gone: the files that leave the table.
        files: the changes in files that keep some rows.
        removed: number of rows that leave the table.
        folds: small files that are replaced by one file together with the new rows, by their partition.
    """

    scope: Scope | None
    layout: tuple[int, int]
    rows: R
    digest: str
    changes: bool
    candidates: frozenset[FileIdentity] = frozenset()
    gone: tuple[FileScanTask, ...] = ()
    files: tuple[FileMerge, ...] = ()
    removed: int = 0
    folds: Mapping[Record, tuple[FileScanTask, ...]] = field(default_factory=dict)

    @property
    def folded(self) -> frozenset[FileIdentity]:
        """The files that are folded."""
        return frozenset(identity(task) for tasks in self.folds.values() for task in tasks)
