"""Expire snapshots in the commit that adds one, where the catalog allows it."""

from __future__ import annotations

import time
from typing import Any, Literal, cast

from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import (
    AssertRefSnapshotId,
    RemoveSnapshotsUpdate,
    TableRequirement,
    ValidatableTableRequirement,
)

from cascade.iceberg.snapshot.retention import Retention, expired_snapshots


def expiry_of(
    table: Table, branch: str, retention: Retention
) -> tuple[list[TableRequirement], list[RemoveSnapshotsUpdate]]:
    """Return the requirements and the update that let snapshots expire; nothing if none does.

    Args:
        table: the table.
        branch: the branch that is committed to.
        retention: the snapshots to keep.
    """
    dead = expired_snapshots(table.metadata, branch, retention, int(time.time() * 1000))
    if not dead:
        return [], []
    fields: dict[str, Any] = {"snapshot-ids": dead}
    return guards(table, branch), [RemoveSnapshotsUpdate(**fields)]


class RefsUnchanged(ValidatableTableRequirement):
    """No branch or tag was added, moved or removed since the expired snapshots were chosen.

    A catalog removes the tags of an expired snapshot without a word. A catalog that validates requirements in this
    process also validates this one, on the state that it replaces.
    """

    type: Literal["cascade-refs-unchanged"] = "cascade-refs-unchanged"
    refs: dict[str, int]

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override]
        """Raise an error unless the requirement is met."""
        refs = {name: ref.snapshot_id for name, ref in base_metadata.refs.items()} if base_metadata else {}
        if refs != self.refs:
            raise CommitFailedException("Requirement failed: a branch or a tag changed, and snapshots are to expire")


def guards(table: Table, branch: str) -> list[TableRequirement]:
    """Return the requirements under which no tag or branch is lost when snapshots expire.

    Args:
        table: the table.
        branch: the branch that is committed to, whose head is required elsewhere; empty if there is none.
    """
    refs = {name: ref.snapshot_id for name, ref in table.metadata.refs.items()}
    if isinstance(table.catalog, MetastoreCatalog):
        return [cast("TableRequirement", RefsUnchanged(refs=refs))]
    # A server knows only Iceberg's requirements. A tag that is new at this moment is safe on a snapshot that stays.
    others: list[dict[str, Any]] = [{"ref": name, "snapshot-id": refs[name]} for name in refs if name != branch]
    return [AssertRefSnapshotId(**fields) for fields in others]
