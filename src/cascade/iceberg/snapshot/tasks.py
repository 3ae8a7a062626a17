"""The files of a table, from manifests that this process may have read or written already."""

from __future__ import annotations

from pyiceberg.manifest import DataFileContent, ManifestEntry
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.delete_file_index import DeleteFileIndex

from cascade.iceberg.snapshot.cache import live_entries, manifests_in


def data_files(table: Table) -> list[FileScanTask]:
    """Return the data files of a table's current snapshot, each with its delete files.

    It returns what `table.scan().plan_files()` does, without reading a manifest twice in one process.

    Args:
        table: the table, on its branch.

    Raises:
        ValueError: the table has equality deletes, which pyiceberg cannot read.
    """
    head = table.current_snapshot()
    deletes, rows = DeleteFileIndex(), list[ManifestEntry]()
    for manifest in manifests_in(table.io, head.manifest_list) if head else ():
        for entry in live_entries(table.io, manifest):
            file = entry.data_file
            if file.content == DataFileContent.DATA:
                rows.append(entry)
            elif file.content == DataFileContent.POSITION_DELETES:
                deletes.add_delete_file(entry, partition_key=file.partition)
            else:
                raise ValueError(f"{'.'.join(table.name())} has equality deletes, such as {file.file_path}")
    return [
        FileScanTask(
            row.data_file, deletes.for_data_file(row.sequence_number or 0, row.data_file, row.data_file.partition)
        )
        for row in rows
    ]
