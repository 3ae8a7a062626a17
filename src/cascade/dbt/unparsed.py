"""The nodes of a dbt project that dbt has not parsed, as far as its files show them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.dbt.profile import dbt_target

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.dbt_graph.graph import Graph

_SETTINGS = {"materialized": str, "schema": str, "group": str, "meta": Mapping}


def read_nodes(config: CascadeConfig) -> dict[str, dict[str, Any]]:
    """Read the models, seeds and snapshots that are enabled. A setting that only dbt can compute is left out.

    Args:
        config: the settings.

    Returns:
        The nodes by their unique ids, as dbt's manifest has them. None of them if `dbt_project.yml` is not valid YAML.
    """
    from cascade.dbt_graph.errors import DocumentError
    from cascade.dbt_graph.graph import read_graph

    try:
        return dict(_nodes(read_graph(str(config.dbt_project_directory), target=dbt_target(config))))
    except DocumentError:
        return {}


def _nodes(graph: Graph) -> Iterator[tuple[str, dict[str, Any]]]:
    from cascade.dbt_graph.nodes import REFERABLE

    for node in graph.nodes:
        if node.kind not in REFERABLE:
            continue
        found = {name: graph.setting(node, name) for name in _SETTINGS}
        file = os.path.relpath(node.file, graph.packages[node.package].directory)
        yield (
            ".".join(filter(None, (node.kind, node.package, node.name, node.version))),
            {
                "resource_type": node.kind,
                "name": node.name,
                "version": node.version,
                "alias": f"{node.name}_v{node.version}",
                "fqn": [node.package, *node.folders, node.name],
                "config": {name: value for name, value in found.items() if _is_plain(value, _SETTINGS[name])},
                "original_file_path": Path(file).as_posix(),
                "description": graph.entry(node).get("description"),
            },
        )


def _is_plain(value: object, kind: type) -> bool:
    return isinstance(value, kind) and "{{" not in str(value)
