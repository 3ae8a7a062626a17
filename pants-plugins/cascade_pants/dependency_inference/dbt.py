"""Infer what a file of a dbt project depends on: other files of it, and the workflows that fill the tables it reads."""

from __future__ import annotations

from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.rules import collect_rules, rule
from pants.engine.target import InferDependenciesRequest, InferredDependencies
from pants.engine.unions import UnionRule

from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraphRequest, dbt_graph, workflow_table
from cascade_pants.util_rules.table_map import TableMap


class InferDbtDependencies(InferDependenciesRequest):  # type: ignore[type-arg]
    """Infer the dependencies of one file of a dbt project."""

    infer_from = DbtFileFieldSet


@rule(desc="Infer dependencies of a dbt file")
async def infer_dbt_dependencies(
    request: InferDbtDependencies, tables: TableMap, python_setup: PythonSetup
) -> InferredDependencies:
    fields = request.field_set
    graph = await dbt_graph(DbtGraphRequest.of(fields, python_setup))
    address = fields.address
    path = address.filename if address.relative_file_path is not None else fields.source.file_path
    workflows = {
        declared.address
        for table in graph.tables.get(path, ())
        for declared in tables.by_table.get(workflow_table(table), ())
    }
    return InferredDependencies(sorted({*graph.needed.get(path, ()), *workflows}))


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferDbtDependencies)]
