"""Sources whose tables are seeds of the same project, as in projects that bring their own raw data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cascade.dbt_graph.nodes import Node, settings_of
from cascade.dbt_graph.packages import Package
from cascade.dbt_graph.properties import SourceTable

_DEFAULT_SCHEMA = "main"


def with_seeds(
    tables: Iterable[SourceTable], package: Package, enabled: Iterable[Node], disabled: Iterable[Node]
) -> list[SourceTable]:
    """Find the seeds that fill tables of sources. dbt itself knows no such edge, since `source` names no node.

    Only dbt can tell the schema of a seed for sure, because macros decide it. Here, a seed of the same name whose
    settings name the schema of the source counts. A table of a disabled seed is filled by something else.

    Args:
        tables: the tables of the sources of the project.
        package: the project.
        enabled: the nodes of the project that are enabled.
        disabled: those that are not.
    """
    seeds = [(node, True) for node in enabled] + [(node, False) for node in disabled]
    by_name = {node.name: (node, there) for node, there in reversed(seeds) if node.kind == "seed"}
    found = []
    for table in tables:
        schema, _, name = table.table.rpartition(".")
        seed, there = by_name.get(name, (None, False))
        if seed is not None and _may_be(schema, settings_of(package.settings, seed, "schema")):
            enabled_file, disabled_file = (seed.file, None) if there else (None, seed.file)
            table = replace(table, external=True, seed=enabled_file, disabled_seed=disabled_file)
        found.append(table)
    return found


def _may_be(schema: str, custom: object) -> bool:
    if "{{" in schema:
        return True
    if custom is None:
        return schema == _DEFAULT_SCHEMA
    return schema == custom or schema.endswith(f"_{custom}")
