"""What the YAML files of a dbt project say about its nodes, and the sources that they declare."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cascade.dbt_graph.calls import Calls, Place, Surroundings
from cascade.dbt_graph.documents import line_of, mapping, mappings, read_document
from cascade.dbt_graph.errors import DocumentError
from cascade.dbt_graph.follow import Follower
from cascade.dbt_graph.generic_tests import follow_entry, follow_expression
from cascade.dbt_graph.nodes import Node
from cascade.dbt_graph.packages import File, Package

_DESCRIBING = ("models", "seeds", "snapshots", "sources", "unit_tests", "semantic_models")


@dataclass(frozen=True)
class SourceTable:
    """A table of a source.

    Args:
        source: the name of the source.
        name: the name of the table in the source.
        table: the schema and the name of the table in the database.
        place: where it is declared.
        external: whether something other than a workflow fills it.
        entry: its YAML.
        enabled: whether neither it nor its source is disabled.
        seed: the file of the seed that fills it, if one of the project does.
        disabled_seed: the file of the seed that would fill it, were it not disabled.
    """

    source: str
    name: str
    table: str
    place: Place
    external: bool
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    enabled: bool = True
    seed: str | None = None
    disabled_seed: str | None = None

    @property
    def columns(self) -> list[tuple[str, int]]:
        """The columns that it lists, each with its line."""
        return [(str(one["name"]), line_of(one)) for one in mappings(self.entry.get("columns")) if one.get("name")]


@dataclass
class Properties:
    """The YAML of a package.

    Args:
        entries: what describes models, seeds and snapshots, by name.
        sources: the tables of its sources.
        unit_tests: the unit tests, by the model that they test.
        users: for each file that only has exposures and the like, what it calls.
        docs: the documentation blocks that each file uses.
        yaml_snapshots: snapshots without SQL.
    """

    entries: dict[str, list[tuple[Place, Mapping[str, Any]]]] = field(default_factory=dict)
    sources: list[SourceTable] = field(default_factory=list)
    unit_tests: list[tuple[Place, str, Mapping[str, Any]]] = field(default_factory=list)
    users: dict[str, Calls] = field(default_factory=dict)
    docs: dict[str, set[str]] = field(default_factory=dict)
    yaml_snapshots: list[Node] = field(default_factory=list)


def read_properties(package: Package, surroundings: Surroundings, problems: dict[Place, str]) -> Properties:
    """Read the YAML files of a package.

    Args:
        package: the package.
        surroundings: what the project offers to templates.
        problems: what is wrong, by place; added to.
    """
    found = Properties()
    for file in package.of_kind("properties"):
        try:
            document = read_document(file.text())
        except DocumentError as error:
            problems[Place(file.path, error.line)] = f"YAML: {error.message}"
            continue
        for section in ("models", "seeds", "snapshots"):
            for entry in mappings(document.get(section)):
                place = Place(file.path, line_of(entry))
                found.entries.setdefault(str(entry.get("name")), []).append((place, entry))
                if section == "snapshots" and "relation" in entry:
                    found.yaml_snapshots.append(_yaml_snapshot(package.name, file, place, entry, surroundings))
        for source in mappings(document.get("sources")):
            found.sources.extend(_tables(source, file.path))
        for test in mappings(document.get("unit_tests")):
            found.unit_tests.append((Place(file.path, line_of(test)), str(test.get("model")), test))
        if not any(section in document for section in _DESCRIBING):
            follower = Follower(surroundings, package.name, file.path)
            for exposure in mappings(document.get("exposures")):
                follower.at(file.path, line_of(exposure))
                listed = exposure.get("depends_on")
                for needed in listed if isinstance(listed, list) else ():
                    follow_expression(needed, follower)
            found.users[file.path] = follower.calls
    return found


def _yaml_snapshot(
    package: str, file: File, place: Place, entry: Mapping[str, Any], surroundings: Surroundings
) -> Node:
    follower = Follower(surroundings, package, place.file, place.line)
    follow_expression(entry.get("relation"), follower)
    return Node(package, "snapshot", str(entry.get("name")), place.file, place.line, file.folders, follower.calls)


def _tables(source: Mapping[str, Any], file: str) -> Iterable[SourceTable]:
    name = str(source.get("name"))
    schema = source.get("schema", name)
    for table in mappings(source.get("tables")):
        identifier = table.get("identifier", table.get("name"))
        external = any(_is_external(one) for one in (source, table))
        place = Place(file, line_of(table))
        # A name that only dbt can tell names no workflow's table for sure.
        computed = "{{" in f"{schema}{identifier}"
        full, enabled = f"{schema}.{identifier}", all(_is_enabled(one) for one in (source, table))
        yield SourceTable(name, str(table.get("name")), full, place, external or computed, table, enabled)


def _is_enabled(entry: Mapping[str, Any]) -> bool:
    return mapping(entry.get("config")).get("enabled", entry.get("enabled")) is not False


def _is_external(entry: Mapping[str, Any]) -> bool:
    config = mapping(entry.get("config"))
    metas = (mapping(entry.get("meta")), mapping(config.get("meta")))
    # dbt-duckdb reads a source with one of these options from files or another database.
    options = {*config, *(key for meta in metas for key in meta)} & {"external_location", "plugin"}
    # A source that names an asset of Dagster is that asset's table.
    return bool(options or entry.get("database")) or any(
        mapping(meta.get("cascade")).get("external") is True
        or isinstance(mapping(meta.get("dagster")).get("asset_key"), list | str)
        for meta in metas
    )


def describe(
    node: Node,
    entries: Iterable[tuple[Place, Mapping[str, Any]]],
    surroundings: Surroundings,
    untested: Container[str] = (),
) -> Mapping[str, Any]:
    """Add what YAML says about a node to it.

    Args:
        node: the node.
        entries: the entries with its name.
        surroundings: what the project offers to templates.
        untested: the files of YAML whose generic tests are disabled.

    Returns:
        The first entry.
    """
    first: Mapping[str, Any] = {}
    follower = Follower(surroundings, node.package, node.file)
    for place, entry in entries:
        first = first or entry
        node.properties.add(place)
        follower.at(place.file, place.line)
        follow_entry(entry, follower, surroundings.macros, node.package, tested=place.file not in untested)
    node.of_tests = follower.calls
    return first


def follow_unit_test(test: Mapping[str, Any], place: Place, node: Node, surroundings: Surroundings) -> None:
    """Add what a unit test reads to the model that it tests."""
    follower = Follower(surroundings, node.package, place.file, place.line)
    for given in mappings(test.get("given")):
        follow_expression(given.get("input"), follower)
    node.properties.add(place)
    node.of_tests.refs.update({**follower.calls.refs, **node.of_tests.refs})
    node.of_tests.sources.update({**follower.calls.sources, **node.of_tests.sources})


def apply_versions(nodes: Iterable[Node], entries: Mapping[str, list[tuple[Place, Mapping[str, Any]]]]) -> None:
    """Give the models with versions their names.

    Args:
        nodes: the models of a package.
        entries: the entries of its YAML, by name.
    """
    by_stem = {node.name: node for node in nodes if node.kind == "model"}
    for name, found in entries.items():
        for _, entry in found:
            for version in mappings(entry.get("versions")):
                number = str(version.get("v"))
                default = (
                    f"{name}_v{number}",
                    f"{name}.v{number}",
                    name if str(entry.get("latest_version")) == number else "",
                )
                for stem in (os.path.splitext(str(version.get("defined_in", "")))[0], *default):
                    if stem in by_stem:
                        by_stem[stem].name, by_stem[stem].version = name, number
                        break
