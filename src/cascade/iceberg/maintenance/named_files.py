"""Which files the metadata of a table names, and which readers may still open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError
from cascade.iceberg.stored_files import StoredFile, canonical

if TYPE_CHECKING:
    from pyiceberg.table import Table

# The snapshot before the oldest young one was the head when that was committed. The one before it was, if the other
# waited for its checks on an audit branch.
_GENERATIONS = 2


class UnreadableMetadataError(CascadeError):
    """A file that says which files belong to a table cannot be read, so nobody knows which do not."""


def named_files(table: Table) -> set[str]:
    """Return the canonical locations of all files that a state in the catalog needs.

    These are the files of every snapshot, whatever branch or tag it is on, and the metadata files of the log.

    Args:
        table: the table, as loaded just now.

    Raises:
        UnreadableMetadataError: a manifest list or a manifest cannot be read.
    """
    metadata = table.metadata
    found = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    found.update(one.statistics_path for one in metadata.statistics)
    found.update(one.statistics_path for one in metadata.partition_statistics)
    seen: set[str] = set()
    for snapshot in metadata.snapshots:
        found.add(snapshot.manifest_list)
        try:
            found.update(_files_of(table, snapshot.manifest_list, seen))
        except Exception as error:
            raise UnreadableMetadataError(
                f"Snapshot {snapshot.snapshot_id} of {'.'.join(table.name())} cannot be read: {error}",
                hint="No file of this table was removed. Restore the file, or let the snapshot expire.",
            ) from error
    return set(map(canonical, found))


def recent_files(table: Table, stored: Iterable[StoredFile], since: float) -> set[str]:
    """Return the canonical locations of the files of snapshots that have expired, and that readers may still open.

    A snapshot that has expired is known only from its manifest list, whose header names its parent. Those that were
    committed since a moment count, and what readers saw just before.

    Args:
        table: the table.
        stored: the files that are stored for it.
        since: seconds since the epoch.
    """
    lists = [one for one in stored if one.name.startswith("snap-") and one.name.endswith(".avro")]
    counting = [one for one in lists if one.written >= since]
    for _ in range(_GENERATIONS):
        parents = tuple(f"snap-{parent}-" for one in counting if (parent := _parent(table, one)) is not None)
        known = {one.location for one in counting}
        counting += [one for one in lists if one.location not in known and one.name.startswith(parents)]
    found: set[str] = set()
    seen: set[str] = set()
    for one in counting:
        found.add(canonical(one.location))
        try:
            found.update(map(canonical, _files_of(table, one.location, seen)))
        except Exception:
            # No snapshot in the catalog needs it. A commit that failed may have left it incomplete.
            continue
    return found


def _parent(table: Table, manifest_list: StoredFile) -> str | None:
    """Return the id of the snapshot that another one is based on; None if there is none, or the list is incomplete."""
    from pyiceberg.avro.file import AvroFile

    try:
        with AvroFile[Any](table.io.new_input(manifest_list.location)) as opened:
            return opened.header.meta.get("parent-snapshot-id")
    except Exception:
        return None


def _files_of(table: Table, manifest_list: str, seen: set[str]) -> Iterator[str]:
    """Yield the manifests of a snapshot and their files, but for the manifests that were seen before."""
    from pyiceberg.manifest import read_manifest_list

    for manifest in read_manifest_list(table.io.new_input(manifest_list)):
        if manifest.manifest_path in seen:
            continue
        yield manifest.manifest_path
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            yield entry.data_file.file_path
        seen.add(manifest.manifest_path)
