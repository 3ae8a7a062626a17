"""Find the targets that changes touch directly, rule by rule."""

from __future__ import annotations

import os

from pants.backend.python.target_types import PythonRequirementsField
from pants.core.target_types import TargetGeneratorSourcesHelperSourcesField
from pants.engine.addresses import Address
from pants.engine.target import TargetGenerator

from cascade_pants.affected.build_causes import add_build_file, files_no_longer_provided
from cascade_pants.affected.causes import Causes
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.everything import is_build_file, same_configuration, why_everything
from cascade_pants.affected.gone_causes import add_gone
from cascade_pants.affected.held import lost_modules, projects_that_held
from cascade_pants.affected.macros import defines_macros, may_replace_a_macro
from cascade_pants.affected.repository_graph import RepositoryGraph
from cascade_pants.affected.requirement_causes import add_lock, add_requirements_file
from cascade_pants.git import ADDED, DELETED, Change
from cascade_pants.target_types.dbt import CascadeDbtSourceField
from cascade_pants.util_rules.manifest import has_cascade_table

_SETTINGS = ("cascade_config.py", "pyproject.toml")
_STATUS_WHY = {ADDED: "is new and belongs to it"}


def find_causes(comparison: Comparison, graph: RepositoryGraph) -> Causes:
    """Find the targets that changes touch directly.

    Args:
        comparison: the base and the working tree.
        graph: what Pants knows of the working tree.

    Returns:
        The targets with their reasons. What cannot be decided counts as touched, and its reason says so.
    """
    causes = Causes()
    comparison.load(change.path for change in comparison.changes)
    gone: dict[str, Change] = {}
    for change in comparison.changes:
        _add_everything(change, comparison, graph, causes)
        if is_build_file(change.path, graph.global_options):
            edit = add_build_file(change, comparison, graph, causes)
            for path in files_no_longer_provided(change, edit, comparison, graph):
                gone.setdefault(path, change)
            continue
        _add_settings(change, comparison, graph, causes)
        is_lock = add_lock(change, comparison, graph, causes)
        takes_requirements = not is_lock and add_requirements_file(change, comparison, graph, causes)
        owners = graph.owners.of(change.path)
        if is_lock or takes_requirements:
            owners = [address for address in owners if not _is_of_requirements(address, graph)]
        causes.add(owners, change, _STATUS_WHY.get(change.status, "belongs to it"))
        _add_macros(change, owners, comparison, graph, causes)
        if change.status == DELETED:
            gone[change.path] = change
        elif not owners and comparison.is_directory(change.path):
            below = (address for _, address in graph.owners.of_files_below(change.path))
            causes.add(below, change, "is a link to a directory or a submodule, and holds it")
        if os.path.basename(change.path) == ".gitignore" and _hides_files(change, comparison):
            causes.add(graph.addresses(), change, "hides tracked files from Pants, or did")
    add_gone(gone, comparison, graph, causes)
    for lost in lost_modules(comparison, graph):
        causes.add(projects_that_held(lost, graph), lost.change, f"no longer lets it load {lost.path}")
    return causes


def _add_everything(change: Change, comparison: Comparison, graph: RepositoryGraph, causes: Causes) -> None:
    why = why_everything(change.path, graph.global_options, graph.directory)
    if why is None:
        return
    if change.path.endswith(".toml") and same_configuration(
        comparison.before(change.path), comparison.after(change.path)
    ):
        causes.note(change, "differs in comments or layout only")
        return
    causes.add(graph.addresses(), change, f"{why}, so anything may depend on it")


def _add_settings(change: Change, comparison: Comparison, graph: RepositoryGraph, causes: Causes) -> None:
    """Record the projects whose settings travel in the PEX without a target that owns them."""
    directory, name = os.path.split(change.path)
    if name not in _SETTINGS:
        return
    versions = [comparison.before(change.path) or b"", comparison.after(change.path) or b""]
    if name == "pyproject.toml" and not any(map(has_cascade_table, versions)):
        return
    for project in graph.projects:
        if project.address.spec_path == directory:
            causes.add_settings(project.address, change, "has its settings")


def _is_of_requirements(address: Address, graph: RepositoryGraph) -> bool:
    """Return whether a target stands for a file of requirements or a lockfile, whose parts count instead."""
    target = graph.owners.targets[address]
    if target.has_field(TargetGeneratorSourcesHelperSourcesField) or target.alias.startswith("_lockfile"):
        return True
    return isinstance(target, TargetGenerator) and any(
        graph.owners.targets[one].has_field(PythonRequirementsField) for one in graph.owners.generated_from(address)
    )


def _add_macros(
    change: Change, owners: list[Address], comparison: Comparison, graph: RepositoryGraph, causes: Causes
) -> None:
    """Record all files of a dbt project if a macro may take the place of one that dbt calls by itself."""
    versions = comparison.before(change.path), comparison.after(change.path)
    for owner in owners:
        if not graph.owners.targets[owner].has_field(CascadeDbtSourceField) or not defines_macros(*versions):
            continue
        project = owner.maybe_convert_to_target_generator()
        if may_replace_a_macro(*versions) or not graph.dependents_of(owner) - {project}:
            causes.add(graph.owners.generated_from(project), change, "defines a macro that dbt may call for any model")


def _hides_files(change: Change, comparison: Comparison) -> bool:
    """Return whether a `.gitignore` hides tracked files from Pants, at the base or now."""
    directory = os.path.dirname(change.path)
    return any(
        content is not None and comparison.repository.hides_tracked_files(directory, content)
        for content in (comparison.before(change.path), comparison.after(change.path))
    )
