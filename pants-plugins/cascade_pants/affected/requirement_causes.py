"""What a change of a lockfile or of a requirements file touches."""

from __future__ import annotations

from collections.abc import Iterable

from pants.backend.python.target_types import PythonRequirementsField
from pants.core.goals.package import PackageFieldSet
from pants.core.target_types import TargetGeneratorSourcesHelperSourcesField
from pants.engine.addresses import Address
from pants.engine.target import Target

from cascade_pants.affected import locks, requirement_files
from cascade_pants.affected.causes import Causes
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.kinds import is_made_by, is_test
from cascade_pants.affected.repository_graph import RepositoryGraph
from cascade_pants.git import Change
from cascade_pants.requirement_names import requirement_name
from cascade_pants.target_types import CascadeProjectManifestField
from cascade_pants.target_types.dbt import CascadeDbtSourceField
from cascade_pants.util_rules.dbt_project import dbt_requirements

_SHOWN = 3


def add_lock(change: Change, comparison: Comparison, graph: RepositoryGraph, causes: Causes) -> bool:
    """Record what a lockfile touches.

    Returns:
        Whether the file is the lockfile of a resolve.
    """
    resolves = [name for name, lock in graph.python_setup.resolves.items() if lock == change.path]
    if not resolves:
        return False
    found = locks.compare(comparison.before(change.path), comparison.after(change.path))
    if found.users is not None and not found.changed:
        causes.note(change, "locks the same requirements as before")
        return True
    for resolve in resolves:
        _add_resolve(resolve, found, change, graph, causes)
    causes.note(change, "locks only requirements that nothing uses otherwise")
    return True


def _add_resolve(resolve: str, found: locks.LockChange, change: Change, graph: RepositoryGraph, causes: Causes) -> None:
    requirements = graph.requirements_of(resolve)
    if found.users is None:
        used = requirements
        why = f"may lock it otherwise: {found.why_all}"
    else:
        used = [target for target in requirements if not found.users.isdisjoint(_names(target))]
        why = f"locks {_listed(found.changed)} otherwise, which it needs"
    causes.add((target.address for target in used), change, why)
    _add_dbt(used, resolve, change, graph, causes)
    if not graph.users_of(resolve):
        tools = (
            target.address
            for target in graph.all_targets
            if is_test(target, graph.unions)
            or (is_made_by(PackageFieldSet, target, graph.unions) and not target.has_field(CascadeProjectManifestField))
        )
        causes.add(tools, change, f"locks the resolve {resolve!r}, which only tools use")


def add_requirements_file(change: Change, comparison: Comparison, graph: RepositoryGraph, causes: Causes) -> bool:
    """Record what a file of requirements touches.

    Returns:
        Whether the file is one that targets take their requirements from.
    """
    helpers = [
        address
        for address in graph.owners.of(change.path)
        if graph.owners.targets[address].has_field(TargetGeneratorSourcesHelperSourcesField)
    ]
    made = {
        address: graph.owners.targets[address]
        for helper in helpers
        for address in graph.dependents.mapping.get(helper, ())
        if address in graph.owners.targets and graph.owners.targets[address].has_field(PythonRequirementsField)
    }
    if not made:
        return False
    found = requirement_files.compare(change.path, comparison.before(change.path), comparison.after(change.path))
    if found.removed:
        # Which modules a requirement provided is not known any more, and so not who used them.
        resolves = {graph.resolve_of(target) for target in made.values()}
        users = [target.address for resolve in resolves if resolve for target in graph.users_of(resolve)]
        causes.add([*made, *users], change, f"requires {_listed(found.removed)} no more, which it may have used")
    for address, target in made.items():
        if found.changed is None:
            causes.add([address], change, "may require it otherwise")
        elif not found.changed.isdisjoint(_names(target)):
            causes.add([address], change, "requires it otherwise")
    for resolve in {graph.resolve_of(target) for target in made.values()}:
        touched = [target for address, target in made.items() if address in causes.all]
        if resolve is not None:
            _add_dbt(touched, resolve, change, graph, causes)
    causes.note(change, "requires the same as before")
    return True


def _add_dbt(used: Iterable[Target], resolve: str, change: Change, graph: RepositoryGraph, causes: Causes) -> None:
    """Record the files of dbt projects if what runs dbt has changed, since they do not depend on it."""
    runs_dbt: set[Address] = set(dbt_requirements(used, resolve, graph.python_setup))
    if runs_dbt:
        files = (
            target.address
            for target in graph.all_targets
            if target.has_field(CascadeDbtSourceField) and graph.resolve_of(target) == resolve
        )
        causes.add(files, change, "changes what dbt runs with")


def _names(target: Target) -> set[str | None]:
    return {requirement_name(one) for one in target[PythonRequirementsField].value}


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + rest
