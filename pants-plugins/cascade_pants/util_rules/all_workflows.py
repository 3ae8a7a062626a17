"""Every workflow of the repository."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
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

from cascade_pants.target_types import CascadeWorkflowSourceField, CascadeWorkflowSourceLoadField


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
    """

    address: Address
    resolve: str
    files: tuple[WorkflowFile, ...]


class AllWorkflows(Collection[Workflow]):
    """Every workflow, sorted by address."""

    @cached_property
    def by_file(self) -> Mapping[Address, Workflow]:
        """The workflow of each file, by the address of the file's target."""
        return {file.address: workflow for workflow in self for file in workflow.files}


@rule(desc="Find all Cascade workflows", level=LogLevel.DEBUG)
def find_all_workflows(targets: AllTargets, python_setup: PythonSetup) -> AllWorkflows:
    files = defaultdict(list)
    for target in targets:
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
        Workflow(address, resolve, tuple(sorted(found))) for (address, resolve), found in sorted(files.items())
    )


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
