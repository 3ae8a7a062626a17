"""What became of the names of the framework that Cascade was before version 1.0.

`docs/guides/upgrading.md` shows these tables, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping

DROPPED_IN = "2.0.0"
"""The version that no longer runs projects in the old layout."""

_SETTINGS = "`CascadeConfig.from_user_config()`"

SUCCESSORS: Mapping[str, tuple[str, str]] = {
    "cascade.config.config": (_SETTINGS, "cascade.config.old_settings:config"),
    "cascade.config.get_config": (_SETTINGS, "cascade.config.old_settings:get_config"),
    "cascade.config.get_settings": (_SETTINGS, "cascade.config.old_settings:get_config"),
    "cascade.definitions.defs": ("`cascade.framework.definitions.defs`", "cascade.framework.definitions:defs"),
    "cascade.defs.partitions.daily_partition": (
        "the partitions of `workflow.asset`",
        "cascade.framework.old_partitions:daily_partition",
    ),
    "cascade.ingestion.get_ingestion_assets": (
        "nothing: Cascade finds the workflows",
        "cascade.framework.old_partitions:get_ingestion_assets",
    ),
    "cascade.quality.CountCheck": ('`RowCount(min, max, scope="table")`', "cascade.quality.old_checks:count_check"),
    "cascade.quality.FreshnessCheck": ("`Freshness(column, hours)`", "cascade.quality.old_checks:freshness_check"),
    "cascade.quality.NullCheck": ("`NotNull(column)`, one for each column", "cascade.quality.old_checks:null_check"),
    "cascade.quality.RangeCheck": ("`Range(column, min, max)`", "cascade.quality.old_checks:range_check"),
    "cascade.quality.SchemaCheck": ("`MatchesSchema(schema)`", "cascade.quality.old_checks:schema_check"),
    "cascade.quality.UniqueCheck": ("`Unique(columns)`", "cascade.quality.old_checks:unique_check"),
}
"""For each old name, what to write now, and the object that it is in a project in the old layout, as `module:name`."""

_NO_RESOURCES = "a class of your own, such as a Dagster resource that connects to Trino"

GONE: Mapping[str, str] = {
    "cascade.defs.nessie": "nothing: a run publishes its rows on `main` after the blocking checks have passed",
    "cascade.defs.resources": f"the resource `lakehouse`, or {_NO_RESOURCES}",
    "cascade.defs.resources.iceberg": "the resource `lakehouse`",
    "cascade.defs.resources.trino": _NO_RESOURCES,
    "cascade.defs.validation": "checks, which block by default: `@cascade_quality`, `@cascade_check`",
    "cascade.defs.transform": "nothing: Cascade finds the dbt project",
    "cascade.iceberg.append_to_table": 'a workflow with `write_disposition="append"`',
    "cascade.iceberg.get_catalog": "`open_lakehouse(config).catalog` of `cascade.iceberg`",
    "cascade.iceberg.merge_to_table": "a workflow",
    "cascade.ingestion.dlt_helpers": "nothing: a run stages and merges the rows",
    "cascade.quality.QualityCheck": "`@cascade_check`, for a check of your own",
    "cascade.schemas.asset_outputs": "nothing: a run reports its numbers as metadata",
    "cascade.schemas.registry": "`table_name` and `unique_key` of the decorator",
    "cascade.testing.load_fixture": "pyarrow, Polars or pandas, which read files",
    "cascade.testing.mock_dlt_source": "`test_workflow(workflow, test_data=[...])`",
    "cascade.testing.mock_iceberg_catalog": "the fixture `lakehouse`",
    "cascade.testing.test_asset_execution": "`test_workflow(workflow, test_data=[...])`",
}
"""Old names that no longer exist, and what to write in their place."""


MODULES: Mapping[str, str] = {
    "cascade.quality.checks": "cascade.quality",
    "cascade.quality.decorator": "cascade.quality",
}
"""Old modules, and the module that has their names now."""


def object_of(name: str) -> str | None:
    """Return the object that an old name is in a project in the old layout, as `module:name`.

    Args:
        name: the full old name, such as `cascade.config.config`.

    Returns:
        None if that is not an old name.
    """
    found = SUCCESSORS.get(name)
    return found[1] if found else None


def has_names_in(module: str) -> bool:
    """Return whether a module that no longer exists had names which still resolve."""
    return module in MODULES or any(name.rpartition(".")[0] == module for name in SUCCESSORS)
