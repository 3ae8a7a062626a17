"""Write the manifests and the manifest list of a snapshot."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from pyiceberg.avro.codecs import AvroCompressionCodec
from pyiceberg.manifest import (
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    construct_partition_summaries,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.table import Table, TableProperties

from cascade.iceberg.snapshot.cache import remember_entries, remember_manifests
from cascade.iceberg.snapshot.encoding import ManifestForm
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

    def landed(self) -> None:
        """Keep what was written in the cache for the next commit."""
        for manifest, entries in self._entries:
            remember_entries(manifest, [self._with_numbers(entry) for entry in entries if _is_live(entry)])
        remember_manifests(self.manifest_list, self._manifests)

    def discard(self) -> None:
        """Remove the files. Maintenance removes those that remain."""
        for path in self._written:
            with suppress(Exception):
                self.table.io.delete(path)

    def _write_manifest(self, part: PlannedManifest) -> ManifestFile:
        metadata = self.table.metadata
        output = self.table.io.new_output(self._location(f"{self._name}-m{len(self._written)}.avro"))
        if metadata.format_version == 1:
            spec = metadata.specs()[part.spec_id]
            with write_manifest(1, spec, metadata.schema(), output, self.snapshot_id, self._codec) as writer:
                for entry in part.entries:
                    writer.add_entry(entry)
            return writer.to_manifest_file()
        content = ManifestForm.of(metadata, part.spec_id, part.content, self._codec).encoded(part.entries)
        with output.create(overwrite=True) as stream:
            stream.write(content)
        manifest = self._described(part, output.location, len(content))
        self._entries.append((manifest, part.entries))
        return manifest

    def _described(self, part: PlannedManifest, path: str, length: int) -> ManifestFile:
        """Return what the manifest list says about a manifest."""
        files, rows, oldest = Counter[ManifestEntryStatus](), Counter[ManifestEntryStatus](), self.sequence_number
        for entry in part.entries:
            files[entry.status] += 1
            rows[entry.status] += entry.data_file.record_count
            if _is_live(entry) and entry.sequence_number is not None:
                oldest = min(oldest, entry.sequence_number)
        metadata = self.table.metadata
        return ManifestFile.from_args(
            manifest_path=path,
            manifest_length=length,
            partition_spec_id=part.spec_id,
            content=part.content,
            sequence_number=self.sequence_number,
            min_sequence_number=oldest,
            added_snapshot_id=self.snapshot_id,
            added_files_count=files[ManifestEntryStatus.ADDED],
            existing_files_count=files[ManifestEntryStatus.EXISTING],
            deleted_files_count=files[ManifestEntryStatus.DELETED],
            added_rows_count=rows[ManifestEntryStatus.ADDED],
            existing_rows_count=rows[ManifestEntryStatus.EXISTING],
            deleted_rows_count=rows[ManifestEntryStatus.DELETED],
            partitions=construct_partition_summaries(
                metadata.specs()[part.spec_id],
                metadata.schema(),
                [entry.data_file.partition for entry in part.entries],
            ),
        )

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


def _is_live(entry: ManifestEntry) -> bool:
    return entry.status != ManifestEntryStatus.DELETED
