"""Which nodes of dbt's manifest a batch builds, and which tests it runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

BUILT = ("model", "seed", "snapshot")
TESTS = ("test", "unit_test")
_SOURCE = re.compile(r"source\(\s*['\"]([^'\"]+)['\"]\s*,\s*['\"]([^'\"]+)['\"]\s*\)")


@dataclass(frozen=True)
class Selection:
    """What to do, by dbt's unique ids.

    Args:
        built: models, seeds and snapshots: those to test, and all that they and their tests select from.
        tests: the tests to run.
        file_of: the file to test that each test, and each built node of such a file, belongs to.
        first: seeds among the built nodes that fill tables of sources, so that they are built before all others.
    """

    built: frozenset[str]
    tests: frozenset[str]
    file_of: Mapping[str, str]
    first: frozenset[str] = frozenset()


def select(
    nodes: Mapping[str, Any],
    package: str,
    directory: str,
    tested: Iterable[str],
    source_tests: Mapping[str, str] = MappingProxyType({}),
    seeds: Mapping[str, str] = MappingProxyType({}),
) -> Selection:
    """Choose the nodes of files.

    A data test in YAML belongs to the file of its model, and so does a unit test. A data test with a file of its own
    belongs to that, and one of a source to a model that reads the source.

    Args:
        nodes: the nodes and the unit tests of the manifest, by their unique ids.
        package: the name of the dbt project.
        directory: its directory.
        tested: the files to test.
        source_tests: the file that the data tests of a table of a source belong to, by `<source>.<table>`.
        seeds: the seed that fills a source, by the unique ids of both.
    """
    wanted = set(tested)
    file_of: dict[str, str] = {}
    for unique_id, node in nodes.items():
        owner = nodes.get(_tested_by(node) or unique_id, node)
        source = tested_source(node)
        file = os.path.normpath(os.path.join(directory, owner.original_file_path))
        if source is not None:
            file = source_tests.get(".".join(source), "")
        # A node of a package has its path inside of the package.
        if owner.package_name == package and file in wanted and node.resource_type in (*BUILT, *TESTS):
            file_of[unique_id] = file
    built: set[str] = set()
    waiting, seen = list(file_of), set(file_of)
    while waiting:
        node = nodes[waiting.pop()]
        if node.resource_type in BUILT:
            built.add(node.unique_id)
        # A seed depends on macros alone.
        needed = {seeds.get(one, one) for one in getattr(node.depends_on, "nodes", ())}
        more = {one for one in needed if one in nodes} - seen
        seen |= more
        waiting += more
    tests = frozenset(one for one in file_of if nodes[one].resource_type in TESTS)
    return Selection(frozenset(built), tests, file_of, frozenset(seeds.values()) & built)


def tested_source(node: Any) -> tuple[str, str] | None:
    """Return the source and the table that a data test is about, or None if it is about something else.

    Args:
        node: the node in dbt's manifest.
    """
    metadata = getattr(node, "test_metadata", None)
    if metadata is None or getattr(node, "attached_node", None):
        return None
    found = _SOURCE.search(str(metadata.kwargs.get("model")))
    return (found[1], found[2]) if found else None


def _tested_by(node: Any) -> str | None:
    """Return the node that a generic test or a unit test is about."""
    if node.resource_type == "unit_test":
        return next(iter(node.depends_on.nodes), None)
    return getattr(node, "attached_node", None)
