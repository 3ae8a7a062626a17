"""One attempt to commit a change of files on exactly one state of a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cascade.fault_points import FaultPoint, reach
from cascade.iceberg.changes import FileChange, Properties, PropertyChange

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from cascade.iceberg.heads import AuditBranch
    from cascade.iceberg.snapshot.retention import Retention
    from cascade.iceberg.snapshot.writing import SnapshotFiles


class Sendable(Protocol):
    """One attempt to change a table; `Attempt` is one."""

    @property
    def snapshot_id(self) -> int:
        """The snapshot that becomes the head of a branch."""
        ...

    @property
    def parent_id(self) -> int | None:
        """The snapshot that the branch must be on; None if it must be empty."""
        ...

    @property
    def expires(self) -> bool:
        """Whether other snapshots expire with it."""
        ...

    @property
    def sets_properties(self) -> bool:
        """Whether properties of the table change with it."""
        ...

    def send(self) -> Table:
        """Ask the catalog for the change, and return the table afterwards."""
        ...

    def discard(self) -> None:
        """Remove what was written for this attempt alone. Call it only if the change can never arrive."""
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
        table = send(self._table, self._requirements, self._updates)
        self._files.landed()
        return table

    def preview(self) -> Table:
        """Return the table as it would be after this commit. The catalog is not contacted."""
        from pyiceberg.table import Table
        from pyiceberg.table.update import update_table_metadata

        before = self._table
        metadata = update_table_metadata(before.metadata, self._updates)
        return Table(before.name(), metadata, before.metadata_location, before.io, before.catalog, config=before.config)

    def discard(self) -> None:
        """Remove the manifests. Call it only if the snapshot can never arrive."""
        self._files.discard()


def prepared(
    table: Table,
    branch: str,
    change: FileChange,
    summary: Mapping[str, str],
    *,
    audit: AuditBranch | None = None,
    retention: Retention | None = None,
    properties: Properties | None = None,
    sets_properties: bool = True,
    requires: tuple[TableRequirement, ...] = (),
    before: tuple[TableUpdate, ...] = (),
) -> Attempt:
    """Write the manifests of a snapshot.

    Args:
        table: the table, on its branch. The snapshot is committed only if this is still its current snapshot.
        branch: the branch, which must exist unless it is an empty `main`.
        change: the files that enter and leave the table.
        summary: properties of the snapshot's summary.
        audit: the branch whose head the snapshot becomes, in place of `branch`, which stays where it is.
        retention: the snapshots that the table keeps; None to keep all.
        properties: properties of the table that change with the snapshot.
        requires: further requirements.
        before: updates that come before the snapshot's.

    Raises:
        ValidationException: the plan of the change is not one for this state of the table.
    """
    from pyiceberg.table.snapshots import Snapshot
    from pyiceberg.table.update import AddSnapshotUpdate, AssertTableUUID

    from cascade.iceberg.heads import BranchHead, expected_heads
    from cascade.iceberg.snapshot.expiry import expiry_of
    from cascade.iceberg.snapshot.manifests import plan_manifests
    from cascade.iceberg.snapshot.summary import summary_of
    from cascade.iceberg.snapshot.writing import SnapshotFiles

    metadata = table.metadata
    ref = metadata.refs.get(branch)
    parent = metadata.snapshot_by_id(ref.snapshot_id) if ref else None
    parent_id = parent.snapshot_id if parent else None
    snapshot_id = metadata.new_snapshot_id()
    moved = BranchHead(branch, snapshot_id) if audit is None else audit.head(snapshot_id)
    also = properties.with_snapshot(table, moved.branch, snapshot_id) if properties else PropertyChange()
    changed = property_updates(also) if sets_properties else []
    files = SnapshotFiles(table, snapshot_id, parent_id, metadata.next_sequence_number())
    files.write(plan_manifests(table, parent, snapshot_id, change.added, change.deleted, forgets=change.forgets))
    # pydantic's names of these fields are their aliases.
    snapshot: dict[str, Any] = {
        "snapshot-id": snapshot_id,
        "parent-snapshot-id": parent_id,
        "sequence-number": files.sequence_number,
        "timestamp-ms": _timestamp_in(metadata),
        "manifest-list": files.manifest_list,
        "summary": summary_of(metadata, parent, change, {**summary, **also.summary}),
        "schema-id": metadata.current_schema_id,
    }
    guards, removals = expiry_of(table, branch, retention) if retention else ([], [])
    return Attempt(
        snapshot_id,
        parent_id,
        bool(removals),
        bool(changed),
        table,
        files,
        (AssertTableUUID(uuid=metadata.table_uuid), *requires, *expected_heads(table, {branch, moved.branch}), *guards),
        (
            *before,
            AddSnapshotUpdate(snapshot=Snapshot(**snapshot)),
            moved.update(table),
            *removals,
            *changed,
        ),
    )


def _timestamp_in(metadata: TableMetadata) -> int:
    """Return the time of a new snapshot, in milliseconds: now, but never before what the metadata tells of.

    Iceberg's Java and Rust libraries, and so Trino and Spark, refuse to read a table whose log of snapshots goes back
    by more than a minute, as it would if the clock of this machine were behind (`TableMetadata` in apache/iceberg).
    """
    logged = [entry.timestamp_ms for entry in metadata.snapshot_log[-1:]]
    return max(int(time.time() * 1000), metadata.last_updated_ms, *logged)


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
    from pyiceberg.table.update import AssertTableUUID

    from cascade.iceberg.heads import expected_heads

    requirements = (AssertTableUUID(uuid=table.metadata.table_uuid), *expected_heads(table, {branch}))
    return send(table, requirements, tuple(property_updates(change)))


def send(table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]) -> Table:
    """Ask the catalog to change a table.

    Args:
        table: the table before.
        requirements: what must be true of the table for the change to land.
        updates: the change.

    Returns:
        The table afterwards, as the catalog returned it.

    Raises:
        Exception: whatever the catalog raised; see `outcome_of`.
    """
    from pyiceberg.table import Table

    from cascade.iceberg.snapshot.metadata_files import remove_old_metadata

    reach(FaultPoint.COMMIT, ".".join(table.name()))
    answer = table.catalog.commit_table(table, requirements, updates)
    remove_old_metadata(table, answer.metadata)
    return Table(table.name(), answer.metadata, answer.metadata_location, table.io, table.catalog, config=table.config)


def property_updates(change: PropertyChange) -> list[TableUpdate]:
    """Return the updates that change properties of a table.

    Args:
        change: the properties.
    """
    from pyiceberg.table.update import RemovePropertiesUpdate, SetPropertiesUpdate

    updates: list[TableUpdate] = []
    if change.updates:
        updates.append(SetPropertiesUpdate(updates=dict(change.updates)))
    if change.removals:
        updates.append(RemovePropertiesUpdate(removals=list(change.removals)))
    return updates
