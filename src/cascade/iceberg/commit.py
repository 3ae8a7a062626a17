"""Commit a change of files as one snapshot, in competition with other writers.

A planner reads the table and decides what changes. The change is written, and committed on exactly the snapshot that
was read. If another writer commits first, the planner plans again, unless the plan is provably still valid.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from cascade.exceptions import CommitError
from cascade.fault_points import FaultPoint, reach
from cascade.iceberg.branches import table_with
from cascade.iceberg.files import remove_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.update.snapshot import _SnapshotProducer

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

RUN_ID = "cascade.run-id"
PARTITION = "cascade.partition"

_PATIENCE_SECONDS = 300.0
_LONGEST_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class FileChange:
    """Data files that leave a table and files that enter it, in one snapshot."""

    deleted: tuple[DataFile, ...] = ()
    added: tuple[DataFile, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.deleted or self.added)


P = TypeVar("P")


class Planner(Protocol[P]):
    """Decides what changes in a table, from one of its snapshots."""

    def plan(self, table: Table) -> P:
        """Read the table and decide, without writing anything."""
        ...

    def still_holds(self, plan: P, table: Table) -> bool:
        """Return whether a plan for an earlier snapshot is also valid for this one."""
        ...

    def write(self, table: Table, plan: P) -> FileChange:
        """Write the plan's data files. Return an empty change to commit nothing."""
        ...


@dataclass(frozen=True)
class Committed(Generic[P]):
    """The result of a commit.

    Args:
        plan: the plan that was carried out.
        table: the table afterwards, on its branch.
        snapshot_id: the new snapshot; None if nothing had to change.
        attempts: number of attempts.
        plan_seconds: seconds spent planning.
        write_seconds: seconds spent writing data files.
        commit_seconds: seconds spent committing and waiting for other writers.
    """

    plan: P
    table: Table
    snapshot_id: int | None
    attempts: int
    plan_seconds: float
    write_seconds: float
    commit_seconds: float


class _Clock:
    """Measures the seconds spent in each step."""

    def __init__(self) -> None:
        self.spent = {"plan": 0.0, "write": 0.0, "commit": 0.0}

    def timed(self, step: str, call: Callable[[], P]) -> P:
        start = time.perf_counter()
        try:
            return call()
        finally:
            self.spent[step] += time.perf_counter() - start


def commit_planned(
    lakehouse: Lakehouse,
    ref: TableRef,
    planner: Planner[P],
    *,
    summary: Mapping[str, str],
    patience: float = _PATIENCE_SECONDS,
) -> Committed[P]:
    """Plan, write and commit one snapshot, and try again if another writer commits first.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch to commit to.
        planner: decides what changes.
        summary: properties of the snapshot's summary.
        patience: seconds after which a lost race is not tried again.

    Returns:
        The plan that was carried out, and the new snapshot.

    Raises:
        CommitError: other writers committed first for `patience` seconds.
        UsageError: the table or its branch does not exist.
    """
    clock, started, attempt = _Clock(), time.monotonic(), 0
    while True:
        attempt += 1
        table = lakehouse.require(ref)
        plan = clock.timed("plan", lambda: planner.plan(table))  # noqa: B023 (called before the next turn)
        change = clock.timed("write", lambda: planner.write(table, plan))  # noqa: B023
        if change:
            reach(FaultPoint.WRITE, ref.full_name)
        snapshot_id = None
        while change:
            snapshot_id = clock.timed("commit", lambda: try_commit(table, ref.branch, change, summary))  # noqa: B023
            if snapshot_id is not None:
                reach(FaultPoint.PUBLISH, ref.full_name)
                break
            if time.monotonic() - started > patience:
                remove_files(table, change.added)
                raise CommitError(
                    f"Could not commit to {ref} in {patience:g} seconds and {attempt} attempts: "
                    "another writer committed first every time.",
                    hint="Run it again. If that fails too, run fewer partitions at the same time.",
                )
            clock.timed("commit", lambda: _wait(attempt))  # noqa: B023
            attempt += 1
            table = lakehouse.require(ref)
            if not clock.timed("plan", lambda: planner.still_holds(plan, table)):  # noqa: B023
                remove_files(table, change.added)
                break
        if snapshot_id is not None or not change:
            return Committed(
                plan=plan,
                table=lakehouse.require(ref) if snapshot_id is not None else table,
                snapshot_id=snapshot_id,
                attempts=attempt,
                plan_seconds=clock.spent["plan"],
                write_seconds=clock.spent["write"],
                commit_seconds=clock.spent["commit"],
            )


def try_commit(table: Table, branch: str, change: FileChange, summary: Mapping[str, str]) -> int | None:
    """Commit a change on exactly the current snapshot of `table`.

    Args:
        table: the table, on its branch.
        branch: the branch, which must exist unless it is an empty `main`.
        change: the data files that enter and leave the table.
        summary: properties of the snapshot's summary.

    Returns:
        The id of the new snapshot, or None if the table changed meanwhile and the commit did not land.
    """
    from pyiceberg.table import Transaction

    transaction = Transaction(_without_retries(table))
    snapshots = transaction.update_snapshot(snapshot_properties=dict(summary), branch=branch)
    producer: _SnapshotProducer[Any] = (
        snapshots.overwrite() if change.deleted else transaction._append_snapshot_producer(dict(summary), branch=branch)
    )
    try:
        with producer:
            for file in change.deleted:
                producer.delete_data_file(file)
            for file in change.added:
                producer.append_data_file(file)
        reach(FaultPoint.COMMIT, ".".join(table.name()))
        transaction.commit_transaction()
    except Exception as error:
        if _landed(table, producer.snapshot_id):
            return producer.snapshot_id
        if _lost_race(error):
            return None
        raise
    return producer.snapshot_id


def _without_retries(table: Table) -> Table:
    """Return the table for one commit. pyiceberg's retry would put the change on a snapshot that nobody read."""
    return table_with(table, properties={**table.metadata.properties, "commit.retry.num-retries": "0"})


def _landed(table: Table, snapshot_id: int) -> bool:
    """Return whether a commit landed although it was reported as failed, because the response was lost."""
    return table.catalog.load_table(table.name()).snapshot_by_id(snapshot_id) is not None


def _lost_race(error: Exception) -> bool:
    from pyiceberg.exceptions import CommitFailedException, RESTError, ValidationException

    if isinstance(error, (CommitFailedException, ValidationException)):
        return True
    if isinstance(error, ValueError):
        return "Cannot add snapshot with sequence number" in str(error)
    # The outcome was unknown until the table was loaded again: the commit did not land.
    return isinstance(error, (RESTError, ConnectionError, TimeoutError)) or "database is locked" in str(error)


def _wait(attempt: int) -> None:
    time.sleep(random.uniform(0.2, 1.0) * min(_LONGEST_WAIT_SECONDS, 0.02 * 2 ** min(attempt, 10)))
