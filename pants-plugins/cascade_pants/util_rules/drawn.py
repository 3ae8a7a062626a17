"""The graph of the repository, as it is drawn."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.drawing.describe import DbtProject, Declared, describe
from cascade_pants.drawing.graph import Graph, Project
from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectManifestField
from cascade_pants.target_types.dbt import CascadeDbtSourceField
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraph, DbtGraphRequest, dbt_graph, spec_of
from cascade_pants.util_rules.table_map import LocatedDeclaration, ProjectsOfFiles, located_declarations
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, workflow_facts


@dataclass(frozen=True)
class DrawnRequest:
    """Collect what is drawn."""


@dataclass(frozen=True)
class DrawnRepository:
    """What is drawn of the repository.

    Args:
        declared: what the workflows declare.
        projects: the addresses of all projects.
        dbt: the graph of each dbt project, with the projects that hold it.
    """

    declared: tuple[LocatedDeclaration, ...]
    projects: tuple[Address, ...]
    dbt: tuple[tuple[DbtGraph, tuple[str, ...]], ...]

    def graph(self, title: str, since: str, because: Mapping[str, str]) -> Graph:
        """Make the graph.

        Args:
            title: what is drawn.
            since: what is compared with; empty if nothing is.
            because: why a change touches something, by address, place or path.
        """
        declared = [
            Declared(
                one.declaration,
                one.path,
                one.address.spec_path,
                tuple(project.spec for project in one.projects),
                because.get(one.place, ""),
            )
            for one in self.declared
        ]
        dbt_projects = [
            DbtProject(
                json.loads(graph.nodes),
                [{"table": one.table, "file": one.file, "line": one.line} for one in graph.declared],
                projects,
                because,
            )
            for graph, projects in self.dbt
        ]
        projects = [
            Project(address.spec, address.target_name, because.get(address.spec, "")) for address in self.projects
        ]
        return describe(title, declared, dbt_projects, projects, since)


@rule(desc="Collect what is drawn", level=LogLevel.DEBUG)
async def collect_drawn(
    _: DrawnRequest,
    targets: AllTargets,
    workflows: AllWorkflows,
    projects_of_files: ProjectsOfFiles,
    python_setup: PythonSetup,
) -> DrawnRepository:
    projects = sorted(target.address for target in targets if target.has_field(CascadeProjectManifestField))
    requests: dict[Address, DbtGraphRequest] = {}
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for target in targets:
        if target.has_field(CascadeDbtSourceField) and target.address.is_generated_target:
            request = DbtGraphRequest.of(DbtFileFieldSet.create(target), python_setup)
            requests.setdefault(request.address, request)
        elif target.has_field(CascadeProjectManifestField):
            for one in target[CascadeProjectDbtField].value or ():
                holders[spec_of(one, target.address.spec_path)].append(target.address.spec)
    facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in workflows)
    graphs = await engine.concurrently(dbt_graph(request) for _, request in sorted(requests.items()))
    return DrawnRepository(
        tuple(
            one
            for workflow, found in zip(workflows, facts)
            for one in located_declarations(workflow, found.by_file, projects_of_files.by_address)
        ),
        tuple(projects),
        tuple((graph, tuple(sorted(holders[address.spec]))) for address, graph in zip(sorted(requests), graphs)),
    )


if engine.BY_NAME:

    async def drawn_repository(request: DrawnRequest) -> DrawnRepository:
        """Collect what is drawn."""
        found: DrawnRepository = await collect_drawn(request, **engine.implicitly())
        return found

else:
    from cascade_pants.engine.own_rules import own_rule

    drawn_repository = own_rule(DrawnRepository, DrawnRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
