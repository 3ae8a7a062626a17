"""The modules that a project held at the base and holds no longer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pants.base.specs import (
    AddressLiteralSpec,
    DirGlobSpec,
    DirLiteralSpec,
    FileGlobSpec,
    FileLiteralSpec,
    RecursiveGlobSpec,
    Spec,
)
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException
from pants.source.filespec import FilespecMatcher

from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.everything import is_build_file
from cascade_pants.affected.owners import directories_above
from cascade_pants.affected.repository_graph import RepositoryGraph
from cascade_pants.git import Change
from cascade_pants.reader.modules import loads_folder
from cascade_pants.reader.packages import declarations_in_package
from cascade_pants.target_types import CascadeProjectWorkflowsField, CascadeWorkflowSourceTarget, CascadeWorkflowTarget
from cascade_pants.util_rules.project_selection import parse_workflow_specs
from cascade_pants.util_rules.workflow_facts import loaded_modules
from cascade_pants.util_rules.workflow_targets import target_type_of


@dataclass(frozen=True)
class Lost:
    """A module that a project may hold no longer.

    Args:
        path: the module.
        directory: the directory of its workflow.
        change: the change that may be why.
    """

    path: str
    directory: str
    change: Change


def lost_modules(comparison: Comparison, graph: RepositoryGraph) -> Iterator[Lost]:
    """Find the modules that a project loaded at the base and loads no longer.

    A module is loaded because it declares something, because the field `load` lists it, or because Dagster loads its
    folder. It is lost if it is gone, if its last declaration is, or if its BUILD file no longer says so.
    """
    touched = _touched_workflows(comparison, graph)
    now = _loaded_now(graph) if touched else set()
    for directory, changes in touched.items():
        files = [
            path
            for path in comparison.base_files
            if path.endswith(".py") and path.startswith(f"{directory}/") and _is_source(path)
        ]
        comparison.load(files)
        contents = {path: comparison.before(path) or b"" for path in files}
        before = set(declarations_in_package(contents)) | set(_in_loaded_folders(contents))
        build_edits = [change for change in changes if is_build_file(change.path, graph.global_options)]
        changed = {change.path: change for change in changes}
        if build_edits or _uses_load(directory, comparison, graph):
            before.update(path for path in files if build_edits or path in changed)
        for path in sorted(before - now):
            if path in changed:
                yield Lost(path, directory, changed[path])
            elif build_edits or graph.owners.of(path):
                yield Lost(path, directory, (build_edits or changes)[0])


def projects_that_held(lost: Lost, graph: RepositoryGraph) -> list[Address]:
    """Return the projects whose field `workflows` may have selected a module."""
    found = []
    for project in graph.projects:
        entries = project[CascadeProjectWorkflowsField].value
        try:
            specs = parse_workflow_specs(project.address, entries) if entries is not None else ()
        except InvalidFieldException:
            found.append(project.address)
            continue
        if any(one.excludes and _selects(one.spec, lost) for one in specs):
            continue
        including = [one.spec for one in specs if not one.excludes]
        if not including or any(_selects(spec, lost) for spec in including):
            found.append(project.address)
    return found


def _selects(spec: Spec, lost: Lost) -> bool:
    directory = lost.directory
    if isinstance(spec, RecursiveGlobSpec):
        return not spec.directory or f"{directory}/".startswith(f"{spec.directory}/")
    if isinstance(spec, (DirLiteralSpec, DirGlobSpec)):
        return spec.directory == directory
    if isinstance(spec, AddressLiteralSpec):
        return spec.path_component in (directory, lost.path)
    if isinstance(spec, FileLiteralSpec):
        return spec.file == lost.path
    if isinstance(spec, FileGlobSpec):
        return bool(FilespecMatcher((spec.to_glob(),), ()).matches([lost.path]))
    return True


def _touched_workflows(comparison: Comparison, graph: RepositoryGraph) -> dict[str, list[Change]]:
    """Return the directories that are or were those of a workflow, with the changes below them."""
    directories = {workflow.address.spec_path for workflow in graph.workflows}
    builds = [path for path in comparison.base_files if is_build_file(path, graph.global_options)]
    near = {above for change in comparison.changes for above in directories_above(change.path)}
    comparison.load(path for path in builds if os.path.dirname(path) in near)
    for path in builds:
        directory = os.path.dirname(path)
        # A macro may define a workflow too.
        if directory in near and (
            CascadeWorkflowTarget.alias.encode() in (comparison.before(path) or b"") or path in comparison.deleted
        ):
            directories.add(directory)
    touched: dict[str, list[Change]] = {}
    for change in comparison.changes:
        if change.path.endswith(".py") or is_build_file(change.path, graph.global_options):
            for above in directories_above(change.path):
                if above in directories:
                    touched.setdefault(above, []).append(change)
    return touched


def _loaded_now(graph: RepositoryGraph) -> set[str]:
    loaded: set[str] = set()
    for workflow, facts in zip(graph.workflows, graph.facts):
        loaded.update(loaded_modules(workflow, facts.by_file))
        folders = tuple(f"{os.path.dirname(path)}/" for path in facts.folder_loaders)
        if folders:
            loaded.update(file.path for file in workflow.files if file.path.startswith(folders))
    return loaded


def _in_loaded_folders(contents: dict[str, bytes]) -> Iterable[str]:
    folders = tuple(f"{os.path.dirname(path)}/" for path, content in contents.items() if loads_folder(content))
    return [path for path in contents if folders and path.startswith(folders)]


def _uses_load(directory: str, comparison: Comparison, graph: RepositoryGraph) -> bool:
    return any(
        b"load" in (comparison.before(path) or b"")
        for path in comparison.base_files
        if os.path.dirname(path) == directory and is_build_file(path, graph.global_options)
    )


def _is_source(path: str) -> bool:
    return target_type_of(path) is CascadeWorkflowSourceTarget
