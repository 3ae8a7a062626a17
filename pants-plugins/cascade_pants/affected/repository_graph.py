"""Everything that Pants knows of the repository and that decides what a change touches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any

from pants.backend.project_info.dependents import AddressToDependents
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonRequirementsField, PythonResolveField
from pants.base.build_root import BuildRoot
from pants.core.util_rules.distdir import DistDir
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllUnexpandedTargets, Target, TargetGenerator
from pants.engine.unions import UnionMembership
from pants.option.global_options import GlobalOptions
from pants.source.source_root import SourceRootConfig
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.affected.owners import Owners
from cascade_pants.target_types import CascadeProjectManifestField
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.table_map import ProjectsOfFiles
from cascade_pants.util_rules.workflow_facts import WorkflowFacts, WorkflowFactsRequest, workflow_facts


@dataclass(frozen=True)
class RepositoryGraphRequest:
    """Collect what Pants knows of the repository."""


@dataclass(frozen=True, eq=False)
class RepositoryGraph:
    """What Pants knows of the repository.

    Args:
        directory: the root of the repository.
        all_targets: all targets, generators included.
        dependents: the direct dependents of each target.
        workflows: all workflows.
        facts: what the files of each workflow declare, in the order of `workflows`.
        projects_of_files: the projects that hold each file of a workflow.
        python_setup: the options of `[python]`.
        global_options: the options of `[GLOBAL]`.
        source_roots: the options of `[source]`.
        unions: which field sets belong to which goal.
        dist: the directory of packages.
    """

    directory: str
    all_targets: AllUnexpandedTargets
    dependents: AddressToDependents
    workflows: AllWorkflows
    facts: tuple[WorkflowFacts, ...]
    projects_of_files: ProjectsOfFiles
    python_setup: PythonSetup
    global_options: GlobalOptions
    source_roots: SourceRootConfig
    unions: UnionMembership
    dist: str

    @cached_property
    def owners(self) -> Owners:
        """The targets by what they own."""
        return Owners(self.all_targets)

    @cached_property
    def projects(self) -> list[Target]:
        """All projects."""
        return [target for target in self.all_targets if target.has_field(CascadeProjectManifestField)]

    def dependents_of(self, address: Address) -> set[Address]:
        """Return the direct dependents of a target."""
        return set(self.dependents.mapping.get(address, ()))

    def requirements_of(self, resolve: str) -> list[Target]:
        """Return the targets of the requirements of a resolve."""
        return [
            target
            for target in self.all_targets
            if target.has_field(PythonRequirementsField) and self.resolve_of(target) == resolve
        ]

    def resolve_of(self, target: Target) -> str | None:
        """Return the name of the resolve of a target, or None if it has none."""
        if not target.has_field(PythonResolveField):
            return None
        return str(target[PythonResolveField].normalized_value(self.python_setup))

    def users_of(self, resolve: str) -> list[Target]:
        """Return the targets that run in a resolve, other than its requirements."""
        return [
            target
            for target in self.all_targets
            if not target.has_field(PythonRequirementsField)
            and not isinstance(target, TargetGenerator)
            and self.resolve_of(target) == resolve
        ]

    def is_source_root(self, directory: str) -> bool:
        """Return whether a directory is a source root; the root of the repository counts as one."""
        config = self.source_roots
        if not directory or config.get_pattern_matcher().matches_root_patterns(PurePath(directory)):
            return True
        return any(os.path.exists(os.path.join(self.directory, directory, name)) for name in config.marker_filenames)

    def addresses(self) -> list[Address]:
        """Return the addresses of all targets."""
        return [target.address for target in self.all_targets]


@rule(desc="Collect the targets of the repository", level=LogLevel.DEBUG)
async def collect_repository_graph(
    _: RepositoryGraphRequest,
    build_root: BuildRoot,
    all_targets: AllUnexpandedTargets,
    dependents: AddressToDependents,
    workflows: AllWorkflows,
    projects_of_files: ProjectsOfFiles,
    python_setup: PythonSetup,
    global_options: GlobalOptions,
    source_roots: SourceRootConfig,
    unions: UnionMembership,
    dist: DistDir,
) -> RepositoryGraph:
    facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in workflows)
    return RepositoryGraph(
        build_root.path,
        all_targets,
        dependents,
        workflows,
        tuple(facts),
        projects_of_files,
        python_setup,
        global_options,
        source_roots,
        unions,
        str(dist.relpath),
    )


if engine.BY_NAME:

    async def repository_graph(request: RepositoryGraphRequest) -> RepositoryGraph:
        """Collect what Pants knows of the repository."""
        graph: RepositoryGraph = await collect_repository_graph(request, **engine.implicitly())
        return graph

else:
    from cascade_pants.engine.own_rules import own_rule

    repository_graph = own_rule(RepositoryGraph, RepositoryGraphRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
