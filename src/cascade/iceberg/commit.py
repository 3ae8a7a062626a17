"""Committing a change of files as one snapshot, against other writers.

A planner reads the table and decides what changes; the change is written and committed on the very snapshot that was
read. When another writer was faster, the plan is made again, unless it provably still holds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from cascade.exceptions import CommitError
from cascade.iceberg.files import remove_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.update.snapshot import _SnapshotProducer

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
    """Decides what changes in a table, reading one snapshot of it."""

    def plan(self, table: Table) -> P:
        """Read the table and decide. Nothing is written."""
        ...

    def still_holds(self, plan: P, table: Table) -> bool:
        """Tell whether a plan that was made on an earlier snapshot is right for this one as well."""
        ...

    def write(self, table: Table, plan: P) -> FileChange:
        """Write the plan's data files. An empty change commits nothing."""
        ...


@dataclass(frozen=True)
class Committed(Generic[P]):
    """What a commit left.

    Args:
        plan: the plan that was carried out.
        table: the table afterwards.
        snapshot_id: the snapshot that was made; None when nothing had to change.
        attempts: how often it was tried.
        plan_seconds: seconds spent planning.
        write_seconds: seconds spent writing data files.
        commit_seconds: seconds spent committing and waiting for others.
    """

    plan: P
    table: Table
    snapshot_id: int | None
    attempts: int
    plan_seconds: float
    write_seconds: float
    commit_seconds: float


class _Clock:
    """Seconds spent in each of several steps."""

    def __init__(self) -> None:
        self.spent = {"plan": 0.0, "write": 0.0, "commit": 0.0}

    def timed(self, step: str, call: Callable[[], P]) -> P:
        start = time.perf_counter()
        try:
            return call()
        finally:
            self.spent[step] += time.perf_counter() - start


def commit_planned(
    load: Callable[[], Table],
    planner: Planner[P],
    *,
    summary: Mapping[str, str],
    patience: float = _PATIENCE_SECONDS,
) -> Committed[P]:
    """Plan, write and commit one snapshot; do it again when another writer was faster.

    Args:
        load: gives the table as it is now.
        planner: what is to change.
        summary: properties of the snapshot's summary.
        patience: seconds after which a lost race is not tried again.

    Raises:
        CommitError: other writers were faster for `patience` seconds.
    """
    clock, started, attempt = _Clock(), time.monotonic(), 0
    while True:
        attempt += 1
        table = load()
        plan = clock.timed("plan", lambda: planner.plan(table))  # noqa: B023 (called at once)
        change = clock.timed("write", lambda: planner.write(table, plan))  # noqa: B023
        snapshot_id = None
        while change:
            snapshot_id = clock.timed("commit", lambda: try_commit(table, change, summary))  # noqa: B023
            if snapshot_id is not None:
                break
            if time.monotonic() - started > patience:
                remove_files(table, change.added)
                raise CommitError(
                    f"No snapshot of {'.'.join(table.name())} could be committed in {patience:g} seconds and {attempt} "
                    "attempts: other writers were faster every time.",
                    hint="Run it again; if that does not help, run fewer partitions at once.",
                )
            clock.timed("commit", lambda: _wait(attempt))  # noqa: B023
            attempt += 1
            table = load()
            if not clock.timed("plan", lambda: planner.still_holds(plan, table)):  # noqa: B023
                remove_files(table, change.added)
                break
        if snapshot_id is not None or not change:
            return Committed(
                plan=plan,
                table=load() if snapshot_id is not None else table,
                snapshot_id=snapshot_id,
                attempts=attempt,
                plan_seconds=clock.spent["plan"],
                write_seconds=clock.spent["write"],
                commit_seconds=clock.spent["commit"],
            )


def try_commit(table: Table, change: FileChange, summary: Mapping[str, str]) -> int | None:
    """Commit a change on the very snapshot that `table` holds.

    Returns:
        the id of the new snapshot, or None when it did not land since the table changed meanwhile.
    """
    from pyiceberg.table import Transaction

    transaction = Transaction(_without_retries(table))
    snapshots = transaction.update_snapshot(snapshot_properties=dict(summary))
    producer: _SnapshotProducer[Any] = (
        snapshots.overwrite() if change.deleted else transaction._append_snapshot_producer(dict(summary))
    )
    try:
        with producer:
            for file in change.deleted:
                producer.delete_data_file(file)
            for file in change.added:
                producer.append_data_file(file)
        transaction.commit_transaction()
    except Exception as error:
        if _landed(table, producer.snapshot_id):
            return producer.snapshot_id
        if _lost_race(error):
            return None
        raise
    return producer.snapshot_id


def _without_retries(table: Table) -> Table:
    """The same table for one commit. A retry of pyiceberg's own would put a change on a snapshot that nobody read."""
    from pyiceberg.table import Table

    properties = {**table.metadata.properties, "commit.retry.num-retries": "0"}
    return Table(
        identifier=table.name(),
        metadata=table.metadata.model_copy(update={"properties": properties}),
        metadata_location=table.metadata_location,
        io=table.io,
        catalog=table.catalog,
    )


def _landed(table: Table, snapshot_id: int) -> bool:
    """Whether a commit that was reported failed is there all the same: its answer was lost on the way."""
    return table.catalog.load_table(table.name()).snapshot_by_id(snapshot_id) is not None


def _lost_race(error: Exception) -> bool:
    from pyiceberg.exceptions import CommitFailedException, RESTError, ValidationException

    if isinstance(error, (CommitFailedException, ValidationException)):
        return True
    if isinstance(error, ValueError):
        return "Cannot add snapshot with sequence number" in str(error)
    # The outcome was unknown, and the table has been looked at meanwhile: it did not land.
    return isinstance(error, (RESTError, ConnectionError, TimeoutError)) or "database is locked" in str(error)


def _wait(attempt: int) -> None:
    time.sleep(random.uniform(0.2, 1.0) * min(_LONGEST_WAIT_SECONDS, 0.02 * 2 ** min(attempt, 10)))
