"""The last stages: run the checks on staged rows, and publish the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cascade.clock import Clock
from cascade.iceberg import Lakehouse, merge_rows, replace_quarantine
from cascade.runs.report import SHOWN_ROWS, Preview
from cascade.runs.staging import Staged

if TYPE_CHECKING:
    from pyiceberg.table.snapshots import Snapshot

    from cascade.table_ref import TableRef

Check: TypeAlias = Callable[[Staged], None]
"""A check of staged rows. It raises to keep the rows of a run from being published."""


@dataclass(frozen=True)
class Target:
    """Where a run publishes its rows.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and branch.
        unique_key: the columns of the key.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.
    """

    lakehouse: Lakehouse
    ref: TableRef
    unique_key: tuple[str, ...]
    run_id: str
    partition: str | None


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
        rows_inserted: rows whose keys were new to the table.
        rows_updated: rows that replaced an older version.
        snapshot_id: the current snapshot of the branch; None if the branch never had rows.
        committed: whether this run created that snapshot.
        partition_rows: rows of this run in the table, one for each key.
        table_rows: rows of the whole table.
        sample: the first rows of this run, as they are in the table.
    """

    rows_inserted: int
    rows_updated: int
    snapshot_id: int | None
    committed: bool
    partition_rows: int
    table_rows: int
    sample: Preview


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


def quarantine(target: Target, staged: Staged, clock: Clock) -> None:
    """Replace the partition's refused rows in the quarantine with those of this run.

    Args:
        target: the table; its quarantine is derived from its name.
        staged: the rows of this run.
        clock: measures the stage as `quarantine`.

    Raises:
        CommitError: other writers committed first, every time.
    """
    with clock.timed("quarantine"):
        replace_quarantine(
            target.lakehouse,
            target.ref.quarantine,
            staged.refused(),
            run_id=target.run_id,
            partition=target.partition,
        )


def publish(target: Target, staged: Staged, clock: Clock) -> Published:
    """Merge the good rows into the table, in one snapshot.

    Args:
        target: the table.
        staged: the rows of this run.
        clock: measures the stage as `plan`, `write` and `commit`.

    Raises:
        CommitError: other writers committed first, every time. Nothing of the run is in the table.
    """
    merged = merge_rows(
        target.lakehouse,
        target.ref,
        staged.good(),
        target.unique_key,
        run_id=target.run_id,
        partition=target.partition,
    )
    clock.seconds |= merged.seconds
    snapshot = merged.table.current_snapshot()
    return Published(
        rows_inserted=merged.plan.inserted,
        rows_updated=merged.plan.updated,
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        committed=merged.snapshot_id is not None,
        partition_rows=merged.plan.rows.num_rows,
        table_rows=_total_rows(snapshot),
        sample=Preview.of(merged.plan.rows.slice(0, SHOWN_ROWS)),
    )


def _total_rows(snapshot: Snapshot | None) -> int:
    return int(snapshot.summary["total-records"] or 0) if snapshot is not None and snapshot.summary is not None else 0
