"""Make the graph of a project from what its source shows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..reader.declarations import Declaration
from ..reader.names import CHECKS, INGESTION
from ..reader.values import Key, Reference, Value
from .graph import ASSET, MART, SOURCE, TABLE, Graph, Node, Project
from .references import References

# The fields of an ingestion's node, by the argument that they come from.
_FIELDS = {"unique_key": "unique_key", "cron": "cron", "partitions": "partitions", "owners": "owners", "group": "group"}
_SEVERAL = frozenset({"unique_key", "owners"})
_ELSEWHERE = {SOURCE: "other sources", MART: "marts"}
_QUARANTINE = "__quarantine"


@dataclass(frozen=True)
class Declared:
    """A declaration of a workflow.

    Args:
        declaration: what the source shows.
        path: the file.
        domain: the directory of the workflow.
        projects: the ids of the projects that load the file.
        because: why a change touches it. Empty if none does.
    """

    declaration: Declaration
    path: str
    domain: str
    projects: tuple[str, ...] = ()
    because: str = ""

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.declaration.line}"


@dataclass(frozen=True)
class DbtProject:
    """What `cascade.dbt_graph` answers about a dbt project.

    Args:
        nodes: its models, seeds and snapshots.
        sources: the tables of its sources.
        projects: the ids of the projects that hold it.
        because: why a change touches a file. Those that no change touches are left out.
    """

    nodes: Sequence[Mapping[str, Any]]
    sources: Sequence[Mapping[str, Any]]
    projects: tuple[str, ...] = ()
    because: Mapping[str, str] = field(default_factory=dict)


def describe(
    title: str,
    declared: Iterable[Declared],
    dbt_projects: Iterable[DbtProject] = (),
    projects: Iterable[Project] = (),
    since: str = "",
) -> Graph:
    """Make a graph.

    Args:
        title: what is drawn.
        declared: what the workflows declare.
        dbt_projects: the dbt projects.
        projects: the projects.
        since: the commit that is compared with, if one is.
    """
    drawing = _Drawing()
    listed = list(declared)
    for one in listed:
        drawing.add_declared(one)
    for one in listed:
        drawing.add_dependencies(one)
    for dbt in dbt_projects:
        drawing.add_dbt(dbt)
    return Graph.of(title, drawing.nodes.values(), drawing.edges, projects, since)


class _Drawing:
    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: set[tuple[str, str]] = set()
        self._by_table: defaultdict[str, list[str]] = defaultdict(list)
        self._by_key: defaultdict[str, list[str]] = defaultdict(list)
        self._by_place: dict[str, str] = {}
        self._references = References()

    def add_declared(self, one: Declared) -> None:
        declaration = one.declaration
        key = "/".join(declaration.asset_key or ())
        if declaration.call == INGESTION:
            kind, name = TABLE, declaration.table or declaration.name or declaration.call
        elif declaration.call == "asset" and (key or declaration.name):
            kind, name = ASSET, key or str(declaration.name)
        else:
            return
        is_known = bool(declaration.table or key)
        id = self._new_id(f"{kind}:{name}" if is_known else f"{kind}:{one.place}", one.place)
        fields = {**({"table": declaration.table} if declaration.table else {}), **({"asset": key} if key else {})}
        if declaration.name:
            fields["function"] = declaration.name
        self.nodes[id] = Node(
            id, kind, name, one.domain, one.place, one.projects, {**fields, **_fields(declaration)}, one.because
        )
        self._by_place[one.place] = id
        if declaration.table:
            self._by_table[declaration.table].append(id)
        if key:
            self._by_key[key].append(id)
        if declaration.name:
            self._references.add(one.path, declaration.name, id)

    def _new_id(self, wanted: str, place: str) -> str:
        # Two projects may have a table of the same name each.
        return wanted if wanted not in self.nodes else f"{wanted} {place}"

    def add_dependencies(self, one: Declared) -> None:
        declaration = one.declaration
        if declaration.call in CHECKS:
            self._add_check(one)
        id = self._by_place.get(one.place)
        if id is None:
            return
        deps = declaration.argument("deps")
        # Dagster takes a parameter for the asset of that name, if it is no resource.
        named: list[Value] = [*declaration.parameters, *(_flat(deps.value) if deps is not None else ())]
        for dependency in named:
            self.edges.update((found, id) for found in self._named(dependency, one.path))

    def _add_check(self, one: Declared) -> None:
        table, argument = one.declaration.checked_table, one.declaration.argument("table")
        found = self._by_table.get(table, []) if table else self._named(argument.value if argument else None, one.path)
        for id in found:
            node = self.nodes[id]
            name = one.declaration.name or one.declaration.call
            checks = [*node.fields.get("checks", ()), f"{name} ({one.place})"]
            node = replace(node, fields={**node.fields, "checks": checks})
            if one.because and not node.because:
                node = replace(node, because=f"its check {name}: {one.because}", only_checks=True)
            self.nodes[id] = node

    def _named(self, value: Value, path: str) -> list[str]:
        if isinstance(value, Reference):
            return self._references.find(value.origin, path)
        name = "/".join(value.parts) if isinstance(value, Key) else value
        if not isinstance(name, str):
            return []
        return self._by_key.get(name) or self._by_table.get(name, [])

    def add_dbt(self, dbt: DbtProject) -> None:
        external = {str(one["table"]): f"{one['file']}:{one['line']}" for one in dbt.sources}
        ids: dict[str, str] = {}
        for one in dbt.nodes:
            id = self._new_id(f"{one['kind']}:{one['name']}", str(one["file"]))
            ids[str(one["key"])] = id
            self.nodes[id] = Node(
                id,
                str(one["kind"]),
                str(one["name"]),
                str(one["folder"]) or os.curdir,
                f"{one['file']}:{one['line']}",
                dbt.projects,
                {name: one[name] for name in ("description", "materialized") if one.get(name)},
                dbt.because.get(str(one["file"]), ""),
            )
        for one in dbt.nodes:
            id = ids[str(one["key"])]
            self.edges.update((ids[parent], id) for parent in one["parents"] if parent in ids)
            for table in one["tables"]:
                self.edges.update((found, id) for found in self._table(table, external.get(table, ""), dbt))
            if one.get("mart"):
                self._add_mart(str(one["mart"]), self.nodes[id])

    def _table(self, table: str, place: str, dbt: DbtProject) -> list[str]:
        """Return the nodes of a table of a source. If no workflow fills it, something else does."""
        filled_by = table[: -len(_QUARANTINE)] if table.endswith(_QUARANTINE) else table
        namespace, _, name = filled_by.partition(".")
        known = self._by_table.get(filled_by) or self._by_key.get(f"{namespace}/{name}")
        if known:
            own = [id for id in known if not dbt.projects or {*dbt.projects} & {*self.nodes[id].projects}]
            return own or known
        id = f"{SOURCE}:{table}"
        before = self.nodes.get(id)
        projects = tuple(sorted({*dbt.projects, *(before.projects if before else ())}))
        self.nodes[id] = Node(id, SOURCE, table, _ELSEWHERE[SOURCE], before.place if before else place, projects)
        return [id]

    def _add_mart(self, table: str, model: Node) -> None:
        id = self._new_id(f"{MART}:{table}", model.place)
        self.nodes[id] = Node(id, MART, table, _ELSEWHERE[MART], model.place, model.projects, {}, model.because)
        self.edges.add((model.id, id))


def _fields(declaration: Declaration) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, argument_name in _FIELDS.items():
        argument = declaration.argument(argument_name)
        if argument is None or (argument.unread is None and argument.value is None):
            continue
        if argument.unread is not None:
            shown: Any = f"computed: {argument.unread}"
        else:
            shown = [_text(one) for one in _flat(argument.value)] if name in _SEVERAL else _text(argument.value)
        found[name] = [shown] if name in _SEVERAL and isinstance(shown, str) else shown
    deps = declaration.argument("deps")
    if deps is not None and deps.unread is not None:
        found["unread_dependencies"] = deps.unread
    if declaration.in_factory:
        found["in_factory"] = True
    return found


def _flat(value: Value) -> Iterator[Value]:
    if isinstance(value, tuple):
        for one in value:
            yield from _flat(one)
    elif value is not None:
        yield value


def _text(value: Value) -> str:
    if isinstance(value, Reference):
        return value.written
    return "/".join(value.parts) if isinstance(value, Key) else str(value)
