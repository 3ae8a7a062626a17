"""The mistakes that the graph of a dbt project shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cascade.dbt_graph.calls import Place, Ref
from cascade.dbt_graph.graph import Graph
from cascade.dbt_graph.nodes import REFERABLE, Node
from cascade.spelling import nearest


def find_mistakes(graph: Graph) -> dict[Place, str]:
    """Return what is wrong with a project, by place.

    Args:
        graph: its graph.
    """
    found = dict(graph.problems)
    for node in _own(graph, graph.nodes):
        for calls in (node.calls, node.of_tests):
            for ref, place in calls.refs.items():
                # dbt disables a data test of something disabled.
                is_test_of_nothing = calls is node.of_tests and graph.is_disabled(ref, node.package)
                if graph.find(ref, node.package) is None and not is_test_of_nothing:
                    found.setdefault(place, _unknown_ref(graph, node, ref))
            for source, place in calls.sources.items():
                if source not in graph.sources:
                    found.setdefault(place, _unknown_source(graph, source))
    for calls in graph.properties[graph.root.name].users.values():
        for ref, place in calls.refs.items():
            if graph.find(ref, graph.root.name) is None:
                found.setdefault(place, _unknown_name(graph, ref))
    found.update(_twice(_own(graph, graph.nodes)))
    found.update(_circles(graph))
    return dict(sorted(found.items()))


def _own(graph: Graph, nodes: Iterable[Node]) -> list[Node]:
    return [node for node in nodes if node.package == graph.root.name]


def _unknown_ref(graph: Graph, node: Node, ref: Ref) -> str:
    disabled = graph.find(ref, node.package, graph.disabled)
    if disabled is not None:
        return f"{ref} names a {disabled.kind} that is disabled ({disabled.place})."
    return _unknown_name(graph, ref)


def _unknown_name(graph: Graph, ref: Ref) -> str:
    if ref.package and ref.package not in graph.packages:
        return (
            f"{ref} names the project {ref.package}, which is not there. If it is in this repository, add it to "
            "packages.yml with `local:`, and its target to the `dependencies` of this one."
        )
    names = [one.name for one in graph.nodes if one.kind in REFERABLE and ref.package in (None, one.package)]
    return f"{ref} names no model, seed or snapshot. {_meant(ref.name, names)}".rstrip()


def _unknown_source(graph: Graph, source: tuple[str, str]) -> str:
    shown = f"source('{source[0]}', '{source[1]}')"
    names = [".".join(one) for one in graph.sources]
    return f"{shown} is declared in no YAML file. {_meant('.'.join(source), names)}".rstrip()


def _meant(name: str, names: Iterable[str]) -> str:
    meant = nearest(name, sorted({*names}))
    return f"Did you mean {meant!r}?" if meant else ""


def _twice(nodes: Iterable[Node]) -> Iterator[tuple[Place, str]]:
    first: dict[tuple[str, str, str, str | None], Node] = {}
    for node in nodes:
        other = first.setdefault(node.key, node)
        if other is not node and other.kind in (*REFERABLE, "test"):
            yield node.place, f"The name {node.name!r} is already that of the {other.kind} in {other.place}."


def _circles(graph: Graph) -> Iterator[tuple[Place, str]]:
    """Find refs that lead back to their own model, each circle once."""
    done: set[int] = set()
    for start in graph.nodes:
        if id(start) in done:
            continue
        path: list[Node] = []
        position: dict[int, int] = {}
        waiting: list[tuple[Node, Iterator[tuple[Node, Place]]]] = []

        def enter(node: Node) -> None:
            position[id(node)] = len(path)  # noqa: B023
            path.append(node)  # noqa: B023
            waiting.append((node, _refs(graph, node)))  # noqa: B023

        enter(start)
        while waiting:
            node, edges = waiting[-1]
            for parent, place in edges:
                if id(parent) in position:
                    names = [one.name for one in (*path[position[id(parent)] :], parent)]
                    yield place, f"The refs go round in a circle: {' -> '.join(names)}."
                elif id(parent) not in done:
                    enter(parent)
                    break
            else:
                waiting.pop()
                path.pop()
                del position[id(node)]
                done.add(id(node))


def _refs(graph: Graph, node: Node) -> Iterator[tuple[Node, Place]]:
    for ref, place in node.calls.refs.items():
        parent = graph.find(ref, node.package)
        if parent is not None:
            yield parent, place
