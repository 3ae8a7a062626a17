"""The manifests of the next snapshot: which of the present ones stay, and what is written anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pyiceberg.exceptions import ValidationException
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from cascade.iceberg.snapshot.cache import live_entries, manifests_in
from cascade.iceberg.snapshot.tiers import MOST_ENTRIES, evenly, merged_groups


@dataclass(frozen=True)
class PlannedManifest:
    """A manifest of the next snapshot.

    Args:
        content: whether it lists data files or delete files.
        spec_id: the partition spec of its files.
        manifest: the manifest of the parent snapshot that stays as it is; None if the entries must be written.
        entries: the entries to write.
        live: number of entries that are not deleted.
    """

    content: ManifestContent
    spec_id: int
    live: int
    manifest: ManifestFile | None = None
    entries: tuple[ManifestEntry, ...] = ()


def plan_manifests(
    table: Table,
    parent: Snapshot | None,
    snapshot_id: int,
    added: Sequence[DataFile],
    removed: Sequence[DataFile],
    *,
    forgets: bool = False,
) -> list[PlannedManifest]:
    """Decide which manifests the next snapshot has, without writing anything.

    Args:
        table: the table.
        parent: the snapshot that the next one is based on; None for an empty branch.
        snapshot_id: id of the next snapshot.
        added: data files and position delete files that enter the table.
        removed: data files and delete files that leave it.
        forgets: whether the manifests name no file that has left the table, with this snapshot or an earlier one.

    Returns:
        The manifests, those to write first.

    Raises:
        ValidationException: a file that is to be removed is not in the table.
    """
    present = [
        _carried(table.io, manifest) for manifest in (manifests_in(table.io, parent.manifest_list) if parent else ())
    ]
    # A manifest of deleted entries alone says what its own snapshot removed, and nothing about the next one.
    manifests = _without(table.io, [part for part in present if part.live], snapshot_id, removed)
    if forgets:
        manifests = [kept for part in manifests if (kept := _forgetting(table.io, part)).live]
    manifests = _with(manifests, table.metadata.default_spec_id, snapshot_id, added)
    stay, groups = merged_groups(manifests, lambda part: part.live, lambda part: (part.content, part.spec_id))
    merged = [part for group in groups for part in _merged(table.io, group)]
    return sorted([*merged, *stay], key=lambda part: part.manifest is not None)


def _carried(io: FileIO, manifest: ManifestFile) -> PlannedManifest:
    added, existing = manifest.added_files_count, manifest.existing_files_count
    # Version 1 of the format does not require the counts.
    live = len(live_entries(io, manifest)) if added is None or existing is None else added + existing
    return PlannedManifest(manifest.content, manifest.partition_spec_id, live, manifest)


def _without(
    io: FileIO, manifests: Iterable[PlannedManifest], snapshot_id: int, removed: Sequence[DataFile]
) -> list[PlannedManifest]:
    """Mark the removed files as deleted in the manifests that list them."""
    sought: dict[ManifestContent, set[str]] = {}
    for file in removed:
        sought.setdefault(_content(file), set()).add(file.file_path)
    found = []
    for part in manifests:
        paths = sought.get(part.content)
        if not paths or part.manifest is None:
            found.append(part)
            continue
        entries = live_entries(io, part.manifest)
        here = {entry.data_file.file_path for entry in entries} & paths
        if not here:
            found.append(part)
            continue
        paths -= here
        kept = tuple(
            _deleted(entry, snapshot_id) if entry.data_file.file_path in here else _existing(entry) for entry in entries
        )
        found.append(PlannedManifest(part.content, part.spec_id, part.live - len(here), None, kept))
    missing = sorted(path for paths in sought.values() for path in paths)
    if missing:
        raise ValidationException(f"{len(missing)} files are not in the table anymore, such as {missing[0]}")
    return found


def _forgetting(io: FileIO, part: PlannedManifest) -> PlannedManifest:
    """Return a manifest without its deleted entries."""
    if part.manifest is None:
        kept = tuple(entry for entry in part.entries if entry.status != ManifestEntryStatus.DELETED)
        return replace(part, entries=kept)
    if part.manifest.deleted_files_count == 0:
        return part
    return replace(part, manifest=None, entries=tuple(map(_existing, live_entries(io, part.manifest))))


def _with(
    manifests: list[PlannedManifest], default_spec: int, snapshot_id: int, added: Sequence[DataFile]
) -> list[PlannedManifest]:
    """List the added files in a manifest that is written anyway, or else in new ones."""
    kinds: dict[tuple[ManifestContent, int], list[ManifestEntry]] = {}
    for file in added:
        # A data file that pyiceberg has just written does not say its spec, which is the table's default.
        file.spec_id = getattr(file, "_spec_id", default_spec)
        kinds.setdefault((_content(file), file.spec_id), []).append(_added(file, snapshot_id))
    result = list(manifests)
    for (content, spec_id), entries in kinds.items():
        for position, part in enumerate(result):
            room = part.manifest is None and len(part.entries) + len(entries) <= MOST_ENTRIES
            if room and (part.content, part.spec_id) == (content, spec_id):
                live = part.live + len(entries)
                result[position] = replace(part, live=live, entries=(*part.entries, *entries))
                break
        else:
            result += [PlannedManifest(content, spec_id, len(part), None, tuple(part)) for part in evenly(entries)]
    return result


def _merged(io: FileIO, group: Sequence[PlannedManifest]) -> Iterable[PlannedManifest]:
    entries = [
        entry
        for part in group
        for entry in (part.entries if part.manifest is None else map(_existing, live_entries(io, part.manifest)))
    ]
    for part in evenly(entries):
        live = sum(entry.status != ManifestEntryStatus.DELETED for entry in part)
        yield PlannedManifest(group[0].content, group[0].spec_id, live, None, tuple(part))


def _content(file: DataFile) -> ManifestContent:
    return ManifestContent.DATA if file.content == DataFileContent.DATA else ManifestContent.DELETES


def _added(file: DataFile, snapshot_id: int) -> ManifestEntry:
    """Return the entry of a new file, which inherits the sequence number of its snapshot."""
    return ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, data_file=file)


def _existing(entry: ManifestEntry) -> ManifestEntry:
    """Return the entry of a file that stays. Its sequence numbers decide which delete files apply to it."""
    return _copy(entry, ManifestEntryStatus.EXISTING, entry.snapshot_id)


def _deleted(entry: ManifestEntry, snapshot_id: int) -> ManifestEntry:
    return _copy(entry, ManifestEntryStatus.DELETED, snapshot_id)


def _copy(entry: ManifestEntry, status: ManifestEntryStatus, snapshot_id: int | None) -> ManifestEntry:
    return ManifestEntry.from_args(
        status=status,
        snapshot_id=snapshot_id,
        sequence_number=entry.sequence_number,
        file_sequence_number=entry.file_sequence_number,
        data_file=entry.data_file,
    )
