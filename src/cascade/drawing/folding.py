"""Fold a graph to one box for each domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .graph import Graph, Node, labels

MOST_NODES = 250
"""With more nodes, a drawing shows one box for each domain, because nobody can read more of them."""


@dataclass(frozen=True)
class Box:
    """A box of a drawing: a node or a domain.

    Args:
        id: what tells it from all others.
        name: what it says.
        kind: the kind of the node, or `domain`.
        note: the second line.
        group: the label of its domain; empty if it is the domain.
        affected: whether a change touches it, or something in it.
        title: what a reader sees when pointing at it.
    """

    id: str
    name: str
    kind: str
    note: str
    group: str
    affected: bool
    title: str


@dataclass(frozen=True)
class Boxes:
    """The boxes of a drawing.

    Args:
        boxes: the boxes.
        edges: the positions of each two boxes of which the second reads the first.
        folded: whether the boxes are domains.
    """

    boxes: Sequence[Box]
    edges: Sequence[tuple[int, int]]
    folded: bool


def boxes_of(graph: Graph) -> Boxes:
    """Return the boxes that show a graph: its nodes, or its domains if there are many.

    Args:
        graph: the graph.
    """
    named = labels(node.domain for node in graph.nodes)
    folded = len(graph.nodes) > MOST_NODES
    boxes = _domains(graph, named) if folded else [_box(node, named[node.domain]) for node in graph.nodes]
    position = {box.id: number for number, box in enumerate(boxes)}
    at = {node.id: position[node.domain if folded else node.id] for node in graph.nodes}
    edges = sorted({(at[one], at[other]) for one, other in graph.edges if at[one] != at[other]})
    return Boxes(boxes, edges, folded)


def _box(node: Node, label: str) -> Box:
    cron = node.fields.get("cron")
    note = f"{node.kind} · {cron}" if cron else node.kind
    return Box(node.id, node.name, node.kind, note, label, bool(node.because), node.because or node.place)


def _domains(graph: Graph, named: dict[str, str]) -> list[Box]:
    held: defaultdict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        held[node.domain].append(node)
    boxes = []
    for domain, nodes in sorted(held.items()):
        affected = sum(bool(node.because) for node in nodes)
        note = f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}" + (f", {affected} affected" if affected else "")
        boxes.append(Box(domain, named[domain], "domain", note, "", affected > 0, domain))
    return boxes
