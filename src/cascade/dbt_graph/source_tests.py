"""Which model the data tests of a source belong to."""

from __future__ import annotations

from collections.abc import Container, Iterable

from cascade.dbt_graph.calls import Surroundings
from cascade.dbt_graph.follow import Follower
from cascade.dbt_graph.generic_tests import follow_entry, has_tests
from cascade.dbt_graph.nodes import Node
from cascade.dbt_graph.properties import SourceTable


def assign_source_tests(
    tables: Iterable[SourceTable], nodes: Iterable[Node], surroundings: Surroundings, untested: Container[str] = ()
) -> dict[tuple[str, str], str]:
    """Make the data tests of each table of a source tests of the first model or snapshot that reads it.

    The YAML of the source cannot have them: every model that reads one of its tables needs that file, and would need
    the workflows of all its tables.

    Args:
        tables: the tables of the sources of a package.
        nodes: the nodes of that package that are enabled.
        surroundings: what the project offers to templates.
        untested: the files of YAML whose generic tests are disabled.

    Returns:
        The file of that node, by the names of source and table. Tables that nothing reads are missing.
    """
    readers = sorted((node for node in nodes if node.kind in ("model", "snapshot")), key=lambda node: node.place)
    found: dict[tuple[str, str], str] = {}
    for table in tables:
        key = (table.source, table.name)
        reader = next((node for node in readers if key in node.calls.sources), None)
        if reader is None or not table.enabled or not has_tests(table.entry):
            continue
        follower = Follower(surroundings, reader.package, table.place.file)
        follower.at(table.place.file, table.place.line)
        tested = table.place.file not in untested
        follow_entry(table.entry, follower, surroundings.macros, reader.package, tested=tested)
        calls, its = follower.calls, reader.of_tests
        its.refs.update({**calls.refs, **its.refs})
        its.sources.update({**calls.sources, **its.sources})
        its.macro_files |= calls.macro_files
        found[key] = reader.file
    return found
