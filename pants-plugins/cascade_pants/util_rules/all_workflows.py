"""Every workflow of the repository."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.addresses import Address
from pants.engine.collection import Collection
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets
from pants.util.logging import LogLevel

from cascade_pants.target_types import (
    CascadeContractSourceField,
    CascadeWorkflowSourceField,
    CascadeWorkflowSourceLoadField,
)


@dataclass(frozen=True, order=True)
class WorkflowFile:
    """A file of a workflow, other than a test or a test helper.

    Args:
        path: the path from the root of the repository.
        address: the address of the generated target.
        load: whether the field `load` lists the file.
    """

    path: str
    address: Address
    load: bool = False


@dataclass(frozen=True)
class Workflow:
    """A `cascade_workflow`, or one variant of it if it is parametrized.

    Args:
        address: the address of the target that generates the files.
        resolve: the name of its resolve.
        files: its sources, sorted by path, without tests and type stubs.
        contracts: the contracts of tables beside them, sorted by path.
    """

    address: Address
    resolve: str
    files: tuple[WorkflowFile, ...]
    contracts: tuple[WorkflowFile, ...] = ()

    @property
    def key(self) -> tuple[Address, str]:
        """What identifies the workflow: one target can give files to several resolves."""
        return (self.address, self.resolve)


class WorkflowIndex:
    """Workflows by the places that a spec can name, so that finding them does not take a look at each.

    Args:
        workflows: every workflow, in order.
    """

    def __init__(self, workflows: Sequence[Workflow]) -> None:
        self._position = {workflow.key: number for number, workflow in enumerate(workflows)}
        self._at: defaultdict[str, list[Workflow]] = defaultdict(list)
        self._below: defaultdict[str, list[Workflow]] = defaultdict(list)
        self._with_file: defaultdict[str, list[Workflow]] = defaultdict(list)
        for workflow in workflows:
            directory = workflow.address.spec_path
            self._at[directory].append(workflow)
            while directory:
                self._below[directory].append(workflow)
                directory = os.path.dirname(directory)
            self._below[""].append(workflow)
            for path in {file.path for file in workflow.files}:
                self._with_file[path].append(workflow)

    def at(self, directory: str) -> list[Workflow]:
        """Return the workflows of one directory."""
        return self._at.get(directory, [])

    def below(self, directory: str) -> list[Workflow]:
        """Return the workflows of a directory and of all directories below it."""
        return self._below.get(directory, [])

    def with_files(self, paths: Iterable[str]) -> list[Workflow]:
        """Return the workflows that own one of some files."""
        found = {workflow.key: workflow for path in paths for workflow in self._with_file.get(path, ())}
        return sorted(found.values(), key=lambda workflow: self._position[workflow.key])

    @property
    def paths(self) -> list[str]:
        """The files of all workflows."""
        return list(self._with_file)


class AllWorkflows(Collection[Workflow]):
    """Every workflow, sorted by address."""

    @cached_property
    def places(self) -> WorkflowIndex:
        """The workflows by directory and by file."""
        return WorkflowIndex(self)

    @cached_property
    def by_file(self) -> Mapping[Address, Workflow]:
        """The workflow of each file, by the address of the file's target."""
        return {file.address: workflow for workflow in self for file in workflow.files}


@rule(desc="Find all Cascade workflows", level=LogLevel.DEBUG)
def find_all_workflows(targets: AllTargets, python_setup: PythonSetup) -> AllWorkflows:
    files = defaultdict(list)
    contracts: defaultdict[Address, list[WorkflowFile]] = defaultdict(list)
    for target in targets:
        if target.has_field(CascadeContractSourceField) and target.address.is_generated_target:
            generator = target.address.maybe_convert_to_target_generator()
            contracts[generator].append(WorkflowFile(target.address.filename, target.address))
        if target.has_field(CascadeWorkflowSourceField):
            # A generated target escapes the characters of globs in its field, but not in its address.
            is_file = target.address.is_generated_target and target.address.relative_file_path is not None
            path = target.address.filename if is_file else target[CascadeWorkflowSourceField].file_path
            # One target can give files to several resolves, by `overrides`.
            resolve = target[PythonResolveField].normalized_value(python_setup)
            workflow = (target.address.maybe_convert_to_target_generator(), resolve)
            if not path.endswith(".pyi"):
                files[workflow].append(
                    WorkflowFile(path, target.address, bool(target[CascadeWorkflowSourceLoadField].value))
                )
    return AllWorkflows(
        Workflow(address, resolve, tuple(sorted(found)), tuple(sorted(contracts.get(address, ()))))
        for (address, resolve), found in sorted(files.items())
    )


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
