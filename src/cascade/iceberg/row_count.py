"""How many rows and bytes a snapshot has, without reading a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.table.snapshots import Snapshot


def live_rows(snapshot: Snapshot | None) -> int | None:
    """Return the number of rows that readers of a snapshot see, from its summary.

    Args:
        snapshot: the snapshot; None for a table without one, which has no rows.

    Returns:
        The number; None if the writer of the snapshot did not record totals. If another writer left position deletes of
        files that are gone, or deleted a row twice, the number is too small.
    """
    if snapshot is None:
        return 0
    records = snapshot.summary.get("total-records") if snapshot.summary is not None else None
    if records is None or snapshot.summary is None:
        return None
    # `total-records` counts the rows of data files, deleted ones included.
    return max(0, int(records) - int(snapshot.summary.get("total-position-deletes") or 0))


def live_bytes(snapshot: Snapshot | None) -> int | None:
    """Return the size of the files that readers of a snapshot read, from its summary.

    Args:
        snapshot: the snapshot; None for a table without one, which has no files.

    Returns:
        The size in bytes; None if the writer of the snapshot did not record totals.
    """
    if snapshot is None:
        return 0
    size = snapshot.summary.get("total-files-size") if snapshot.summary is not None else None
    return None if size is None else int(size)
