"""What a `cascade_project` depends on: the modules that it loads, and the runtime that loads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwners, PythonModuleOwnersRequest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import (
    FieldSet,
    InferDependenciesRequest,
    InferredDependencies,
    InvalidFieldException,
)
from pants.engine.unions import UnionRule

from cascade_pants import engine
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.target_types import (
    CascadeProjectDependenciesField,
    CascadeProjectTarget,
    CascadeProjectWorkflowsField,
)
from cascade_pants.util_rules.project import CascadeProjectRequest, cascade_project


@dataclass(frozen=True)
class ProjectDependenciesFieldSet(FieldSet):
    """The fields of a project that say what it depends on."""

    required_fields = (CascadeProjectWorkflowsField, CascadeProjectDependenciesField)

    workflows: CascadeProjectWorkflowsField
    dependencies: CascadeProjectDependenciesField
    resolve: PythonResolveField


class InferProjectDependencies(InferDependenciesRequest):
    """Infer the dependencies of one `cascade_project`."""

    infer_from = ProjectDependenciesFieldSet


def runtime_owner(
    user: str, module: str, owners: PythonModuleOwners, *, resolve: str, lockfile: str, requirement: str
) -> tuple[Address, ...]:
    """Take the target that provides a module of the runtime.

    Args:
        user: what needs the runtime, for errors.
        module: the module.
        owners: who provides it in the resolve.
        resolve: name of the resolve.
        lockfile: its lockfile.
        requirement: the requirement to add where it is missing.

    Raises:
        InvalidFieldException: nothing provides it, or several targets do.
    """
    if owners.unambiguous:
        return owners.unambiguous
    if owners.ambiguous:
        listed = ", ".join(str(address) for address in owners.ambiguous)
        raise InvalidFieldException(
            f"{user} needs the module {module}, which several targets of the resolve {resolve!r} provide: {listed}. "
            "Keep one of them: the runtime is either first-party code or the requirement, not both."
        )
    raise InvalidFieldException(
        f"{user} needs the Cascade runtime, and nothing in its resolve {resolve!r} provides the module {module}.\n"
        f"Add the line `{requirement}` to the requirements of that resolve, make its lockfile {lockfile} again, and "
        f"see that a `python_requirement` or `python_requirements` target with `resolve={resolve!r}` stands for it."
    )


@rule(desc="Infer dependencies of Cascade project")
async def infer_project_dependencies(
    request: InferProjectDependencies, cascade: CascadeSubsystem, python_setup: PythonSetup
) -> InferredDependencies:
    fields = request.field_set
    resolve = fields.resolve.normalized_value(python_setup)
    asked = (*cascade.runtime_modules, *cascade.process_modules)
    project = await cascade_project(CascadeProjectRequest(fields.address, fields.workflows, fields.resolve))
    owners = await engine.concurrently(
        engine.module_owners(
            PythonModuleOwnersRequest(module, resolve=resolve if python_setup.enable_resolves else None)
        )
        for module in asked
    )
    inferred = set(project.addresses)
    for module, owner in zip(asked, owners):
        if module in cascade.runtime_modules:
            inferred.update(
                runtime_owner(
                    f"The {CascadeProjectTarget.alias} {fields.address}",
                    module,
                    owner,
                    resolve=resolve,
                    lockfile=python_setup.resolves.get(resolve, "of the repository"),
                    requirement=cascade.runtime_requirement,
                )
            )
        else:
            inferred.update(owner.unambiguous)
    return InferredDependencies(sorted(inferred))


def rules() -> list[Any]:
    """The rules of this module."""
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferProjectDependencies)]
