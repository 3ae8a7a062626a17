"""What Pants asks about a dbt project, and the answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cascade.dbt_graph.calls import Place
from cascade.dbt_graph.drawn import drawn_nodes
from cascade.dbt_graph.errors import DocumentError
from cascade.dbt_graph.graph import Graph, needed_files, parents, read_graph
from cascade.dbt_graph.mistakes import find_mistakes
from cascade.dbt_graph.nodes import REFERABLE, Node
from cascade.dbt_graph.packages import PACKAGE_FILES, PROJECT_FILE

_NOTHING: Mapping[str, Any] = {
    "files": {},
    "tables": {},
    "built_from": {},
    "nodes": [],
    "tested": [],
    "declared": [],
    "disabled_seeds": {},
    "source_tests": {},
    "computed": [],
    "problems": [],
}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Read a dbt project.

    Args:
        request: `directory`, and where given `target` and `vars`. Paths are relative to the working directory.

    Returns:
        `files`: what each file needs, by file.
        `tables`: the tables of sources that each file reads.
        `built_from`: the files and the tables that the models, seeds and snapshots of each file are built from. What
            only tests read is not among them.
        `nodes`: the models, seeds and snapshots; see `drawn_nodes`.
        `tested`: the files of the project that have something to build or to test.
        `declared`: each table of a source with its place, whether something else than a workflow fills it, what
            `source()` takes, as `<source>.<table>`, and the columns that it lists, each with its line.
        `disabled_seeds`: the file of the disabled seed that has the table of a source, by table.
        `source_tests`: the file that the data tests of a table of a source belong to, by `<source>.<table>`.
        `computed`: where the arguments of `ref` or `source` cannot be read.
        `problems`: lines of file, line and message.
    """
    directory = str(request["directory"])
    try:
        graph = read_graph(directory, target=request.get("target") or "embedded", variables=request.get("vars") or {})
    except DocumentError as error:
        place = Place(os.path.join(directory, PROJECT_FILE), error.line)
        return {**_NOTHING, "problems": [f"{place}: {error.message}"]}
    sources = graph.properties[graph.root.name].sources
    declared = [
        {
            "table": one.table,
            "file": one.place.file,
            "line": one.place.line,
            "external": one.external,
            "name": f"{one.source}.{one.name}",
            "columns": [list(column) for column in one.columns],
        }
        for one in sources
    ]
    files, tables = _needs(graph)
    computed = sorted(
        {place for node in graph.nodes for calls in (node.calls, node.of_tests) for place in calls.computed}
    )
    problems = [f"{place}: {message}" for place, message in find_mistakes(graph).items()]
    tested = {node.file for node in graph.nodes if node.package == graph.root.name and node.kind != "analysis"}
    return {
        "files": {file: sorted(needed) for file, needed in sorted(files.items())},
        "tables": {file: sorted(read) for file, read in sorted(tables.items()) if read},
        "built_from": {file: [sorted(one) for one in both] for file, both in sorted(_built_from(graph).items())},
        "nodes": drawn_nodes(graph),
        "tested": sorted(tested),
        "declared": declared,
        "disabled_seeds": {one.table: one.disabled_seed for one in sources if one.disabled_seed is not None},
        "source_tests": {".".join(names): file for names, file in graph.source_tests.items()},
        "computed": [str(place) for place in computed],
        "problems": problems,
    }


def _needs(graph: Graph) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    files: dict[str, set[str]] = {}
    tables: dict[str, set[str]] = {}
    sources = graph.sources
    for node in graph.nodes:
        shared = _shared_files(graph, node)
        files.setdefault(node.file, set()).update(needed_files(graph, node), shared)
        tables.setdefault(node.file, set()).update(_tables_of(graph, node))
    for properties in graph.properties.values():
        for file, calls in properties.users.items():
            needed = {parent.file for parent in parents(graph, graph.root.name, calls)}
            files.setdefault(file, set()).update(needed)
            tables.setdefault(file, set()).update(sources[one].table for one in calls.sources if one in sources)
    for file, needed in files.items():
        needed.discard(file)
    return files, tables


def _built_from(graph: Graph) -> dict[str, tuple[set[str], set[str]]]:
    """Return the files and the tables that each file is built from. What is computed is left out."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for node in graph.nodes:
        if node.kind not in REFERABLE:
            continue
        files, tables = found.setdefault(node.file, (set(), set()))
        named = (graph.find(ref, node.package) for ref in node.calls.refs)
        files.update(parent.file for parent in named if parent is not None and parent.file != node.file)
        read = [graph.sources[one] for one in node.calls.sources if one in graph.sources]
        files.update(one.seed for one in read if one.seed is not None)
        tables.update(one.table for one in read if one.seed is None)
    return found


def _shared_files(graph: Graph, node: Node) -> set[str]:
    """Return the files that every node of a package needs."""
    directory = graph.packages[node.package].directory
    shared = {os.path.join(directory, PROJECT_FILE), os.path.join(graph.root.directory, PROJECT_FILE)}
    shared |= graph.needed_by_all
    for name in PACKAGE_FILES:
        path = os.path.join(graph.root.directory, name)
        if Path(path).is_file():
            shared.add(path)
    return shared


def _tables_of(graph: Graph, node: Node) -> set[str]:
    found: set[str] = set()
    for calls in (node.calls, node.of_tests):
        read = (graph.sources[one] for one in calls.sources if one in graph.sources)
        found.update(one.table for one in read if one.seed is None)
        if "source" in calls.computed.values():
            found.update(one.table for one in graph.properties[node.package].sources)
    return found
