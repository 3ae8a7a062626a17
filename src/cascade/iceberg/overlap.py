"""Find out whether a merge replaced rows that another partition had written.

Two partitions that return the same key replace each other's row with every run. No column says which partition wrote a
row, but the history does: a snapshot names its partition, and its manifests list the files that it added and removed.
A row of an added file was written by that snapshot, unless a removed file has the same row: then it was only copied,
and an earlier snapshot wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.commit import PARTITION
from cascade.iceberg.files import read_file
from cascade.iceberg.keys import key_frame, key_names, matching
from cascade.iceberg.same import same_rows

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from cascade.iceberg.merge import MergePlan
    from cascade.iceberg.merge.large_plan import LargeMergePlan

# The search is for one example, so it looks at few files, and goes back a few snapshots.
_FILES = 2
_STEPS = 4


@dataclass(frozen=True)
class Overlap:
    """A row of another partition that a merge replaced.

    Args:
        partition: key of the other partition.
        row: one row with the key that both partitions have, as it was before the merge.
    """

    partition: str
    row: pa.Table


def find_overlap(
    table: Table, plan: MergePlan | LargeMergePlan, unique_key: Sequence[str], partition: str
) -> Overlap | None:
    """Search a merge for a replaced row that another partition had written.

    The cost is bounded: it reads a few of the files that the merge replaced, and those that they had replaced.

    Args:
        table: the table after the merge.
        plan: the merge that was carried out.
        unique_key: the columns of the key.
        partition: the partition of the merge.

    Returns:
        An example, or None if none was found: the rows were the partition's own, or their history is gone.
    """
    read_from = table.snapshot_by_id(plan.snapshot_id) if plan.snapshot_id is not None else None
    if read_from is None:
        return None
    search = _Search(table, tuple(unique_key), partition)
    changes = {change.task.file.file_path: change for change in plan.files if len(change.put)}
    try:
        writers = search.writers(read_from, set(changes))
        # Files of other partitions come first.
        paths = sorted(changes, key=lambda path: search.partition_of(writers.get(path)) in (None, partition))
        for path in paths[:_FILES]:
            old = read_file(table, changes[path].task)
            rows = old.take(matching(old, plan.rows.take(pa.array(changes[path].put)), unique_key))
            found = search.other_writer(rows, path, read_from)
            if found is not None:
                return found
    except OSError:
        return None  # maintenance removed a file of an old snapshot
    return None


@dataclass(frozen=True)
class _Search:
    table: Table
    unique_key: tuple[str, ...]
    partition: str

    def other_writer(self, rows: pa.Table, path: str, snapshot: Snapshot) -> Overlap | None:
        """Follow rows of a file back to the snapshots that wrote them."""
        for _ in range(_STEPS):
            writer = self.writers(snapshot, {path}).get(path)
            if writer is None:
                return None
            copied = pa.array([], pa.int64())
            next_path = None
            for file in self._removed(writer):
                same = self._same(rows, file)
                if len(same) and next_path is None:
                    next_path, next_rows = file.file_path, rows.take(same)
                copied = pa.concat_arrays([copied, same])
            written = sorted(set(range(rows.num_rows)) - set(copied.to_pylist()))
            other = self.partition_of(writer)
            if written and other not in (None, self.partition):
                return Overlap(other, rows.take(written[:1]))
            parent = self.table.snapshot_by_id(writer.parent_snapshot_id) if writer.parent_snapshot_id else None
            if next_path is None or parent is None:
                return None
            rows, path, snapshot = next_rows, next_path, parent
        return None

    def writers(self, snapshot: Snapshot, paths: set[str]) -> dict[str, Snapshot]:
        """Return the snapshots that added files, by the paths of the files, as far as the table still has them."""
        found: dict[str, Snapshot] = {}
        manifests = snapshot.manifests(self.table.io)
        for manifest in sorted(manifests, key=lambda manifest: -manifest.sequence_number):
            for entry in manifest.fetch_manifest_entry(self.table.io, discard_deleted=True):
                if entry.data_file.file_path in paths and entry.snapshot_id is not None:
                    writer = self.table.snapshot_by_id(entry.snapshot_id)
                    if writer is not None:
                        found[entry.data_file.file_path] = writer
            if found.keys() == paths:
                break
        return found

    def partition_of(self, snapshot: Snapshot | None) -> str | None:
        """Return the partition that a snapshot names."""
        return snapshot.summary[PARTITION] if snapshot is not None and snapshot.summary is not None else None

    def _removed(self, snapshot: Snapshot) -> Iterator[DataFile]:
        """Yield the data files that a snapshot removed."""
        from pyiceberg.manifest import DataFileContent, ManifestEntryStatus

        for manifest in snapshot.manifests(self.table.io):
            if manifest.added_snapshot_id == snapshot.snapshot_id:
                for entry in manifest.fetch_manifest_entry(self.table.io, discard_deleted=False):
                    removed = entry.status == ManifestEntryStatus.DELETED and entry.snapshot_id == snapshot.snapshot_id
                    if removed and entry.data_file.content == DataFileContent.DATA:
                        yield entry.data_file

    def _same(self, rows: pa.Table, file: DataFile) -> pa.Array:
        """Return the positions of the rows that a file contains unchanged."""
        from pyiceberg.table import FileScanTask

        task = FileScanTask(file)
        there = key_frame(read_file(self.table, task, self.unique_key), self.unique_key, "there")
        both = key_frame(rows, self.unique_key, "at").join(there, on=key_names(self.unique_key), how="inner")
        at = both["at"].to_arrow()
        if not len(at):
            return pa.array([], pa.int64())
        return at.filter(same_rows(rows.take(at), read_file(self.table, task).take(both["there"].to_arrow())))
