"""What a `cascade_project` holds, straight from the BUILD graph."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import module_from_stripped_path
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import InvalidFieldException
from pants.source.source_root import SourceRootsRequest
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.reader.declarations import Declaration
from cascade_pants.target_types import CascadeProjectTarget, CascadeProjectWorkflowsField, CascadeWorkflowLoadField
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.project_selection import parse_workflow_specs, select_workflows
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, workflow_facts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CascadeProjectRequest:
    """Find what a project holds.

    Args:
        address: of the `cascade_project`.
        workflows: its field of that name.
        resolve: its field of that name.
    """

    address: Address
    workflows: CascadeProjectWorkflowsField
    resolve: PythonResolveField


@dataclass(frozen=True)
class CascadeProject:
    """What a project holds.

    Args:
        addresses: the targets of the modules to load, in the order of `modules`.
        modules: their names, sorted.
        source_root: the source root of the first of them.
    """

    addresses: tuple[Address, ...]
    modules: tuple[str, ...]
    source_root: str


@dataclass(frozen=True)
class _Declared:
    address: Address
    path: str
    declaration: Declaration

    def __str__(self) -> str:
        return f"{self.path}:{self.declaration.line} ({self.address.maybe_convert_to_target_generator()})"


def loaded_modules(workflow: Workflow, facts: Mapping[str, tuple[Declaration, ...]]) -> dict[str, Address]:
    """Find the files of a workflow that a project loads.

    Args:
        workflow: the workflow.
        facts: what its files declare.

    Returns:
        The target of each such file, by path. If the workflow is parametrized within its resolve, the first variant.
    """
    modules: dict[str, Address] = {}
    for file in workflow.files:
        if file.load or file.path in facts:
            modules.setdefault(file.path, file.address)
    return modules


def refuse_shared_tables(project: Address, declared: Iterable[_Declared]) -> None:
    """Make sure that each table of a project is declared once.

    Raises:
        InvalidFieldException: names every table that is not, with the places and the workflows.
    """
    by_table = defaultdict(list)
    for one in declared:
        if one.declaration.table is not None:
            by_table[one.declaration.table].append(one)
    shared = {table: places for table, places in sorted(by_table.items()) if len(places) > 1}
    if not shared:
        return
    listed = "".join(
        f"\n  {table} by " + " and ".join(f"{one.declaration.name or one.declaration.call} in {one}" for one in places)
        for table, places in shared.items()
    )
    raise InvalidFieldException(
        f"In the {CascadeProjectTarget.alias} {project} a table is declared more than once:{listed}\n"
        "Each would replace the rows of the other. Give one another `table_name` or `namespace`, or leave one workflow "
        f"out of the project with the field `{CascadeProjectWorkflowsField.alias}`."
    )


def warn_of_unread_tables(declared: Iterable[_Declared]) -> None:
    """Say which tables Pants cannot know, and what that does and does not mean."""
    unread = [one for one in declared if one.declaration.unread_table]
    if not unread:
        return
    listed = "".join(
        f"\n  {one}: "
        + ", ".join(f"`{argument.name}` is `{argument.unread}`" for argument in one.declaration.unread_table)
        for one in unread
    )
    logger.warning(
        f"Pants cannot read from the source which table these decorators declare:{listed}\n"
        "The workflows are in the project all the same, and run, test, check and package work. What does not work is "
        "what needs the table before the code runs: an error when another workflow declares the same one, and "
        "dependencies on it from SQL. Write a string there, or a name that the same module assigns a string to, once."
    )


def _refuse_empty(project: Address, workflows: Iterable[Workflow]) -> None:
    listed = ", ".join(str(workflow.address) for workflow in workflows)
    raise InvalidFieldException(
        f"The {CascadeProjectTarget.alias} {project} would load no module: nothing is declared in {listed}.\n"
        "Decorate a function with `@cascade_ingestion`, or name the files whose workflows come from a factory in the "
        f"field `{CascadeWorkflowLoadField.alias}` of the workflow."
    )


@rule(desc="Find the workflows of Cascade project", level=LogLevel.DEBUG)
async def find_project(
    request: CascadeProjectRequest, all_workflows: AllWorkflows, python_setup: PythonSetup
) -> CascadeProject:
    entries = request.workflows.value
    workflows = select_workflows(
        request.address,
        request.resolve.normalized_value(python_setup),
        None if entries is None else parse_workflow_specs(request.address, entries),
        all_workflows,
    )
    all_facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in workflows)
    addresses: dict[str, Address] = {}
    declared: list[_Declared] = []
    for workflow, facts in zip(workflows, all_facts):
        loaded = loaded_modules(workflow, facts.by_file)
        addresses.update(loaded)
        for path in sorted(loaded.keys() & facts.by_file.keys()):
            declared.extend(_Declared(loaded[path], path, declaration) for declaration in facts.by_file[path])
    if not addresses:
        _refuse_empty(request.address, workflows)
    refuse_shared_tables(request.address, declared)
    warn_of_unread_tables(declared)

    found = await engine.source_roots(SourceRootsRequest.for_files(sorted(addresses)))
    roots = {str(path): root.path for path, root in found.path_to_root.items()}
    modules = sorted((module_from_stripped_path(PurePath(path).relative_to(roots[path])), path) for path in addresses)
    return CascadeProject(
        addresses=tuple(addresses[path] for _, path in modules),
        modules=tuple(module for module, _ in modules),
        source_root=roots[modules[0][1]],
    )


if engine.BY_NAME:

    async def cascade_project(request: CascadeProjectRequest) -> CascadeProject:
        """Find what a project holds, once for all who ask."""
        project: CascadeProject = await find_project(request, **engine.implicitly())
        return project

else:
    from cascade_pants.engine.own_rules import own_rule

    cascade_project = own_rule(CascadeProject, CascadeProjectRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """The rules of this module."""
    return list(collect_rules())
