"""Which models, snapshots and marts of a dbt project read a table, and which of its columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from cascade.contracts.mentions import named_columns
from cascade.contracts.model import ALL_COLUMNS, Reader
from cascade.dbt_graph.documents import mapping
from cascade.dbt_graph.graph import Graph, parents
from cascade.dbt_graph.nodes import Node

_MODELS: Mapping[str, Literal["model", "snapshot"]] = {"model": "model", "snapshot": "snapshot"}


class DbtReaders:
    """The readers in one dbt project.

    Args:
        graph: the project.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def of(self, table: str, columns: Sequence[str]) -> Iterator[Reader]:
        """Yield the readers of a table: models that name it, and those below a model that takes it as it is.

        A mart is a reader even if the models between it and the table choose columns.

        Args:
            table: the full name of the table.
            columns: its columns.
        """
        waiting = [(node, True) for node in self._by_table.get(table, ())]
        direct = {node.key for node, _ in waiting}
        seen: dict[object, bool] = {}
        found: dict[object, Reader] = {}
        while waiting:
            node, has_columns = waiting.pop()
            # A model may be reached again, by a path on which the columns keep their names.
            if node.key in seen and (seen[node.key] or not has_columns):
                continue
            seen[node.key] = has_columns
            named = self._named(node, columns) if has_columns else ()
            if named or node.key in direct:
                found[node.key] = Reader(kind=_MODELS[node.kind], name=node.name, columns=named)
            mart = self._mart(node)
            if mart is not None:
                found["mart", mart] = Reader(kind="mart", name=mart, columns=named)
            waiting += [(child, ALL_COLUMNS in named) for child in self._children[node.key]]
        yield from found.values()

    @cached_property
    def _by_table(self) -> Mapping[str, list[Node]]:
        found: defaultdict[str, list[Node]] = defaultdict(list)
        for node in self._nodes:
            sources = (self._graph.sources[one] for one in node.calls.sources if one in self._graph.sources)
            for table in {source.table for source in sources}:
                found[table].append(node)
        return found

    @cached_property
    def _children(self) -> Mapping[object, list[Node]]:
        """The models and snapshots that refer to each node, by its key."""
        found: defaultdict[object, list[Node]] = defaultdict(list)
        for node in self._nodes:
            for key in {parent.key for parent in parents(self._graph, node.package, node.calls)}:
                found[key].append(node)
        return found

    @cached_property
    def _nodes(self) -> list[Node]:
        return [node for node in self._graph.nodes if node.kind in _MODELS]

    def _named(self, node: Node, columns: Sequence[str]) -> tuple[str, ...]:
        try:
            text = Path(node.file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        return named_columns(text, columns, is_python=node.file.endswith(".py"))

    def _mart(self, node: Node) -> str | None:
        """Return the name of the table in PostgreSQL that a model is published as, or None if it is not."""
        wanted = None
        for _, entry in self._graph.properties[node.package].entries.get(node.name, ()):
            for meta in (mapping(mapping(entry.get("config")).get("meta")), mapping(entry.get("meta"))):
                wanted = wanted or mapping(meta.get("cascade")).get("publish")
        if not wanted:
            return None
        options = mapping(wanted)
        return f"{options.get('schema', 'public')}.{options.get('table', node.name)}"
