"""The process that builds files of a dbt project in a throwaway lakehouse, and tests them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import (
    PythonModuleOwnersRequest,
    module_from_stripped_path,
)
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.core.goals.test import TestSubsystem
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent, MergeDigests
from pants.engine.process import FallibleProcessResult, ProcessCacheScope
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets, InvalidFieldException, TransitiveTargetsRequest
from pants.source.source_root import SourceRootsRequest
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.engine.sandbox_paths import without_sandbox_paths
from cascade_pants.reader.fingerprint import TEST_DATA
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.target_types.dbt import CascadeDbtProjectTarget
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest, dbt_graph, owners_by_path, workflow_table
from cascade_pants.util_rules.dbt_project import dbt_requirements
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

TEST_MODULE = "cascade.testing.dbt_batch"
_REQUEST = "__cascade_dbt_request.json"
_OUTPUT = "__cascade_dbt_tests"
_PACKAGES = "dbt_packages"


@dataclass(frozen=True)
class DbtTestBatch:
    """Files of a dbt project that one process tests.

    Args:
        project: the dbt project.
        addresses: the targets of the files, sorted.
        threads: how many models dbt builds at once, if not as many as by default.
    """

    project: DbtGraphRequest
    addresses: tuple[Address, ...]
    threads: int | None


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file.

    Args:
        failed: whether something of it failed.
        text: its models and tests, a line each, and what is wrong.
        milliseconds: how long they took.
        compiled: the files with the compiled SQL of what failed.
        junit: the results as XML.
    """

    failed: bool
    text: str
    milliseconds: int
    compiled: tuple[str, ...]
    junit: str


@dataclass(frozen=True)
class DbtTestResults:
    """What a process found.

    Args:
        process: its result.
        by_file: what became of each file; empty if dbt could not run.
        compiled: files with compiled SQL.
        first: the file that shows why dbt could not run.
    """

    process: FallibleProcessResult
    by_file: FrozenDict[str, FileOutcome]
    compiled: FrozenDict[str, bytes]
    first: str

    def of(self, path: str) -> FileOutcome:
        """Return what became of a file.

        Args:
            path: the file.
        """
        if path in self.by_file:
            return self.by_file[path]
        text = f"See {self.first}, which is tested by the same process.\n"
        if path == self.first:
            text = without_sandbox_paths(self.process.stdout + self.process.stderr)
        return FileOutcome(True, text, self.process.metadata.total_elapsed_ms or 0, (), "")


def tables_of(
    files: Iterable[str],
    graph: DbtGraph,
    tables: Mapping[str, Iterable[LocatedDeclaration]],
    closure: Iterable[Address],
    present: Iterable[str],
) -> list[tuple[str, str, str | None, bool]]:
    """Return the tables that files read: each with the file that declares it, the file of its rows, and whether the
    quarantine is read.

    Args:
        files: the files of the dbt project.
        graph: its graph.
        tables: who declares each table.
        closure: the targets in the sandbox.
        present: the files in the sandbox.
    """
    read = {table for path in files for table in graph.tables.get(path, ())}
    inside, there = set(closure), set(present)
    found = []
    for table in sorted({workflow_table(one) for one in read}):
        declared = next((one for one in tables.get(table, ()) if one.address in inside), None)
        if declared is not None:
            rows = os.path.join(os.path.dirname(declared.path), TEST_DATA, f"{table.rpartition('.')[2]}.jsonl")
            quarantined = any(one != table and workflow_table(one) == table for one in read)
            found.append((table, declared.path, rows if rows in there else None, quarantined))
    return found


def read_results(process: FallibleProcessResult, files: Mapping[str, bytes], first: str) -> DbtTestResults:
    """Read what a process wrote.

    Args:
        process: its result.
        files: what it wrote, by path.
        first: the file to show its output at if it wrote nothing.
    """
    content = files.get(f"{_OUTPUT}/results.json")
    document: Mapping[str, Any] = json.loads(content)["files"] if content else {}
    return DbtTestResults(
        process,
        FrozenDict(
            {
                path: FileOutcome(
                    one["failed"],
                    one["text"],
                    round(one["seconds"] * 1000),
                    tuple(one["compiled"]),
                    one["junit"],
                )
                for path, one in document.items()
            }
        ),
        FrozenDict(
            {path[len(_OUTPUT) + 1 :]: text for path, text in files.items() if path.startswith(f"{_OUTPUT}/compiled/")}
        ),
        first,
    )


def timeout_of(test: TestSubsystem, files: int) -> int | None:
    """Return the seconds that a process may take, by the options of `[test]` for each file."""
    if not test.timeouts or test.timeout_default is None:
        return None
    each = test.timeout_default
    return files * (each if test.timeout_maximum is None else min(each, test.timeout_maximum))


@rule(desc="Test files of a dbt project", level=LogLevel.DEBUG)
async def find_dbt_test_results(
    batch: DbtTestBatch,
    targets: AllTargets,
    tables: TableMap,
    cascade: CascadeSubsystem,
    test: TestSubsystem,
    python_setup: PythonSetup,
) -> DbtTestResults:
    project = batch.project
    resolve = project.resolve if python_setup.enable_resolves else None
    graph, *owners = await engine.concurrently(
        dbt_graph(project),
        engine.module_owners(PythonModuleOwnersRequest(TEST_MODULE, resolve=resolve)),
        engine.module_owners(PythonModuleOwnersRequest(f"{TEST_MODULE}.__main__", resolve=resolve)),
    )
    runtime = {address for owner in owners for address in (*owner.unambiguous, *owner.ambiguous)}
    if not runtime:
        raise InvalidFieldException(
            f"`pants test` of the {CascadeDbtProjectTarget.alias} {project.address} needs the module {TEST_MODULE}, "
            f"but nothing in its resolve {project.resolve!r} provides it.\n"
            f"Add the line `{cascade.runtime_requirement}[dbt]` to the requirements of that resolve, upgrade it to the "
            "version of the plugin, or set the field `skip_tests`."
        )
    dbt = dbt_requirements(targets, project.resolve, python_setup)
    owned = owners_by_path(project, targets)
    # dbt refuses a project of whose packages one is missing, even if nothing here uses it.
    vendored = os.path.join(project.address.spec_path, _PACKAGES, "")
    packages = {address for path, address in owned.items() if path.startswith(vendored)}
    addresses = tuple(sorted({*batch.addresses, *runtime, *dbt, *packages}))
    closure = (await engine.transitive_targets(TransitiveTargetsRequest(addresses))).closure
    inside = {target.address for target in closure}
    files = sorted(path for path, address in owned.items() if address in inside)
    sources, venv = await engine.concurrently(
        engine.python_sources(PythonSourceFilesRequest(tuple(closure), include_files=True)),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                addresses,
                output_filename="cascade_dbt_test.pex",
                internal_only=True,
                include_source_files=False,
            )
        ),
    )
    found = tables_of(files, graph, tables.by_table, inside, sources.source_files.snapshot.files)
    roots = await engine.source_roots(SourceRootsRequest.for_files(sorted({path for _, path, _, _ in found})))
    tested = sorted(one.filename for one in batch.addresses)
    request = {
        "directory": project.address.spec_path or ".",
        "files": files,
        "tested": tested,
        "tables": [
            {
                "table": table,
                "module": str(
                    module_from_stripped_path(PurePath(path).relative_to(roots.path_to_root[PurePath(path)].path))
                ),
                "rows": rows,
                "quarantined": quarantined,
            }
            for table, path, rows, quarantined in found
        ],
        "vars": json.loads(project.variables) if project.variables else {},
        "threads": batch.threads,
        "source_tests": {name: file for name, file in graph.source_tests.items() if file in tested},
        "output": _OUTPUT,
    }
    asked = await engine.create_digest(
        CreateDigest([FileContent(_REQUEST, json.dumps(request, indent=1, sort_keys=True).encode())])
    )
    more = f" and {len(tested) - 1} other files" if len(tested) > 1 else ""
    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=("-m", TEST_MODULE, _REQUEST),
            input_digest=await engine.merge_digests(MergeDigests([sources.source_files.snapshot.digest, asked])),
            output_directories=(_OUTPUT,),
            extra_env={
                "PEX_EXTRA_SYS_PATH": os.pathsep.join(sources.source_roots),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            timeout_seconds=timeout_of(test, len(tested)),
            cache_scope=ProcessCacheScope.PER_SESSION if test.force else ProcessCacheScope.SUCCESSFUL,
            description=f"Run dbt for {tested[0]}{more}",
            level=LogLevel.DEBUG,
        )
    )
    written = await engine.digest_contents(result.output_digest)
    return read_results(result, {file.path: file.content for file in written}, tested[0])


if engine.BY_NAME:

    async def dbt_test_results(batch: DbtTestBatch) -> DbtTestResults:
        """Test files of a dbt project, once for all of them."""
        results: DbtTestResults = await find_dbt_test_results(batch, **engine.implicitly())
        return results

else:
    from cascade_pants.engine.own_rules import own_rule

    dbt_test_results = own_rule(DbtTestResults, DbtTestBatch)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
