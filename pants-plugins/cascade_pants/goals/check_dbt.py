"""`pants check` on dbt projects: what their graph shows to be wrong, without dbt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.check import CheckRequest, CheckResult, CheckResults
from pants.engine.rules import collect_rules, rule
from pants.engine.unions import UnionRule
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import help_text

from cascade_pants import engine
from cascade_pants.spelling import nearest
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraph, DbtGraphRequest, dbt_graph, workflow_table
from cascade_pants.util_rules.table_map import TableMap


class CascadeDbtCheckSubsystem(Subsystem):
    options_scope = "cascade-dbt-check"
    name = "cascade-dbt-check"
    help = help_text(
        """
        Check the graph of dbt projects and report every error with file and line: a `ref` or a `source` that names
        nothing, a source whose table no workflow declares, two models of one name, refs that go round in a circle,
        Jinja, YAML and Python that cannot be parsed.
        """
    )

    skip = SkipOption("check")


class CascadeDbtCheckRequest(CheckRequest):  # type: ignore[type-arg]
    """Check dbt projects."""

    field_set_type = DbtFileFieldSet
    tool_name = CascadeDbtCheckSubsystem.options_scope


def unfilled_sources(graph: DbtGraph, tables: Iterable[str]) -> list[str]:
    """List the sources of a project that no workflow fills.

    Args:
        graph: the graph of the project.
        tables: the tables that workflows declare.
    """
    known = sorted(tables)
    found = []
    for source in graph.declared:
        if source.external or workflow_table(source.table) in known:
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
    tables: TableMap,
    python_setup: PythonSetup,
) -> CheckResults:
    if subsystem.skip:
        return CheckResults([], checker_name=request.tool_name)
    projects = sorted(
        {DbtGraphRequest.of(fields, python_setup) for fields in request.field_sets}, key=lambda one: one.address.spec
    )
    graphs = await engine.concurrently(dbt_graph(project) for project in projects)
    results = []
    for project, graph in zip(projects, graphs):
        problems = [*graph.problems, *unfilled_sources(graph, tables.by_table)]
        text = "".join(f"{problem}\n" for problem in problems)
        results.append(CheckResult(1 if problems else 0, text, "", project.address.spec))
    return CheckResults(results, checker_name=request.tool_name)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(CheckRequest, CascadeDbtCheckRequest)]
