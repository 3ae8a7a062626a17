"""Let snapshots and audit branches of a table expire, without a new snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.iceberg.attempt import send
from cascade.iceberg.commit_outcomes import Outcome, outcome_of
from cascade.iceberg.expiry_support import SUPPORT
from cascade.iceberg.heads import overdue_audit_branches, removed_branch
from cascade.iceberg.snapshot.retention import Retention, expired_snapshots
from cascade.iceberg.turns import Turn

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.update import TableUpdate

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

_ATTEMPTS = 20
# No branch gets a snapshot, so each keeps its full number.
_NO_BRANCH = ""


@dataclass(frozen=True)
class Expired:
    """What expired.

    Args:
        branches: audit branches that were kept long enough, by name.
        snapshots: number of snapshots.
    """

    branches: tuple[str, ...] = ()
    snapshots: int = 0

    def __add__(self, other: Expired) -> Expired:
        return Expired((*self.branches, *other.branches), self.snapshots + other.snapshots)


def expirable(table: Table, retention: Retention, now: float) -> Expired:
    """Return what would expire.

    Args:
        table: the table.
        retention: the snapshots that it keeps.
        now: seconds since the epoch.
    """
    found, metadata = Expired(), table.metadata
    while True:
        step = _step(metadata, overdue_audit_branches(table, now) if not found.branches else [], retention, now)
        if not step.branches and not step.snapshots:
            return found
        found += Expired(step.branches, len(step.snapshots))
        gone = set(step.snapshots)
        kept = {
            "snapshots": [one for one in metadata.snapshots if one.snapshot_id not in gone],
            "refs": {name: ref for name, ref in metadata.refs.items() if name not in step.branches},
        }
        metadata = metadata.model_copy(update=kept)


def expire(lakehouse: Lakehouse, ref: TableRef, now: float) -> Expired:
    """Remove the audit branches of a table that were kept long enough, and the snapshots that it need not keep.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table.
        now: seconds since the epoch.

    Returns:
        What expired. A catalog that lets no snapshot expire keeps them.

    Raises:
        Exception: what the catalog raised.
    """
    found, races = Expired(), 0
    with Turn.of(lakehouse.uri, ref) as turn:
        turn.take()
        while True:
            table = lakehouse.require(ref)
            possible = SUPPORT.is_possible(lakehouse.uri)
            retention = lakehouse.retention if possible else Retention(snapshots=0)
            step = _step(table.metadata, overdue_audit_branches(table, now), retention, now)
            if not step.branches and not step.snapshots:
                return found
            try:
                _send(table, step)
            except Exception as error:
                outcome = outcome_of(error)
                if outcome is Outcome.REFUSED and step.snapshots:
                    SUPPORT.failed(lakehouse.uri, refused=True)
                    continue
                races += 1
                # Whether a request without an answer landed shows when the table is loaded again.
                if outcome not in (Outcome.CONFLICT, Outcome.UNKNOWN) or races == _ATTEMPTS:
                    raise
                turn.wait(races)
            else:
                found += Expired(step.branches, len(step.snapshots))


@dataclass(frozen=True)
class _Step:
    branches: tuple[str, ...]
    snapshots: tuple[int, ...]


def _step(metadata: TableMetadata, branches: list[str], retention: Retention, now: float) -> _Step:
    return _Step(tuple(branches), tuple(expired_snapshots(metadata, _NO_BRANCH, retention, int(now * 1000))))


def _send(table: Table, step: _Step) -> None:
    from pyiceberg.table.update import AssertTableUUID, RemoveSnapshotsUpdate

    from cascade.iceberg.heads import expected_heads
    from cascade.iceberg.snapshot.expiry import guards

    updates: list[TableUpdate] = [*map(removed_branch, step.branches)]
    if step.snapshots:
        fields: dict[str, Any] = {"snapshot-ids": list(step.snapshots)}
        updates.append(RemoveSnapshotsUpdate(**fields))
    requirements = [AssertTableUUID(uuid=table.metadata.table_uuid), *expected_heads(table, step.branches)]
    requirements += guards(table, _NO_BRANCH) if step.snapshots else []
    send(table, tuple(requirements), tuple(updates))
