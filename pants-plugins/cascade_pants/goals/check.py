"""`pants check` on workflows: load their declarations in a sandbox and report every error with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.check import CheckRequest, CheckResult, CheckResults
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets, TransitiveTargetsRequest
from pants.engine.unions import UnionRule
from pants.option.option_types import IntOption, SkipOption
from pants.option.subsystem import Subsystem
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.check_batches import (
    CascadeCheckFieldSet,
    WorkflowBatch,
    batches,
    neighbours_of,
    shared_tables,
    unfilled_contracts,
    unknown_tables,
    with_fillers,
)
from cascade_pants.goals.check_deps import dependency_problems
from cascade_pants.goals.check_owners import missing_owners
from cascade_pants.goals.check_resources import check_resources, resources_to_check
from cascade_pants.goals.validate_process import COLUMNS_FILE, LACKING_FILE, Validation, run_validation
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.asset_map import AssetMap
from cascade_pants.util_rules.plugins import PluginCode, plugins_by_project
from cascade_pants.util_rules.runtime import RuntimeOwnersRequest, runtime_owners
from cascade_pants.util_rules.table_map import LocatedDeclaration, ProjectsOfFiles, TableMap, located_declarations
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, loaded_modules, workflow_facts

# A module of this name is added to a directory without a module to load, so that the runtime searches it too.
_MARKER = "__cascade_check__"


class CascadeCheckSubsystem(Subsystem):
    options_scope = "cascade-check"
    name = "cascade-check"
    help = help_text(
        """
        Load the declarations of Cascade workflows and report every error with file and line: invalid arguments of a
        decorator, a key that is not in the schema, an invalid cron expression, a schema that does not fit an Iceberg
        table, a module that fails to import, a workflow that no project would load, a resource that a function takes
        and its project does not have, a table that another workflow declares too, a dependency on an asset that nothing
        declares or no project loads, assets that depend on themselves through Python and SQL, a missing owner.
        """
    )

    skip = SkipOption("check")
    batch_size = IntOption(
        default=16,
        advanced=True,
        help=softwrap(
            """
            The maximum number of workflows that one process loads.

            A process spends most of its time importing Dagster and other libraries, so larger batches take less time
            in total. Smaller batches use more cores and recheck fewer workflows after an edit.
            """
        ),
    )


class CascadeCheckRequest(CheckRequest):  # type: ignore[type-arg]
    """Check workflows."""

    field_set_type = CascadeCheckFieldSet
    tool_name = CascadeCheckSubsystem.options_scope


def marker_directories(workflows: Iterable[Workflow], loaded: Iterable[str]) -> list[str]:
    """Find the directories of workflows in which no module is loaded.

    Args:
        workflows: the workflows.
        loaded: the paths of the loaded modules.
    """
    directories = {str(PurePosixPath(path).parent) for path in loaded}
    return sorted({workflow.address.spec_path for workflow in workflows} - directories)


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table.

    Args:
        schema: the name of the schema that declares them.
        names: their names.
    """

    schema: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class BatchResult:
    """What the check of a batch found.

    Args:
        result: the problems.
        lacking: the targets of files that take a resource which nothing in the batch provides.
        columns: the columns of the tables that its workflows fill, by full name. Those that do not load are left out.
    """

    result: CheckResult
    lacking: tuple[Address, ...]
    columns: FrozenDict[str, TableColumns]


@rule(desc="Load declarations of Cascade workflows", level=LogLevel.DEBUG)
async def check_one_batch(batch: WorkflowBatch, all_workflows: AllWorkflows, cascade: CascadeSubsystem) -> BatchResult:
    owners = await runtime_owners(RuntimeOwnersRequest(batch.resolve, f"`pants check` of {batch.description}"))
    files = {file.path: file.address for workflow in batch.workflows for file in workflow.files}
    addresses = tuple(sorted({*files.values(), *batch.fillers, *owners.runtime, *batch.plugins.addresses}))
    contracts = [file.address for workflow in batch.workflows for file in workflow.contracts]
    closure = (await engine.transitive_targets(TransitiveTargetsRequest([*addresses, *contracts]))).closure
    neighbours = neighbours_of(batch, (target.address for target in closure), all_workflows)
    both = [*batch.workflows, *neighbours]
    all_facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in both)
    loaded = [set(loaded_modules(workflow, facts.by_file)) for workflow, facts in zip(both, all_facts)]
    mine = set().union(*loaded[: len(batch.workflows)])
    others = set().union(*loaded[len(batch.workflows) :])
    directories = marker_directories(batch.workflows, mine)
    result = await run_validation(
        Validation(
            addresses,
            tuple(closure),
            cascade.runtime_modules[0],
            frozenset(mine),
            frozenset(others),
            tuple(str(PurePosixPath(directory, f"{_MARKER}.py")) for directory in directories),
            False,
            batch.description,
            batch.plugins,
        )
    )
    written = {file.path: file.content.decode() for file in await engine.digest_contents(result.output_digest)}
    columns = json.loads(written.get(COLUMNS_FILE, "{}"))
    return BatchResult(
        engine.check_result(result, batch.description),
        tuple(files[path] for path in written.get(LACKING_FILE, "").splitlines() if path in files),
        FrozenDict({table: TableColumns(one["schema"], tuple(one["columns"])) for table, one in columns.items()}),
    )


if engine.BY_NAME:

    async def check_batch(batch: WorkflowBatch) -> BatchResult:
        """Check some workflows in one process."""
        result: BatchResult = await check_one_batch(batch, **engine.implicitly())
        return result

else:
    from cascade_pants.engine.own_rules import own_rule

    check_batch = own_rule(BatchResult, WorkflowBatch)  # type: ignore[assignment]


async def batches_with_declarations(
    field_sets: Iterable[CascadeCheckFieldSet],
    size: int,
    all_workflows: AllWorkflows,
    tables: TableMap,
    python_setup: PythonSetup,
    plugins: Mapping[Address, PluginCode] | None = None,
    projects: Mapping[Address, Iterable[Address]] | None = None,
) -> list[tuple[WorkflowBatch, list[LocatedDeclaration]]]:
    """Divide workflows among processes.

    Args:
        field_sets: the files to check.
        size: the maximum number of workflows that one process loads.
        all_workflows: every workflow of the repository.
        tables: the tables of the repository.
        python_setup: the options of `[python]`.
        plugins: the plugins of each project that has any.
        projects: the projects that hold a file, by the address of its target.

    Returns:
        The processes, each with what its workflows declare.
    """
    found = []
    for batch in batches(field_sets, all_workflows, python_setup, max(1, size), plugins, projects):
        all_facts = await engine.concurrently(
            workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in batch.workflows
        )
        declared = [
            one
            for workflow, facts in zip(batch.workflows, all_facts)
            for one in located_declarations(workflow, facts.by_file)
        ]
        found.append((with_fillers(batch, declared, tables, all_workflows), declared))
    return found


@rule(desc="Check Cascade workflows", level=LogLevel.DEBUG)
async def check_workflows(
    request: CascadeCheckRequest,
    subsystem: CascadeCheckSubsystem,
    all_workflows: AllWorkflows,
    tables: TableMap,
    assets: AssetMap,
    projects: ProjectsOfFiles,
    targets: AllTargets,
    cascade: CascadeSubsystem,
    python_setup: PythonSetup,
) -> CheckResults:
    if subsystem.skip:
        return CheckResults([], checker_name=request.tool_name)
    plugins = await plugins_by_project(targets, python_setup)
    divided = await batches_with_declarations(
        request.field_sets,
        subsystem.batch_size,
        all_workflows,
        tables,
        python_setup,
        plugins,
        projects.by_address,
    )
    found, declared = [batch for batch, _ in divided], [mine for _, mine in divided]
    checked = await engine.concurrently(check_batch(batch) for batch in found)
    lacking = (address for one in checked for address in one.lacking)
    of_projects = await engine.concurrently(
        check_resources(one) for one in resources_to_check(lacking, all_workflows, projects.by_address, plugins)
    )
    results = (*(one.result for one in checked), *(one for one in of_projects if one.exit_code))
    everything = [one for mine in declared for one in mine]
    together = {
        "the tables of other workflows": [
            *shared_tables(found, tables, all_workflows),
            *unknown_tables(everything, tables),
        ],
        "contracts of tables": unfilled_contracts(found, declared),
        "the dependencies of workflows": await dependency_problems(
            declared, assets, tables, projects, targets, python_setup, cascade.external_assets
        ),
        "the owners of workflows": missing_owners(everything, cascade.require_owners, all_workflows),
    }
    for what, lines in together.items():
        if lines:
            results = (*results, CheckResult(1, "".join(f"{line}\n" for line in lines), "", what))
    return CheckResults(results, checker_name=request.tool_name)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(CheckRequest, CascadeCheckRequest)]
