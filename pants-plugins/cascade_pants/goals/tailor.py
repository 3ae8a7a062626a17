"""`pants tailor`: add a `cascade_workflow` to each directory with a decorated function that no target owns.

A directory with a `dbt_project.yml` that no target owns gets a `cascade_dbt_project`.
"""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pants.backend.python.goals.tailor import _find_source_targets
from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.tailor import AllOwnedSources, PutativeTarget, PutativeTargets, PutativeTargetsRequest
from pants.engine.rules import collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.reader.packages import declarations_in_package
from cascade_pants.target_types import CascadeWorkflowSourceTarget, CascadeWorkflowTarget
from cascade_pants.target_types.dbt import CascadeDbtProjectTarget
from cascade_pants.util_rules.dbt_graph import PROJECT_FILE
from cascade_pants.util_rules.workflow_targets import target_type_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PutativeWorkflowsRequest(PutativeTargetsRequest):
    """Find workflows without a target."""


def workflow_directories(declaring: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Choose the directories that become workflows. A workflow owns everything below it, so they do not nest.

    Args:
        declaring: the paths of files that declare something and that no target owns.

    Returns:
        For each directory, the names of its files that declare something.
    """
    by_directory = defaultdict(list)
    for path in declaring:
        by_directory[os.path.dirname(path)].append(os.path.basename(path))
    return {
        directory: tuple(sorted(names))
        for directory, names in sorted(by_directory.items())
        if not _is_below(directory, by_directory)
    }


def claimed_by(directories: Iterable[str], paths: Iterable[str]) -> frozenset[str]:
    """Return the files that the chosen workflows would own.

    Args:
        directories: the directories of the workflows.
        paths: the paths of any files.
    """
    tops = frozenset(directories)
    below: dict[str, bool] = {}
    claimed = set()
    for path in paths:
        # Files share directories, so each directory is looked up once.
        directory = os.path.dirname(path)
        if directory not in below:
            below[directory] = directory in tops or _is_below(directory, tops)
        if below[directory]:
            claimed.add(path)
    return frozenset(claimed)


def dbt_directories(project_files: Iterable[str], owned: Container[str]) -> list[str]:
    """Choose the directories that become dbt projects.

    Args:
        project_files: the paths of files that are called `dbt_project.yml`.
        owned: the paths of files that a target owns. A project inside another one, such as an installed package, is
            owned or will be by the target of the outer one.
    """
    directories = {os.path.dirname(path): path for path in project_files}
    return sorted(
        directory
        for directory, path in directories.items()
        if path not in owned and not _is_below(directory, directories)
    )


def _is_below(directory: str, tops: Container[str]) -> bool:
    while directory:
        directory = os.path.dirname(directory)
        if directory in tops:
            return True
    return False


@rule(desc="Find Cascade workflows without a target", level=LogLevel.DEBUG)
async def find_putative_workflows(
    request: PutativeWorkflowsRequest, all_owned_sources: AllOwnedSources, python_setup: PythonSetup
) -> PutativeTargets:
    globs = request.path_globs("*.py", "*.pyi")
    contents, dbt_files = await engine.concurrently(
        engine.path_globs_contents(globs), engine.path_globs_paths(request.path_globs(PROJECT_FILE))
    )
    owned = set(all_owned_sources)
    dbt_projects = [
        PutativeTarget.for_target_type(
            CascadeDbtProjectTarget, path=directory, name=None, triggering_sources=[PROJECT_FILE]
        )
        for directory in dbt_directories(dbt_files.files, owned)
    ]
    declaring = declarations_in_package(
        {
            file.path: file.content
            for file in contents
            if file.path not in owned and target_type_of(file.path) is CascadeWorkflowSourceTarget
        }
    )
    directories = workflow_directories(declaring)
    if python_setup.tailor_source_targets:
        if directories:
            logger.warning(
                f"Pants' own tailoring of Python also claims the files of these workflows: {', '.join(directories)}. "
                f"Set `tailor_source_targets = false` under `[python]` in pants.toml. The Cascade backend then adds "
                f"`{CascadeWorkflowTarget.alias}` to these directories, and the usual targets to all other Python."
            )
        return PutativeTargets(dbt_projects)
    workflows = [
        PutativeTarget.for_target_type(CascadeWorkflowTarget, path=directory, name=None, triggering_sources=names)
        for directory, names in directories.items()
    ]
    claimed = claimed_by(directories, (file.path for file in contents))
    others = await _find_source_targets(globs, AllOwnedSources(sorted(owned | claimed)), python_setup)
    return PutativeTargets([*workflows, *dbt_projects, *others])


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(PutativeTargetsRequest, PutativeWorkflowsRequest)]
