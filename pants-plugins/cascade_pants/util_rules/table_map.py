"""Which workflow declares which table.

`TableMap` of the whole repository is one node of the engine, which changes when any workflow does: only a rule that
needs every table may ask for it. A project makes its own map of the workflows that it holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets, InvalidFieldException
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.reader.declarations import Declaration
from cascade_pants.target_types import CascadeProjectManifestField, CascadeProjectWorkflowsField
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.project_selection import parse_workflow_specs, select_workflows
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, loaded_modules, workflow_facts


@dataclass(frozen=True)
class LocatedDeclaration:
    """A declaration and where it is.

    Args:
        declaration: what a module declares.
        path: the file, from the root of the repository.
        address: of the target of that file.
        projects: the projects that load the file, where they are asked for.
    """

    declaration: Declaration
    path: str
    address: Address
    projects: tuple[Address, ...] = ()

    @property
    def place(self) -> str:
        """File and line, such as `src/workflows/weather/observations.py:12`."""
        return f"{self.path}:{self.declaration.line}"

    def __str__(self) -> str:
        return f"{self.place} ({self.address.maybe_convert_to_target_generator()})"


@dataclass(frozen=True)
class TableMap:
    """Who declares each table.

    Args:
        by_table: declarations by the full name of their table, such as `raw.flights`, sorted.
    """

    by_table: FrozenDict[str, tuple[LocatedDeclaration, ...]]

    @classmethod
    def of(cls, declarations: Iterable[LocatedDeclaration]) -> TableMap:
        """Map tables to declarations. Those without a table that can be read are left out."""
        found = defaultdict(list)
        for one in declarations:
            table = one.declaration.table
            if table is not None:
                found[table].append(one)
        return cls(FrozenDict({table: tuple(places) for table, places in sorted(found.items())}))

    def places(self, *, outside: str) -> dict[str, str]:
        """Return where each table is declared first, as file and line with the projects that load it.

        Args:
            outside: a directory whose files do not count.
        """
        found: dict[str, str] = {}
        for table, declarations in self.by_table.items():
            for one in declarations:
                if not one.path.startswith(f"{outside}/"):
                    projects = f" ({', '.join(map(str, one.projects))})" if one.projects else ""
                    found.setdefault(table, f"{one.place}{projects}")
        return found


def located_declarations(
    workflow: Workflow,
    facts: Mapping[str, tuple[Declaration, ...]],
    projects: Mapping[Address, tuple[Address, ...]] = FrozenDict(),
) -> list[LocatedDeclaration]:
    """List the declarations of a workflow.

    Args:
        workflow: the workflow.
        facts: what its files declare, by path.
        projects: the projects that load a file, by the address of its target.
    """
    modules = loaded_modules(workflow, facts)
    return [
        LocatedDeclaration(declaration, path, modules[path], projects.get(modules[path], ()))
        for path in sorted(modules.keys() & facts.keys())
        for declaration in facts[path]
    ]


@dataclass(frozen=True)
class ProjectsOfFiles:
    """The projects of the repository.

    Args:
        by_address: projects by the address of a file that they hold, each sorted.
    """

    by_address: FrozenDict[Address, tuple[Address, ...]]


@rule(desc="Find the Cascade projects of each workflow", level=LogLevel.DEBUG)
def find_projects_of_files(targets: AllTargets, workflows: AllWorkflows, python_setup: PythonSetup) -> ProjectsOfFiles:
    found = defaultdict(set)
    for target in targets:
        if not target.has_field(CascadeProjectManifestField):
            continue
        project, entries = target.address, target[CascadeProjectWorkflowsField].value
        resolve = target[PythonResolveField].normalized_value(python_setup)
        try:
            specs = None if entries is None else parse_workflow_specs(project, entries)
            selected = select_workflows(project, resolve, specs, workflows)
        except InvalidFieldException:
            # Whatever works on that project reports it; the tables of the others are known all the same.
            continue
        for workflow in selected:
            for file in workflow.files:
                found[file.address].add(project)
    return ProjectsOfFiles(FrozenDict({address: tuple(sorted(projects)) for address, projects in found.items()}))


@dataclass(frozen=True)
class AllDeclarations:
    """What the workflows of the repository declare.

    Args:
        located: the declarations.
        folder_loaders: the paths of files that let Dagster load the folder that they are in.
    """

    located: tuple[LocatedDeclaration, ...]
    folder_loaders: tuple[str, ...]


@rule(desc="Find what Cascade workflows declare", level=LogLevel.DEBUG)
async def find_declarations(workflows: AllWorkflows, projects: ProjectsOfFiles) -> AllDeclarations:
    all_facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in workflows)
    return AllDeclarations(
        tuple(
            one
            for workflow, facts in zip(workflows, all_facts)
            for one in located_declarations(workflow, facts.by_file, projects.by_address)
        ),
        tuple(path for facts in all_facts for path in facts.folder_loaders),
    )


@rule(desc="Map tables to Cascade workflows", level=LogLevel.DEBUG)
def map_tables(declarations: AllDeclarations) -> TableMap:
    return TableMap.of(declarations.located)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
