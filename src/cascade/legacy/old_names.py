"""What became of the names of the framework that Cascade was before version 1.0.

`docs/guides/upgrading.md` shows these tables, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping

DROPPED_IN = "2.0.0"
"""The version that no longer runs projects in the old layout."""

SUCCESSORS: Mapping[str, tuple[str, str]] = {
    "cascade.config.config": ("CascadeConfig.from_user_config()", "cascade.config.old_settings:config"),
    "cascade.config.get_config": ("CascadeConfig.from_user_config()", "cascade.config.old_settings:get_config"),
    "cascade.config.get_settings": ("CascadeConfig.from_user_config()", "cascade.config.old_settings:get_config"),
    "cascade.definitions.defs": ("cascade.framework.definitions.defs", "cascade.framework.definitions:defs"),
    "cascade.defs.partitions.daily_partition": (
        "the setting `partition_start`",
        "cascade.framework.old_partitions:daily_partition",
    ),
    "cascade.ingestion.get_ingestion_assets": (
        "nothing: workflows are found by themselves",
        "cascade.framework.old_partitions:get_ingestion_assets",
    ),
}
"""For each old name, what to write now, and the object that it is in a project in the old layout, as `module:name`."""

GONE: Mapping[str, str] = {
    "cascade.iceberg.catalog.get_catalog": "cascade.iceberg.open_lakehouse(config).catalog",
    "cascade.schemas.registry": "nothing: the decorator's `table_name` and `unique_key` say it all",
}
"""Old names that no longer exist, and what to write in their place."""


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
    return any(name.rpartition(".")[0] == module for name in SUCCESSORS)
