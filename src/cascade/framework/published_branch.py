"""Tell Dagster about rows that somebody published by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

    from cascade.iceberg.table_branches import Branch


def record_published_branch(instance: dg.DagsterInstance, key: dg.AssetKey, branch: Branch) -> None:
    """Record that an asset was materialized, so that its partition no longer counts as failed.

    The run that wrote the rows failed because of its checks, so Dagster knows of no rows from it.

    Args:
        instance: the project's Dagster instance.
        key: the asset that fills the table.
        branch: the audit branch, which `main` is at now.
    """
    import dagster as dg

    metadata = {
        "dagster/row_count": branch.rows,
        "snapshot_id": str(branch.snapshot_id),
        "cascade/branch": branch.name,
        "cascade/run_id": branch.run_id,
    }
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            key,
            description="Published by hand, although a blocking check had failed.",
            metadata={name: value for name, value in metadata.items() if value is not None},
            partition=branch.partition,
        )
    )
