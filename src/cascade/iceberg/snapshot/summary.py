"""The summary of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyiceberg.manifest import DataFile, DataFileContent
from pyiceberg.table import TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import (
    Operation,
    Snapshot,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)

from cascade.iceberg.changes import FileChange


def summary_of(
    metadata: TableMetadata,
    parent: Snapshot | None,
    change: FileChange,
    properties: Mapping[str, str],
) -> Summary:
    """Return what changed, and the totals afterwards.

    Args:
        metadata: the table's metadata.
        parent: the snapshot before; None for an empty branch.
        change: the files that enter and leave the table.
        properties: further properties.
    """
    limit = metadata.properties.get(
        TableProperties.WRITE_PARTITION_SUMMARY_LIMIT, TableProperties.WRITE_PARTITION_SUMMARY_LIMIT_DEFAULT
    )
    collector = SnapshotSummaryCollector(int(limit))
    schema, specs, default = metadata.schema(), metadata.specs(), metadata.default_spec_id
    for file in change.added:
        collector.add_file(file, schema, specs[getattr(file, "_spec_id", default)])
    for file in change.deleted:
        collector.remove_file(file, schema, specs[getattr(file, "_spec_id", default)])
    operation = _operation(change.added, change.deleted)
    summary = Summary(operation=operation, **collector.build(), **properties)
    total = update_snapshot_summaries(summary, parent.summary if parent else None)
    # pyiceberg does not compute the totals of this operation.
    return Summary(operation=Operation.REPLACE, **total.additional_properties) if change.keeps_rows else total


def _operation(added: Sequence[DataFile], removed: Sequence[DataFile]) -> Operation:
    rows_added = any(file.content == DataFileContent.DATA for file in added)
    if not rows_added:
        return Operation.DELETE
    only_rows = all(file.content == DataFileContent.DATA for file in added)
    return Operation.APPEND if only_rows and not removed else Operation.OVERWRITE
