"""The branches of a table: which there are, and how to publish and drop them by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.attempt import send
from cascade.iceberg.branches import schema_of
from cascade.iceberg.changes import Properties
from cascade.iceberg.commit import PARTITION, RUN_ID
from cascade.iceberg.commit_outcomes import Outcome, outcome_of
from cascade.iceberg.heads import expected_heads, is_audit_branch, removed_branch, waits_for_branch
from cascade.iceberg.publishing import Audited, head_of, publish_audited
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.working_branch import require_main
from cascade.program import typed
from cascade.spelling import did_you_mean
from cascade.table_ref import CI_PREFIX, MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

_ATTEMPTS = 10
_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class Branch:
    """A branch of a table.

    Args:
        table: the table.
        name: name of the branch.
        snapshot_id: its head.
        written_at: when its head was committed, in UTC.
        rows: rows of the table on this branch; None if the snapshot does not say.
        run_id: the run that made its head; None if another tool did.
        partition: the partition of that run; None for a table without partitions.
        is_audit: whether rows of a run wait there for their checks.
        expires_at: when the next publish removes the branch; None if it stays.
        can_publish: whether `main` is where the branch starts, so that it can be published as it is.
    """

    table: TableRef
    name: str
    snapshot_id: int
    written_at: datetime
    rows: int | None
    run_id: str | None
    partition: str | None
    is_audit: bool
    expires_at: datetime | None
    can_publish: bool

    def document(self) -> dict[str, object]:
        """Return the branch for a JSON document."""
        return {
            "table": self.table.full_name,
            "branch": self.name,
            # A string, because JavaScript cannot represent such large integers.
            "snapshot_id": str(self.snapshot_id),
            "written_at": self.written_at,
            "rows": self.rows,
            "run_id": self.run_id,
            "partition": self.partition,
            "kept_until": self.expires_at,
            "can_publish": self.can_publish,
        }


def branches_of(table: Table, ref: TableRef) -> list[Branch]:
    """Return the branches of a table, `main` first and then the newest.

    Args:
        table: the table, on `main`.
        ref: its name.
    """
    found = []
    for name, head in table.metadata.refs.items():
        snapshot = table.snapshot_by_id(head.snapshot_id)
        if head.snapshot_ref_type != "branch" or snapshot is None:
            continue
        summary = snapshot.summary
        written = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
        age = head.max_ref_age_ms
        found.append(
            Branch(
                table=ref.on(name),
                name=name,
                snapshot_id=snapshot.snapshot_id,
                written_at=written,
                rows=live_rows(snapshot),
                run_id=summary.get(RUN_ID) if summary else None,
                partition=summary.get(PARTITION) if summary else None,
                is_audit=is_audit_branch(name),
                expires_at=written + timedelta(milliseconds=age) if age is not None and is_audit_branch(name) else None,
                can_publish=name != MAIN_BRANCH and _starts_at_main(table, snapshot.snapshot_id),
            )
        )
    found.sort(key=lambda branch: branch.written_at, reverse=True)
    return sorted(found, key=lambda branch: branch.name != MAIN_BRANCH)


def branch_named(table: Table, ref: TableRef, name: str) -> Branch:
    """Find a branch by its name, or by the beginning of its name if no other branch begins so.

    Args:
        table: the table, on `main`.
        ref: its name.
        name: the branch, such as `audit_6f2c`.

    Raises:
        UsageError: there is no such branch, or several begin so.
    """
    branches = branches_of(table, ref)
    exact = [branch for branch in branches if branch.name == name]
    # The beginning of every name is the empty one, which a variable of a shell easily is.
    begins = exact or [branch for branch in branches if name and branch.name.startswith(name)]
    if len(begins) > 1:
        raise UsageError(
            f'"{name}" could be {" or ".join(branch.name for branch in begins)}.',
            hint="Give more of the name.",
        )
    if not begins:
        known = [branch.name for branch in branches]
        if not known:
            raise UsageError(f'The table {ref.full_name} is empty, and has no branch "{name}".')
        raise UsageError(
            f'The table {ref.full_name} has no branch "{name}".{did_you_mean(name, known)}',
            hint=f"Its branches: {', '.join(known)}." if len(known) > 1 else f"It has no branch besides {MAIN_BRANCH}.",
        )
    return begins[0]


def publish_branch(lakehouse: Lakehouse, ref: TableRef, name: str, *, properties: Properties | None = None) -> Branch:
    """Move `main` to the head of a branch, and remove the branch, in one commit. No check runs.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        name: the branch; see `branch_named`.
        properties: see `publish_audited`.

    Returns:
        The branch that was published.

    Raises:
        UsageError: there is no such branch, or it is not for `main`.
        CascadeError: `main` has moved since the branch began.
        CommitError: the catalog did not answer, or other writers committed first every time.
        CommitRefusedError: the catalog refused the commit for good.
    """
    require_main(lakehouse)
    table = lakehouse.require(ref)
    branch = branch_named(table, ref, name)
    if branch.name == MAIN_BRANCH:
        raise UsageError(f"{MAIN_BRANCH} is what readers see already.")
    if branch.name.startswith(CI_PREFIX):
        raise UsageError(
            f"{branch.name} is the branch of a run of CI, which tries changes that are not merged yet.",
            hint="Merge the change, and run the workflow.",
        )
    if waits_for_branch(branch.name):
        raise UsageError(f"The rows of {branch.name} belong to a branch that is not {MAIN_BRANCH}.")
    if schema_of(table, branch.snapshot_id) > table.metadata.current_schema_id:
        raise UsageError(
            f"{branch.name} has other columns than {MAIN_BRANCH} of {ref.full_name}, so it cannot be published.",
            hint="Run the workflow on main: that changes the columns of the table too.",
        )
    audited = Audited(branch.name, branch.snapshot_id, head_of(table))
    if not branch.can_publish or publish_audited(lakehouse, ref, audited, properties=properties) is None:
        raise CascadeError(
            f"{MAIN_BRANCH} of {ref.full_name} has moved since {branch.name} began. Publishing the branch would undo "
            "that.",
            hint=f"Run the workflow again: its rows are then written on top of what {MAIN_BRANCH} has now.\n"
            f"Give up the rows of the branch: {typed(f'branch drop {ref.full_name} {branch.name}')}",
        )
    return branch


def drop_branch(lakehouse: Lakehouse, ref: TableRef, name: str) -> Branch:
    """Remove a branch. Its rows are no longer readable, and maintenance removes their files.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        name: the branch; see `branch_named`.

    Returns:
        The branch that was removed.

    Raises:
        UsageError: there is no such branch, or it is `main`.
        Exception: what the catalog raised.
    """
    from pyiceberg.table.update import AssertTableUUID

    for attempt in range(_ATTEMPTS):
        table = lakehouse.require(ref)
        branch = branch_named(table, ref, name)
        if branch.name == MAIN_BRANCH:
            raise UsageError(f"{MAIN_BRANCH} cannot be dropped: it is the table that readers see.")
        requirements = (AssertTableUUID(uuid=table.metadata.table_uuid), *expected_heads(table, {branch.name}))
        try:
            with storage_errors_named(lakehouse, ref):
                send(table, requirements, (removed_branch(branch.name),))
        except Exception as error:
            # A lost answer shows when the table is loaded again.
            if branch.name not in lakehouse.require(ref).metadata.refs:
                break
            if outcome_of(error) not in (Outcome.CONFLICT, Outcome.UNKNOWN) or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_WAIT_SECONDS * (attempt + 1))
        else:
            break
    return branch


def _starts_at_main(table: Table, snapshot_id: int) -> bool:
    """Return whether `main` is where the branch of a snapshot starts, or still empty.

    A branch starts at the newest of its snapshots that `main` has ever been at. After a rollback, `main` is at an older
    one, and the branch would bring back what was rolled back.
    """
    from pyiceberg.table.snapshots import ancestors_of

    main = table.metadata.refs.get(MAIN_BRANCH)
    if main is None:
        return True
    been = {main.snapshot_id, *(entry.snapshot_id for entry in table.metadata.snapshot_log)}
    chain = ancestors_of(table.snapshot_by_id(snapshot_id), table.metadata)
    start = next((snapshot.snapshot_id for snapshot in chain if snapshot.snapshot_id in been), None)
    return start == main.snapshot_id
