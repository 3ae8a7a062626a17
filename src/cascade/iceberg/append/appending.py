"""Plan and write additions.

Hidden columns say which partition and which run added a row. So a run can replace the rows of its partition, and those
of a run that was interrupted after its commit: the source then returns its rows again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.commit import DIGEST, RUN_ID, Committed, run_summary
from cascade.iceberg.digest import differ
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.hidden import HIDDEN, PARTITION_COLUMN, RUN_COLUMN, SINCE_COLUMN
from cascade.iceberg.history import last_run, rows_removed_since
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.replace import Both, EqualTo, NoRows, ReplacePlan, ReplacePlanner, Scope
from cascade.iceberg.replace.plan import R
from cascade.iceberg.replace.replacing import Replacing

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef

SINCE = "cascade.since"


def append_rows(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: pa.Table,
    *,
    run_id: str,
    partition: str | None = None,
    incremental: bool = False,
    since: str | None = None,
    costs: Costs = DEFAULT_COSTS,
    ledger: LedgerEntry | None = None,
    gate: Gate[ReplacePlan[pa.Table]] | None = None,
) -> Committed[ReplacePlan[pa.Table]]:
    """Add rows to a table with the hidden columns.

    A full run of a partition replaces the rows of the partition. A full run of a table without partitions adds its
    rows, unless they are those of the run before. An incremental run adds its rows.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch. Both must exist.
        rows: the rows, without the hidden columns.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.
        incremental: whether the rows are only those that are new since an earlier run.
        since: the state of the source from which the run started, if it continues there. If the run before started from
            the same state, it was interrupted before it kept its own, and its rows are replaced.
        costs: decides how old rows disappear.
        ledger: what the ledger says afterwards; None to leave it alone.
        gate: the checks that must pass before the rows are visible; None for none.

    Returns:
        The plan that was carried out, and the new snapshot; no snapshot if nothing changed.

    Raises:
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    planner = append_planner(rows, run_id, partition, incremental=incremental, since=since, costs=costs)
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


def append_planner(
    rows: pa.Table,
    run_id: str,
    partition: str | None,
    *,
    incremental: bool = False,
    since: str | None = None,
    costs: Costs = DEFAULT_COSTS,
) -> AppendPlanner:
    """Return the planner of a run; see `append_rows` for its arguments."""
    for name, value in hidden_values(run_id, partition, since).items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, pa.string()), rows.num_rows))
    return AppendPlanner(
        rows,
        NoRows(),
        partition=partition,
        hidden=HIDDEN,
        costs=costs,
        incremental=incremental,
        since=since,
    )


def hidden_values(run_id: str, partition: str | None, since: str | None) -> dict[str, str | None]:
    """Return what the hidden columns of a run's rows contain."""
    return {PARTITION_COLUMN: partition, RUN_COLUMN: run_id, SINCE_COLUMN: since}


@dataclass
class Adding(Replacing[R]):
    """Plans and writes additions, whether or not the batch fits in memory.

    Args:
        incremental: see `append_rows`.
        since: see there too.
    """

    incremental: bool = False
    since: str | None = None

    def scope_in(self, table: Table) -> Scope | None:
        """Return which rows the run replaces, or None if those of the run before are the same and still there."""
        if self.partition is not None and not self.incremental:
            return EqualTo(PARTITION_COLUMN, self.partition)
        # A replay is no run of the source.
        last = last_run(table, self.partition, replays=False)
        before = None if last is None else last.get(RUN_ID)
        if last is not None and before is not None and not self.incremental:
            known, digest = last.get(DIGEST), self.digest_in(table)
            added = EqualTo(RUN_COLUMN, before)
            if known == digest:
                return added if rows_removed_since(table, before) and not self.has_batch(table, added) else None
            # A digest of rows in another schema says nothing.
            same_schema = known is not None and differ(known, digest)
            if not same_schema and self.has_batch(table, added):
                return None
        # Only the rows themselves tell the state from which a run started whose snapshot has expired.
        if self.since is None or (last is not None and last.get(SINCE) != self.since):
            return NoRows()
        return Both(EqualTo(PARTITION_COLUMN, self.partition), EqualTo(SINCE_COLUMN, self.since))

    def write(self, table: Table, plan: ReplacePlan[R]) -> FileChange:
        """Write the new rows and what removes the old ones."""
        change = super().write(table, plan)
        if self.since is None or not change:
            return change
        return replace(change, summary={**change.summary, SINCE: self.since})


@dataclass
class AppendPlanner(Adding[pa.Table], ReplacePlanner):
    """Plans and writes additions of a batch in memory."""
