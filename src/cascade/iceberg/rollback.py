"""Move `main` of a table back to a snapshot that it has been at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.exceptions import CommitError, CommitRefusedError, UsageError
from cascade.iceberg.append.appending import SINCE
from cascade.iceberg.attempt import send
from cascade.iceberg.commit import PARTITION, REPLAY, RUN_ID
from cascade.iceberg.commit_outcomes import Outcome, described, outcome_of
from cascade.iceberg.diff import Point, point_of
from cascade.iceberg.heads import BranchHead, expected_heads
from cascade.iceberg.hidden import PARTITION_COLUMN, RUN_COLUMN, SINCE_COLUMN
from cascade.iceberg.ledger import published_partitions
from cascade.iceberg.publishing import head_of
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.program import typed
from cascade.table_ref import MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from cascade.iceberg.catalog import Lakehouse


@dataclass(frozen=True)
class Rollback:
    """A rollback that has not happened yet.

    Args:
        ref: the table.
        before: `main` as it is.
        after: the state to return to.
        undone: the snapshots that `main` then no longer has, newest first, as far as they are kept.
        missing: the partitions that no longer count as published, in their order.
        older: the other partitions of which a run is undone, in their order.
        time: seconds since the epoch at which the first undone run committed; infinite if none is undone.
    """

    ref: TableRef
    before: Point
    after: Point
    undone: tuple[Snapshot, ...]
    missing: tuple[str | None, ...]
    older: tuple[str | None, ...]
    time: float

    @property
    def snapshot_id(self) -> int:
        """The snapshot to return to."""
        found = head_of(self.after.table)
        assert found is not None
        return found


def plan_rollback(table: Table, ref: TableRef, state: str) -> Rollback:
    """Find out what a rollback would change.

    Args:
        table: the table, on `main`.
        ref: its name.
        state: what the user calls the state to return to; see `point_of`.

    Raises:
        UsageError: `main` has never been there, it is there now, its snapshot has expired, or the cursor of the source
            cannot go back with the rows.
    """
    after = point_of(table, state)
    before = Point(MAIN_BRANCH, table)
    head, wanted = before.snapshot, after.snapshot
    history = f"See its snapshots: {typed(f'table history {ref.full_name}')}"
    if wanted is None or head is None:
        raise UsageError(
            f"{ref.full_name} had no rows at {state}, and a rollback needs a snapshot to return to.", hint=history
        )
    if wanted.snapshot_id == head.snapshot_id:
        raise UsageError(f"{MAIN_BRANCH} of {ref.full_name} is at {state} already.", hint=history)
    chain = _ancestors(table, head)
    been = {each.snapshot_id for each in chain} | {entry.snapshot_id for entry in table.metadata.snapshot_log}
    if wanted.snapshot_id not in been:
        raise UsageError(
            f"{MAIN_BRANCH} of {ref.full_name} has never been at {state}, snapshot {wanted.snapshot_id}.",
            hint=f"To publish a branch: {typed(f'branch publish {ref.full_name} BRANCH')}\n{history}",
        )
    kept = {each.snapshot_id for each in _ancestors(table, wanted)}
    undone = tuple(each for each in chain if each.snapshot_id not in kept)
    # Snapshots that have expired between the two are undone as well.
    unknown = kept.isdisjoint(each.snapshot_id for each in chain)
    if RUN_COLUMN in table.schema().column_names and (
        any(map(_continues_unpartitioned, undone)) or (unknown and _has_continued_rows(table))
    ):
        raise UsageError(
            f"{ref.full_name} is appended to without partitions, from a source that continues where its last run "
            "ended. Its cursor cannot go back with the rows, so the next run would lack rows or add them twice.",
            hint="Compare the states, and correct the rows at the source: "
            + typed(f"table diff {ref.full_name} {state}"),
        )
    had, has = published_partitions(table), published_partitions(after.table)
    missing = tuple(key for key in had if key not in has)
    touched = {_partition(each) for each in undone if _of_a_run(each)}
    return Rollback(
        ref=ref,
        before=before,
        after=after,
        undone=undone,
        missing=missing,
        older=tuple(key for key in had if key in touched and key in has),
        time=_time(undone, wanted),
    )


def roll_back(lakehouse: Lakehouse, rollback: Rollback) -> Table:
    """Move `main`, in one commit, if it is still where it was when the rollback was planned.

    The ledger follows, because each snapshot has a copy of it.

    Args:
        lakehouse: the lakehouse that holds the table.
        rollback: what `plan_rollback` returned.

    Returns:
        The table afterwards.

    Raises:
        CommitError: another writer committed meanwhile, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """
    from pyiceberg.table.update import AssertTableUUID

    table, ref = rollback.before.table, rollback.ref
    requirements = (AssertTableUUID(uuid=table.metadata.table_uuid), *expected_heads(table, {MAIN_BRANCH}))
    try:
        with storage_errors_named(lakehouse, ref):
            return send(table, requirements, (BranchHead(MAIN_BRANCH, rollback.snapshot_id).update(table),))
    except Exception as error:
        outcome = outcome_of(error)
        if outcome is Outcome.REFUSED:
            raise CommitRefusedError(
                f"The catalog refused to move {MAIN_BRANCH} of {ref.full_name}: {described(error)}",
                hint="Check the permissions and the credentials of the catalog's user, then run it again.",
            ) from error
        if outcome not in (Outcome.CONFLICT, Outcome.UNKNOWN):
            raise
        found = lakehouse.require(ref)
        if head_of(found) == rollback.snapshot_id:
            return found
        what = "another writer committed" if outcome is Outcome.CONFLICT else "the catalog did not answer"
        raise CommitError(
            f"Could not move {MAIN_BRANCH} of {ref.full_name}: {what}.", hint="Run the rollback again."
        ) from error


def check_unmoved(lakehouse: Lakehouse, rollback: Rollback) -> None:
    """Check that `main` is still where it was when a rollback was planned.

    Raises:
        CommitError: another writer has committed since.
    """
    if head_of(lakehouse.require(rollback.ref)) != head_of(rollback.before.table):
        raise CommitError(
            f"Could not move {MAIN_BRANCH} of {rollback.ref.full_name}: another writer committed.",
            hint="Run the rollback again.",
        )


def _ancestors(table: Table, snapshot: Snapshot) -> list[Snapshot]:
    from pyiceberg.table.snapshots import ancestors_of

    return list(ancestors_of(snapshot, table.metadata))


def _of_a_run(snapshot: Snapshot) -> bool:
    return snapshot.summary is not None and snapshot.summary.get(RUN_ID) is not None


def _partition(snapshot: Snapshot) -> str | None:
    return snapshot.summary.get(PARTITION) if snapshot.summary is not None else None


def _continues_unpartitioned(snapshot: Snapshot) -> bool:
    summary = snapshot.summary
    return summary is not None and summary.get(SINCE) is not None and summary.get(PARTITION) is None


def _has_continued_rows(table: Table) -> bool:
    """Return whether a table has rows without a partition of a run that continued where another one ended."""
    from pyiceberg.expressions import And, IsNull, NotNull, Reference

    added = And(NotNull(term=Reference(SINCE_COLUMN)), IsNull(term=Reference(PARTITION_COLUMN)))
    return bool(table.scan(row_filter=added, selected_fields=(SINCE_COLUMN,), limit=1).to_arrow().num_rows)


def _time(undone: tuple[Snapshot, ...], wanted: Snapshot) -> float:
    """Return when the first undone run that may have kept a cursor committed; a snapshot before it may have expired."""
    if not undone or undone[-1].parent_snapshot_id != wanted.snapshot_id:
        return wanted.timestamp_ms / 1000
    # Neither maintenance nor a replay moves a cursor, but a run may keep its own only after theirs has landed.
    runs = [each for each in undone if _of_a_run(each) and not _is_replay(each)]
    return runs[-1].timestamp_ms / 1000 if runs else math.inf


def _is_replay(snapshot: Snapshot) -> bool:
    return snapshot.summary is not None and snapshot.summary.get(REPLAY) is not None
