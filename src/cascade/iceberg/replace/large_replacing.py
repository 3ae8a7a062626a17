"""Plan and write replacements by batches that do not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import Committed, run_summary
from cascade.iceberg.digest import labelled
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.large.rows import LargeRows, no_rows
from cascade.iceberg.large.sorting import newest_rows
from cascade.iceberg.large.writing import removed_on_error, write_parts
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.merge.writing import write_changes
from cascade.iceberg.replace.plan import ReplacePlan
from cascade.iceberg.replace.replacing import Replacing
from cascade.iceberg.replace.scopes import Scope
from cascade.iceberg.replace.unordered import fingerprint, order_now

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.typedef import Record

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef


def replace_large(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: LargeRows,
    scope: Scope,
    *,
    unique_key: Sequence[str] = (),
    run_id: str,
    partition: str | None = None,
    costs: Costs = DEFAULT_COSTS,
    ledger: LedgerEntry | None = None,
    gate: Gate[ReplacePlan[LargeRows]] | None = None,
) -> Committed[ReplacePlan[LargeRows]]:
    """Replace the rows of a scope by those of a batch, in bounded memory; see `replace_rows` for the arguments.

    Raises:
        CascadeError: the disk is full.
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    newest = newest_rows(rows, unique_key) if unique_key else rows
    planner = LargeReplacePlanner(newest, scope, tuple(unique_key), partition, costs=costs)
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


@dataclass
class LargeReplacePlanner(Replacing[LargeRows]):
    """Plans and writes replacements by a batch on disk.

    Putting such a batch in an order costs more than writing it, so its digest is its `fingerprint`. It says nothing
    about a batch that was landed in memory: the rows themselves are then compared.
    """

    _fingerprints: dict[pa.Schema, str] = field(default_factory=dict, init=False)

    def _rows_in(self, table: Table) -> LargeRows:
        return self.rows.conformed(arrow_schema(table))

    def _digest_of(self, rows: LargeRows) -> str:
        columns = pa.schema([rows.schema.field(name) for name in self._compared(rows)])
        return labelled(columns, f"sums of hashes, {order_now()}", self._fingerprint(rows))

    def _same_rows(self, stored: Iterable[pa.Table], rows: LargeRows) -> bool:
        return fingerprint(stored, self._compared(rows)) == self._fingerprint(rows)

    def _fingerprint(self, rows: LargeRows) -> str:
        if rows.schema not in self._fingerprints:
            self._fingerprints[rows.schema] = fingerprint(rows.chunks(), self._compared(rows))
        return self._fingerprints[rows.schema]

    def _folds(
        self, table: Table, unchanged: Iterable[FileScanTask], rows: LargeRows
    ) -> dict[Record, tuple[FileScanTask, ...]]:
        return {}

    def _write_rows(self, table: Table, plan: ReplacePlan[LargeRows]) -> FileChange:
        none = no_rows(plan.rows.schema)
        change = write_changes(table, plan.files, none, none, {}, self.unique_key)
        added = list(change.added)
        with removed_on_error(table, added):
            added += write_parts(table, plan.rows.chunks())
        return replace(change, added=tuple(added))
