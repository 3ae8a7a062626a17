"""What a new workflow, and a new plugin, can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.plugins import Kind

BUILT_IN_SOURCES = ("file", "rest-api", "database", "dataframe")
"""The sources with a template. The first is the default."""

RESERVED_TYPES = ("ingestion", "quality", "dbt", "transform")
"""The other values of `create-workflow --type` and `cascade-scaffold --type`, which no source of a plugin can have."""

PLUGIN_KINDS: dict[Kind, str] = {
    "source": "a source for create-workflow",
    "quality": "checks of every table",
    "contributor": "assets, jobs, schedules and problems",
    "catalog": "an Iceberg catalog, by the scheme of its URI",
    "command": "a command of the command line",
    "resource": "a Dagster resource that workflows take",
}
"""What a plugin can add."""

DEFAULT_PLUGIN_KIND: Kind = "command"
