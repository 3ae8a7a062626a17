"""How the rows of a run are written to its table: one class for each write disposition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pyarrow as pa

from cascade.iceberg import Lakehouse, merge_rows
from cascade.iceberg.append import append_rows
from cascade.iceberg.append.large_appending import append_large
from cascade.iceberg.changes import Unchanged
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.large import LargeRows
from cascade.iceberg.large.rows import no_rows
from cascade.iceberg.merge.large_merging import merge_large
from cascade.iceberg.merge.versions import LAST_ROW_WINS, Versions
from cascade.iceberg.overlap import find_overlap
from cascade.iceberg.replace import ReplacePlan, Scope, replace_rows
from cascade.iceberg.replace.large_replacing import replace_large
from cascade.runs.overwritten import Overwritten
from cascade.runs.report import SHOWN_ROWS
from cascade.schemas.rows import python_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyiceberg.table import Table

    from cascade.iceberg import Committed, MergePlan
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.iceberg.merge.large_plan import LargeMergePlan
    from cascade.iceberg.trino_server import TrinoServer
    from cascade.runs.candidate import RunGate
    from cascade.table_ref import TableRef


@dataclass(frozen=True)
class Destination:
    """Where a run writes its rows.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and branch.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.
        ledger: what the table's ledger says afterwards; None to leave it alone.
        gate: the checks that must pass before the rows are visible; None for none.
    """

    lakehouse: Lakehouse
    ref: TableRef
    run_id: str
    partition: str | None
    ledger: LedgerEntry | None = field(default=None, kw_only=True)
    gate: RunGate | None = field(default=None, kw_only=True)

    def gate_on(self, rows: Callable[[Any], Iterator[pa.Table]]) -> Gate[Any] | None:
        """Return the gate of a commit; None if there are no checks.

        Args:
            rows: returns the rows of a plan that are in the table afterwards, in parts.
        """
        return None if self.gate is None else self.gate.on(rows)


@dataclass(frozen=True)
class Written:
    """What writing the rows of a run changed.

    Args:
        table: the table afterwards, on its branch.
        committed: whether there is a new snapshot.
        inserted: rows that were added.
        updated: rows that replaced an older version.
        removed: rows that left the table.
        landed: number of rows of the run that are in the table.
        landed_parts: returns them, in parts.
        sample: the first of them.
        decided: number of rows that decided about their keys: those that landed, and those that removed a key.
        decided_parts: returns these rows, in parts.
        seconds: seconds of each step of the commit.
        overwritten: a row of another partition that was replaced, if one was noticed.
    """

    table: Table
    committed: bool
    inserted: int
    updated: int
    removed: int
    landed: int
    landed_parts: Callable[[], Iterator[pa.Table]]
    sample: pa.Table
    decided: int
    decided_parts: Callable[[], Iterator[pa.Table]]
    seconds: Mapping[str, float]
    overwritten: Overwritten | None = None


class SourceState(Protocol):
    """Where a source continues; `DltSession` has it."""

    @property
    def is_incremental(self) -> bool:
        """Whether the source returned only what is new since an earlier run."""
        ...

    @property
    def since(self) -> str | None:
        """What identifies the state from which a source that continues started; None for any other source."""
        ...


Rows: TypeAlias = pa.Table | LargeRows
"""The rows of a run: in memory, or on disk if they do not fit."""


class Disposition(Protocol):
    """Writes the rows of a run."""

    def write(self, to: Destination, rows: Rows, source: SourceState) -> Written:
        """Write rows in one snapshot.

        Args:
            to: where to.
            rows: the rows.
            source: whether they are all rows of the source.

        Raises:
            CommitError: other writers committed first, every time. Nothing of the run is in the table.
        """
        ...


@dataclass(frozen=True)
class Merge:
    """Replaces the rows of the same key, and inserts the others.

    Args:
        unique_key: the columns of the key.
        versions: which version of a key wins, and which rows remove their key.
    """

    unique_key: tuple[str, ...]
    versions: Versions = LAST_ROW_WINS

    def write(self, to: Destination, rows: Rows, source: SourceState) -> Written:
        """Merge rows on their key."""
        arguments: dict[str, Any] = {"run_id": to.run_id, "partition": to.partition, "ledger": to.ledger}
        in_chunks = to.gate_on(lambda plan: plan.landed)
        if (server := self._server(to, rows)) is not None:
            # Hardly any run needs it.
            from cascade.iceberg.trino.merging import merge_on_trino

            return self._in_parts(
                merge_on_trino(to.lakehouse, to.ref, rows, self.unique_key, server=server, gate=in_chunks, **arguments),
                to.partition,
            )
        arguments["versions"] = self.versions
        if isinstance(rows, LargeRows):
            return self._in_parts(
                merge_large(to.lakehouse, to.ref, rows, self.unique_key, gate=in_chunks, **arguments), to.partition
            )
        gate = to.gate_on(lambda plan: iter([plan.landed]))
        merged = merge_rows(to.lakehouse, to.ref, rows, self.unique_key, gate=gate, **arguments)
        landed, decided = merged.plan.landed, merged.plan.decided
        return self._written(
            merged,
            to.partition,
            landed=landed.num_rows,
            landed_parts=lambda: iter([landed]),
            sample=landed.slice(0, SHOWN_ROWS),
            decided=decided.num_rows,
            decided_parts=lambda: iter([decided]),
        )

    def _server(self, to: Destination, rows: Rows) -> TrinoServer | None:
        """Return the Trino server if it carries out this merge."""
        handover = to.lakehouse.handover
        if handover is None or self.versions != LAST_ROW_WINS or not handover.takes(to.ref, rows.num_rows):
            return None
        return handover.server

    def _in_parts(self, merged: Committed[LargeMergePlan], partition: str | None) -> Written:
        plan = merged.plan
        return self._written(
            merged,
            partition,
            landed=plan.landed_rows,
            landed_parts=lambda: plan.landed,
            sample=_first(plan.landed, plan.rows.schema),
            decided=plan.decided_rows,
            decided_parts=lambda: plan.decided,
        )

    def _written(
        self, merged: Committed[MergePlan] | Committed[LargeMergePlan], partition: str | None, **rows: Any
    ) -> Written:
        plan = merged.plan
        return Written(
            table=merged.table,
            committed=merged.snapshot_id is not None,
            inserted=plan.inserted,
            updated=plan.updated,
            removed=plan.removed,
            seconds=merged.seconds,
            overwritten=self._overwritten(merged, partition),
            **rows,
        )

    def _overwritten(
        self, merged: Committed[MergePlan] | Committed[LargeMergePlan], partition: str | None
    ) -> Overwritten | None:
        if partition is None or not merged.plan.updated:
            return None
        found = find_overlap(merged.table, merged.plan, self.unique_key, partition)
        if found is None:
            return None
        [key] = python_rows(found.row.select(self.unique_key))[0]
        return Overwritten(found.partition, ", ".join(f"{name}={value}" for name, value in key.items()))


@dataclass(frozen=True)
class Replace:
    """Replaces all rows of a scope.

    Args:
        scope: which rows are replaced.
        unique_key: the columns of the key, of which the last row lands; none if all rows land.
    """

    scope: Scope
    unique_key: tuple[str, ...] = ()

    def write(self, to: Destination, rows: Rows, source: SourceState) -> Written:
        """Replace the rows of the scope."""
        arguments: dict[str, Any] = {
            "unique_key": self.unique_key,
            "run_id": to.run_id,
            "partition": to.partition,
            "ledger": to.ledger,
        }
        if isinstance(rows, LargeRows):
            in_chunks = to.gate_on(lambda plan: plan.rows.chunks())
            return _of_large(replace_large(to.lakehouse, to.ref, rows, self.scope, gate=in_chunks, **arguments))
        gate = to.gate_on(lambda plan: iter([plan.rows]))
        replaced = replace_rows(to.lakehouse, to.ref, rows, self.scope, gate=gate, **arguments)
        return _of_replacement(replaced, replaced.plan.rows)


@dataclass(frozen=True)
class Append:
    """Adds rows, and replaces those of an earlier run of the partition; see `append_rows`."""

    def write(self, to: Destination, rows: Rows, source: SourceState) -> Written:
        """Add rows."""
        arguments: dict[str, Any] = {
            "run_id": to.run_id,
            "partition": to.partition,
            "incremental": source.is_incremental,
            "since": source.since,
            "ledger": to.ledger,
        }
        if isinstance(rows, LargeRows):
            in_chunks = to.gate_on(lambda plan: rows.chunks())
            return _of_large(append_large(to.lakehouse, to.ref, rows, gate=in_chunks, **arguments), rows)
        gate = to.gate_on(lambda plan: iter([rows]))
        return _of_replacement(append_rows(to.lakehouse, to.ref, rows, gate=gate, **arguments), rows)


def _of_replacement(committed: Committed[ReplacePlan[pa.Table]], rows: pa.Table) -> Written:
    return _written(committed, rows.num_rows, rows.slice(0, SHOWN_ROWS), lambda: iter([rows]))


def _of_large(committed: Committed[ReplacePlan[LargeRows]], given: LargeRows | None = None) -> Written:
    rows = committed.plan.rows if given is None else given
    return _written(committed, rows.num_rows, rows.head(SHOWN_ROWS), rows.chunks)


def _written(
    committed: Committed[ReplacePlan[pa.Table]] | Committed[ReplacePlan[LargeRows]],
    rows: int,
    sample: pa.Table,
    parts: Callable[[], Iterator[pa.Table]],
) -> Written:
    plan = committed.plan
    return Written(
        table=committed.table,
        committed=committed.snapshot_id is not None,
        inserted=rows if plan.changes else 0,
        updated=0,
        removed=plan.removed if plan.changes else 0,
        landed=rows,
        landed_parts=parts,
        sample=sample,
        decided=rows,
        decided_parts=parts,
        seconds=committed.seconds,
    )


def _first(parts: Iterator[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return the first rows to show."""
    found = [no_rows(schema)]
    for part in parts:
        found.append(part.slice(0, SHOWN_ROWS))
        if sum(rows.num_rows for rows in found) >= SHOWN_ROWS:
            break
    return pa.concat_tables(found).slice(0, SHOWN_ROWS)


def unchanged(to: Destination, rows: Rows) -> Written:
    """Publish a partition whose source is not known to be empty: no row changes.

    Args:
        to: the table.
        rows: no rows.
    """
    gate = to.gate_on(lambda plan: iter(()))
    left = commit_gated(to.lakehouse, to.ref, Unchanged(), summary={}, properties=to.ledger, gate=gate)
    none = no_rows(rows.schema)
    return Written(
        table=left.table,
        committed=False,
        inserted=0,
        updated=0,
        removed=0,
        landed=0,
        landed_parts=lambda: iter(()),
        sample=none,
        decided=0,
        decided_parts=lambda: iter(()),
        seconds=left.seconds,
    )
