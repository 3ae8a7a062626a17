"""Write the files of a branch without the rows that are to be erased."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.erasing.condition import Condition
from cascade.iceberg.erasing.survey import names_removed
from cascade.iceberg.files import without
from cascade.iceberg.large.writing import removed_on_error, write_parts
from cascade.iceberg.merge.plan import FileIdentity, identity, layout_of
from cascade.iceberg.position_deletes import deleted_positions, own_delete_files
from cascade.iceberg.snapshot.cache import manifests_in
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

ERASED = "cascade.erased"
"""In the summary of a snapshot: how many files it wrote anew to erase rows. What was erased is not there."""


@dataclass(frozen=True)
class RewritingPlan:
    """The files that are written anew.

    Args:
        layout: ids of the schema and of the partition spec.
        present: all files of the branch.
        tasks: those that hold a row to be erased.
        stale: whether manifests name files that have left the branch, and that hold such a row.
    """

    layout: tuple[int, int]
    present: frozenset[FileIdentity]
    tasks: tuple[FileScanTask, ...]
    stale: bool


@dataclass(frozen=True)
class RewritingPlanner:
    """Plans that rows leave a branch, with those that were deleted before in the same files.

    Args:
        condition: tells the rows.
        tainted: paths of the files that hold such rows, of any state.
    """

    condition: Condition
    tainted: Collection[str]

    def plan(self, table: Table) -> RewritingPlan:
        """Find the files that hold such rows."""
        tasks = data_files(table)
        return RewritingPlan(
            layout_of(table),
            frozenset(map(identity, tasks)),
            tuple(task for task in tasks if self.condition.count(table, task.file)),
            self._names_tainted(table),
        )

    def still_holds(self, plan: RewritingPlan, table: Table) -> bool:
        """Return whether the branch has the same files."""
        return plan.layout == layout_of(table) and plan.present == frozenset(map(identity, data_files(table)))

    def write(self, table: Table, plan: RewritingPlan) -> FileChange:
        """Write the rows that stay."""
        if not plan.tasks and not plan.stale:
            return FileChange()
        gone = [file for task in plan.tasks for file in (task.file, *own_delete_files(task))]
        new: list[DataFile] = []
        with removed_on_error(table, new):
            for task in plan.tasks:
                # The rows of a file are in the order of their key.
                new += write_parts(table, self._parts(table, task))
        summary = {ERASED: str(len(plan.tasks))}
        return FileChange(deleted=tuple(gone), added=tuple(new), summary=summary, forgets=True)

    def _parts(self, table: Table, task: FileScanTask) -> Iterator[pa.Table]:
        wanted, deleted = projection(table), deleted_positions(table, task)
        with open_data_file(table, task.file) as opened:
            for group in opened.groups:
                rows = opened.read(group, wanted)
                erased = self.condition.matches(rows).to_numpy() + group.start
                yield without(rows, np.union1d(deleted, erased), group.start)

    def _names_tainted(self, table: Table) -> bool:
        head = table.current_snapshot()
        manifests = manifests_in(table.io, head.manifest_list) if head else ()
        return any(
            names_removed(table, manifest, self.tainted) for manifest in manifests if manifest.deleted_files_count != 0
        )
