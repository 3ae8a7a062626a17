"""Copy the rows of one data file to another table.

When a file's rows are written, an Iceberg manifest under a name that follows from the file lists what was written. A
copy that was interrupted reads it in place of the file. Nothing else refers to it: maintenance removes it with the
other orphans if the copy is never finished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.data_file_reader import open_data_file, projection
from cascade.iceberg.files import without
from cascade.iceberg.large.writing import write_parts
from cascade.iceberg.merge.plan import identity, layout_of
from cascade.iceberg.position_deletes import deleted_positions

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table


@dataclass(frozen=True)
class CopiedFile:
    """The copy of one data file, without the rows that delete files remove.

    Args:
        source: the table that has the file.
        task: the file.
        target: the table that gets its rows.
    """

    source: Table
    task: FileScanTask
    target: Table

    def files(self) -> list[DataFile]:
        """Return the files with the rows, which no snapshot of the target refers to yet.

        Raises:
            CascadeError: the source cannot be read, or the target cannot be written. No file is left.
        """
        found = self._written_before()
        if found is None:
            found = write_parts(self.target, self._parts())
            self._note(found)
        return found

    def forget(self) -> None:
        """Remove what an interrupted copy would read. Call it after the files are committed."""
        with suppress(Exception):
            self.target.io.delete(self._notes)

    def _parts(self) -> Iterator[pa.Table]:
        wanted, schema = projection(self.source), arrow_schema(self.target)
        deleted = deleted_positions(self.source, self.task)
        with open_data_file(self.source, self.task.file) as opened:
            for group in opened.groups:
                yield conform(without(opened.read(group, wanted), deleted, group.start), schema)

    @property
    def _notes(self) -> str:
        path, deletes = identity(self.task)
        tables = [(str(table.metadata.table_uuid), layout_of(table)) for table in (self.source, self.target)]
        name = hashlib.sha256(repr((path, sorted(deletes), tables)).encode()).hexdigest()[:32]
        return self.target.location_provider().new_metadata_location(f"copy-{name}.avro")

    def _note(self, files: list[DataFile]) -> None:
        from pyiceberg.manifest import ManifestEntry, ManifestEntryStatus, write_manifest

        metadata = self.target.metadata
        output = self.target.io.new_output(self._notes)
        with write_manifest(
            metadata.format_version, self.target.spec(), metadata.schema(), output, 1, "null"
        ) as writer:
            for file in files:
                status = ManifestEntryStatus.ADDED
                writer.add_entry(ManifestEntry.from_args(status=status, snapshot_id=1, data_file=file))

    def _written_before(self) -> list[DataFile] | None:
        """Return the files that an interrupted copy has written; None if it has not written all of them."""
        from pyiceberg.manifest import ManifestContent, ManifestFile

        try:
            notes = ManifestFile.from_args(
                manifest_path=self._notes,
                manifest_length=0,
                partition_spec_id=self.target.metadata.default_spec_id,
                content=ManifestContent.DATA,
                sequence_number=0,
                min_sequence_number=0,
                added_snapshot_id=1,
            )
            found = [entry.data_file for entry in notes.fetch_manifest_entry(self.target.io)]
            present = all(self.target.io.new_input(file.file_path).exists() for file in found)
        except Exception:
            # It does not exist, or a killed process has written half of it.
            return None
        return found if present else None
