"""Which assets of a project a run of CI can run, because a branch keeps what they write apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cascade.dbt.deferral import elsewhere
from cascade.dbt.manifest import current_manifest
from cascade.dbt.profile import no_branch_reason
from cascade.declarations.functions import as_written
from cascade.framework.ci.affected import Reach
from cascade.framework.ci.missing_sources import models_without_sources

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.declarations.declaration import Declaration
    from cascade.framework.collect import Collected
    from cascade.framework.since.affected import Affected
    from cascade.iceberg import Lakehouse

# The key under which dagster-dbt says which node of dbt an asset is.
_UNIQUE_ID = "dagster_dbt/unique_id"
_OURS = "dbt_build"


def reach_of(collected: Collected, definitions: dg.Definitions, config: CascadeConfig, lakehouse: Lakehouse) -> Reach:
    """Return the workflows and dbt models of a project.

    Args:
        collected: what its modules contain.
        definitions: its definitions.
        config: its settings.
        lakehouse: the lakehouse, on `main`.
    """
    import dagster as dg

    graph = definitions.resolve_asset_graph()
    workflows = {dg.AssetKey(list(each.declaration.asset_key)): each.declaration for each in collected.workflows}
    models, places = {}, {}
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        unique_id = node.metadata.get(_UNIQUE_ID)
        # Assets that a project makes with dagster-dbt itself run with a profile of its own.
        if unique_id is not None and node.assets_def.node_def.name == _OURS:
            models[str(unique_id).split(".")[2]] = key
            places[str(unique_id)] = key
    declarations = {key: declaration for key, declaration in workflows.items() if graph.has(key)}
    reason = no_branch_reason(config) if models else None
    reasons = {} if reason is None else dict.fromkeys(places.values(), reason)
    manifest: dict[str, Any] = (
        json.loads(current_manifest(config).read_bytes()) if models else {"nodes": {}, "sources": {}}
    )
    if reason is None:
        found = elsewhere(config, manifest)
        keys = {tuple(key.path) for key in graph.materializable_asset_keys}
        tables = {declaration.table for declaration in workflows.values()}
        waiting = models_without_sources(manifest, tables, keys, lambda ref: lakehouse.load(ref) is not None)
        found = {**waiting, **found}
        reasons = {places[unique_id]: why for unique_id, why in found.items() if unique_id in places}
    files = {
        places[unique_id]: config.dbt_project_directory / node["original_file_path"]
        for unique_id, node in manifest["nodes"].items()
        if unique_id in places and node["package_name"] == manifest["metadata"]["project_name"]
    }
    return Reach(graph, declarations, models, reasons, files)


def affected_assets(collected: Collected, reach: Reach, affected: Affected) -> dict[dg.AssetKey, str]:
    """Return the assets that the changes since a commit affect themselves, each with the reason.

    Args:
        collected: what the modules of the project contain.
        reach: its assets.
        affected: what the changes affect.
    """
    import dagster as dg

    found: dict[dg.AssetKey, str] = {}
    for key, declaration in reach.declarations.items():
        for reason in _of_modules(declaration, affected):
            found.setdefault(key, reason)
    for function in collected.quality:
        key = dg.AssetKey(list(function.declaration.asset_key))
        for reason in _of_modules(function.declaration, affected):
            if reach.graph.has(key):
                found.setdefault(key, f"one of its checks is affected: {reason}")
    for key, file in reach.files.items():
        if file in affected.dbt_files:
            found.setdefault(key, affected.dbt_files[file])
    names = {file.stem: reason for file, reason in affected.dbt_files.items() if file not in reach.files.values()}
    for check in reach.graph.asset_check_keys:
        if check.name in names:
            found.setdefault(check.asset_key, f"its test {check.name} is affected: {names[check.name]}")
    return found


def _of_modules(declaration: Declaration, affected: Affected) -> Iterator[str]:
    modules = (declaration.module or "", str(getattr(as_written(declaration.function), "__module__", "")))
    return (affected.modules[name] for name in modules if name in affected.modules)
