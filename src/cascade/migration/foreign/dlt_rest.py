"""The tables of a configuration of dlt's REST API source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cascade.migration.foreign.columns import columns_of_hints, kind_of_value
from cascade.migration.foreign.found import DISPOSITIONS, Column, Table


def rest_tables(config: Any, path: Path, line: int) -> list[Table] | None:
    """Return the tables that the resources of a configuration fill.

    Args:
        config: the configuration, with `UNKNOWN` for what is not constant.
        path: the file that contains it.
        line: its line there.

    Returns:
        The tables, or None if a resource is not in the code.
    """
    resources = config.get("resources") if isinstance(config, Mapping) else None
    if not isinstance(resources, list):
        return None
    defaults = config.get("resource_defaults")
    tables = []
    for resource in resources:
        if isinstance(resource, str):
            resource = {"name": resource}
        name = resource.get("name") if isinstance(resource, Mapping) else None
        if not isinstance(name, str):
            return None
        if resource.get("selected") is False:
            continue
        settings = {**(defaults if isinstance(defaults, Mapping) else {}), **resource}
        tables.append(_table(name, settings, path, line))
    return tables


def _table(name: str, settings: Mapping[Any, Any], path: Path, line: int) -> Table:
    given = settings.get("table_name")
    table = Table(given if isinstance(given, str) else name, path, line, resource=name)
    key = settings.get("primary_key")
    if isinstance(key, str) or (isinstance(key, list) and all(isinstance(each, str) for each in key)):
        table = replace(table, key=(key,) if isinstance(key, str) else tuple(key))
    disposition = settings.get("write_disposition")
    if isinstance(disposition, Mapping):
        disposition = disposition.get("disposition")
    if isinstance(disposition, str) and disposition in DISPOSITIONS:
        table = replace(table, disposition=disposition)
    columns = columns_of_hints(settings.get("columns"))
    cursor = _cursor(settings.get("endpoint"))
    if cursor is not None:
        table = replace(table, cursor=cursor.name)
        columns = (*columns, *([cursor] if not cursor.guessed and cursor.name not in {c.name for c in columns} else []))
    return replace(table, columns=columns)


def _cursor(endpoint: Any) -> Column | None:
    if not isinstance(endpoint, Mapping):
        return None
    params = endpoint.get("params")
    candidates = [endpoint.get("incremental"), *(params.values() if isinstance(params, Mapping) else ())]
    for candidate in candidates:
        path = candidate.get("cursor_path") if isinstance(candidate, Mapping) else None
        if isinstance(path, str) and path.replace("_", "").isalnum():
            kind = kind_of_value(candidate.get("initial_value"))
            return Column(path, kind, required=True) if kind else Column(path, "str", guessed=True)
    return None
