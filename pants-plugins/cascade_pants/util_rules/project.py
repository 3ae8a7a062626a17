"""What a `cascade_project` holds, according to the BUILD graph."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import module_from_stripped_path
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.base.build_root import BuildRoot
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import InvalidFieldException, Target
from pants.source.source_root import SourceRootsRequest
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.target_types import (
    CascadeProjectDbtField,
    CascadeProjectTarget,
    CascadeProjectWorkflowsField,
    CascadeWorkflowLoadField,
    CascadeWorkflowTarget,
)
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.dbt_graph import PROJECT_FILE, spec_of
from cascade_pants.util_rules.project_selection import parse_workflow_specs, select_workflows
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap, located_declarations
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, loaded_modules, workflow_facts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CascadeProjectRequest:
    """Find what a project holds.

    Args:
        address: the address of the `cascade_project`.
        workflows: its field `workflows`.
        resolve: its field `resolve`.
        dbt_project: its field `dbt_project`.
    """

    address: Address
    workflows: CascadeProjectWorkflowsField
    resolve: PythonResolveField
    dbt_project: CascadeProjectDbtField

    @classmethod
    def of(cls, project: Target) -> CascadeProjectRequest:
        """Return the request for a target."""
        return cls(
            project.address,
            project[CascadeProjectWorkflowsField],
            project[PythonResolveField],
            project[CascadeProjectDbtField],
        )


@dataclass(frozen=True)
class CascadeProject:
    """What a project holds.

    Args:
        addresses: the targets of the modules to load, in the order of `modules`.
        modules: their names, sorted.
        source_root: the source root of the first of them, or of the dbt project if there is none.
        unimported: the targets of files that Dagster loads from a folder, because a module asks it to.
    """

    addresses: tuple[Address, ...]
    modules: tuple[str, ...]
    source_root: str
    unimported: tuple[Address, ...] = ()


def refuse_shared_tables(project: Address, tables: TableMap, build_root: str) -> None:
    """Raise if two workflows of a project declare one table.

    Args:
        project: the address of the project.
        tables: the tables of its workflows.
        build_root: the root of the repository, to see whether two paths lead to one file.

    Raises:
        InvalidFieldException: lists every such table with the places that declare it.
    """
    shared = {table: places for table, places in tables.by_table.items() if len(places) > 1}
    if not shared:
        return
    for first, *others in shared.values():
        for other in others:
            paths = [os.path.realpath(os.path.join(build_root, one.path)) for one in (first, other)]
            if first.path != other.path and paths[0] == paths[1]:
                _refuse_shared_file(other.path, first.address, other.address, f"{first.path} is the same file. ")
    listed = "".join(
        f"\n  {table} by " + " and ".join(f"{one.declaration.name or one.declaration.call} in {one}" for one in places)
        for table, places in shared.items()
    )
    raise InvalidFieldException(
        f"In the {CascadeProjectTarget.alias} {project}, a table is declared more than once:{listed}\n"
        "These workflows would overwrite each other's rows. Change the `table_name` or `namespace` of one, or leave "
        f"one out of the project with the field `{CascadeProjectWorkflowsField.alias}`."
    )


def _refuse_shared_file(path: str, first: Address, second: Address, link: str = "") -> None:
    if second.spec_path < first.spec_path:
        first, second = second, first
    inner = os.path.relpath(second.spec_path, first.spec_path)
    owners = [str(address.maybe_convert_to_target_generator()) for address in (first, second)]
    raise InvalidFieldException(
        f"{owners[0]} and {owners[1]} both own the file {path}. {link}A {CascadeWorkflowTarget.alias} owns the Python "
        "files in its directory and below.\n"
        "Remove one of the two targets"
        + (
            "."
            if link
            else f", or leave the inner directory out: `sources=['**/*.py', '!{inner}/**']` in the outer one."
        )
    )


def warn_of_unread_tables(declared: Iterable[LocatedDeclaration]) -> None:
    """Warn of declarations whose table Pants cannot read from the source."""
    unread = [one for one in declared if one.declaration.unread_table]
    if not unread:
        return
    listed = "".join(
        f"\n  {one}: " + ", ".join(f"`{unread.name}` is `{unread.unread}`" for unread in one.declaration.unread_table)
        for one in unread
    )
    logger.warning(
        f"Pants cannot read from the source which table these decorators declare:{listed}\n"
        "Their workflows still run, test, check and package. Pants just cannot tell whether another workflow declares "
        "the same table, nor infer dependencies on it from SQL. To fix this, use a string literal, or a name that the "
        "same module assigns a string once."
    )


def _refuse_empty(project: Address, workflows: Iterable[Workflow]) -> None:
    listed = ", ".join(str(workflow.address) for workflow in workflows)
    raise InvalidFieldException(
        f"The {CascadeProjectTarget.alias} {project} would load no module, because nothing is declared in {listed}.\n"
        "Decorate a function with `@cascade_ingestion`. If the workflows come from a factory, list their files in the "
        f"field `{CascadeWorkflowLoadField.alias}` of the workflow."
    )


def _below(loaders: Iterable[str], workflow: Workflow) -> Iterator[Address]:
    directories = tuple(f"{directory}/" if directory else "" for directory in map(os.path.dirname, loaders))
    if directories:
        yield from (file.address for file in workflow.files if file.path.startswith(directories))


@rule(desc="Find the workflows of Cascade project", level=LogLevel.DEBUG)
async def find_project(
    request: CascadeProjectRequest, all_workflows: AllWorkflows, python_setup: PythonSetup, build_root: BuildRoot
) -> CascadeProject:
    entries, dbt = request.workflows.value, request.dbt_project.value
    resolve = request.resolve.normalized_value(python_setup)
    if dbt and entries is None and not any(workflow.resolve == resolve for workflow in all_workflows):
        file = os.path.join(spec_of(dbt[0], request.address.spec_path).partition(":")[0].lstrip("/"), PROJECT_FILE)
        root = await engine.source_roots(SourceRootsRequest.for_files([file]))
        return CascadeProject((), (), next(iter(root.path_to_root.values())).path)
    workflows = select_workflows(
        request.address,
        resolve,
        None if entries is None else parse_workflow_specs(request.address, entries),
        all_workflows,
    )
    all_facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in workflows)
    addresses: dict[str, Address] = {}
    declared: list[LocatedDeclaration] = []
    unimported: set[Address] = set()
    for workflow, facts in zip(workflows, all_facts):
        for path, address in loaded_modules(workflow, facts.by_file).items():
            if addresses.setdefault(path, address).spec_path != address.spec_path or (
                addresses[path].target_name != address.target_name
            ):
                _refuse_shared_file(path, addresses[path], address)
        declared.extend(located_declarations(workflow, facts.by_file))
        unimported.update(_below(facts.folder_loaders, workflow))
    if not addresses:
        _refuse_empty(request.address, workflows)
    refuse_shared_tables(request.address, TableMap.of(declared), build_root.path)
    warn_of_unread_tables(declared)

    found = await engine.source_roots(SourceRootsRequest.for_files(sorted(addresses)))
    roots = {str(path): root.path for path, root in found.path_to_root.items()}
    modules = sorted((module_from_stripped_path(PurePath(path).relative_to(roots[path])), path) for path in addresses)
    return CascadeProject(
        addresses=tuple(addresses[path] for _, path in modules),
        modules=tuple(module for module, _ in modules),
        source_root=roots[modules[0][1]],
        unimported=tuple(sorted(unimported)),
    )


if engine.BY_NAME:

    async def cascade_project(request: CascadeProjectRequest) -> CascadeProject:
        """Find what a project holds, once for all callers."""
        project: CascadeProject = await find_project(request, **engine.implicitly())
        return project

else:
    from cascade_pants.engine.own_rules import own_rule

    cascade_project = own_rule(CascadeProject, CascadeProjectRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
