"""Find the resources that the workflows of a project take by parameter."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from cascade.contributor import Contribution
from cascade.declarations import Declaration, DecoratedFunction, is_resource_type
from cascade.exceptions import DeclarationError
from cascade.ingestion.parameters import LAKEHOUSE, MissingResource
from cascade.spelling import did_you_mean

Workflow = DecoratedFunction[Declaration, ..., object]


@dataclass(frozen=True)
class UserResources:
    """The resources that workflows take and that nothing contributes.

    Args:
        resources: what to add to the resources of the definitions, by key. A resource that is missing has a stand-in,
            which fails the workflows that take it and leaves the others alone.
        wrong: the parameters that would get something else than they declare, one sentence each, by the declaration.
        errors: one for each workflow with such a parameter, or one whose annotation is not defined at run time, or that
            takes a resource which is missing or of which the project has several.
    """

    resources: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[Declaration, Sequence[str]] = field(default_factory=dict)
    errors: tuple[DeclarationError, ...] = ()


def user_resources(
    workflows: Iterable[Workflow],
    modules: Mapping[str, ModuleType],
    contributions: Sequence[Contribution],
) -> UserResources:
    """Find the resources that workflows take by the names of their parameters.

    A resource is a variable of a module of the project. The module that defines its class is searched too, even
    if it has no workflow.

    Args:
        workflows: the workflows.
        modules: the modules of the project.
        contributions: what the project and its plugins contribute. Resources in these, and in their `Definitions`,
            take precedence over variables.
    """
    declarations = [workflow.declaration for workflow in workflows]
    existing: dict[str, Any] = {LAKEHOUSE: None}
    for each in contributions:
        existing |= each.resources
        for theirs in each.definitions:
            existing |= theirs.resources or {}
    takers: defaultdict[str, list[Declaration]] = defaultdict(list)
    wrong: defaultdict[Declaration, list[str]] = defaultdict(list)
    missing: defaultdict[Declaration, list[str]] = defaultdict(list)
    for declaration in declarations:
        for name, kind in declaration.resources.items():
            if name not in existing:
                takers[name].append(declaration)
            elif not _may_be(existing[name], name, kind):
                wrong[declaration].append(_of_another_class(name, kind, existing[name]))
    kinds = {name: [each.resources[name] for each in takers[name]] for name in sorted(takers)}
    found = _found({**modules, **_modules_of(kind for each in kinds.values() for kind in each)})
    resources: dict[str, Any] = {}
    for name in kinds:
        fitting = {
            module: value for module, value in found[name].items() if any(_fits(value, kind) for kind in kinds[name])
        }
        if len({id(value) for value in fitting.values()}) == 1:
            resources[name] = value = next(iter(fitting.values()))
            for declaration, kind in zip(takers[name], kinds[name], strict=True):
                if not _fits(value, kind):
                    wrong[declaration].append(_of_another_class(name, kind, value))
        else:
            problem = _ambiguous(name, fitting) if fitting else _missing(name, found, existing)
            resources[name] = _stand_in(problem)
            for declaration in takers[name]:
                missing[declaration].append(problem)
    variables = _found(modules)
    for declaration in declarations:
        unannotated = declaration.unannotated_parameters()
        wrong[declaration] += [_unannotated(name) for name in unannotated if name in existing or name in variables]
    broken = [(each, [*each.unclear_parameters(), *wrong[each], *missing[each]]) for each in declarations]
    errors = tuple(declaration.error(*problems) for declaration, problems in broken if problems)
    return UserResources(resources, {each: problems for each, problems in wrong.items() if problems}, errors)


def taken_variables(workflows: Iterable[Workflow], modules: Mapping[str, ModuleType]) -> set[str]:
    """Return the names of the variables of a project's modules that its workflows take as resources.

    Args:
        workflows: the workflows.
        modules: the modules of the project.
    """
    taken = {name for workflow in workflows for name in workflow.declaration.resources}
    return taken & set(_found(modules))


def _found(modules: Mapping[str, ModuleType]) -> defaultdict[str, dict[str, Any]]:
    """Find the resources at module level, by name and by module."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for module_name, module in modules.items():
        for name, value in list(vars(module).items()):
            if is_resource_type(type(value)):
                found[name][module_name] = value
    return found


def _modules_of(annotations: Iterable[object]) -> dict[str, ModuleType]:
    """Return the modules in which the annotated classes are defined."""
    names = {annotation.__module__ for annotation in annotations if isinstance(annotation, type)}
    return {name: sys.modules[name] for name in sorted(names) if name in sys.modules}


def _fits(value: object, annotation: object) -> bool:
    """Return whether a resource may be passed for a parameter."""
    import dagster as dg

    # What `@dagster.resource` creates, and what ResourceParam stands for, is known only at run time.
    return not isinstance(annotation, type) or isinstance(value, (annotation, dg.ResourceDefinition))


def _may_be(value: object, name: str, annotation: object) -> bool:
    """Return whether a contributed resource may be passed. Only Dagster's own classes show what the resource is."""
    if name == LAKEHOUSE:
        return not isinstance(annotation, type)
    return not is_resource_type(type(value)) or _fits(value, annotation)


def _of_another_class(name: str, annotation: Any, value: object) -> str:
    kind = "Cascade's own Lakehouse" if name == LAKEHOUSE else f"of the class {type(value).__name__}"
    return (
        f"the parameter {name} takes a resource of the class {annotation.__name__}, but the resource {name} is {kind}. "
        "Rename the parameter, and the variable that holds its resource."
    )


def _unannotated(name: str) -> str:
    return (
        f"the parameter {name} has the name of the resource {name}, but no annotation, so it would get its default. "
        "Annotate it with the class of the resource, or rename it."
    )


def _stand_in(problem: str) -> Any:
    import dagster as dg

    return dg.ResourceDefinition.hardcoded_resource(MissingResource(problem), description=problem)


def _ambiguous(name: str, fitting: Mapping[str, Any]) -> str:
    return (
        f"the parameter {name} takes the resource {name}, and {' and '.join(fitting)} each have a different one. "
        f'Rename all but one, or choose one with Definitions(resources={{"{name}": ...}}) in a module of the project.'
    )


def _missing(name: str, found: Mapping[str, Mapping[str, Any]], existing: Collection[str]) -> str:
    known = {key: key for key in existing} | {
        key: f"{key} ({type(value).__name__} in {module})"
        for key, values in found.items()
        for module, value in values.items()
    }
    return (
        f"the parameter {name} takes the resource {name}, which the project does not have."
        f"{did_you_mean(name, known.keys() - {name})} "
        f"It has {', '.join(known[key] for key in sorted(known))}. Assign one to a variable {name} in a module of the "
        "project."
    )
