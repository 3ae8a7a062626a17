"""The columns that dbt projects expect of the tables that workflows fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.target import AllTargets

from cascade_pants import engine
from cascade_pants.goals.check import TableColumns, batches_with_declarations, check_batch
from cascade_pants.goals.check_batches import CascadeCheckFieldSet
from cascade_pants.spelling import nearest
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.dbt_graph import DbtGraph
from cascade_pants.util_rules.plugins import plugins_by_project
from cascade_pants.util_rules.table_map import ProjectsOfFiles, TableMap

# Columns that Cascade adds to a table.
_OWN = "_cascade_"


async def columns_of(
    wanted: Iterable[str],
    size: int,
    targets: AllTargets,
    all_workflows: AllWorkflows,
    tables: TableMap,
    python_setup: PythonSetup,
    projects: ProjectsOfFiles,
) -> dict[str, TableColumns]:
    """Find the columns of tables, by the same processes that check all workflows of the repository.

    Args:
        wanted: the full names of the tables.
        size: the maximum number of workflows that one process loads.
        targets: all targets of the repository.
        all_workflows: every workflow of the repository.
        tables: the tables of the repository.
        python_setup: the options of `[python]`.
        projects: the projects of the workflows, whose plugins the processes load.

    Returns:
        The columns by the full name of the table. A table whose workflow does not load is left out.
    """
    needed = {all_workflows.by_file[place.address].key for table in wanted for place in tables.by_table.get(table, ())}
    if not needed:
        return {}
    everything = (target for target in targets if CascadeCheckFieldSet.is_applicable(target))
    plugins = await plugins_by_project(targets, python_setup)
    divided = await batches_with_declarations(
        (CascadeCheckFieldSet.create(target) for target in everything),
        size,
        all_workflows,
        tables,
        python_setup,
        plugins,
        projects.by_address,
    )
    checked = await engine.concurrently(
        check_batch(batch) for batch, _ in divided if any(workflow.key in needed for workflow in batch.workflows)
    )
    return {table: columns for one in checked for table, columns in one.columns.items()}


def tables_with_columns(graph: DbtGraph) -> set[str]:
    """Return the tables of the sources of a dbt project whose columns it lists."""
    return {source.table for source in graph.declared if source.columns and not source.external}


def unknown_columns(graph: DbtGraph, columns: Mapping[str, TableColumns]) -> list[str]:
    """Report each column of a source that the schema of its workflow lacks.

    Args:
        graph: the graph of the dbt project.
        columns: the columns of tables, as far as they are known.
    """
    lines = []
    for source in graph.declared:
        known = columns.get(source.table)
        if known is None or source.external:
            continue
        # dbt and DuckDB ignore case.
        names = {name.lower() for name in known.names}
        for column, line in source.columns:
            if column.lower() not in names and not column.lower().startswith(_OWN):
                meant = nearest(column, known.names)
                lines.append(
                    f"{source.file}:{line}: the source of the table {source.table} has the column {column!r}, which "
                    f"{known.schema} lacks. "
                    + (f"Did you mean {meant!r}? " if meant else "")
                    + "Remove the column here and in the models that read it, or add it to the schema."
                )
    return lines
