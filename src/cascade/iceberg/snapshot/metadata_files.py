"""The metadata files of a table. Each commit writes a new one."""

from __future__ import annotations

from contextlib import suppress

from pyiceberg.table import Table, TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.utils.properties import property_as_bool


def remove_old_metadata(before: Table, metadata: TableMetadata) -> None:
    """Remove the metadata files that have left the log, if the table asks for it. Catalogs do not do it.

    Args:
        before: the table before a commit.
        metadata: the table's metadata after it.
    """
    enabled = property_as_bool(
        metadata.properties,
        TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED,
        TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED_DEFAULT,
    )
    if enabled:
        logged = {entry.metadata_file for entry in metadata.metadata_log}
        for entry in before.metadata.metadata_log:
            if entry.metadata_file not in logged:
                with suppress(Exception):
                    before.io.delete(entry.metadata_file)
