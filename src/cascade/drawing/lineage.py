"""Find what a name means in a graph, and draw only what is connected to it."""

from __future__ import annotations

from ..spelling import did_you_mean
from .graph import Graph, names_of


class LineageError(Exception):
    """A name does not mean exactly one node. The message says what it may have meant."""


def lineage_of(graph: Graph, name: str) -> Graph:
    """Return a node with everything that it reads and everything that reads it.

    Args:
        graph: the graph.
        name: a table, an asset key, a model, a mart, or the id of any node.

    Raises:
        LineageError: nothing has this name, or several nodes have it.
    """
    found = graph.find(name)
    if len(found) == 1:
        return graph.lineage(found[0].id)
    if found:
        listed = ", ".join(f'"{node.id}"' for node in found)
        raise LineageError(f'"{name}" is the name of several nodes. Give one of these: {listed}.')
    known = sorted({one for node in graph.nodes for one in names_of(node)})
    raise LineageError(
        f'There is no table, asset key, model or mart "{name}".{did_you_mean(name, known)} The format `json` lists all.'
    )
