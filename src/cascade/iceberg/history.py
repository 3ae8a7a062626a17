"""What the snapshots of a table say about the runs that made them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cascade.iceberg.commit import DIGEST, PARTITION, REPLAY, RUN_ID
from cascade.iceberg.row_count import live_rows

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot, Summary


def last_run(table: Table, partition: str | None, *, replays: bool = True) -> Summary | None:
    """Return the summary of the last snapshot that a run of a partition made, if it is still there.

    Args:
        table: the table, on its branch.
        partition: key of the partition; None for a table without partitions.
        replays: whether a replay of refused rows counts as a run.
    """
    from pyiceberg.table.snapshots import ancestors_of

    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        summary = snapshot.summary
        if summary is None or summary.get(RUN_ID) is None or summary.get(PARTITION) != partition:
            continue
        if replays or summary.get(REPLAY) is None:
            return summary
    return None


def rows_removed_since(table: Table, run_id: str) -> bool:
    """Return whether another tool may have removed rows since a run committed.

    Args:
        table: the table, on its branch.
        run_id: the run.
    """
    from pyiceberg.table.snapshots import Operation, ancestors_of

    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        summary = snapshot.summary
        if summary is None:
            continue
        if summary.get(RUN_ID) == run_id:
            return False
        if summary.get(RUN_ID) is None and summary.operation in (Operation.DELETE, Operation.OVERWRITE):
            return True
    return False


def last_digest(table: Table, partition: str | None) -> str | None:
    """Return the digest of the rows that a run of a partition published last, if its snapshot is still there."""
    summary = last_run(table, partition)
    return None if summary is None else summary.get(DIGEST)


@dataclass(frozen=True)
class HistoryEntry:
    """A snapshot of a table.

    Args:
        snapshot_id: id of the snapshot.
        written_at: when it was committed, in UTC.
        rows: rows that its readers see; None if the snapshot does not say.
        change: by how much it changed the number of rows; None if the snapshot before it has expired.
        run_id: the run that made it; None if another tool did.
        partition: the partition of that run; None for a table without partitions.
        refs: names of the branches and tags whose head it is.
        is_left: whether no branch and no tag leads to it, and `main` never did: a branch that was dropped left it.
    """

    snapshot_id: int
    written_at: datetime
    rows: int | None
    change: int | None
    run_id: str | None
    partition: str | None
    refs: tuple[str, ...]
    is_left: bool = False

    def document(self) -> dict[str, object]:
        """Return the snapshot for a JSON document."""
        return {
            # A string, because JavaScript cannot represent such large integers.
            "snapshot_id": str(self.snapshot_id),
            "written_at": self.written_at,
            "rows": self.rows,
            "change": self.change,
            "partition": self.partition,
            "run_id": self.run_id,
            "branches": list(self.refs),
            "of_dropped_branch": self.is_left,
        }


def history_of(table: Table) -> list[HistoryEntry]:
    """Return the snapshots that a table still has, newest first."""
    refs: dict[int, list[str]] = {}
    for name, ref in table.metadata.refs.items():
        refs.setdefault(ref.snapshot_id, []).append(name)
    known = _known_to_readers(table)
    newest_first = sorted(
        table.metadata.snapshots, key=lambda one: (one.sequence_number or 0, one.timestamp_ms), reverse=True
    )
    return [
        HistoryEntry(
            snapshot_id=snapshot.snapshot_id,
            written_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
            rows=live_rows(snapshot),
            change=_change(table, snapshot),
            run_id=snapshot.summary.get(RUN_ID) if snapshot.summary else None,
            partition=snapshot.summary.get(PARTITION) if snapshot.summary else None,
            refs=tuple(sorted(refs.get(snapshot.snapshot_id, ()))),
            is_left=snapshot.snapshot_id not in known,
        )
        for snapshot in newest_first
    ]


def _known_to_readers(table: Table) -> set[int]:
    """Return the snapshots that the branches and tags of a table lead to, or `main` has led to before a rollback."""
    metadata = table.metadata
    parents = {snapshot.snapshot_id: snapshot.parent_snapshot_id for snapshot in metadata.snapshots}
    heads = {ref.snapshot_id for ref in metadata.refs.values()}
    heads |= {entry.snapshot_id for entry in metadata.snapshot_log}
    found: set[int] = set()
    for head in heads:
        current: int | None = head
        while current is not None and current not in found:
            found.add(current)
            current = parents.get(current)
    return found


def _change(table: Table, snapshot: Snapshot) -> int | None:
    after = live_rows(snapshot)
    if after is None:
        return None
    if snapshot.parent_snapshot_id is None:
        # The first snapshot of a branch, or one whose parent has expired and is therefore no longer named.
        return after if counts_all_rows(snapshot) else None
    parent = table.snapshot_by_id(snapshot.parent_snapshot_id)
    before = live_rows(parent) if parent is not None else None
    return None if before is None else after - before


def counts_all_rows(snapshot: Snapshot) -> bool:
    """Return whether a snapshot added all rows that it counts, so none were there before."""
    summary = snapshot.summary
    if summary is None:
        return False
    removes = any(int(summary.get(name) or 0) for name in ("deleted-records", "removed-position-deletes"))
    return not removes and int(summary.get("added-records") or 0) == int(summary.get("total-records") or 0)
