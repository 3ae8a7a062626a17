"""Which nodes of dbt's manifest a batch builds, and which tests it runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BUILT = ("model", "seed", "snapshot")
TESTS = ("test", "unit_test")


@dataclass(frozen=True)
class Selection:
    """What to do, by dbt's unique ids.

    Args:
        built: models, seeds and snapshots: those to test, and all that they and their tests select from.
        tests: the tests to run.
        file_of: the file to test that each test, and each built node of such a file, belongs to.
    """

    built: frozenset[str]
    tests: frozenset[str]
    file_of: Mapping[str, str]


def select(nodes: Mapping[str, Any], package: str, directory: str, tested: Iterable[str]) -> Selection:
    """Choose the nodes of files.

    A data test in YAML belongs to the file of its model, and so does a unit test. A data test of a source belongs to
    its YAML, and one with a file of its own to that.

    Args:
        nodes: the nodes and the unit tests of the manifest, by their unique ids.
        package: the name of the dbt project.
        directory: its directory.
        tested: the files to test.
    """
    wanted = set(tested)
    file_of: dict[str, str] = {}
    for unique_id, node in nodes.items():
        owner = nodes.get(_tested_by(node) or unique_id, node)
        file = os.path.normpath(os.path.join(directory, owner.original_file_path))
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
        more = {one for one in getattr(node.depends_on, "nodes", ()) if one in nodes} - seen
        seen |= more
        waiting += more
    return Selection(frozenset(built), frozenset(one for one in file_of if nodes[one].resource_type in TESTS), file_of)


def _tested_by(node: Any) -> str | None:
    """Return the node that a generic test or a unit test is about."""
    if node.resource_type == "unit_test":
        return next(iter(node.depends_on.nodes), None)
    return getattr(node, "attached_node", None)
