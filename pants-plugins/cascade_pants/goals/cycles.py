"""Find assets that depend on themselves, through Python and through SQL. Pure."""

from __future__ import annotations

import graphlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from cascade_pants.util_rules.asset_map import AssetKey, AssetMap
from cascade_pants.util_rules.dbt_graph import workflow_table
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

Node = Union[AssetKey, str]
"""An asset that a workflow declares, by its key, or a file of a dbt project, by its path."""


@dataclass(frozen=True)
class Lineage:
    """What is built from what.

    Args:
        assets: the assets that workflows declare.
        tables: the tables that workflows fill.
        models: the files that build models, by the name of the model.
        built_from: the files and the tables that each file of a dbt project is built from.
    """

    assets: AssetMap
    tables: TableMap
    models: Mapping[str, Sequence[str]]
    built_from: Mapping[str, tuple[Sequence[str], Sequence[str]]]

    def needs(self, node: Node) -> Iterator[Node]:
        """Return what an asset or a model is built from."""
        if isinstance(node, str):
            files, tables = self.built_from.get(node, ((), ()))
            yield from files
            for table in tables:
                for one in self.tables.by_table.get(workflow_table(table), ()):
                    if one.declaration.asset_key is not None:
                        yield one.declaration.asset_key
            return
        for one in self.assets.by_key.get(node, ()):
            for need in self.assets.needs(one):
                if need.key in self.assets.by_key:
                    yield need.key
                else:
                    yield from (path for path in self.models.get(need.key[-1], ()) if path in self.built_from)


def cycles(lineage: Lineage, starts: Iterable[Optional[Node]]) -> Iterator[list[Node]]:  # noqa: UP045
    """Find cycles. Each has a dependency that none of the others has, so as many are found as must be broken.

    Args:
        lineage: what is built from what.
        starts: where the search begins.

    Yields:
        The nodes of a cycle, each of which needs the next, and the last one the first.
    """
    needed: dict[Node, list[Node]] = {}
    waiting = [node for node in starts if node is not None]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed[node] = [one for one in dict.fromkeys(lineage.needs(node)) if one != node]
            waiting.extend(needed[node])
    while True:
        try:
            graphlib.TopologicalSorter(needed).prepare()
        except graphlib.CycleError as error:
            # Each node of it is needed by the next.
            cycle: list[Node] = error.args[1][:0:-1]
        else:
            return
        yield cycle
        needed[cycle[0]].remove(cycle[1])


def described(cycle: Sequence[Node], lineage: Lineage, first: LocatedDeclaration | str) -> str:
    """Describe a cycle as a problem of one of its members.

    Args:
        cycle: its nodes.
        lineage: what is built from what.
        first: the member: a declaration, or the path of a file.
    """
    start = cycle.index(first if isinstance(first, str) else first.declaration.asset_key)
    ordered = [*cycle[start:], *cycle[:start]]
    names = [_name(node) for node in (*ordered, ordered[0])]
    steps = ", ".join(f"{name} needs {needed}" for name, needed in zip(names, names[1:]))
    places = [
        f"{one.path}:{need.line}"
        for node in ordered
        if isinstance(node, tuple)
        for one in lineage.assets.by_key[node][:1]
        for need in lineage.assets.needs(one)[:1]
    ]
    if isinstance(first, str):
        where = f"{first}:1: "
    else:
        deps = lineage.assets.needs(first)
        where = f"{first.path}:{deps[0].line if deps else first.declaration.line}: @{first.declaration.call}: deps: "
    return f"{where}{names[0]} depends on itself: {steps}. Remove one of these dependencies" + (
        f", such as that at {places[0]}." if isinstance(first, str) and places else "."
    )


def _name(node: Node) -> str:
    return "/".join(node) if isinstance(node, tuple) else os.path.splitext(os.path.basename(node))[0]
