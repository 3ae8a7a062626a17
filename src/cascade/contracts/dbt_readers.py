"""Which models, snapshots and marts of a dbt project read a table, and which of its columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from cascade.contracts.mentions import named_columns
from cascade.contracts.model import ALL_COLUMNS, Reader
from cascade.dbt_graph.drawn import drawn_nodes
from cascade.dbt_graph.graph import Graph

_KINDS: Mapping[str, Literal["model", "snapshot"]] = {"model": "model", "snapshot": "snapshot"}
_Node = Mapping[str, Any]


class DbtReaders:
    """The readers in one dbt project.

    Args:
        graph: the project.
    """

    def __init__(self, graph: Graph) -> None:
        self._by_table: defaultdict[str, list[_Node]] = defaultdict(list)
        self._children: defaultdict[str, list[_Node]] = defaultdict(list)
        for node in drawn_nodes(graph):
            if node["kind"] in _KINDS:
                for table in node["tables"]:
                    self._by_table[table].append(node)
                for parent in node["parents"]:
                    self._children[parent].append(node)

    def of(self, table: str, columns: Sequence[str]) -> Iterator[Reader]:
        """Yield the readers of a table: models that name it, and those below a model that takes it as it is.

        A mart is a reader even if the models between it and the table choose columns.

        Args:
            table: the full name of the table.
            columns: its columns.
        """
        waiting = [(node, True) for node in self._by_table.get(table, ())]
        direct = {node["key"] for node, _ in waiting}
        seen: dict[str, bool] = {}
        found: dict[tuple[str, str], Reader] = {}
        while waiting:
            node, has_columns = waiting.pop()
            key = node["key"]
            # A model may be reached again, by a path on which the columns keep their names.
            if key in seen and (seen[key] or not has_columns):
                continue
            seen[key] = has_columns
            named = _named(node["file"], columns) if has_columns else ()
            if named or key in direct:
                found["model", key] = Reader(kind=_KINDS[node["kind"]], name=node["name"], columns=named)
            if node["mart"] is not None:
                found["mart", node["mart"]] = Reader(kind="mart", name=node["mart"], columns=named)
            waiting += [(child, ALL_COLUMNS in named) for child in self._children[key]]
        yield from found.values()


def _named(file: str, columns: Sequence[str]) -> tuple[str, ...]:
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return named_columns(text, columns, is_python=file.endswith(".py"))
