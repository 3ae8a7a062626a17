"""What the API serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from cascade.iceberg.ledger.state import LEDGER
from cascade.plugins import PluginError

if TYPE_CHECKING:
    import dagster as dg
    from pyiceberg.table import Table

    from cascade.declarations import IngestionDeclaration
    from cascade.drawing.graph import Graph
    from cascade.exceptions import CascadeError
    from cascade.framework.partition_states import PartitionStates
    from cascade.iceberg import Lakehouse
    from cascade.table_ref import TableRef


_KEPT_SECONDS = 5.0


@dataclass
class ServedProject:
    """A project, as it was when the server started. Its tables and runs are read anew for each request.

    Args:
        name: its name.
        lakehouse: its lakehouse.
        instance: its Dagster instance.
        declarations: the declarations of its workflows, sorted by their assets.
        failures: the errors of what did not load.
        states: returns the states of the partitions of workflows.
        draw: draws its graph from its source.
        checks: the checks of its assets.
        sensitive: the sensitive columns of tables, by the full names of the tables.
        unread: the tables of workflows that did not load, so that their sensitive columns are unknown.
    """

    name: str
    lakehouse: Lakehouse
    instance: dg.DagsterInstance
    declarations: Sequence[IngestionDeclaration]
    states: Callable[[Sequence[IngestionDeclaration]], list[PartitionStates]]
    draw: Callable[[], Graph]
    failures: Sequence[CascadeError] = ()
    checks: Sequence[dg.AssetCheckSpec] = ()
    sensitive: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    _drawing: Lock = field(default_factory=Lock)
    _asking: Lock = field(default_factory=Lock)
    _asked_until: float = 0.0
    _answers: bool = False

    def sensitive_of(self, ref: TableRef, table: Table) -> frozenset[str] | None:
        """Return the sensitive columns of a table, or None if they are unknown.

        Args:
            ref: its name. Some catalogs find it in any case, so its case does not count here.
            table: the table.
        """
        name = ref.full_name.casefold()
        declared = [columns for each, columns in self.sensitive.items() if each.casefold() == name]
        if name in map(str.casefold, self.unread) or (not declared and self._may_have_lost(table)):
            return None
        return frozenset().union(*declared)

    def _may_have_lost(self, table: Table) -> bool:
        """Return whether what did not load may have a workflow of a table: its source may not name the table."""
        filled_by_runs = any(name.startswith(LEDGER) for name in table.properties)
        return filled_by_runs and any(not isinstance(each, PluginError) for each in self.failures)

    def answers(self) -> bool:
        """Return whether the catalog answers, which is asked at most every five seconds."""
        with self._asking:
            now = time.monotonic()
            if now >= self._asked_until:
                try:
                    self.lakehouse.catalog.list_namespaces()
                    self._answers = True
                except Exception:
                    self._answers = False
                self._asked_until = now + _KEPT_SECONDS
            return self._answers

    def graph(self) -> Graph:
        """Return the graph of the project, which is drawn once."""
        with self._drawing:
            return self._graph

    @cached_property
    def _graph(self) -> Graph:
        return self.draw()


async def _served(request: Request) -> ServedProject:
    return cast("ServedProject", request.app.state.served)


Served = Annotated[ServedProject, Depends(_served)]
"""The project, as a parameter of a route."""
