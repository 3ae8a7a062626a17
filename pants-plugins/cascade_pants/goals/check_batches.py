"""The division of workflows among the processes that `pants check` starts, and what only all of them together show."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.engine.addresses import Address
from pants.engine.target import FieldSet
from pants.util.collections import partition_sequentially

from cascade_pants.reader.contract_files import contract_table
from cascade_pants.spelling import did_you_mean
from cascade_pants.target_types import CascadeWorkflowSourceField
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.plugins import NO_PLUGINS, PluginCode
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

_SURE = 0.8
"""How similar two names must be if one is to be a misspelling of the other."""


@dataclass(frozen=True)
class CascadeCheckFieldSet(FieldSet):
    """A file of a workflow, as `pants check` sees it."""

    required_fields = (CascadeWorkflowSourceField,)

    source: CascadeWorkflowSourceField
    resolve: PythonResolveField
    interpreter_constraints: InterpreterConstraintsField


@dataclass(frozen=True)
class WorkflowBatch:
    """Workflows that one process checks.

    Args:
        resolve: the resolve of all of them.
        workflows: at least one, sorted by address.
        fillers: the files that fill the tables which checks of these workflows name, sorted.
        plugins: the plugins of their projects.
    """

    resolve: str
    workflows: tuple[Workflow, ...]
    fillers: tuple[Address, ...] = ()
    plugins: PluginCode = NO_PLUGINS

    @property
    def description(self) -> str:
        """A short description for the console."""
        first, *others = self.workflows
        return f"{first.address} and {len(others)} more" if others else str(first.address)


def batches(
    field_sets: Iterable[CascadeCheckFieldSet],
    workflows: Iterable[Workflow],
    python_setup: PythonSetup,
    size: int,
    plugins: Mapping[Address, PluginCode] | None = None,
    projects: Mapping[Address, Iterable[Address]] | None = None,
) -> list[WorkflowBatch]:
    """Divide the workflows to check among processes.

    A workflow is checked as a whole, even if only some of its files are requested. All workflows of a batch share a
    resolve, interpreter constraints and the plugins of their projects. The division is stable: a new workflow changes
    few batches besides its own.

    Args:
        field_sets: the requested files.
        workflows: every workflow of the repository.
        python_setup: the defaults of the fields.
        size: the maximum number of workflows in a batch.
        plugins: the plugins of each project that has any.
        projects: the projects that hold a file, by the address of its target.
    """
    constraints = defaultdict(set)
    for field_set in field_sets:
        workflow = (
            field_set.address.maybe_convert_to_target_generator(),
            field_set.resolve.normalized_value(python_setup),
        )
        # The values are only compared, so defaults need not be filled in, which each version of Pants does differently.
        constraints[workflow].add(field_set.interpreter_constraints.value or ())
    groups = defaultdict(list)
    for one in workflows:
        key = (one.address, one.resolve)
        if key in constraints:
            held_by = {project for file in one.files for project in (projects or {}).get(file.address, ())}
            mine = NO_PLUGINS
            for project in sorted(held_by & (plugins or {}).keys()):
                mine = mine.with_other((plugins or {})[project])
            groups[one.resolve, tuple(sorted(constraints[key])), mine].append(one)
    return [
        WorkflowBatch(resolve, tuple(batch), plugins=mine)
        for (resolve, _, mine), group in sorted(groups.items())
        for batch in partition_sequentially(
            group, key=lambda workflow: str(workflow.address), size_target=max(1, size // 2), size_max=size
        )
    ]


def neighbours_of(batch: WorkflowBatch, present: Iterable[Address], all_workflows: AllWorkflows) -> list[Workflow]:
    """Find the workflows that a batch does not check, and that have a file in its sandbox.

    Args:
        batch: the batch.
        present: the addresses of the targets in its sandbox.
        all_workflows: every workflow of the repository.
    """
    by_file = all_workflows.by_file
    found = {by_file[address].key: by_file[address] for address in present if address in by_file}
    for workflow in batch.workflows:
        found.pop(workflow.key, None)
    return sorted((one for one in found.values() if one.resolve == batch.resolve), key=lambda one: one.address)


def with_fillers(
    batch: WorkflowBatch, checks: Iterable[LocatedDeclaration], tables: TableMap, all_workflows: AllWorkflows
) -> WorkflowBatch:
    """Add the files that fill the tables which checks name, so that the process knows their columns.

    Args:
        batch: the batch.
        checks: the declarations of its workflows.
        tables: the tables of the repository.
        all_workflows: every workflow of the repository.
    """
    named = {one.declaration.checked_table for one in checks} - {None}
    places = {place.address for table in named for place in tables.by_table.get(str(table), ())}
    return replace(
        batch,
        fillers=tuple(sorted(one for one in places if all_workflows.by_file[one].resolve == batch.resolve)),
    )


def unknown_tables(declarations: Iterable[LocatedDeclaration], tables: TableMap) -> list[str]:
    """Report each table that checks name and no workflow fills, if its name is nearly that of another one.

    Other unknown names are left alone: a dbt model or another repository may fill their tables.

    Args:
        declarations: the declarations of the checked workflows.
        tables: the tables of the repository.
    """
    lines = []
    for one in declarations:
        table = one.declaration.checked_table
        if table is None or table in tables.by_table:
            continue
        # `flights_2023` is no misspelling of `flights_2024`.
        others = [name for name in tables.by_table if re.sub(r"\d", "", name) != re.sub(r"\d", "", table)]
        meant = did_you_mean(table, others, cutoff=_SURE)
        if meant:
            lines.append(
                f'{one.place}: @{one.declaration.call}: table: no workflow of the repository fills "{table}".{meant}'
            )
    return sorted(lines)


def unfilled_contracts(found: Iterable[WorkflowBatch], declared: Iterable[Iterable[LocatedDeclaration]]) -> list[str]:
    """Report each contract of a table that no workflow beside it fills.

    A contract beside a module whose tables its source does not show may be one of those.

    Args:
        found: the batches.
        declared: the declarations of the workflows of each batch.
    """
    lines = []
    for batch, declarations in zip(found, declared):
        filled = {(os.path.dirname(one.path), one.declaration.table) for one in declarations}
        known = {one.path for one in declarations if one.declaration.table is not None}
        unclear = {directory for directory, table in filled if table is None}
        unclear |= {
            os.path.dirname(file.path)
            for workflow in batch.workflows
            for file in workflow.files
            if file.load and file.path not in known
        }
        for file in {file for workflow in batch.workflows for file in workflow.contracts}:
            directory, table = os.path.dirname(os.path.dirname(file.path)), contract_table(file.path)
            if directory not in unclear and (directory, table) not in filled:
                lines.append(
                    f"{file.path}:1: no workflow beside this contract fills {table}. Bring the workflow back, or move "
                    "the contract to it. If no reader needs the table, delete the contract."
                )
    return sorted(lines)


def shared_tables(found: Sequence[WorkflowBatch], tables: TableMap, all_workflows: AllWorkflows) -> list[str]:
    """Report each table that a checked workflow and another workflow both declare, in any resolve and project.

    Args:
        found: the batches. The process of a batch reports the tables that two of its workflows share.
        tables: the tables of the repository.
        all_workflows: every workflow of the repository.

    Returns:
        One line for each declaration, with the file and line of the other.
    """
    batch_of = {workflow.key: number for number, batch in enumerate(found) for workflow in batch.workflows}
    lines = []
    for table, places in tables.by_table.items():
        if len(places) < 2:
            continue
        for one in places:
            workflow = all_workflows.by_file[one.address].key
            if workflow not in batch_of:
                continue
            for other in places:
                others = all_workflows.by_file[other.address].key
                elsewhere = batch_of.get(others) != batch_of[workflow]
                # Of two checked workflows, the second is reported.
                if elsewhere and other.path != one.path and (others not in batch_of or other.path < one.path):
                    lines.append(
                        f"{one.place}: @{one.declaration.call}: the table {table} is already declared at {other}. "
                        "Rename one of the two."
                    )
                    break
    return sorted(lines)
