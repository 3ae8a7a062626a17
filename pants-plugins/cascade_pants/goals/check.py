"""`pants check` on workflows: load their declarations in a sandbox and report every error with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath, PurePosixPath
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import module_from_stripped_path
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import EntryPoint
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.core.goals.check import CheckRequest, CheckResult, CheckResults
from pants.engine.fs import CreateDigest, FileContent, MergeDigests
from pants.engine.rules import collect_rules, rule
from pants.engine.target import TransitiveTargetsRequest
from pants.engine.unions import UnionRule
from pants.option.option_types import IntOption, SkipOption
from pants.option.subsystem import Subsystem
from pants.source.source_root import SourceRootsRequest
from pants.util.logging import LogLevel
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.check_batches import (
    CascadeCheckFieldSet,
    WorkflowBatch,
    batches,
    neighbours_of,
    shared_tables,
)
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow
from cascade_pants.util_rules.runtime import RuntimeOwnersRequest, runtime_owners
from cascade_pants.util_rules.table_map import TableMap
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
        table, a module that fails to import, a workflow that no project would load.
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


def validate_arguments(modules: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Build the command line of `cascade validate`.

    Args:
        modules: the modules to load and check.
        known: modules of other workflows that the sandbox may contain. Other batches check those.
    """
    return (
        "validate",
        *(word for module in sorted(modules) for word in ("--module", module)),
        *(word for module in sorted(known) for word in ("--known", module)),
    )


@rule(desc="Load declarations of Cascade workflows", level=LogLevel.DEBUG)
async def check_one_batch(batch: WorkflowBatch, all_workflows: AllWorkflows, cascade: CascadeSubsystem) -> CheckResult:
    owners = await runtime_owners(RuntimeOwnersRequest(batch.resolve, f"`pants check` of {batch.description}"))
    files = sorted({file.address for workflow in batch.workflows for file in workflow.files})
    addresses = [*files, *owners.runtime]
    closure = (await engine.transitive_targets(TransitiveTargetsRequest(addresses))).closure
    neighbours = neighbours_of(batch, (target.address for target in closure), all_workflows)
    both = [*batch.workflows, *neighbours]
    all_facts = await engine.concurrently(workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in both)
    loaded = [set(loaded_modules(workflow, facts.by_file)) for workflow, facts in zip(both, all_facts)]
    mine = set().union(*loaded[: len(batch.workflows)])
    others = set().union(*loaded[len(batch.workflows) :])
    markers = [
        str(PurePosixPath(directory, f"{_MARKER}.py")) for directory in marker_directories(batch.workflows, mine)
    ]

    sources, venv, marked, roots = await engine.concurrently(
        engine.python_sources(PythonSourceFilesRequest(closure, include_files=True)),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                addresses,
                output_filename="cascade_check.pex",
                internal_only=True,
                include_source_files=False,
                main=EntryPoint(cascade.runtime_modules[0], "main"),
            )
        ),
        engine.create_digest(CreateDigest([FileContent(path, b"") for path in markers])),
        engine.source_roots(SourceRootsRequest.for_files(sorted({*mine, *others, *markers}))),
    )

    def module_of(path: str) -> str:
        return str(module_from_stripped_path(PurePath(path).relative_to(roots.path_to_root[PurePath(path)].path)))

    digest = await engine.merge_digests(MergeDigests([sources.source_files.snapshot.digest, marked]))
    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=validate_arguments(map(module_of, {*mine, *markers}), map(module_of, others)),
            input_digest=digest,
            extra_env={"PEX_EXTRA_SYS_PATH": ":".join(sources.source_roots), "PYTHONDONTWRITEBYTECODE": "1"},
            description=f"Check {batch.description}",
            level=LogLevel.DEBUG,
        )
    )
    return engine.check_result(result, batch.description)


if engine.BY_NAME:

    async def check_batch(batch: WorkflowBatch) -> CheckResult:
        """Check some workflows in one process."""
        result: CheckResult = await check_one_batch(batch, **engine.implicitly())
        return result

else:
    from cascade_pants.engine.own_rules import own_rule

    check_batch = own_rule(CheckResult, WorkflowBatch)  # type: ignore[assignment]


@rule(desc="Check Cascade workflows", level=LogLevel.DEBUG)
async def check_workflows(
    request: CascadeCheckRequest,
    subsystem: CascadeCheckSubsystem,
    all_workflows: AllWorkflows,
    tables: TableMap,
    python_setup: PythonSetup,
) -> CheckResults:
    if subsystem.skip:
        return CheckResults([], checker_name=request.tool_name)
    found = batches(request.field_sets, all_workflows, python_setup, max(1, subsystem.batch_size))
    results = await engine.concurrently(check_batch(batch) for batch in found)
    shared = shared_tables(found, tables, all_workflows)
    if shared:
        results = (
            *results,
            CheckResult(1, "".join(f"{line}\n" for line in shared), "", "the tables of other workflows"),
        )
    return CheckResults(results, checker_name=request.tool_name)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(CheckRequest, CascadeCheckRequest)]
