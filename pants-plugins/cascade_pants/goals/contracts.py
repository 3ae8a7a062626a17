"""`pants cascade-contracts SPECS`: write and compare the contracts of tables."""

from __future__ import annotations

import glob
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.fs import CreateDigest, FileContent, GlobMatchErrorBehavior, PathGlobs, Workspace
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.engine.target import AllTargets, Targets
from pants.option.option_types import BoolOption, EnumOption, StrListOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.check import CascadeCheckSubsystem
from cascade_pants.goals.check_batches import CascadeCheckFieldSet, WorkflowBatch, batches
from cascade_pants.goals.contracts_process import GOAL, ContractsRequest, ContractsResult, as_json, contracts_of
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.reader.tables import full_name
from cascade_pants.spelling import did_you_mean
from cascade_pants.target_types import CascadeProjectDbtField
from cascade_pants.target_types.dbt import CascadeDbtDependenciesField, CascadeDbtSourceField
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.asset_map import AssetMap
from cascade_pants.util_rules.dbt_graph import DbtGraphRequest, owners_by_path, spec_of
from cascade_pants.util_rules.table_map import TableMap
from cascade_pants.util_rules.table_readers import workflow_readers


class ContractsFormat(Enum):
    """What the goal prints."""

    TEXT = "text"
    JSON = "json"
    ODCS = "odcs"


class CascadeContractsSubsystem(GoalSubsystem):
    name = GOAL
    help = help_text(
        """
        Write what the readers of each table rely on to a file beside its workflow, such as `contracts/raw.flights.yml`:
        the columns, the key, the partitions, the freshness, the owners, and who reads it.

        Commit these files. From then on, `pants check` fails if a change of a workflow breaks the contract of its
        table, and names the models, marts and workflows that read it. A table without a contract is not checked.

        Examples: `pants cascade-contracts src/workflows/weather::` writes the contracts that are missing, and
        `pants cascade-contracts --update ::` also those that differ without breaking their readers.
        """
    )

    check = BoolOption(
        default=False,
        help="Write nothing, and exit with 1 if a contract differs from its workflow. For CI.",
    )
    update = BoolOption(default=False, help="Also write the contracts that differ without breaking their readers.")
    accept_breaking = StrListOption(
        help=softwrap(
            """
            Tables whose contracts are written although that breaks their readers.

            Example: `--accept-breaking=raw.flights`
            """
        ),
    )
    format = EnumOption(
        default=ContractsFormat.TEXT,
        help=softwrap(
            """
            What to print: `text`, `json`, or `odcs` for the contracts in the form of the Open Data Contract Standard
            3.1, which writes nothing.
            """
        ),
    )


class CascadeContracts(Goal):
    subsystem_cls = CascadeContractsSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


def wrong_use(options: CascadeContractsSubsystem, known: Iterable[str]) -> str | None:
    """Return why options cannot be used, or None if they can.

    Args:
        options: the options of the goal.
        known: the tables of the repository.
    """
    writes = options.update or options.accept_breaking
    if options.check and writes:
        return "--check writes nothing, so it cannot be used with --update or --accept-breaking."
    if options.format is ContractsFormat.ODCS and (options.check or writes):
        return "--format=odcs prints contracts and writes nothing, so it cannot be used with other options."
    known = set(known)
    for name in options.accept_breaking:
        if _full(name) not in known:
            return f'--accept-breaking: no workflow fills "{name}".{did_you_mean(_full(name), known)}'
    return None


def _full(name: str) -> str:
    return name if "." in name else full_name(name)


def options_for(options: CascadeContractsSubsystem, tables: Iterable[str]) -> tuple[str, ...]:
    """Return the options of `cascade contracts` for some workflows.

    Args:
        options: the options of the goal.
        tables: the tables of these workflows.
    """
    accepted = {_full(name) for name in options.accept_breaking} & set(tables)
    return (
        *(["--check"] if options.check else []),
        *(["--update"] if options.update else []),
        *(f"--accept-breaking={table}" for table in sorted(accepted)),
        *(["--json"] if options.format is ContractsFormat.JSON else []),
        *(["--format=odcs"] if options.format is ContractsFormat.ODCS else []),
    )


def printed(results: Sequence[ContractsResult], format: ContractsFormat) -> str:
    """Return what several processes printed as one text.

    Args:
        results: what each printed.
        format: how.
    """
    texts = [result.stdout.rstrip("\n") for result in results if result.stdout.strip()]
    if format is ContractsFormat.JSON:
        return f"[{', '.join(texts)}]"
    return ("\n---\n" if format is ContractsFormat.ODCS else "\n\n").join(texts)


@dataclass(frozen=True)
class DbtProject:
    """A dbt project of the repository.

    Args:
        directory: its directory.
        projects: the projects that contain it.
        files: the paths of its files, and of what it needs from outside, without the rows of its seeds.
    """

    directory: str
    projects: tuple[str, ...]
    files: tuple[str, ...]


def dbt_projects(targets: AllTargets) -> list[DbtProject]:
    """Find the dbt projects of the repository, sorted by directory.

    Args:
        targets: all targets.
    """
    holders: defaultdict[str, list[str]] = defaultdict(list)
    needed: dict[Address, tuple[str, ...]] = {}
    for target in targets:
        if target.has_field(CascadeProjectDbtField):
            for one in target[CascadeProjectDbtField].value or ():
                holders[spec_of(one, target.address.spec_path)].append(target.address.spec)
        if target.has_field(CascadeDbtSourceField):
            dependencies = tuple(target[CascadeDbtDependenciesField].value or ())
            needed[target.address.maybe_convert_to_target_generator()] = dependencies
    return [
        DbtProject(
            address.spec_path,
            tuple(sorted(holders[address.spec])),
            tuple(sorted(path for path in _files_of(address, dependencies, targets) if not path.endswith(".csv"))),
        )
        for address, dependencies in sorted(needed.items())
    ]


def _files_of(address: Address, dependencies: tuple[str, ...], targets: AllTargets) -> Iterable[str]:
    return owners_by_path(DbtGraphRequest(address, "", "", None, dependencies), targets)


@goal_rule
async def cascade_contracts(
    console: Console,
    targets: Targets,
    options: CascadeContractsSubsystem,
    check: CascadeCheckSubsystem,
    workspace: Workspace,
    all_targets: AllTargets,
    all_workflows: AllWorkflows,
    tables: TableMap,
    assets: AssetMap,
    python_setup: PythonSetup,
) -> CascadeContracts:
    problem = wrong_use(options, tables.by_table)
    field_sets = [CascadeCheckFieldSet.create(one) for one in targets if CascadeCheckFieldSet.is_applicable(one)]
    if problem is None and not field_sets:
        problem = f"No cascade_workflow matches. Name directories: {bin_name()} {GOAL} src/workflows::, or :: for all."
    if problem is not None:
        console.print_stderr(console.red(problem))
        return CascadeContracts(exit_code=WRONG_USE)
    dbt = dbt_projects(all_targets)
    paths = sorted({path for one in dbt for path in one.files})
    contents = await engine.path_globs_contents(
        PathGlobs(map(glob.escape, paths), glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
    )
    dbt_files = await engine.create_digest(CreateDigest(contents))
    readers = as_json(
        {
            "dbt": [{"directory": one.directory or ".", "projects": one.projects} for one in dbt],
            "readers": workflow_readers(assets),
        }
    )

    def request_for(batch: WorkflowBatch) -> ContractsRequest:
        files = {file.address for workflow in batch.workflows for file in workflow.files}
        mine = [table for table, places in tables.by_table.items() if any(one.address in files for one in places)]
        return ContractsRequest(batch, options_for(options, mine), readers, dbt_files)

    found = batches(field_sets, all_workflows, python_setup, max(1, check.batch_size))
    results = await engine.concurrently(contracts_of(request_for(batch)) for batch in found)
    files = {path: content for result in results for path, content in result.files}
    if files:
        workspace.write_digest(
            await engine.create_digest(CreateDigest(FileContent(path, content) for path, content in files.items()))
        )
    for result in results:
        if result.stderr.strip():
            console.print_stderr(result.stderr.rstrip("\n"))
    console.print_stdout(printed(results, options.format))
    return CascadeContracts(exit_code=max(result.exit_code for result in results))


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
