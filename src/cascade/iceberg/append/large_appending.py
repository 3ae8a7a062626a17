"""Plan and write additions of batches that do not fit in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.iceberg.append.appending import Adding, hidden_values
from cascade.iceberg.commit import Committed, run_summary
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.hidden import HIDDEN
from cascade.iceberg.large.rows import LargeRows
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.replace import NoRows, ReplacePlan
from cascade.iceberg.replace.large_replacing import LargeReplacePlanner

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef


def append_large(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: LargeRows,
    *,
    run_id: str,
    partition: str | None = None,
    incremental: bool = False,
    since: str | None = None,
    costs: Costs = DEFAULT_COSTS,
    ledger: LedgerEntry | None = None,
    gate: Gate[ReplacePlan[LargeRows]] | None = None,
) -> Committed[ReplacePlan[LargeRows]]:
    """Add rows to a table with the hidden columns, in bounded memory; see `append_rows` for the arguments.

    Raises:
        CascadeError: the disk is full.
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    planner = LargeAppendPlanner(
        rows.with_constants(hidden_values(run_id, partition, since)),
        NoRows(),
        partition=partition,
        hidden=HIDDEN,
        costs=costs,
        incremental=incremental,
        since=since,
    )
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


@dataclass
class LargeAppendPlanner(Adding[LargeRows], LargeReplacePlanner):
    """Plans and writes additions of a batch on disk."""
