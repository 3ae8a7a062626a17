"""`pants check` on dbt projects: what their graph shows to be wrong, without dbt."""

from __future__ import annotations

from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.check import CheckRequest, CheckResult, CheckResults
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets
from pants.engine.unions import UnionRule
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import help_text

from cascade_pants import engine
from cascade_pants.goals.check import CascadeCheckSubsystem
from cascade_pants.goals.check_columns import columns_of, tables_with_columns, unknown_columns
from cascade_pants.goals.check_deps import repository_lineage
from cascade_pants.goals.cycles import Lineage, cycles, described
from cascade_pants.spelling import nearest
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.asset_map import AssetMap
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraph, DbtGraphRequest, dbt_graph, workflow_table
from cascade_pants.util_rules.table_map import ProjectsOfFiles, TableMap


class CascadeDbtCheckSubsystem(Subsystem):
    options_scope = "cascade-dbt-check"
    name = "cascade-dbt-check"
    help = help_text(
        """
        Check the graph of dbt projects and report every error with file and line: a `ref` or a `source` that names
        nothing, a source whose table no workflow declares or no project loads, a column of a source that the schema of
        the workflow lacks, two models of one name, refs that go
        round in a circle, a model that depends on itself by way of a workflow, Jinja, YAML and Python that cannot be
        parsed.
        """
    )

    skip = SkipOption("check")


class CascadeDbtCheckRequest(CheckRequest):  # type: ignore[type-arg]
    """Check dbt projects."""

    field_set_type = DbtFileFieldSet
    tool_name = CascadeDbtCheckSubsystem.options_scope


def circles(graph: DbtGraph, lineage: Lineage) -> list[str]:
    """Report the models of a project that depend on themselves by way of a workflow.

    Args:
        graph: the graph of the project.
        lineage: what is built from what in the repository.
    """
    lines = []
    for cycle in cycles(lineage, graph.built_from):
        own = [node for node in cycle if node in graph.built_from]
        # `ref` alone is one of the graph's own problems.
        if own and len({isinstance(node, str) for node in cycle}) > 1:
            lines.append(described(cycle, lineage, str(min(own))))
    return lines


def unfilled_sources(graph: DbtGraph, tables: TableMap, *, has_projects: bool = False) -> list[str]:
    """List the sources of a project that no workflow fills, or only a workflow that no project loads.

    Args:
        graph: the graph of the project.
        tables: the tables that workflows declare.
        has_projects: whether the repository has projects that load workflows.
    """
    known = list(tables.by_table)
    found = []
    for source in graph.declared:
        if source.external:
            continue
        places = tables.by_table.get(workflow_table(source.table), ())
        if places and has_projects and not any(place.projects for place in places):
            found.append(
                f"{source.file}:{source.line}: no cascade_project loads the workflow that fills the table "
                f"{source.table} of this source, {places[0]}. Add it to the field `workflows` of a project."
            )
        if places:
            continue
        meant = nearest(source.table, known)
        found.append(
            f"{source.file}:{source.line}: no workflow declares the table {source.table} of this source. "
            + (f"Did you mean {meant!r}? " if meant else "")
            + "If something else fills it, add `meta: {cascade: {external: true}}`."
        )
    return found


@rule(desc="Check dbt projects", level=LogLevel.DEBUG)
async def check_dbt_projects(
    request: CascadeDbtCheckRequest,
    subsystem: CascadeDbtCheckSubsystem,
    workflow_checks: CascadeCheckSubsystem,
    all_workflows: AllWorkflows,
    tables: TableMap,
    assets: AssetMap,
    workflow_projects: ProjectsOfFiles,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> CheckResults:
    if subsystem.skip:
        return CheckResults([], checker_name=request.tool_name)
    projects = sorted(
        {DbtGraphRequest.of(fields, python_setup) for fields in request.field_sets}, key=lambda one: one.address.spec
    )
    graphs = await engine.concurrently(dbt_graph(project) for project in projects)
    columns = await columns_of(
        {table for graph in graphs for table in tables_with_columns(graph)},
        workflow_checks.batch_size,
        targets,
        all_workflows,
        tables,
        python_setup,
        workflow_projects,
    )
    lineage = await repository_lineage(targets, python_setup, assets, tables)
    results = []
    for project, graph in zip(projects, graphs):
        problems = [
            *graph.problems,
            *unfilled_sources(graph, tables, has_projects=bool(workflow_projects.by_address)),
            *unknown_columns(graph, columns),
            *circles(graph, lineage),
        ]
        text = "".join(f"{problem}\n" for problem in problems)
        results.append(CheckResult(1 if problems else 0, text, "", project.address.spec))
    return CheckResults(results, checker_name=request.tool_name)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(CheckRequest, CascadeDbtCheckRequest)]
