"""The resources that workflows take by parameter: only the whole project shows whether one is missing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pants.core.goals.check import CheckResult
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import TransitiveTargetsRequest
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.goals.validate_process import Validation, run_validation
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.plugins import NO_PLUGINS, PluginCode
from cascade_pants.util_rules.runtime import RuntimeOwnersRequest, runtime_owners
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, loaded_modules, workflow_facts


@dataclass(frozen=True)
class ResourcesOfProject:
    """Check the resources that some files of a project take.

    Args:
        project: the address of the project.
        files: the paths of files that take a resource which is not in their own batch, sorted.
        workflows: what the project holds, sorted. At least one.
        plugins: its plugins, which may provide a resource.
    """

    project: Address
    files: tuple[str, ...]
    workflows: tuple[Workflow, ...]
    plugins: PluginCode = NO_PLUGINS


def resources_to_check(
    lacking: Iterable[Address],
    workflows: AllWorkflows,
    projects: Mapping[Address, tuple[Address, ...]],
    plugins: Mapping[Address, PluginCode],
) -> list[ResourcesOfProject]:
    """Find the projects in which a resource may be missing.

    Args:
        lacking: the targets of files that take a resource which is not in their own batch.
        workflows: every workflow of the repository.
        projects: the projects that hold a file, by the address of its target.
        plugins: the plugins of each project that has any.
    """
    files: defaultdict[Address, set[str]] = defaultdict(set)
    for address in lacking:
        path = next(file.path for file in workflows.by_file[address].files if file.address == address)
        for project in projects.get(address, ()):
            files[project].add(path)
    found = []
    for project in sorted(files):
        held = []
        for workflow in workflows:
            kept = tuple(file for file in workflow.files if project in projects.get(file.address, ()))
            if kept:
                held.append(dataclasses.replace(workflow, files=kept))
        mine = plugins.get(project, NO_PLUGINS)
        found.append(ResourcesOfProject(project, tuple(sorted(files[project])), tuple(held), mine))
    return found


@rule(desc="Find the resources of Cascade workflows", level=LogLevel.DEBUG)
async def check_resources_of_project(request: ResourcesOfProject, cascade: CascadeSubsystem) -> CheckResult:
    owners = await runtime_owners(
        RuntimeOwnersRequest(request.workflows[0].resolve, f"`pants check` of {request.project}")
    )
    files = {file.address for one in request.workflows for file in one.files}
    addresses = (*sorted({*files, *request.plugins.addresses}), *owners.runtime)
    closure = (await engine.transitive_targets(TransitiveTargetsRequest(addresses))).closure
    all_facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(one)) for one in request.workflows)
    loaded = {path for one, facts in zip(request.workflows, all_facts) for path in loaded_modules(one, facts.by_file)}
    description = f"the resources of {request.project}"
    result = await run_validation(
        Validation(
            addresses,
            tuple(closure),
            cascade.runtime_modules[0],
            frozenset(request.files),
            frozenset(loaded.difference(request.files)),
            (),
            True,
            description,
            request.plugins,
        )
    )
    return engine.check_result(result, description)


if engine.BY_NAME:

    async def check_resources(request: ResourcesOfProject) -> CheckResult:
        """Check the resources that some files of a project take."""
        result: CheckResult = await check_resources_of_project(request, **engine.implicitly())
        return result

else:
    from cascade_pants.engine.own_rules import own_rule

    check_resources = own_rule(CheckResult, ResourcesOfProject)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
