"""Give the quarantine back the rows of replays that a rollback undoes: no source returns them again (G5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.branches import table_with
from cascade.iceberg.commit import PARTITION, REPLAY, RUN_ID
from cascade.iceberg.hidden import REFUSED_AT_COLUMN
from cascade.iceberg.quarantined_rows import of_partition, rows_of_quarantine, settle_replayed

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef


def return_replayed(lakehouse: Lakehouse, ref: TableRef, undone: Iterable[Snapshot]) -> int:
    """Add the rows that left a quarantine in replays to it again. Call it before `main` moves.

    If `main` then does not move, the rows are in the table and in the quarantine, where the next replay finds them.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        undone: the snapshots of the table that are undone.

    Returns:
        How many rows are in the quarantine again, as far as its own snapshots have not expired.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """
    replays = {_of(each, RUN_ID) for each in undone if _of(each, REPLAY)}
    quarantine = lakehouse.load(ref.quarantine) if replays else None
    if quarantine is None:
        return 0
    found = 0
    for snapshot in quarantine.snapshots():
        run_id, partition = _of(snapshot, RUN_ID), _of(snapshot, PARTITION)
        if run_id not in replays or run_id is None or snapshot.parent_snapshot_id is None:
            continue
        rows = _left(quarantine, snapshot, partition)
        if rows.num_rows:
            settled = settle_replayed(lakehouse, ref.quarantine, gone=(), add=rows, run_id=run_id, partition=partition)
            found += settled.plan.add.num_rows
    return found


def _left(quarantine: Table, snapshot: Snapshot, partition: str | None) -> pa.Table:
    """Return the rows of a partition that left a quarantine with a snapshot, and did not get another rule in it."""
    before, after = (
        of_partition(rows_of_quarantine(table_with(quarantine, current_snapshot_id=each)), partition)
        for each in (snapshot.parent_snapshot_id, snapshot.snapshot_id)
    )
    stayed = Counter(_identities(after))
    left = []
    for position, identity in enumerate(_identities(before)):
        if stayed[identity]:
            stayed[identity] -= 1
        else:
            left.append(position)
    return before.take(pa.array(left, pa.int64()))


def _identities(rows: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*(rows[name].to_pylist() for name in ("run_id", "row", REFUSED_AT_COLUMN)), strict=True))


def _of(snapshot: Snapshot, name: str) -> str | None:
    return None if snapshot.summary is None else snapshot.summary.get(name)
