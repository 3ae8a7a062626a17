"""The last stages: run the checks on staged rows, and publish the rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from cascade.clock import Clock
from cascade.iceberg import add_to_quarantine, clear_quarantine
from cascade.iceberg.hidden import SINCE_COLUMN
from cascade.iceberg.keys import matching
from cascade.iceberg.large import LARGE_BYTES
from cascade.iceberg.quarantine import content, contents
from cascade.iceberg.row_count import live_bytes, live_rows
from cascade.runs.candidate import Candidate
from cascade.runs.dispositions import Destination, Disposition, SourceState, unchanged
from cascade.runs.overwritten import Overwritten
from cascade.runs.report import Preview
from cascade.runs.staging import Staged
from cascade.schemas.keys import KeyReader

Check: TypeAlias = Callable[[Staged], None]
"""A check of staged rows. It raises to keep the rows of a run from being published."""


@dataclass(frozen=True)
class Target(Destination):
    """Where and how a run publishes its rows.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and branch.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.
        ledger: what the table's ledger says afterwards; None to leave it alone.
        disposition: how rows are written.
        sensitive: columns that no preview shows.
    """

    disposition: Disposition
    sensitive: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Audited:
    """The staged rows passed every check.

    Args:
        checks: number of checks that ran.
    """

    checks: int


@dataclass(frozen=True)
class Published:
    """What publishing the rows of a run changed.

    Args:
        rows_inserted: rows that were added; under `merge`, those whose keys were new to the table.
        rows_updated: rows that replaced an older version.
        rows_removed: rows that left the table.
        snapshot_id: the current snapshot of the branch; None if the branch never had rows.
        committed: whether this run created that snapshot.
        partition_rows: rows of this run in the table, one for each key.
        table_rows: rows of the whole table.
        sample: the first rows of this run, as they are in the table.
        decided: number of rows that decided about their keys: those in the table, and those that removed a key.
        decided_parts: returns these rows, in parts.
        overwritten: a row of another partition that this run replaced, if it noticed one.
        table_bytes: size of the table's files in bytes, if the snapshot says.
        table_snapshots: number of snapshots that the table keeps.
    """

    rows_inserted: int
    rows_updated: int
    rows_removed: int
    snapshot_id: int | None
    committed: bool
    partition_rows: int
    table_rows: int
    sample: Preview
    decided: int
    decided_parts: Callable[[], Iterator[pa.Table]]
    overwritten: Overwritten | None
    table_bytes: int | None
    table_snapshots: int


def audit(staged: Staged, checks: Sequence[Check], clock: Clock) -> Audited:
    """Run the checks of staged rows.

    Args:
        staged: the rows, which no reader of the table sees yet.
        checks: the checks, in order.
        clock: measures the stage as `audit`.

    Raises:
        Exception: what a check raises. Nothing is published then.
    """
    with clock.timed("audit"):
        for check in checks:
            check(staged)
    return Audited(checks=len(checks))


def quarantine(target: Target, staged: Staged, clock: Clock, since: str | None = None) -> None:
    """Add the refused rows to the quarantine. Call it before `publish`, so that a row is never nowhere.

    Args:
        target: the table; its quarantine is derived from its name.
        staged: the rows of this run.
        clock: measures the stage as `quarantine`.
        since: see `add_to_quarantine`.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """
    if not staged.rows_refused:
        return
    with clock.timed("quarantine"):
        add_to_quarantine(
            target.lakehouse,
            target.ref.quarantine,
            staged.refused(),
            run_id=target.run_id,
            partition=target.partition,
            since=since,
        )


def settle_quarantine(
    target: Target, staged: Staged, landed: Landed | SameStart | None, clock: Clock, since: str | None = None
) -> None:
    """Remove the rows of earlier runs from the quarantine that this run makes obsolete. Call it after `publish`.

    Args:
        target: the table.
        staged: the rows of this run, whose own refused rows stay.
        landed: what landed, if the source returned only what is new: other refused rows that are not among these stay.
            None if the source returned the whole partition: no other refused rows stay.
        clock: measures the stage as `quarantine`.
        since: see `add_to_quarantine`.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """
    with clock.timed("quarantine"):
        own = {content(refused, since) for refused in staged.refused()}

        def keep(rows: pa.Table) -> list[bool]:
            mine = [found in own for found in contents(rows)]
            if landed is None:
                return mine
            return [is_own or not gone for is_own, gone in zip(mine, landed.again(rows), strict=True)]

        clear_quarantine(
            target.lakehouse, target.ref.quarantine, keep, run_id=target.run_id, partition=target.partition
        )


@dataclass(frozen=True)
class Landed:
    """The keys of the rows of a run that are in the table.

    Args:
        parts: returns rows with these keys, in parts.
        keys: reads the keys of refused rows.
    """

    parts: Callable[[], Iterator[pa.Table]]
    keys: KeyReader

    def again(self, rows: pa.Table) -> list[bool]:
        """Return, for each of some rows of the quarantine, whether a row with its key is in the table."""
        return self.has_keys_of([json.loads(row) for row in rows["row"].to_pylist()])

    def has_keys_of(self, rows: Sequence[Mapping[str, object]]) -> list[bool]:
        """Return, for each of some refused rows, whether a row with its key is in the table."""
        found, positions = self.keys.read(rows)
        same: set[int] = set()
        for part in self.parts():
            same.update(matching(found, part, self.keys.arrow.names))
        known = {position for index, position in enumerate(positions) if index in same}
        return [position in known for position in range(len(rows))]


@dataclass(frozen=True)
class SameStart:
    """The rows of a run without keys that are in the table.

    Args:
        since: the state of the source from which the run started.
    """

    since: str

    def again(self, rows: pa.Table) -> list[bool]:
        """Return, for each of some rows of the quarantine, whether a run that started there has refused it."""
        if SINCE_COLUMN not in rows.column_names:
            return [False] * rows.num_rows
        return [since == self.since for since in rows[SINCE_COLUMN].to_pylist()]


def publish(
    target: Target,
    staged: Staged,
    source: SourceState,
    clock: Clock,
    *,
    is_none: bool = False,
    large_bytes: int = LARGE_BYTES,
    judge: Callable[[Candidate], None] | None = None,
) -> Published:
    """Write the good rows to the table, in one snapshot.

    Args:
        target: the table.
        staged: the rows of this run.
        source: whether they are all rows of the source.
        clock: measures the stage as `plan`, `write` and `commit`.
        is_none: whether the source returned None in place of rows, which changes nothing.
        large_bytes: size from which rows are landed chunk by chunk.
        judge: judges the table afterwards; see `RunGate` for judges that keep the rows from being published.

    Raises:
        ChecksFailedError: a check of `target.gate` failed. Readers see the table as it was.
        CascadeError: the disk for temporary files is full.
        CommitError: other writers committed first, every time. Nothing of the run is in the table.
    """
    rows = staged.good_in_chunks() if staged.good_bytes >= large_bytes else staged.good()
    written = unchanged(target, rows) if is_none else target.disposition.write(target, rows, source)
    for step, seconds in written.seconds.items():
        clock.seconds[step] = clock.seconds.get(step, 0.0) + seconds
    if judge is not None:
        judge(Candidate(written.table, None, written.committed, written.landed_parts))
    snapshot = written.table.current_snapshot()
    return Published(
        rows_inserted=written.inserted,
        rows_updated=written.updated,
        rows_removed=written.removed,
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        committed=written.committed,
        partition_rows=written.landed,
        table_rows=live_rows(snapshot) or 0,
        sample=Preview.of(_shown(written.sample, target.sensitive)),
        decided=written.decided,
        decided_parts=written.decided_parts,
        overwritten=written.overwritten,
        table_bytes=live_bytes(snapshot),
        table_snapshots=len(written.table.metadata.snapshots),
    )


def _shown(rows: pa.Table, sensitive: frozenset[str]) -> pa.Table:
    return rows.select([name for name in rows.column_names if name not in sensitive]) if sensitive else rows
