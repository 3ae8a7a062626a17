"""Which dbt models cannot run yet: they read a table of another project that has not been published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from cascade.dbt.results import read_manifest
from cascade.exceptions import CascadeError
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef

_Exists = Callable[[TableRef], bool]


def models_without_sources(
    manifest: Mapping[str, Any], filled: Collection[str], assets: Collection[tuple[str, ...]], exists: _Exists
) -> dict[str, str]:
    """Return why models cannot run, by their unique ids.

    A table that a workflow of the project fills need not exist: dbt shows it without rows.

    Args:
        manifest: the manifest of the dbt project.
        filled: full names of the tables that workflows of the project fill.
        assets: the keys of the assets of the project, which may fill a source without being workflows.
        exists: returns whether the lakehouse has a table.
    """
    # dbt writes the database of the models into each source that names none.
    databases = {node.get("database") for node in manifest["nodes"].values()}
    given: Mapping[str, Mapping[str, Any]] = manifest.get("sources") or {}
    named = {
        unique_id: {**source, "database": None} if source.get("database") in databases else source
        for unique_id, source in given.items()
    }
    sources = read_manifest({**manifest, "sources": named}).sources.values()
    missing = {
        source.name: source.table
        for source in sources
        if not source.is_external
        and source.asset_key not in assets
        and source.table.removesuffix(QUARANTINE_SUFFIX) not in filled
        and not _is_there(source.table, exists)
    }
    children: Mapping[str, list[str]] = manifest.get("child_map") or {}
    found: dict[str, str] = {}
    for unique_id, source in given.items():
        table = missing.get(f"{source['source_name']}.{source['name']}")
        if table is None:
            continue
        why = f"it reads {table}, which does not exist, and no workflow of this project fills it"
        waiting = list(children.get(unique_id, ()))
        for child in waiting:
            if child not in found:
                found[child] = why
                waiting += children.get(child, ())
    return found


def _is_there(table: str, exists: _Exists) -> bool:
    try:
        return exists(TableRef.parse(table))
    except CascadeError:
        # Whoever builds the model shows what is wrong.
        return True
