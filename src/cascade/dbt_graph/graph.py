"""The graph of a dbt project: which file needs which other files, and which tables of sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cascade.dbt_graph.calls import Calls, Place, Ref, Surroundings
from cascade.dbt_graph.documents import mapping
from cascade.dbt_graph.follow import Follower
from cascade.dbt_graph.implicit_macros import implicit_macro_files
from cascade.dbt_graph.nodes import (
    REFERABLE,
    Node,
    decide_enabled,
    read_macros,
    read_nodes,
    settings_hooks,
    settings_of,
    tests_are_disabled,
)
from cascade.dbt_graph.packages import Package, read_package, read_packages
from cascade.dbt_graph.properties import (
    Properties,
    SourceTable,
    apply_versions,
    describe,
    follow_unit_test,
    read_properties,
)
from cascade.dbt_graph.seeded_sources import with_seeds
from cascade.dbt_graph.source_tests import assign_source_tests
from cascade.dbt_graph.templates import docs_blocks


@dataclass
class Graph:
    """A dbt project as its files show it.

    Args:
        root: the project.
        packages: the project and its packages, by name.
        nodes: all nodes that are enabled.
        disabled: those that are not.
        properties: the YAML of each package.
        docs: the file of each documentation block.
        problems: what is wrong, by place.
        needed_by_all: the files of macros that dbt calls by itself.
        source_tests: the file that the data tests of a table of a source belong to, by the names of source and table.
    """

    root: Package
    packages: dict[str, Package]
    nodes: list[Node] = field(default_factory=list)
    disabled: list[Node] = field(default_factory=list)
    properties: dict[str, Properties] = field(default_factory=dict)
    docs: dict[str, str] = field(default_factory=dict)
    problems: dict[Place, str] = field(default_factory=dict)
    needed_by_all: set[str] = field(default_factory=set)
    source_tests: dict[tuple[str, str], str] = field(default_factory=dict)

    def find(self, ref: Ref, package: str, nodes: Iterable[Node] | None = None) -> Node | None:
        """Find the node that a `ref` names.

        Args:
            ref: its arguments.
            package: the package of what refers to it.
            nodes: where to look; by default, among the enabled nodes.
        """
        named = self._by_name.get(ref.name, []) if nodes is None else [one for one in nodes if one.name == ref.name]
        for owner in [ref.package] if ref.package else [package, self.root.name, None]:
            found = [node for node in named if owner is None or node.package == owner]
            if ref.version is not None:
                found = [node for node in found if node.version == ref.version]
            if found:
                return self._latest(found)
        return None

    def is_disabled(self, ref: Ref, package: str) -> bool:
        """Return whether what a `ref` names is disabled.

        Args:
            ref: its arguments.
            package: the package of what refers to it.
        """
        return self.find(ref, package) is None and self.find(ref, package, self.disabled) is not None

    @cached_property
    def sources(self) -> Mapping[tuple[str, str], SourceTable]:
        """The tables of all sources, by the names of source and table. Asked for once the YAML has been read."""
        return {
            (table.source, table.name): table
            for package in reversed(self.packages)
            for table in self.properties[package].sources
        }

    def entry(self, node: Node) -> Mapping[str, Any]:
        """Return what YAML says about a node: the first entry of its name, and nothing if there is none."""
        entries = self.properties[node.package].entries.get(node.name, ())
        return next((entry for _, entry in entries), {})

    def setting(self, node: Node, name: str) -> Any:
        """Return a setting of a node: its own, that of its YAML, or that of `dbt_project.yml`.

        Args:
            node: the node.
            name: the setting, such as `materialized`.

        Returns:
            Its value; None if there is none, and if only dbt can tell.
        """
        own = node.calls.config.get(name)
        if own:
            return own[0] if len(own) == 1 else None
        entry = self.entry(node)
        config = mapping(entry.get("config"))
        if name in config or name in entry:
            return config.get(name, entry.get(name))
        found = (settings_of(self.packages[package].settings, node, name) for package in (self.root.name, node.package))
        return next((one for one in found if one is not None), None)

    def index(self) -> None:
        """Prepare to find nodes by name."""
        self._by_name: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.kind in REFERABLE:
                self._by_name.setdefault(node.name, []).append(node)

    def _latest(self, nodes: list[Node]) -> Node:
        if len(nodes) == 1 or nodes[0].version is None:
            return nodes[0]
        entries = self.properties[nodes[0].package].entries.get(nodes[0].name, [])
        latest = next((str(entry["latest_version"]) for _, entry in entries if "latest_version" in entry), None)
        for node in nodes:
            if node.version == latest:
                return node
        return max(nodes, key=lambda node: _number(node.version))


def _number(version: str | None) -> tuple[float, str]:
    try:
        return (float(version or 0), "")
    except ValueError:
        return (0, version or "")


def read_graph(directory: str, *, target: str = "embedded", variables: Mapping[str, Any] | None = None) -> Graph:
    """Read the graph of a dbt project without dbt.

    Args:
        directory: the directory of the project, from the working directory.
        target: the name of dbt's target.
        variables: variables that take precedence over those of the project.
    """
    root = read_package(directory)
    packages = {package.name: package for package in [root, *read_packages(root)]}
    graph = Graph(root, packages)
    graph.problems.update(root.missing)
    macros = read_macros(root.name, packages.values(), graph.problems)
    surroundings = Surroundings(macros, _variables(root, packages.values(), variables or {}), target)
    graph.needed_by_all = implicit_macro_files(root, surroundings)
    for package in packages.values():
        # Mistakes in a package are not the project's.
        problems = graph.problems if package is root else {}
        found = list(read_nodes(package, surroundings, problems))
        properties = graph.properties[package.name] = read_properties(package, surroundings, problems)
        apply_versions(found, properties.entries)
        untested = {file.path for file in package.of_kind("properties") if tests_are_disabled(package, file)}
        for node in [*found, *properties.yaml_snapshots]:
            entry = describe(node, properties.entries.get(node.name, ()), surroundings, untested)
            decide_enabled(node, entry, packages, surroundings)
            follower = Follower(surroundings, node.package, node.file)
            for hook in settings_hooks(node, packages):
                follower.string(hook)
            node.calls.refs.update({**follower.calls.refs, **node.calls.refs})
            node.calls.macro_files |= follower.calls.macro_files
            (graph.nodes if node.enabled else graph.disabled).append(node)
        if package is root:
            own = [node for node in graph.nodes if node.package == root.name]
            disabled = [node for node in graph.disabled if node.package == root.name]
            properties.sources = with_seeds(properties.sources, root, own, disabled)
            graph.source_tests = assign_source_tests(properties.sources, own, surroundings, untested)
        for file in package.of_kind("docs"):
            graph.docs.update(dict.fromkeys(docs_blocks(file.text()), file.path))
    graph.index()
    _disable_tests(graph)
    for name, properties in graph.properties.items():
        for place, model, test in properties.unit_tests:
            tested = graph.find(Ref(model), name)
            if tested is not None:
                follow_unit_test(test, place, tested, surroundings)
    return graph


def _disable_tests(graph: Graph) -> None:
    """Disable the data tests of what is disabled, as dbt does."""
    for node in [
        node
        for node in graph.nodes
        if node.kind == "test" and any(graph.is_disabled(ref, node.package) for ref in node.calls.refs)
    ]:
        node.enabled = False
        graph.nodes.remove(node)
        graph.disabled.append(node)


def needed_files(graph: Graph, node: Node) -> Iterator[str]:
    """Return the files that a node needs, its own not included."""
    for calls in (node.calls, node.of_tests):
        yield from (parent.file for parent in parents(graph, node.package, calls))
        yield from calls.macro_files
        yield from (graph.docs[name] for name in calls.docs if name in graph.docs)
        for source in (graph.sources[name] for name in calls.sources if name in graph.sources):
            yield source.place.file
            if source.seed is not None:
                yield source.seed
    yield from (place.file for place in node.properties)


def parents(graph: Graph, package: str, calls: Calls) -> Iterator[Node]:
    """Return the nodes that calls refer to. A computed `ref` may be any node of the package."""
    for ref in calls.refs:
        found = graph.find(ref, package)
        if found is not None:
            yield found
    if "ref" in calls.computed.values():
        yield from (node for node in graph.nodes if node.package == package and node.kind in REFERABLE)


def _variables(root: Package, packages: Iterable[Package], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for package in packages:
        merged: dict[str, Any] = {}
        for owner in dict.fromkeys((package.name, root.name)):
            settings = root.settings if owner == root.name else package.settings
            declared = settings.get("vars")
            if isinstance(declared, Mapping):
                merged.update({str(name): value for name, value in declared.items()})
                own = declared.get(package.name)
                if isinstance(own, Mapping):
                    merged.update({str(name): value for name, value in own.items()})
        found[package.name] = {**merged, **given}
    return found
