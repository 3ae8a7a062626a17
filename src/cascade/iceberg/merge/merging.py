"""Plan and write merges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.attempt import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import DIGEST, PARTITION, RUN_ID, Committed, commit_planned
from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.data_file_writer import split_by_layout, write_files
from cascade.iceberg.digest import differ, digest_of
from cascade.iceberg.files import read_file, without
from cascade.iceberg.keys import sorted_by_key
from cascade.iceberg.merge.batch_keys import BatchKeys, file_bounds
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.merge.file_matching import FileMatching
from cascade.iceberg.merge.folding import files_to_fold, is_small
from cascade.iceberg.merge.plan import FileMerge, MergePlan, identity, layout_of
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.position_deletes import own_delete_files, write_position_deletes

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.typedef import Record

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

# A merge that folds files competes with every other merge of the table. After some lost races, it stops folding.
_FOLDING_PLANS = 3
LAST_ROW_WINS = Versions()


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

    Returns:
        The plan that was carried out, and the new snapshot; no snapshot if the table already contains the same rows.

    Raises:
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    summary = {RUN_ID: run_id} | ({PARTITION: partition} if partition is not None else {})
    planner = MergePlanner(versions.newest(rows, unique_key), tuple(unique_key), partition, versions, costs)
    return commit_planned(lakehouse, ref, planner, summary=summary)


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

        from cascade.iceberg.snapshot.tasks import data_files

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
        return self._with_folds(table, plan, tasks) if self._plans <= _FOLDING_PLANS else plan

    def still_holds(self, plan: MergePlan, table: Table) -> bool:
        """Return whether exactly the same files can contain a key of the batch, and no folded file is gone."""
        from cascade.iceberg.snapshot.tasks import data_files

        if plan.layout != layout_of(table):
            return False
        tasks = data_files(table) if plan.rows.num_rows else []
        candidates = self._candidates(table, tasks, BatchKeys.of(plan.rows, self.unique_key))
        same = plan.candidates == frozenset(identity(task) for task, _ in candidates)
        return same and plan.folded <= frozenset(map(identity, tasks))

    def write(self, table: Table, plan: MergePlan) -> FileChange:
        """Write the new versions of files, one at a time, the deletes of others, and the new rows."""
        removed: list[DataFile] = []
        added: list[DataFile] = []
        for change in plan.files:
            removed += own_delete_files(change.task)
            if change.rewrite:
                removed.append(change.task.file)
                added += write_files(table, self._rewritten(table, plan, change))
            else:
                added.append(write_position_deletes(table, change.task.file, change.gone))
        for partition, rows in split_by_layout(table, plan.added_rows):
            folded = plan.folds.get(_record(partition), ())
            for task in folded:
                removed += [task.file, *own_delete_files(task)]
            if folded:
                parts = [read_file(table, task) for task in folded]
                rows = sorted_by_key(pa.concat_tables([*parts, rows]), self.unique_key)
            added += write_files(table, rows)
        return FileChange(deleted=tuple(removed), added=tuple(added), summary={DIGEST: plan.digest})

    def _rewritten(self, table: Table, plan: MergePlan, change: FileMerge) -> pa.Table:
        wanted = projection(table)
        with open_data_file(table, change.task.file) as opened:
            kept = [without(opened.read(group, wanted), change.gone, group.start) for group in opened.groups]
        return sorted_by_key(pa.concat_tables([*kept, plan.rows.take(pa.array(change.put))]), self.unique_key)

    def _candidates(
        self, table: Table, tasks: Iterable[FileScanTask], keys: BatchKeys
    ) -> list[tuple[FileScanTask, BatchKeys]]:
        """Return the files that can contain keys, each with those keys."""
        schema = table.schema()
        found = [(task, keys.within(file_bounds(schema, task.file, self.unique_key))) for task in tasks]
        return [(task, wanted) for task, wanted in found if len(wanted)]

    def _differs(self, table: Table, digest: str) -> bool:
        """Return whether the last rows that this partition merged are known to be others."""
        last = _last_digest(table, self.partition)
        return last is not None and differ(last, digest)

    def _with_folds(self, table: Table, plan: MergePlan, tasks: Sequence[FileScanTask]) -> MergePlan:
        from dataclasses import replace

        touched = {change.task.file.file_path for change in plan.files}
        unchanged: dict[Record, list[FileScanTask]] = defaultdict(list)
        for task in filter(is_small, tasks):
            if task.file.spec_id == table.metadata.default_spec_id and task.file.file_path not in touched:
                unchanged[task.file.partition].append(task)
        if not unchanged:
            return plan
        folds = {}
        for partition, rows in split_by_layout(table, plan.added_rows):
            record = _record(partition)
            if folded := files_to_fold(unchanged[record], rows.num_rows):
                folds[record] = folded
        return replace(plan, folds=folds)


def _last_digest(table: Table, partition: str | None) -> str | None:
    """Return the digest of the rows that a partition merged last, if its snapshot is still there."""
    from pyiceberg.table.snapshots import ancestors_of

    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        summary = snapshot.summary
        if summary is not None and summary.get(RUN_ID) is not None and summary.get(PARTITION) == partition:
            return summary.get(DIGEST)
    return None


def _record(partition: Any) -> Record:
    from pyiceberg.typedef import Record

    return partition.partition if partition is not None else Record()
