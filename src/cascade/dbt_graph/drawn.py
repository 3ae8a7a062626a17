"""The nodes of a dbt project as a drawing shows them."""

from __future__ import annotations

import os
from typing import Any

from cascade.dbt_graph.documents import mapping
from cascade.dbt_graph.graph import Graph
from cascade.dbt_graph.nodes import REFERABLE, Node
from cascade.dbt_graph.properties import SourceTable

_SCHEMA = "public"


def drawn_nodes(graph: Graph) -> list[dict[str, Any]]:
    """Return the models, seeds and snapshots of a project that are enabled, and those of its packages that it reads.

    Args:
        graph: the graph of the project.

    Returns:
        For each, `key`, `kind`, `name`, `file`, `line` and `folder`; `parents`: the keys of what it reads; `tables`:
        the tables of sources that it reads; `description` and `materialized`; and `mart`: the table in PostgreSQL that
        it is published as, or None. What only dbt can tell is left out.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = [node for node in graph.nodes if node.package == graph.root.name and node.kind in REFERABLE]
    while waiting:
        node = waiting.pop()
        if _key(node) not in found:
            found[_key(node)] = _drawn(graph, node)
            waiting.extend(_parents(graph, node))
    return [found[key] for key in sorted(found)]


def _parents(graph: Graph, node: Node) -> list[Node]:
    found = [graph.find(ref, node.package) for ref in node.calls.refs]
    seeds = {one.seed for one in _sources(graph, node)}
    found += [one for one in graph.nodes if one.kind == "seed" and one.file in seeds]
    return [parent for parent in found if parent is not None]


def _sources(graph: Graph, node: Node) -> list[SourceTable]:
    return [graph.sources[one] for one in node.calls.sources if one in graph.sources]


def _key(node: Node) -> str:
    return ".".join(filter(None, (node.package, node.name, node.version)))


def _drawn(graph: Graph, node: Node) -> dict[str, Any]:
    return {
        "key": _key(node),
        "kind": node.kind,
        "name": f"{node.name}.v{node.version}" if node.version else node.name,
        "file": node.file,
        "line": node.line,
        "folder": _folder(node),
        "parents": sorted({_key(parent) for parent in _parents(graph, node)} - {_key(node)}),
        "tables": sorted({one.table for one in _sources(graph, node) if one.seed is None}),
        "description": " ".join(_text(graph.entry(node).get("description")).split()),
        "materialized": _text(graph.setting(node, "materialized")),
        "mart": _mart(graph, node),
    }


def _folder(node: Node) -> str:
    """Return the first directory below that of the kind, which is the group of a model."""
    directory = os.path.dirname(node.file)
    for _ in node.folders[1:]:
        directory = os.path.dirname(directory)
    return directory


def _mart(graph: Graph, node: Node) -> str | None:
    wanted = mapping(mapping(graph.setting(node, "meta")).get("cascade")).get("publish")
    if wanted is None:
        return None
    options = mapping(wanted)
    schema = options.get("schema") or _text(graph.setting(node, "schema")) or _SCHEMA
    return f"{schema}.{options.get('table') or node.name}"


def _text(value: object) -> str:
    return value if isinstance(value, str) and "{{" not in value else ""
