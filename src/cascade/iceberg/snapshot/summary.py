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


def summary_of(
    metadata: TableMetadata,
    parent: Snapshot | None,
    added: Sequence[DataFile],
    removed: Sequence[DataFile],
    properties: Mapping[str, str],
) -> Summary:
    """Return what changed, and the totals afterwards.

    Args:
        metadata: the table's metadata.
        parent: the snapshot before; None for an empty branch.
        added: files that enter the table.
        removed: files that leave it.
        properties: further properties.
    """
    limit = metadata.properties.get(
        TableProperties.WRITE_PARTITION_SUMMARY_LIMIT, TableProperties.WRITE_PARTITION_SUMMARY_LIMIT_DEFAULT
    )
    collector = SnapshotSummaryCollector(int(limit))
    schema, specs, default = metadata.schema(), metadata.specs(), metadata.default_spec_id
    for file in added:
        collector.add_file(file, schema, specs[getattr(file, "_spec_id", default)])
    for file in removed:
        collector.remove_file(file, schema, specs[getattr(file, "_spec_id", default)])
    summary = Summary(operation=_operation(added, removed), **collector.build(), **properties)
    return update_snapshot_summaries(summary, parent.summary if parent else None)


def _operation(added: Sequence[DataFile], removed: Sequence[DataFile]) -> Operation:
    rows_added = any(file.content == DataFileContent.DATA for file in added)
    if not rows_added:
        return Operation.DELETE
    only_rows = all(file.content == DataFileContent.DATA for file in added)
    return Operation.APPEND if only_rows and not removed else Operation.OVERWRITE
