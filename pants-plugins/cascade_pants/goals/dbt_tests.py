"""`pants test` on dbt projects: one result for each file, from one process of dbt for many files."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.core.goals.test import TestFieldSet, TestRequest, TestResult, TestSubsystem
from pants.core.util_rules.partitions import Partition, PartitionerType, Partitions
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.rules import collect_rules, rule
from pants.engine.target import Target
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem
from pants.util.collections import partition_sequentially
from pants.util.logging import LogLevel
from pants.util.strutil import help_text

from cascade_pants import engine
from cascade_pants.goals import dbt_test_process
from cascade_pants.goals.dbt_test_process import DbtTestBatch, dbt_test_results
from cascade_pants.target_types.dbt import (
    CascadeDbtDependenciesField,
    CascadeDbtSkipTestsField,
    CascadeDbtSourceField,
    CascadeDbtTargetField,
    CascadeDbtThreadsField,
    CascadeDbtVarsField,
)
from cascade_pants.util_rules import locked_versions as lock_rules
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraph, DbtGraphRequest, dbt_graph, workflow_table
from cascade_pants.util_rules.locked_versions import LockedVersions, LockedVersionsRequest, locked_versions
from cascade_pants.util_rules.table_map import TableMap

logger = logging.getLogger(__name__)

_DBT = frozenset({"dbt-core", "dbt-duckdb"})


class CascadeDbtTestSubsystem(Subsystem):
    options_scope = "cascade-dbt-test"
    name = "cascade-dbt-test"
    help = help_text(
        """
        Build the models, seeds and snapshots of dbt projects in a throwaway lakehouse, and run their data tests and
        unit tests. The tables have the rows of `testdata/<table>.jsonl` beside the workflow that declares them.
        """
    )

    skip = SkipOption("test")


@dataclass(frozen=True)
class CascadeDbtTestFieldSet(TestFieldSet):
    """A file of a dbt project, as `pants test` sees it."""

    required_fields = (CascadeDbtSourceField, CascadeDbtDependenciesField)

    sources: CascadeDbtSourceField
    source: CascadeDbtSourceField
    dependencies: CascadeDbtDependenciesField
    skip_tests: CascadeDbtSkipTestsField
    target: CascadeDbtTargetField
    threads: CascadeDbtThreadsField
    vars: CascadeDbtVarsField
    resolve: PythonResolveField

    def of_graph(self) -> DbtFileFieldSet:
        """Return the fields that decide the graph of the project."""
        return DbtFileFieldSet(self.address, self.source, self.dependencies, self.target, self.vars, self.resolve)

    @classmethod
    def opt_out(cls, tgt: Target) -> bool:
        """Return whether the project is not tested."""
        return tgt.get(CascadeDbtSkipTestsField).value


@dataclass(frozen=True)
class DbtTestMetadata:
    """What the files of one process share.

    Args:
        batch: the process.
    """

    batch: DbtTestBatch

    @property
    def description(self) -> None:
        """Nothing to add to the address of the file."""
        return None


class CascadeDbtTestRequest(TestRequest):
    """Test files of dbt projects."""

    tool_subsystem = CascadeDbtTestSubsystem  # type: ignore[assignment]
    field_set_type = CascadeDbtTestFieldSet
    partitioner_type = PartitionerType.CUSTOM


def path_of(fields: CascadeDbtTestFieldSet) -> str:
    """Return the path of a file."""
    address = fields.address
    return address.filename if address.relative_file_path is not None else fields.source.file_path


def files_to_test(graph: DbtGraph, filled: Container[str]) -> dict[str, str | None]:
    """Return the files to test, and for each that cannot be tested the external table that it needs.

    Args:
        graph: the graph of the project.
        filled: the tables that workflows fill.
    """
    external = {one.table for one in graph.declared if one.external and workflow_table(one.table) not in filled}
    found: dict[str, str | None] = {}
    for path in graph.tested:
        seen, waiting = {path}, [path]
        while waiting:
            file = waiting.pop()
            table = next((one for one in graph.tables.get(file, ()) if one in external), None)
            if table is not None:
                break
            needed = {
                address.filename for address in graph.needed.get(file, ()) if address.relative_file_path is not None
            }
            waiting += needed - seen
            seen |= needed
        else:
            table = None
        found[path] = table
    return found


def _say_untested(
    project: DbtGraphRequest, known: Mapping[str, str | None], files: Iterable[str], seeds: Mapping[str, str]
) -> None:
    tables = ((path, known.get(path)) for path in sorted(files))
    lines = "".join(
        f"\n  {path} ({table}{f', whose seed {seeds[table]} is disabled' if table in seeds else ''})"
        for path, table in tables
        if table is not None
    )
    if lines:
        logger.info(
            f"`pants test` leaves out these files of {project.address}, because neither a workflow nor a seed fills a "
            f"table that they read:{lines}"
        )


def lacks_dbt(versions: LockedVersions) -> bool:
    """Return whether a lockfile has no dbt for the embedded lakehouse. One that cannot be read counts as having it."""
    return bool(versions.by_name) and not set(versions.by_name) >= _DBT


@rule(desc="Partition the tests of dbt projects", level=LogLevel.DEBUG)
async def partition_dbt_tests(
    request: CascadeDbtTestRequest.PartitionRequest[CascadeDbtTestFieldSet],
    subsystem: CascadeDbtTestSubsystem,
    test: TestSubsystem,
    tables: TableMap,
    python_setup: PythonSetup,
) -> Partitions[CascadeDbtTestFieldSet, DbtTestMetadata]:
    if subsystem.skip:
        return Partitions()
    projects = defaultdict(list)
    for fields in request.field_sets:
        project = DbtGraphRequest.of(fields.of_graph(), python_setup)
        projects[project, fields.threads.value].append(fields)
    lockfiles = python_setup.resolves if python_setup.enable_resolves else {}
    locks = await engine.concurrently(
        locked_versions(LockedVersionsRequest(lockfiles.get(project.resolve, "no lockfile"))) for project, _ in projects
    )
    # The graph of a project that is left out may not be readable, since its resolve may have no runtime either.
    for key, lock in zip(list(projects), locks):
        if lacks_dbt(lock):
            project, _ = key
            missing = " and ".join(sorted(_DBT - set(lock.by_name)))
            logger.warning(
                f"`pants test` leaves out {project.address}, because the lockfile of its resolve `{project.resolve}` "
                f"has no {missing}. To test it, add `cascade-workflows[dbt]` to the requirements of the resolve and "
                "lock it again."
            )
            del projects[key]
    graphs = await engine.concurrently(dbt_graph(project) for project, _ in projects)
    partitions = []
    for ((project, threads), files), graph in zip(projects.items(), graphs):
        known = files_to_test(graph, tables.by_table)
        _say_untested(project, known, map(path_of, files), graph.disabled_seeds)
        chosen = [one for one in files if path_of(one) in known and known[path_of(one)] is None]
        for batch in partition_sequentially(
            chosen, key=lambda one: str(one.address), size_target=test.batch_size, size_max=2 * test.batch_size
        ):
            metadata = DbtTestMetadata(DbtTestBatch(project, tuple(one.address for one in batch), threads))
            partitions += [Partition((one,), metadata) for one in batch]
    return Partitions(partitions)


@rule(desc="Test dbt project", level=LogLevel.DEBUG)
async def run_dbt_test(
    batch: CascadeDbtTestRequest.Batch[CascadeDbtTestFieldSet, DbtTestMetadata], test: TestSubsystem
) -> TestResult:
    fields = batch.single_element
    results = await dbt_test_results(batch.partition_metadata.batch)
    outcome = results.of(path_of(fields))
    name = fields.address.path_safe_spec
    extra, reports = await engine.concurrently(
        engine.create_digest(CreateDigest([FileContent(path, results.compiled[path]) for path in outcome.compiled])),
        engine.create_digest(
            CreateDigest([FileContent(f"{name}.xml", outcome.junit.encode())] if outcome.junit else [])
        ),
    )
    extra_files, report_files = await engine.concurrently(
        engine.digest_to_snapshot(extra), engine.digest_to_snapshot(reports)
    )
    return engine.test_result(
        results.process,
        fields.address,
        test.output,
        results.process.exit_code or 1 if outcome.failed else 0,
        outcome.text,
        outcome.milliseconds,
        report_files,
        extra_files,
    )


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), *dbt_test_process.rules(), *lock_rules.rules(), *CascadeDbtTestRequest.rules()]
