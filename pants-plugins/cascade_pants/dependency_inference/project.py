"""Infer what a `cascade_project` depends on: the modules that it loads, and the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets, FieldSet, InferDependenciesRequest, InferredDependencies
from pants.engine.unions import UnionRule

from cascade_pants import engine
from cascade_pants.target_types import (
    CascadeProjectDbtField,
    CascadeProjectDependenciesField,
    CascadeProjectPluginsField,
    CascadeProjectTarget,
    CascadeProjectWorkflowsField,
)
from cascade_pants.util_rules.dbt_project import dbt_requirements, find_dbt_project
from cascade_pants.util_rules.plugins import find_plugins, plugin_dependencies
from cascade_pants.util_rules.project import CascadeProject, CascadeProjectRequest, cascade_project
from cascade_pants.util_rules.runtime import RuntimeOwners, RuntimeOwnersRequest, runtime_owners


@dataclass(frozen=True)
class ProjectDependenciesFieldSet(FieldSet):
    """The fields of a project that decide its dependencies."""

    required_fields = (CascadeProjectWorkflowsField, CascadeProjectDependenciesField)

    workflows: CascadeProjectWorkflowsField
    dbt_project: CascadeProjectDbtField
    plugins: CascadeProjectPluginsField
    dependencies: CascadeProjectDependenciesField
    resolve: PythonResolveField


class InferProjectDependencies(InferDependenciesRequest):  # type: ignore[type-arg]
    """Infer the dependencies of one `cascade_project`."""

    infer_from = ProjectDependenciesFieldSet


@rule(desc="Infer dependencies of Cascade project")
async def infer_project_dependencies(
    request: InferProjectDependencies, python_setup: PythonSetup, targets: AllTargets
) -> InferredDependencies:
    fields = request.field_set
    resolve = fields.resolve.normalized_value(python_setup)
    # Pants itself adds the target that the field names, and this first says what is wrong with it.
    dbt = find_dbt_project(fields.address, fields.dbt_project, targets)
    requirements = dbt_requirements(targets, resolve, python_setup) if dbt else ()
    named = find_plugins(fields.address, fields.plugins, resolve, targets, python_setup)
    plugins = await plugin_dependencies(named)
    found = await engine.concurrently(
        cascade_project(CascadeProjectRequest(fields.address, fields.workflows, fields.resolve, fields.dbt_project)),
        runtime_owners(RuntimeOwnersRequest(resolve, f"The {CascadeProjectTarget.alias} {fields.address}")),
    )
    project: CascadeProject = found[0]
    owners: RuntimeOwners = found[1]
    return InferredDependencies(
        sorted({*project.addresses, *project.unimported, *owners.runtime, *owners.processes, *requirements, *plugins})
    )


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferProjectDependencies)]
