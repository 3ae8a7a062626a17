"""What the snapshots of a table say about the runs that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.iceberg.commit import DIGEST, PARTITION, RUN_ID

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Summary


def last_run(table: Table, partition: str | None) -> Summary | None:
    """Return the summary of the last snapshot that a run of a partition made, if it is still there.

    Args:
        table: the table, on its branch.
        partition: key of the partition; None for a table without partitions.
    """
    from pyiceberg.table.snapshots import ancestors_of

    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        summary = snapshot.summary
        if summary is not None and summary.get(RUN_ID) is not None and summary.get(PARTITION) == partition:
            return summary
    return None


def last_digest(table: Table, partition: str | None) -> str | None:
    """Return the digest of the rows that a run of a partition published last, if its snapshot is still there."""
    summary = last_run(table, partition)
    return None if summary is None else summary.get(DIGEST)
