"""One attempt to commit a change of files on exactly one state of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cascade.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from cascade.iceberg.snapshot.retention import Retention
    from cascade.iceberg.snapshot.writing import SnapshotFiles


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
    """

    updates: Mapping[str, str] = field(default_factory=dict)
    removals: Sequence[str] = ()


@dataclass(frozen=True)
class Attempt:
    """A snapshot whose manifests are written, and that the catalog does not know yet.

    Args:
        snapshot_id: id of the snapshot.
        parent_id: the snapshot that it is based on; None for an empty branch.
        expires: whether other snapshots expire with it.
    """

    snapshot_id: int
    parent_id: int | None
    expires: bool
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
        from pyiceberg.table import Table

        table = self._table
        reach(FaultPoint.COMMIT, ".".join(table.name()))
        answer = table.catalog.commit_table(table, self._requirements, self._updates)
        self._files.landed(answer.metadata)
        return Table(
            table.name(), answer.metadata, answer.metadata_location, table.io, table.catalog, config=table.config
        )

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
    properties: PropertyChange | None = None,
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
    files = SnapshotFiles(table, snapshot_id, parent_id, metadata.next_sequence_number())
    files.write(plan_manifests(table, parent, snapshot_id, change.added, change.deleted))
    # pydantic's names of these fields are their aliases.
    snapshot: dict[str, Any] = {
        "snapshot-id": snapshot_id,
        "parent-snapshot-id": parent_id,
        "sequence-number": files.sequence_number,
        "manifest-list": files.manifest_list,
        "summary": summary_of(metadata, parent, change.added, change.deleted, summary),
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
        table,
        files,
        (AssertTableUUID(uuid=metadata.table_uuid), AssertRefSnapshotId(**expected), *guards),
        (
            AddSnapshotUpdate(snapshot=Snapshot(**snapshot)),
            SetSnapshotRefUpdate(type=SnapshotRefType.BRANCH, **head),
            *removals,
            *_property_updates(properties),
        ),
    )


def _property_updates(change: PropertyChange | None) -> list[TableUpdate]:
    from pyiceberg.table.update import RemovePropertiesUpdate, SetPropertiesUpdate

    updates: list[TableUpdate] = []
    if change and change.updates:
        updates.append(SetPropertiesUpdate(updates=dict(change.updates)))
    if change and change.removals:
        updates.append(RemovePropertiesUpdate(removals=list(change.removals)))
    return updates
