"""Publish rows that wait on an audit branch (G6).

The rows of a run with blocking checks are committed to a branch of their own, which nobody reads but the checks. The
branch starts where its target is. If the target is still there when the checks have passed, it moves to the audited
snapshot, and readers see exactly what was checked. If another writer came first, nothing is published, and the caller
commits the rows anew on top of the other writer's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from cascade.exceptions import CommitError
from cascade.iceberg.attempt import property_updates, send
from cascade.iceberg.branch_support import keeps_branches
from cascade.iceberg.changes import FileChange, Planner, Properties, PropertyChange, Unchanged
from cascade.iceberg.commit import PATIENCE_SECONDS, commit_planned
from cascade.iceberg.committer import Committed, Committer
from cascade.iceberg.heads import AuditBranch, BranchHead, expected_heads, overdue_audit_branches, removed_branch
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.turns import Turn
from cascade.iceberg.working_branch import written
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.landing import Sent
    from cascade.table_ref import TableRef

# Only writers that do not queue, such as those on other machines, can come first so often.
_ATTEMPTS = 20

P = TypeVar("P")


def commit_audited(
    lakehouse: Lakehouse,
    ref: TableRef,
    planner: Planner[P],
    check: Callable[[Committed[P]], None],
    *,
    audit: AuditBranch,
    summary: Mapping[str, str],
    properties: Properties | None = None,
) -> Committed[P]:
    """Commit a change to an audit branch, check it there, and publish it.

    Runs that wait to publish to one table queue, as far as they share a machine. If another writer came first, the
    change is planned anew on top of it and checked again before the next one in the queue gets its turn, so that slow
    checks starve nobody.

    A catalog that does not keep branches gets only the published snapshot: the checks then read files that no snapshot
    in the catalog refers to yet. They are removed if a check fails, so there is nothing left to look at.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch to publish to, usually `main`.
        planner: decides what changes.
        check: raises to keep the change from being published. It gets the table on the audit branch, or on the branch
            of `ref` if nothing has to change. It is called again if another writer came first.
        audit: the audit branch. It stays if `check` raises.
        summary: properties of the snapshot's summary.
        properties: see `publish_audited`.

    Returns:
        The plan that was carried out, and the published snapshot.

    Raises:
        Exception: what `check` raised. The branch of `ref` has not moved then.
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
        UsageError: the table or its branch does not exist.
    """
    ref = written(lakehouse, ref)
    with Turn.to_publish(lakehouse, ref) as turn:
        if not keeps_branches(lakehouse, ref):
            return _commit_inspected(lakehouse, ref, planner, check, turn, summary, properties)
        for _ in range(_ATTEMPTS):
            committed = commit_planned(lakehouse, ref, planner, summary=summary, properties=properties, audit=audit)
            check(committed)
            snapshot = committed.table.current_snapshot()
            if committed.snapshot_id is None or snapshot is None:
                recorded = commit_planned(lakehouse, ref, Unchanged(), summary={}, properties=properties)
                return replace(committed, table=recorded.table)
            turn.take()
            audited = Audited(audit.name, committed.snapshot_id, snapshot.parent_snapshot_id)
            published = publish_audited(lakehouse, ref, audited, properties=properties)
            if published is not None:
                return replace(committed, table=published)
        raise CommitError(
            f"Could not publish to {ref} in {_ATTEMPTS} attempts: another writer committed first every time.",
            hint=f"The rows are on the branch {audit.name}. Run it again while fewer others write to the table.",
        )


def _commit_inspected(
    lakehouse: Lakehouse,
    ref: TableRef,
    planner: Planner[P],
    check: Callable[[Committed[P]], None],
    turn: Turn,
    summary: Mapping[str, str],
    properties: Properties | None,
) -> Committed[P]:
    plans = 0

    def inspect(written: Committed[P]) -> None:
        nonlocal plans
        plans += 1
        if plans > 1:
            turn.take()
        check(written)

    strict = _OnItsBase(planner)
    return commit_planned(
        lakehouse, ref, strict, summary=summary, properties=properties, inspect=inspect, patience=math.inf
    )


@dataclass
class _OnItsBase(Generic[P]):
    """Plans as another planner does, and holds a plan only for the snapshot that it was checked on."""

    planner: Planner[P]
    base: int | None = None

    def plan(self, table: Table) -> P:
        self.base = head_of(table)
        return self.planner.plan(table)

    def still_holds(self, plan: P, table: Table) -> bool:
        return head_of(table) == self.base

    def write(self, table: Table, plan: P) -> FileChange:
        return self.planner.write(table, plan)


@dataclass(frozen=True)
class Audited:
    """A snapshot that waits on an audit branch.

    Args:
        branch: name of the audit branch.
        snapshot_id: the snapshot, its head.
        base: the snapshot that it is based on; None if the table was empty.
    """

    branch: str
    snapshot_id: int
    base: int | None


def publish_audited(
    lakehouse: Lakehouse,
    ref: TableRef,
    audited: Audited,
    *,
    properties: Properties | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Table | None:
    """Move a branch to an audited snapshot, and remove the audit branch, in one commit.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch to move, usually `main`.
        audited: the snapshot.
        properties: decides which properties of the table change in this commit.
        patience: seconds after which a lost race is not tried again.

    Returns:
        The table afterwards, on its branch; None if the branch is no longer where the audited snapshot starts, because
        another writer committed. Nothing is published then.

    Raises:
        CommitError: the audited snapshot is gone, or the catalog did not answer several times.
        CommitRefusedError: the catalog refused the commit for good.
        UsageError: the table or its branch does not exist.
    """
    ref = lakehouse.target(ref)
    with storage_errors_named(lakehouse, ref), Turn.of(lakehouse.uri, ref) as turn:
        publisher = _Publisher(
            lakehouse=lakehouse,
            ref=ref,
            planner=_FastForward(audited),
            summary={},
            properties=properties,
            audit=None,
            patient_until=time.monotonic() + patience,
            turn=turn,
            audited=audited,
        )
        return publisher.publish()


@dataclass(frozen=True)
class _FastForward:
    """Plans nothing: what is published is written already."""

    audited: Audited

    def plan(self, table: Table) -> None:
        return None

    def still_holds(self, plan: None, table: Table) -> bool:
        return head_of(table) == self.audited.base

    def write(self, table: Table, plan: None) -> FileChange:
        return FileChange()


@dataclass(frozen=True)
class _Move:
    """One attempt to move a branch; see `Attempt`."""

    snapshot_id: int
    parent_id: int | None
    expires: bool
    sets_properties: bool
    _table: Table
    _requirements: tuple[TableRequirement, ...]
    _updates: tuple[TableUpdate, ...]

    def send(self) -> Table:
        return send(self._table, self._requirements, self._updates)

    def discard(self) -> None:
        """Leave the files alone: they are the audited snapshot's."""


@dataclass(kw_only=True)
class _Publisher(Committer[None]):
    audited: Audited

    def publish(self) -> Table | None:
        table = self.lakehouse.require(self.ref)
        if self._landed(table) is None and not self._holds(None, table):
            return None
        found = self._carry_out(table, None, FileChange())
        return found.table if isinstance(found, Committed) else None

    def _attempt(self, table: Table, change: FileChange) -> _Move:
        from pyiceberg.table.update import AssertTableUUID

        from cascade.iceberg.snapshot.expiry import expiry_of

        audited, metadata = self.audited, table.metadata
        waiting = metadata.refs.get(audited.branch)
        if waiting is None or waiting.snapshot_id != audited.snapshot_id:
            what = "was dropped" if waiting is None else "got other rows"
            raise CommitError(
                f"The branch {audited.branch} of {self.ref.full_name} {what} before its rows were published.",
                hint="Run the workflow again.",
            )
        # The branch keeps its snapshot from expiring in the request that removes the branch.
        expires = self.concessions.expires and self.lakehouse.branch == MAIN_BRANCH
        guards, expired = expiry_of(table, self.ref.branch, self.lakehouse.retention) if expires else ([], [])
        changed = PropertyChange()
        if self.properties and self.concessions.sets_properties:
            changed = self.properties.with_snapshot(table, self.ref.branch, audited.snapshot_id)
        gone = {audited.branch, *overdue_audit_branches(table, time.time())} & metadata.refs.keys()
        return _Move(
            audited.snapshot_id,
            audited.base,
            bool(expired),
            bool(changed),
            table,
            (
                AssertTableUUID(uuid=metadata.table_uuid),
                *expected_heads(table, {self.ref.branch, audited.branch}),
                *guards,
            ),
            (
                BranchHead(self.ref.branch, audited.snapshot_id).update(table),
                *map(removed_branch, sorted(gone)),
                *expired,
                *property_updates(changed),
            ),
        )

    def _landed(self, table: Table) -> Sent[None] | None:
        from pyiceberg.table.snapshots import ancestors_of

        if not self.sent:
            return None
        chain = [snapshot.snapshot_id for snapshot in ancestors_of(table.current_snapshot(), table.metadata)]
        if self.audited.snapshot_id in chain:
            return self.sent[-1]
        # The audited snapshot may be older than what a table keeps, so it can expire soon after it was published.
        known = self.audited.branch in table.metadata.refs or self.audited.base in chain
        if not known and self.audited.base is not None:
            raise CommitError(
                f"The answer to the publish of {self.ref} was lost, and the snapshots have expired that would tell "
                "whether it landed.",
                hint="Run it again: rows that have arrived are not written twice.",
            )
        return None


def head_of(table: Table) -> int | None:
    """Return the id of a table's current snapshot, or None if it has none."""
    snapshot = table.current_snapshot()
    return None if snapshot is None else snapshot.snapshot_id
