"""The graph that is drawn."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

VERSION = 1
"""The version of the JSON document. Raised when a field changes its meaning or goes, and not when one is added."""

SOURCE, TABLE, ASSET, SEED, SNAPSHOT, MODEL, MART = "source", "table", "asset", "seed", "snapshot", "model", "mart"
KINDS = (SOURCE, TABLE, ASSET, SEED, SNAPSHOT, MODEL, MART)
"""The kinds of nodes, in the order in which they are listed."""


@dataclass(frozen=True)
class Node:
    """Something that has rows.

    Args:
        id: what tells it from all others, such as `table:raw.flights`.
        kind: one of `KINDS`.
        name: what it is called, such as `raw.flights`.
        domain: the directory that it folds into, from the root of the repository.
        place: the file, or the file and line, that declares it. Empty if nothing does.
        projects: the ids of the projects that hold it.
        fields: what else is known of it.
        because: why a change touches it. Empty if none does.
        only_checks: whether the change touches only checks of it, so that it has the same rows as before.
    """

    id: str
    kind: str
    name: str
    domain: str
    place: str = ""
    projects: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)
    because: str = ""
    only_checks: bool = False


@dataclass(frozen=True)
class Project:
    """A project.

    Args:
        id: its address, or its name without Pants.
        name: its name.
        because: why a change touches it. Empty if none does.
    """

    id: str
    name: str
    because: str = ""


@dataclass(frozen=True)
class Graph:
    """A graph.

    Args:
        title: what is drawn, such as the name of a project.
        nodes: its nodes.
        edges: for each two nodes of which the second reads the first, their ids.
        projects: the projects.
        since: the commit that is compared with. Empty if none is, so that nothing can be affected.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    projects: tuple[Project, ...] = ()
    since: str = ""

    @classmethod
    def of(
        cls,
        title: str,
        nodes: Iterable[Node],
        edges: Iterable[tuple[str, str]],
        projects: Iterable[Project] = (),
        since: str = "",
    ) -> Graph:
        """Create a graph in its one order, without edges to what is not in it."""
        listed = tuple(sorted(nodes, key=lambda node: (node.domain, KINDS.index(node.kind), node.name, node.id)))
        known = {node.id for node in listed}
        kept = sorted({(one, other) for one, other in edges if one != other and one in known and other in known})
        return cls(title, listed, tuple(kept), tuple(sorted(projects, key=lambda project: project.id)), since)

    def only(self, projects: Iterable[str]) -> Graph:
        """Return what some projects hold.

        Args:
            projects: their ids.
        """
        wanted = set(projects)
        return replace(
            self.of(
                self.title, (node for node in self.nodes if wanted & {*node.projects}), self.edges, since=self.since
            ),
            projects=tuple(project for project in self.projects if project.id in wanted),
        )

    def with_readers(self) -> Graph:
        """Let what reads something that a change touches, directly or not, count as touched too."""
        nodes = {node.id: node for node in self.nodes}
        readers: defaultdict[str, list[str]] = defaultdict(list)
        for one, other in self.edges:
            readers[one].append(other)
        waiting = [node.id for node in self.nodes if node.because and not node.only_checks]
        for id in waiting:
            for reader in readers[id]:
                if not nodes[reader].because or nodes[reader].only_checks:
                    reason = f"it reads {nodes[id].name}"
                    nodes[reader] = replace(nodes[reader], because=reason, only_checks=False)
                    waiting.append(reader)
        return replace(self, nodes=tuple(nodes.values()))

    def lineage(self, id: str) -> Graph:
        """Return a node with everything that it reads and everything that reads it, directly or not.

        Args:
            id: the node.
        """
        forward, backward = defaultdict(list), defaultdict(list)
        for one, other in self.edges:
            forward[one].append(other)
            backward[other].append(one)
        kept = _reached(id, forward) | _reached(id, backward)
        nodes = [node for node in self.nodes if node.id in kept]
        return self.of(self.title, nodes, self.edges, self.projects, self.since)

    def find(self, name: str) -> list[Node]:
        """Return the nodes that a user may mean by a name: an id, a table, an asset key or a model."""
        return [node for node in self.nodes if name in names_of(node)]

    def document(self) -> dict[str, Any]:
        """Return the graph as a JSON document."""
        return {
            "version": VERSION,
            "title": self.title,
            "since": self.since or None,
            "projects": [
                {"id": one.id, "name": one.name, "affected": bool(one.because), "because": one.because or None}
                for one in self.projects
            ],
            "domains": labels(node.domain for node in self.nodes),
            "nodes": [_document(node) for node in self.nodes],
            "edges": [{"from": one, "to": other} for one, other in self.edges],
        }


def names_of(node: Node) -> set[str]:
    """Return the names that a user may call a node."""
    key = node.fields.get("asset")
    return {node.id, node.name, *([key] if key else ())}


def labels(domains: Iterable[str]) -> dict[str, str]:
    """Return what each domain is called: the last part of its directory, or as many as tell it from the others.

    Args:
        domains: the directories.
    """
    left = sorted(set(domains))
    found: dict[str, str] = {}
    length = 1
    while left:
        short = {one: "/".join(one.split("/")[-length:]) for one in left}
        number: defaultdict[str, int] = defaultdict(int)
        for label in short.values():
            number[label] += 1
        found.update({one: label for one, label in short.items() if number[label] == 1 or label == one})
        left = [one for one in left if one not in found]
        length += 1
    return {one: found[one] or os.curdir for one in sorted(found)}


def _reached(start: str, following: Mapping[str, Iterable[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for other in following.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _document(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "name": node.name,
        "domain": node.domain,
        "place": node.place or None,
        "projects": list(node.projects),
        **node.fields,
        "affected": bool(node.because),
        "because": node.because or None,
    }


def summary(graph: Graph) -> str:
    """Say in a few words what is in a graph, such as `5 tables, 9 models`.

    Args:
        graph: the graph.
    """
    number = Counter(node.kind for node in graph.nodes)
    parts = [f"{number[kind]} {kind}{'' if number[kind] == 1 else 's'}" for kind in KINDS if number[kind]]
    affected = sum(bool(node.because) for node in graph.nodes)
    return (", ".join(parts) or "nothing") + (f"; {affected} affected since {graph.since}" if graph.since else "")
