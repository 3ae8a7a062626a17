"""The formats that a graph can be written in."""

from __future__ import annotations

import json

from .folding import MOST_NODES
from .graph import Graph
from .mermaid import as_mermaid
from .page import as_page
from .svg import as_svg

HTML, SVG, MERMAID, JSON = "html", "svg", "mermaid", "json"
FORMATS = (HTML, SVG, MERMAID, JSON)


def write(graph: Graph, format: str) -> str:
    """Write a graph.

    Args:
        graph: the graph.
        format: one of `FORMATS`.
    """
    if format == JSON:
        return json.dumps(graph.document(), indent=2)
    return {HTML: as_page, SVG: as_svg, MERMAID: as_mermaid}[format](graph)


def folding_notice(graph: Graph, format: str) -> str | None:
    """Return why a picture shows no nodes; None if it does.

    Args:
        graph: the graph.
        format: one of `FORMATS`.
    """
    if format not in (SVG, MERMAID) or len(graph.nodes) <= MOST_NODES:
        return None
    return (
        f"There are more than {MOST_NODES} nodes, so each box is a domain. Use --lineage=NAME to see what is connected "
        "to one of them, or --format=html to see all."
    )
