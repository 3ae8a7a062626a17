"""One attempt to commit a change of files on exactly one state of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cascade.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import CommitTableResponse, Table
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from cascade.iceberg.snapshot.retention import Retention
    from cascade.iceberg.snapshot.writing import SnapshotFiles

P = TypeVar("P")


@dataclass(frozen=True)
class FileChange:
    """Files that leave a table and files that enter it, in one snapshot.

    Args:
        deleted: data files and position delete files that leave the table.
        added: data files and position delete files that enter it.
        summary: further properties of the snapshot's summary.
    """

    deleted: tuple[DataFile, ...] = ()
    added: tuple[DataFile, ...] = ()
    summary: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.deleted or self.added)


@dataclass(frozen=True)
class PropertyChange:
    """Properties of a table that change in the commit that adds a snapshot.

    Args:
        updates: the properties that are set.
        removals: names of present properties that are removed.
        summary: properties of the snapshot's summary.
    """

    updates: Mapping[str, str] = field(default_factory=dict)
    removals: Sequence[str] = ()
    summary: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.updates or self.removals)


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


class Unchanged:
    """Plans to change no file, whatever is in the table."""

    def plan(self, table: Table) -> None:
        """Read nothing."""

    def still_holds(self, plan: None, table: Table) -> bool:
        """Return True: nothing was read."""
        return True

    def write(self, table: Table, plan: None) -> FileChange:
        """Write nothing."""
        return FileChange()


class Properties(Protocol):
    """Decides which properties of a table change with a commit; `LedgerEntry` does."""

    def with_snapshot(self, table: Table, branch: str, snapshot_id: int) -> PropertyChange:
        """Return what changes with a snapshot that is based on the head of a branch."""
        ...

    def alone(self, table: Table, branch: str) -> PropertyChange:
        """Return what changes if no file does. An empty change commits nothing."""
        ...


@dataclass(frozen=True)
class Attempt:
    """A snapshot whose manifests are written, and that the catalog does not know yet.

    Args:
        snapshot_id: id of the snapshot.
        parent_id: the snapshot that it is based on; None for an empty branch.
        expires: whether other snapshots expire with it.
        sets_properties: whether properties of the table change with it.
    """

    snapshot_id: int
    parent_id: int | None
    expires: bool
    sets_properties: bool
    _table: Table
    _files: SnapshotFiles
    _requirements: tuple[TableRequirement, ...]
    _updates: tuple[TableUpdate, ...]

    def send(self) -> Table:
        """Ask the catalog to commit the snapshot.

        Returns:
            The table afterwards, as the catalog returned it.

        Raises:
            Exception: whatever the catalog raised; see `outcome_of`. Nothing is deleted.
        """
        table = self._table
        reach(FaultPoint.COMMIT, ".".join(table.name()))
        answer = table.catalog.commit_table(table, self._requirements, self._updates)
        self._files.landed(answer.metadata)
        return _answered(table, answer)

    def discard(self) -> None:
        """Remove the manifests. Call it only if the snapshot can never arrive."""
        self._files.discard()


def prepared(
    table: Table,
    branch: str,
    change: FileChange,
    summary: Mapping[str, str],
    *,
    retention: Retention | None = None,
    properties: Properties | None = None,
    sets_properties: bool = True,
) -> Attempt:
    """Write the manifests of a snapshot.

    Args:
        table: the table, on its branch. The snapshot is committed only if this is still its current snapshot.
        branch: the branch, which must exist unless it is an empty `main`.
        change: the files that enter and leave the table.
        summary: properties of the snapshot's summary.
        retention: the snapshots that the table keeps; None to keep all.
        properties: properties of the table that change with the snapshot.

    Raises:
        ValidationException: the plan of the change is not one for this state of the table.
    """
    from pyiceberg.table.refs import SnapshotRefType
    from pyiceberg.table.snapshots import Snapshot
    from pyiceberg.table.update import AddSnapshotUpdate, AssertRefSnapshotId, AssertTableUUID, SetSnapshotRefUpdate

    from cascade.iceberg.snapshot.expiry import expiry_of
    from cascade.iceberg.snapshot.manifests import plan_manifests
    from cascade.iceberg.snapshot.summary import summary_of
    from cascade.iceberg.snapshot.writing import SnapshotFiles

    metadata = table.metadata
    ref = metadata.refs.get(branch)
    parent = metadata.snapshot_by_id(ref.snapshot_id) if ref else None
    parent_id = parent.snapshot_id if parent else None
    snapshot_id = metadata.new_snapshot_id()
    also = properties.with_snapshot(table, branch, snapshot_id) if properties else PropertyChange()
    property_updates = _property_updates(also) if sets_properties else []
    files = SnapshotFiles(table, snapshot_id, parent_id, metadata.next_sequence_number())
    files.write(plan_manifests(table, parent, snapshot_id, change.added, change.deleted))
    # pydantic's names of these fields are their aliases.
    snapshot: dict[str, Any] = {
        "snapshot-id": snapshot_id,
        "parent-snapshot-id": parent_id,
        "sequence-number": files.sequence_number,
        "manifest-list": files.manifest_list,
        "summary": summary_of(metadata, parent, change.added, change.deleted, {**summary, **also.summary}),
        "schema-id": metadata.current_schema_id,
    }
    # What is left out here would be removed from the branch.
    kept = ref.model_dump(include={"max_ref_age_ms", "max_snapshot_age_ms", "min_snapshots_to_keep"}) if ref else {}
    head: dict[str, Any] = {"ref-name": branch, "snapshot-id": snapshot_id, **kept}
    expected: dict[str, Any] = {"ref": branch, "snapshot-id": parent_id}
    guards, removals = expiry_of(table, branch, retention) if retention else ([], [])
    return Attempt(
        snapshot_id,
        parent_id,
        bool(removals),
        bool(property_updates),
        table,
        files,
        (AssertTableUUID(uuid=metadata.table_uuid), AssertRefSnapshotId(**expected), *guards),
        (
            AddSnapshotUpdate(snapshot=Snapshot(**snapshot)),
            SetSnapshotRefUpdate(type=SnapshotRefType.BRANCH, **head),
            *removals,
            *property_updates,
        ),
    )


def change_properties(table: Table, branch: str, change: PropertyChange) -> Table:
    """Ask the catalog to change properties of a table, provided that the head of a branch stays what it is.

    Args:
        table: the table, on its branch.
        branch: the branch.
        change: the change.

    Returns:
        The table afterwards, as the catalog returned it.

    Raises:
        Exception: whatever the catalog raised; see `outcome_of`.
    """
    from pyiceberg.table.update import AssertRefSnapshotId, AssertTableUUID

    head = table.current_snapshot()
    expected: dict[str, Any] = {"ref": branch, "snapshot-id": head.snapshot_id if head else None}
    requirements = (AssertTableUUID(uuid=table.metadata.table_uuid), AssertRefSnapshotId(**expected))
    reach(FaultPoint.COMMIT, ".".join(table.name()))
    return _answered(table, table.catalog.commit_table(table, requirements, tuple(_property_updates(change))))


def _answered(table: Table, answer: CommitTableResponse) -> Table:
    from pyiceberg.table import Table

    return Table(table.name(), answer.metadata, answer.metadata_location, table.io, table.catalog, config=table.config)


def _property_updates(change: PropertyChange) -> list[TableUpdate]:
    from pyiceberg.table.update import RemovePropertiesUpdate, SetPropertiesUpdate

    updates: list[TableUpdate] = []
    if change.updates:
        updates.append(SetPropertiesUpdate(updates=dict(change.updates)))
    if change.removals:
        updates.append(RemovePropertiesUpdate(removals=list(change.removals)))
    return updates
