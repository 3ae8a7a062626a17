"""Names from before version 1.0 that the workflows of a project answer. Only projects in the old layout use them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cascade.legacy.active import default_partitions
from cascade.legacy.layout import PACKAGE

if TYPE_CHECKING:
    import dagster as dg

    daily_partition: dg.DailyPartitionsDefinition


def get_ingestion_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of all workflows that are loaded, as the decorator registered them before version 1.0."""
    from cascade.framework.collect import workflows_in

    names = [name for name in sys.modules if name.startswith(f"{PACKAGE}.defs.ingestion.")]
    found = {id(workflow): workflow for name in names for workflow in workflows_in(sys.modules[name])}
    return [workflow.asset for workflow in found.values()]


def __getattr__(name: str) -> Any:
    if name != "daily_partition":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import dagster as dg

    # Those of the workflows, without which Dagster refuses a job that selects them.
    given = default_partitions()
    return dg.DailyPartitionsDefinition(given["partition_start"], timezone=given["partition_timezone"])
