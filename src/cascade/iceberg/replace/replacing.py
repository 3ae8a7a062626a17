"""Plan and write replacements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import DIGEST, Committed, run_summary
from cascade.iceberg.digest import differ, digest_of
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.history import last_digest
from cascade.iceberg.keys import last_of_each_key
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.merge.plan import identity, layout_of
from cascade.iceberg.merge.writing import FOLDING_PLANS, folds_with, write_changes
from cascade.iceberg.position_deletes import own_delete_files
from cascade.iceberg.replace.finding import Found, candidates_of, find_rows, read_rows
from cascade.iceberg.replace.plan import R, ReplacePlan
from cascade.iceberg.replace.scopes import Scope
from cascade.iceberg.replace.unordered import in_fixed_order, order_now, same_in_any_order
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.typedef import Record

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef


def replace_rows(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: pa.Table,
    scope: Scope,
    *,
    unique_key: Sequence[str] = (),
    run_id: str,
    partition: str | None = None,
    costs: Costs = DEFAULT_COSTS,
    ledger: LedgerEntry | None = None,
    gate: Gate[ReplacePlan[pa.Table]] | None = None,
) -> Committed[ReplacePlan[pa.Table]]:
    """Replace the rows of a scope by those of a batch.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch. Both must exist.
        rows: the rows, whose column names are the table's. All are in the scope.
        scope: which rows are replaced.
        unique_key: the columns of the key, without nulls; the last row of a key wins. All rows land if there are none.
        run_id: the run, for the snapshot's summary.
        partition: key of the partition that was run, for the summary.
        costs: decides how old rows disappear.
        ledger: what the ledger says afterwards; None to leave it alone.
        gate: the checks that must pass before the rows are visible; None for none.

    Returns:
        The plan that was carried out, and the new snapshot; no snapshot if the scope already contains the same rows.

    Raises:
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    newest = last_of_each_key(rows, unique_key) if unique_key else rows
    planner = ReplacePlanner(newest, scope, tuple(unique_key), partition, costs=costs)
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


@dataclass
class Replacing(Generic[R]):
    """Plans and writes replacements, whether or not the batch fits in memory.

    Args:
        rows: the batch.
        scope: which rows are replaced.
        unique_key: the columns to sort by; none to keep the order.
        partition: key of the partition that was run; None for a table without partitions.
        hidden: columns that do not count when rows are compared, because they are those of the run.
        costs: decides how old rows disappear.
    """

    rows: R
    scope: Scope
    unique_key: tuple[str, ...] = ()
    partition: str | None = None
    hidden: frozenset[str] = frozenset()
    costs: Costs = DEFAULT_COSTS
    _plans: int = field(default=0, init=False)
    _digests: dict[int, str] = field(default_factory=dict, init=False)

    def _rows_in(self, table: Table) -> R:
        """Return the batch in a table's schema."""
        raise NotImplementedError

    def _digest_of(self, rows: R) -> str:
        """Return a digest of rows that is the same in any order."""
        raise NotImplementedError

    def _same_rows(self, stored: Iterable[pa.Table], rows: R) -> bool:
        """Return whether stored rows are those of the batch, in any order."""
        raise NotImplementedError

    def _folds(
        self, table: Table, unchanged: Iterable[FileScanTask], rows: R
    ) -> dict[Record, tuple[FileScanTask, ...]]:
        """Return the small files that are replaced by one file together with the batch."""
        raise NotImplementedError

    def _write_rows(self, table: Table, plan: ReplacePlan[R]) -> FileChange:
        """Write the batch, and the changes of files that keep some rows."""
        raise NotImplementedError

    def scope_in(self, table: Table) -> Scope | None:
        """Return which rows of a table are replaced, or None if the table has the batch already."""
        return self.scope

    def plan(self, table: Table) -> ReplacePlan[R]:
        """Find the rows that are replaced, and compare them if they may be the same."""
        scope, layout = self.scope_in(table), layout_of(table)
        rows = self._rows_in(table)
        digest = self.digest_in(table)
        if scope is None:
            return ReplacePlan(None, layout, rows, digest, changes=False)
        tasks = data_files(table)
        candidates = candidates_of(table, tasks, scope)
        found = find_rows(table, candidates, scope, self.costs)
        plan = ReplacePlan(
            scope=scope,
            layout=layout,
            rows=rows,
            digest=digest,
            changes=not self._same(table, found, rows),
            candidates=frozenset(map(identity, candidates)),
            gone=found.gone,
            files=found.files,
            removed=found.rows,
        )
        self._plans += 1
        if self._plans > FOLDING_PLANS or not plan.changes:
            return plan
        touched = {task.file.file_path for task in (*found.gone, *(change.task for change in found.files))}
        unchanged = [task for task in tasks if task.file.file_path not in touched]
        return replace(plan, folds=self._folds(table, unchanged, rows))

    def still_holds(self, plan: ReplacePlan[R], table: Table) -> bool:
        """Return whether exactly the same files can contain rows of the scope, and no folded file is gone."""
        if plan.scope is None or plan.layout != layout_of(table) or self.scope_in(table) != plan.scope:
            return False
        tasks = data_files(table)
        same = plan.candidates == frozenset(map(identity, candidates_of(table, tasks, plan.scope)))
        return same and plan.folded <= frozenset(map(identity, tasks))

    def write(self, table: Table, plan: ReplacePlan[R]) -> FileChange:
        """Write the new rows and what removes the old ones."""
        if not plan.changes:
            return FileChange()
        change = self._write_rows(table, plan)
        gone = [file for task in plan.gone for file in (task.file, *own_delete_files(task))]
        return replace(change, deleted=(*gone, *change.deleted), summary={DIGEST: plan.digest})

    def digest_in(self, table: Table) -> str:
        """Return the digest of the batch in a table's schema."""
        schema = table.metadata.current_schema_id
        if schema not in self._digests:
            self._digests[schema] = self._digest_of(self._rows_in(table))
        return self._digests[schema]

    def has_batch(self, table: Table, scope: Scope) -> bool:
        """Return whether a scope contains exactly the rows of the batch."""
        found = find_rows(table, candidates_of(table, data_files(table), scope), scope, self.costs)
        return self._same(table, found, self._rows_in(table))

    def _same(self, table: Table, found: Found, rows: R) -> bool:
        if found.rows != rows.num_rows:
            return False
        last = last_digest(table, self.partition)
        if last is not None and differ(last, self.digest_in(table)):
            return False
        return self._same_rows(read_rows(table, found), rows)

    def _compared(self, rows: R) -> list[str]:
        return [name for name in rows.schema.names if name not in self.hidden]


@dataclass
class ReplacePlanner(Replacing[pa.Table]):
    """Plans and writes replacements by a batch in memory."""

    def _rows_in(self, table: Table) -> pa.Table:
        return conform(self.rows, arrow_schema(table))

    def _digest_of(self, rows: pa.Table) -> str:
        return digest_of(in_fixed_order(rows, self._compared(rows)), order_now())

    def _same_rows(self, stored: Iterable[pa.Table], rows: pa.Table) -> bool:
        return same_in_any_order(pa.concat_tables([rows.slice(0, 0), *stored]), rows, self._compared(rows))

    def _folds(
        self, table: Table, unchanged: Iterable[FileScanTask], rows: pa.Table
    ) -> dict[Record, tuple[FileScanTask, ...]]:
        return folds_with(table, unchanged, rows)

    def _write_rows(self, table: Table, plan: ReplacePlan[pa.Table]) -> FileChange:
        return write_changes(table, plan.files, plan.rows, plan.rows, plan.folds, self.unique_key)
