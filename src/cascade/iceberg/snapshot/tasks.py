"""The files of a table, from manifests that this process may have read or written already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from pyiceberg.manifest import ManifestEntry
    from pyiceberg.table import FileScanTask, Table


def data_files(table: Table) -> list[FileScanTask]:
    """Return the data files of a table's current snapshot, each with its delete files.

    It returns what `table.scan().plan_files()` does, without reading a manifest twice in one process.

    Args:
        table: the table, on its branch.

    Raises:
        CascadeError: the table has equality deletes, which pyiceberg cannot apply.
    """
    from pyiceberg.manifest import DataFileContent
    from pyiceberg.table import FileScanTask
    from pyiceberg.table.delete_file_index import DeleteFileIndex

    from cascade.iceberg.snapshot.cache import live_entries, manifests_in

    head = table.current_snapshot()
    deletes = DeleteFileIndex()
    rows: list[ManifestEntry] = []
    for manifest in manifests_in(table.io, head.manifest_list) if head else ():
        for entry in live_entries(table.io, manifest):
            file = entry.data_file
            if file.content == DataFileContent.DATA:
                rows.append(entry)
            elif file.content == DataFileContent.POSITION_DELETES:
                deletes.add_delete_file(entry, partition_key=file.partition)
            else:
                raise CascadeError(
                    f"The table {'.'.join(table.name())} has equality deletes, which pyiceberg cannot apply: "
                    f"{file.file_path}",
                    hint="Compact the table with the tool that wrote them, then run it again.",
                )
    return [
        FileScanTask(
            row.data_file, deletes.for_data_file(row.sequence_number or 0, row.data_file, row.data_file.partition)
        )
        for row in rows
    ]
