"""Where the branches of a table are, and where a commit moves them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.table_ref import AUDIT_PREFIX, CI_SECONDS, MAIN_BRANCH, ci_branch_age

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableRequirement, TableUpdate


_OF = "~"
"""Stands between the branch that rows get onto and their run. No name of a branch has it."""


@dataclass(frozen=True)
class BranchHead:
    """A branch and the snapshot that becomes its head.

    Args:
        branch: name of the branch, which need not exist.
        snapshot_id: the snapshot.
        max_age: seconds for which a branch is kept; None to leave what the branch says.
    """

    branch: str
    snapshot_id: int
    max_age: float | None = None

    def update(self, table: Table) -> TableUpdate:
        """Return the update that moves the branch.

        Args:
            table: the table.
        """
        from pyiceberg.table.refs import SnapshotRefType
        from pyiceberg.table.update import SetSnapshotRefUpdate

        ref = table.metadata.refs.get(self.branch)
        # What is left out here would be removed from the branch.
        kept = ref.model_dump(include={"max_ref_age_ms", "max_snapshot_age_ms", "min_snapshots_to_keep"}) if ref else {}
        if self.max_age is not None:
            kept["max_ref_age_ms"] = max(1, int(self.max_age * 1000))
        head: dict[str, Any] = {"ref-name": self.branch, "snapshot-id": self.snapshot_id, **kept}
        return SetSnapshotRefUpdate(type=SnapshotRefType.BRANCH, **head)


@dataclass(frozen=True)
class AuditBranch:
    """The branch on which the rows of one run wait for their checks.

    Args:
        name: name of the branch.
        retention: seconds for which the branch is kept if the rows are never published; None to keep it.
    """

    name: str
    retention: float | None

    @classmethod
    def of(cls, run_id: str, retention: float, target: str = MAIN_BRANCH) -> AuditBranch:
        """Return the branch of a run.

        Args:
            run_id: the run.
            retention: see the class.
            target: the branch that the rows get onto.
        """
        return cls(f"{AUDIT_PREFIX}{'' if target == MAIN_BRANCH else target + _OF}{run_id}", retention)

    def head(self, snapshot_id: int) -> BranchHead:
        """Return the head that a snapshot makes of this branch."""
        return BranchHead(self.name, snapshot_id, self.retention)


def is_audit_branch(name: str) -> bool:
    """Return whether a branch is one on which the rows of a run wait."""
    return name.startswith(AUDIT_PREFIX)


def is_branch_of(name: str, branch: str) -> bool:
    """Return whether a branch is another one, or is one on which rows wait to get onto that."""
    return name == branch or name.startswith(f"{AUDIT_PREFIX}{branch}{_OF}")


def waits_for_branch(name: str) -> bool:
    """Return whether rows wait on a branch to get onto another one than `main`."""
    return is_audit_branch(name) and _OF in name


def overdue_audit_branches(table: Table, now: float) -> list[str]:
    """Return the audit branches that have been kept long enough, and the branches of `cascade ci` without a run.

    Args:
        table: the table.
        now: seconds since the epoch.
    """
    overdue = []
    for name, ref in table.metadata.refs.items():
        snapshot = table.snapshot_by_id(ref.snapshot_id)
        if is_audit_branch(name) and ref.max_ref_age_ms is not None and snapshot is not None:
            age = now * 1000 - snapshot.timestamp_ms
            if age > ref.max_ref_age_ms:
                overdue.append(name)
        # The snapshot of another one may be as old as that of main.
        elif (since := ci_branch_age(name, now)) is not None and since > CI_SECONDS:
            overdue.append(name)
    return overdue


def removed_branch(name: str) -> TableUpdate:
    """Return the update that removes a branch.

    Args:
        name: name of the branch.
    """
    from pyiceberg.table.update import RemoveSnapshotRefUpdate

    fields: dict[str, Any] = {"ref-name": name}
    return RemoveSnapshotRefUpdate(**fields)


def expected_heads(table: Table, branches: Iterable[str]) -> list[TableRequirement]:
    """Return the requirements that branches are where this state of a table has them, or do not exist.

    Args:
        table: the table.
        branches: names of the branches.
    """
    from pyiceberg.table.update import AssertRefSnapshotId

    metadata = table.metadata
    heads: list[dict[str, Any]] = [
        {"ref": name, "snapshot-id": ref.snapshot_id if (ref := metadata.refs.get(name)) else None}
        for name in sorted(branches)
        # pyiceberg refuses a requirement on any branch but main in a table without snapshots.
        if metadata.snapshots or name == MAIN_BRANCH
    ]
    return [AssertRefSnapshotId(**head) for head in heads]
