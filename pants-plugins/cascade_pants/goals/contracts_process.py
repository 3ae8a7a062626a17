"""The process that makes the contracts of some workflows: `cascade contracts`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import module_from_stripped_path
from pants.backend.python.target_types import EntryPoint
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.rules import collect_rules, rule
from pants.engine.target import TransitiveTargetsRequest
from pants.source.source_root import SourceRootsRequest
from pants.util.docutil import bin_name
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.goals.check_batches import WorkflowBatch
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.util_rules.runtime import RuntimeOwnersRequest, runtime_owners
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, loaded_modules, workflow_facts

GOAL = "cascade-contracts"
_READERS_FILE = "__cascade_readers.json"
_OUTPUT = "__cascade_contracts"


@dataclass(frozen=True)
class ContractsRequest:
    """Make or compare the contracts of some workflows.

    Args:
        batch: the workflows.
        options: the options of `cascade contracts`.
        readers: who reads tables, as JSON.
        dbt_files: the files of the dbt projects of the repository.
    """

    batch: WorkflowBatch
    options: tuple[str, ...]
    readers: str
    dbt_files: Digest


@dataclass(frozen=True)
class ContractsResult:
    """What `cascade contracts` said.

    Args:
        exit_code: its exit code.
        stdout: what it printed.
        stderr: what it printed on standard error.
        files: the paths and the texts of the contracts to write.
    """

    exit_code: int
    stdout: str
    stderr: str
    files: tuple[tuple[str, bytes], ...] = ()


def contracts_arguments(options: Iterable[str], modules: Iterable[str]) -> tuple[str, ...]:
    """Build the command line of `cascade contracts`.

    Args:
        options: the options that the user typed.
        modules: the modules to load.
    """
    return (
        "contracts",
        *options,
        *("--readers", _READERS_FILE),
        *("--into", _OUTPUT),
        *(word for module in sorted(modules) for word in ("--module", module)),
    )


@rule(desc="Make the contracts of Cascade workflows", level=LogLevel.DEBUG)
async def make_contracts(request: ContractsRequest, cascade: CascadeSubsystem) -> ContractsResult:
    batch = request.batch
    owners = await runtime_owners(RuntimeOwnersRequest(batch.resolve, f"`{bin_name()} {GOAL}` of {batch.description}"))
    all_facts = await engine.concurrently(
        workflow_facts(WorkflowFactsRequest.of(workflow)) for workflow in batch.workflows
    )
    modules = {
        path for workflow, facts in zip(batch.workflows, all_facts) for path in loaded_modules(workflow, facts.by_file)
    }
    if not modules:
        return ContractsResult(0, "", "")
    addresses = sorted({*(file.address for one in batch.workflows for file in one.files), *owners.runtime})
    contracts = [file.address for workflow in batch.workflows for file in workflow.contracts]
    closure = (await engine.transitive_targets(TransitiveTargetsRequest([*addresses, *contracts]))).closure
    sources, venv, readers, roots = await engine.concurrently(
        engine.python_sources(PythonSourceFilesRequest(tuple(closure), include_files=True)),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                addresses,
                output_filename="cascade_contracts.pex",
                internal_only=True,
                include_source_files=False,
                main=EntryPoint(cascade.runtime_modules[0], "main"),
            )
        ),
        engine.create_digest(CreateDigest([FileContent(_READERS_FILE, request.readers.encode())])),
        engine.source_roots(SourceRootsRequest.for_files(sorted(modules))),
    )

    def module_of(path: str) -> str:
        return str(module_from_stripped_path(PurePath(path).relative_to(roots.path_to_root[PurePath(path)].path)))

    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=contracts_arguments(request.options, map(module_of, modules)),
            input_digest=await engine.merge_digests(
                MergeDigests([sources.source_files.snapshot.digest, readers, request.dbt_files])
            ),
            output_directories=(_OUTPUT,),
            extra_env={
                "PEX_EXTRA_SYS_PATH": ":".join(sources.source_roots),
                "PYTHONDONTWRITEBYTECODE": "1",
                "CASCADE_CONTRACTS_COMMAND": f"{bin_name()} {GOAL}",
            },
            description=f"Make the contracts of {batch.description}",
            level=LogLevel.DEBUG,
        )
    )
    written = await engine.digest_contents(result.output_digest)
    return ContractsResult(
        result.exit_code,
        result.stdout.decode(errors="replace"),
        result.stderr.decode(errors="replace"),
        tuple((file.path[len(_OUTPUT) + 1 :], file.content) for file in written),
    )


if engine.BY_NAME:

    async def contracts_of(request: ContractsRequest) -> ContractsResult:
        """Make or compare the contracts of some workflows."""
        result: ContractsResult = await make_contracts(request, **engine.implicitly())
        return result

else:
    from cascade_pants.engine.own_rules import own_rule

    contracts_of = own_rule(ContractsResult, ContractsRequest)  # type: ignore[assignment]


def as_json(document: object) -> str:
    """Return a document as JSON, the same text for the same document."""
    return json.dumps(document, sort_keys=True)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
