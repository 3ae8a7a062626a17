"""Which assets of a project a run of CI can run, because a branch keeps what they write apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    models = {}
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        unique_id = node.metadata.get(_UNIQUE_ID)
        # Assets that a project makes with dagster-dbt itself run with a profile of its own.
        if unique_id is not None and node.assets_def.node_def.name == _OURS:
            models[str(unique_id).split(".")[2]] = key
    declarations = {key: declaration for key, declaration in workflows.items() if graph.has(key)}
    return Reach(graph, declarations, models, no_branch_reason(config) if models else None)
