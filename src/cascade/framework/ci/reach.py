"""Which assets of a project a run of CI can run, because a branch keeps what they write apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cascade.dbt.deferral import elsewhere
from cascade.dbt.manifest import current_manifest
from cascade.dbt.profile import no_branch_reason
from cascade.framework.ci.affected import Reach

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.framework.collect import Collected

# The key under which dagster-dbt says which node of dbt an asset is.
_UNIQUE_ID = "dagster_dbt/unique_id"
_OURS = "dbt_build"


def reach_of(collected: Collected, definitions: dg.Definitions, config: CascadeConfig) -> Reach:
    """Return the workflows and dbt models of a project.

    Args:
        collected: what its modules contain.
        definitions: its definitions.
        config: its settings.
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
    manifest: dict[str, Any] = json.loads(current_manifest(config).read_bytes()) if models else {"nodes": {}}
    if reason is None:
        found = elsewhere(config, manifest)
        reasons = {places[unique_id]: why for unique_id, why in found.items() if unique_id in places}
    return Reach(graph, declarations, models, reasons)
