"""Plan and write merges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import DIGEST, Committed, run_summary
from cascade.iceberg.digest import differ, digest_of
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.history import last_digest
from cascade.iceberg.merge.batch_keys import BatchKeys, file_bounds
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.merge.file_matching import FileMatching
from cascade.iceberg.merge.plan import MergePlan, identity, layout_of
from cascade.iceberg.merge.versions import LAST_ROW_WINS, Versions
from cascade.iceberg.merge.writing import FOLDING_PLANS, folds_with, write_changes
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef


def merge_rows(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: pa.Table,
    unique_key: Sequence[str],
    *,
    run_id: str,
    partition: str | None = None,
    versions: Versions = LAST_ROW_WINS,
    costs: Costs = DEFAULT_COSTS,
    ledger: LedgerEntry | None = None,
    gate: Gate[MergePlan] | None = None,
) -> Committed[MergePlan]:
    """Merge rows into a table on its unique key.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch to merge into. Both must exist.
        rows: the rows, whose column names are the table's.
        unique_key: the columns of the key, without nulls.
        run_id: the run, for the snapshot's summary.
        partition: key of the partition that was run, for the summary.
        versions: which version of a key wins, and which rows remove their key. By default, the last row of a key wins.
        costs: decides how old versions of rows disappear.
        ledger: what the ledger says afterwards; None to leave it alone.
        gate: the checks that must pass before the rows are visible; None for none.

    Returns:
        The plan that was carried out, and the new snapshot; no snapshot if the table already contains the same rows.

    Raises:
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    planner = MergePlanner(versions.newest(rows, unique_key), tuple(unique_key), partition, versions, costs)
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


def plan_merge(table: Table, rows: pa.Table, unique_key: Sequence[str], costs: Costs = DEFAULT_COSTS) -> MergePlan:
    """Plan the merge of rows into the current state of a table, without writing anything."""
    return MergePlanner(LAST_ROW_WINS.newest(rows, unique_key), tuple(unique_key), costs=costs).plan(table)


@dataclass
class MergePlanner:
    """Plans and writes merges.

    Args:
        rows: the batch, one row for each key, sorted by key.
        unique_key: the columns of the key.
        partition: key of the partition that was run; None for a table without partitions.
        versions: which version of a key wins, and which rows remove their key.
        costs: decides how old versions of rows disappear.
    """

    rows: pa.Table
    unique_key: tuple[str, ...]
    partition: str | None = None
    versions: Versions = LAST_ROW_WINS
    costs: Costs = DEFAULT_COSTS
    _plans: int = 0

    def plan(self, table: Table) -> MergePlan:
        """Find what changes in each file."""
        import numpy as np

        rows = conform(self.rows, arrow_schema(table))
        keys = BatchKeys.of(rows, self.unique_key)
        digest = digest_of(rows)
        tasks = data_files(table) if rows.num_rows else []
        candidates = self._candidates(table, tasks, keys)
        compare = not self._differs(table, digest)
        matching = FileMatching(table, rows, self.unique_key, self.costs, self.versions, compare=compare)
        files = tuple(found for task, wanted in candidates if (found := matching.file_merge(task, wanted)) is not None)
        snapshot = table.current_snapshot()
        plan = MergePlan(
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            layout=layout_of(table),
            rows=rows,
            digest=digest,
            candidates=frozenset(identity(task) for task, _ in candidates),
            files=files,
            append=np.flatnonzero(~matching.found & ~matching.removes),
            folds={},
            updated=matching.updated,
            removed=matching.removed,
            removes=matching.removes,
            outdated=matching.outdated,
        )
        self._plans += 1
        if self._plans > FOLDING_PLANS:
            return plan
        touched = {change.task.file.file_path for change in plan.files}
        unchanged = [task for task in tasks if task.file.file_path not in touched]
        return replace(plan, folds=folds_with(table, unchanged, plan.added_rows))

    def still_holds(self, plan: MergePlan, table: Table) -> bool:
        """Return whether exactly the same files can contain a key of the batch, and no folded file is gone."""
        if plan.layout != layout_of(table):
            return False
        tasks = data_files(table) if plan.rows.num_rows else []
        candidates = self._candidates(table, tasks, BatchKeys.of(plan.rows, self.unique_key))
        same = plan.candidates == frozenset(identity(task) for task, _ in candidates)
        return same and plan.folded <= frozenset(map(identity, tasks))

    def write(self, table: Table, plan: MergePlan) -> FileChange:
        """Write the new versions of files, one at a time, the deletes of others, and the new rows."""
        change = write_changes(table, plan.files, plan.rows, plan.added_rows, plan.folds, self.unique_key)
        return replace(change, summary={DIGEST: plan.digest})

    def _candidates(
        self, table: Table, tasks: Iterable[FileScanTask], keys: BatchKeys
    ) -> list[tuple[FileScanTask, BatchKeys]]:
        """Return the files that can contain keys, each with those keys."""
        schema = table.schema()
        found = [(task, keys.within(file_bounds(schema, task.file, self.unique_key))) for task in tasks]
        return [(task, wanted) for task, wanted in found if len(wanted)]

    def _differs(self, table: Table, digest: str) -> bool:
        """Return whether the last rows that this partition merged are known to be others."""
        last = last_digest(table, self.partition)
        return last is not None and differ(last, digest)
