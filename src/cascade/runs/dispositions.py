"""How the rows of a run are written to its table: one class for each write disposition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from cascade.iceberg import Lakehouse, merge_rows
from cascade.iceberg.append import append_rows
from cascade.iceberg.attempt import Unchanged
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.merge.versions import LAST_ROW_WINS, Versions
from cascade.iceberg.overlap import find_overlap
from cascade.iceberg.replace import ReplacePlan, Scope, replace_rows
from cascade.runs.overwritten import Overwritten
from cascade.schemas.rows import python_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.table import Table

    from cascade.iceberg import Committed, MergePlan
    from cascade.iceberg.ledger import LedgerEntry
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
    """

    lakehouse: Lakehouse
    ref: TableRef
    run_id: str
    partition: str | None
    ledger: LedgerEntry | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Written:
    """What writing the rows of a run changed.

    Args:
        table: the table afterwards, on its branch.
        committed: whether there is a new snapshot.
        inserted: rows that were added.
        updated: rows that replaced an older version.
        removed: rows that left the table.
        landed: the rows of the run that are in the table.
        decided: the rows that decided about their keys: those that landed, and those that removed a key.
        seconds: seconds of each step of the commit.
        overwritten: a row of another partition that was replaced, if one was noticed.
    """

    table: Table
    committed: bool
    inserted: int
    updated: int
    removed: int
    landed: pa.Table
    decided: pa.Table
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


class Disposition(Protocol):
    """Writes the rows of a run."""

    def write(self, to: Destination, rows: pa.Table, source: SourceState) -> Written:
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

    def write(self, to: Destination, rows: pa.Table, source: SourceState) -> Written:
        """Merge rows on their key."""
        merged = merge_rows(
            to.lakehouse,
            to.ref,
            rows,
            self.unique_key,
            run_id=to.run_id,
            partition=to.partition,
            versions=self.versions,
            ledger=to.ledger,
        )
        plan = merged.plan
        return Written(
            table=merged.table,
            committed=merged.snapshot_id is not None,
            inserted=plan.inserted,
            updated=plan.updated,
            removed=plan.removed,
            landed=plan.landed,
            decided=plan.decided,
            seconds=merged.seconds,
            overwritten=self._overwritten(merged, to.partition),
        )

    def _overwritten(self, merged: Committed[MergePlan], partition: str | None) -> Overwritten | None:
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

    def write(self, to: Destination, rows: pa.Table, source: SourceState) -> Written:
        """Replace the rows of the scope."""
        replaced = replace_rows(
            to.lakehouse,
            to.ref,
            rows,
            self.scope,
            unique_key=self.unique_key,
            run_id=to.run_id,
            partition=to.partition,
            ledger=to.ledger,
        )
        return _of_replacement(replaced, replaced.plan.rows)


@dataclass(frozen=True)
class Append:
    """Adds rows, and replaces those of an earlier run of the partition; see `append_rows`."""

    def write(self, to: Destination, rows: pa.Table, source: SourceState) -> Written:
        """Add rows."""
        added = append_rows(
            to.lakehouse,
            to.ref,
            rows,
            run_id=to.run_id,
            partition=to.partition,
            incremental=source.is_incremental,
            since=source.since,
            ledger=to.ledger,
        )
        return _of_replacement(added, rows)


def _of_replacement(committed: Committed[ReplacePlan], rows: pa.Table) -> Written:
    plan = committed.plan
    return Written(
        table=committed.table,
        committed=committed.snapshot_id is not None,
        inserted=rows.num_rows if plan.changes else 0,
        updated=0,
        removed=plan.removed if plan.changes else 0,
        landed=rows,
        decided=rows,
        seconds=committed.seconds,
    )


def unchanged(to: Destination, rows: pa.Table) -> Written:
    """Publish a partition whose source is not known to be empty: no row changes.

    Args:
        to: the table.
        rows: no rows.
    """
    left = commit_planned(to.lakehouse, to.ref, Unchanged(), summary={}, properties=to.ledger)
    return Written(left.table, False, 0, 0, 0, rows, rows, left.seconds)
