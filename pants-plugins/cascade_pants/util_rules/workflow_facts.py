"""What the files of one workflow declare.

One node of the engine reads a whole workflow: with one node per file, a repository of thousands of workflows would take
twice the memory.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pants.engine.addresses import Address
from pants.engine.fs import PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.reader.declarations import Declaration
from cascade_pants.reader.modules import loads_folder
from cascade_pants.reader.packages import declarations_in_package
from cascade_pants.util_rules.all_workflows import Workflow


@dataclass(frozen=True)
class WorkflowFactsRequest:
    """Read the declarations of some files.

    Args:
        files: paths from the root of the repository, sorted.
    """

    files: tuple[str, ...]

    @classmethod
    def of(cls, workflow: Workflow) -> WorkflowFactsRequest:
        """Request the declarations of a workflow. Its parametrized variants share one request."""
        return cls(tuple(sorted({file.path for file in workflow.files})))


@dataclass(frozen=True)
class WorkflowFacts:
    """What files declare.

    Args:
        by_file: declarations by path, without the files that declare nothing.
        folder_loaders: the paths of files that let Dagster load a folder, whose files nothing imports.
    """

    by_file: FrozenDict[str, tuple[Declaration, ...]]
    folder_loaders: tuple[str, ...] = ()


def loaded_modules(workflow: Workflow, facts: Mapping[str, tuple[Declaration, ...]]) -> dict[str, Address]:
    """Find the files of a workflow that a project loads.

    Args:
        workflow: the workflow.
        facts: what its files declare, by path.

    Returns:
        The target of each loaded file, by path. If the workflow is parametrized within its resolve, the first variant.
    """
    modules: dict[str, Address] = {}
    for file in workflow.files:
        if file.load or file.path in facts:
            modules.setdefault(file.path, file.address)
    return modules


@rule(desc="Read declarations of Cascade workflow", level=LogLevel.DEBUG)
async def read_workflow_facts(request: WorkflowFactsRequest) -> WorkflowFacts:
    contents = await engine.path_globs_contents(PathGlobs(map(glob.escape, request.files)))
    files = {file.path: file.content for file in contents}
    return WorkflowFacts(
        FrozenDict(declarations_in_package(files)),
        tuple(path for path, content in files.items() if loads_folder(content)),
    )


if engine.BY_NAME:

    async def workflow_facts(request: WorkflowFactsRequest) -> WorkflowFacts:
        """Read the declarations of some files, once for all callers."""
        facts: WorkflowFacts = await read_workflow_facts(request)
        return facts

else:
    from cascade_pants.engine.own_rules import own_rule

    workflow_facts = own_rule(WorkflowFacts, WorkflowFactsRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
