"""Write the manifests and the manifest list of a snapshot."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from pyiceberg.avro.codecs import AvroCompressionCodec
from pyiceberg.manifest import (
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.table import Table, TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.utils.properties import property_as_bool

from cascade.iceberg.snapshot.cache import remember_entries, remember_manifests
from cascade.iceberg.snapshot.manifests import PlannedManifest


@dataclass
class SnapshotFiles:
    """The manifest list of a snapshot and the manifests that were written for it.

    Args:
        table: the table.
        snapshot_id: id of the snapshot.
        parent_id: the snapshot that it is based on; None for an empty branch.
        sequence_number: sequence number of the snapshot.
    """

    table: Table
    snapshot_id: int
    parent_id: int | None
    sequence_number: int
    manifest_list: str = ""
    _written: list[str] = field(default_factory=list)
    _manifests: list[ManifestFile] = field(default_factory=list)
    _entries: list[tuple[ManifestFile, tuple[ManifestEntry, ...]]] = field(default_factory=list)
    _name: str = field(default_factory=lambda: str(uuid.uuid4()))

    def write(self, planned: Sequence[PlannedManifest]) -> None:
        """Write everything. If that fails, nothing is left behind."""
        try:
            self._manifests = [part.manifest or self._write_manifest(part) for part in planned]
            self._write_list()
        except BaseException:
            self.discard()
            raise

    def landed(self, metadata: TableMetadata) -> None:
        """Keep what was written in the cache for the next commit, and remove metadata that is not needed anymore.

        Args:
            metadata: the table's metadata afterwards.
        """
        for manifest, entries in self._entries:
            remember_entries(manifest, [self._with_numbers(entry) for entry in entries if _is_live(entry)])
        remember_manifests(self.manifest_list, self._manifests)
        self._remove_old_metadata(metadata)

    def _remove_old_metadata(self, metadata: TableMetadata) -> None:
        """Remove the metadata files that have left the log, if the table asks for it. Catalogs do not do it."""
        enabled = property_as_bool(
            metadata.properties,
            TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED,
            TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED_DEFAULT,
        )
        if enabled:
            logged = {entry.metadata_file for entry in metadata.metadata_log}
            for entry in self.table.metadata.metadata_log:
                if entry.metadata_file not in logged:
                    with suppress(Exception):
                        self.table.io.delete(entry.metadata_file)

    def discard(self) -> None:
        """Remove the files. Maintenance removes those that remain."""
        for path in self._written:
            with suppress(Exception):
                self.table.io.delete(path)

    def _write_manifest(self, part: PlannedManifest) -> ManifestFile:
        output = self.table.io.new_output(self._location(f"{self._name}-m{len(self._written)}.avro"))
        metadata = self.table.metadata
        spec, schema = metadata.specs()[part.spec_id], metadata.schema()
        with (
            DeleteManifestWriter(spec, schema, output, self.snapshot_id, self._codec)
            if part.content == ManifestContent.DELETES
            else write_manifest(metadata.format_version, spec, schema, output, self.snapshot_id, self._codec)
        ) as writer:
            for entry in part.entries:
                writer.add_entry(entry)
        manifest = _numbered(writer.to_manifest_file(), self.sequence_number)
        self._entries.append((manifest, part.entries))
        return manifest

    def _write_list(self) -> None:
        self.manifest_list = self._location(f"snap-{self.snapshot_id}-0-{self._name}.avro")
        with write_manifest_list(
            self.table.metadata.format_version,
            self.table.io.new_output(self.manifest_list),
            self.snapshot_id,
            self.parent_id,
            self.sequence_number,
            self._codec,
        ) as writer:
            writer.add_manifests(self._manifests)

    def _location(self, name: str) -> str:
        path = self.table.location_provider().new_metadata_location(name)
        self._written.append(path)
        return path

    @property
    def _codec(self) -> AvroCompressionCodec:
        codec = self.table.properties.get(
            TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT
        )
        # pyiceberg does not know Iceberg's name for it.
        return cast("AvroCompressionCodec", "null" if codec == "uncompressed" else codec)

    def _with_numbers(self, entry: ManifestEntry) -> ManifestEntry:
        """Return the entry as it would be read: what is new has the sequence number of its snapshot."""
        if entry.sequence_number is not None:
            return entry
        return ManifestEntry.from_args(
            status=entry.status,
            snapshot_id=entry.snapshot_id,
            sequence_number=self.sequence_number,
            file_sequence_number=self.sequence_number,
            data_file=entry.data_file,
        )


class DeleteManifestWriter(ManifestWriterV2):
    """Writes a manifest of delete files, for which pyiceberg has no writer."""

    def content(self) -> ManifestContent:
        """Return what the manifest lists."""
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def _numbered(manifest: ManifestFile, sequence_number: int) -> ManifestFile:
    manifest.sequence_number = sequence_number
    if manifest.min_sequence_number < 0:
        manifest.min_sequence_number = sequence_number
    return manifest


def _is_live(entry: ManifestEntry) -> bool:
    return entry.status != ManifestEntryStatus.DELETED
