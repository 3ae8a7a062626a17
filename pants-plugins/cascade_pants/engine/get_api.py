"""The engine calls for Pants 2.17, which requests values by type.

Keep every name, parameter and return type as in `by_name_api`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwners, PythonModuleOwnersRequest
from pants.backend.python.util_rules.pex import Pex, PexRequest, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFiles, PythonSourceFilesRequest
from pants.base.specs import RawSpecs
from pants.core.goals.check import CheckResult
from pants.core.goals.package import BuiltPackage, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunRequest
from pants.core.goals.test import ShowOutput, TestResult
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import AddPrefix, CreateDigest, Digest, DigestContents, MergeDigests, PathGlobs, Paths, Snapshot
from pants.engine.process import (
    FallibleProcessResult,
    InteractiveProcess,
    InteractiveProcessResult,
    Process,
    ProcessResult,
)
from pants.engine.rules import Effect, Get
from pants.engine.target import (
    DependenciesRequest,
    HydratedSources,
    HydrateSourcesRequest,
    SourcesPaths,
    SourcesPathsRequest,
    TargetRootsToFieldSets,
    TargetRootsToFieldSetsRequest,
    Targets,
    TransitiveTargets,
    TransitiveTargetsRequest,
)
from pants.source.source_root import SourceRootsRequest, SourceRootsResult

from cascade_pants.engine.concurrently import concurrently
from cascade_pants.engine.sandbox_paths import without_sandbox_paths

BY_NAME = False


async def create_digest(request: CreateDigest) -> Digest:
    """Create files."""
    return await Get(Digest, CreateDigest, request)


async def merge_digests(request: MergeDigests) -> Digest:
    """Merge trees of files into one."""
    return await Get(Digest, MergeDigests, request)


async def add_prefix(request: AddPrefix) -> Digest:
    """Move a tree of files into a directory."""
    return await Get(Digest, AddPrefix, request)


async def digest_to_snapshot(digest: Digest) -> Snapshot:
    """List the files of a digest."""
    return await Get(Snapshot, Digest, digest)


async def digest_contents(digest: Digest) -> DigestContents:
    """Read the files of a digest."""
    return await Get(DigestContents, Digest, digest)


async def path_globs_contents(globs: PathGlobs) -> DigestContents:
    """Read files of the repository."""
    return await Get(DigestContents, PathGlobs, globs)


async def path_globs_paths(globs: PathGlobs) -> Paths:
    """List files of the repository, without reading them."""
    return await Get(Paths, PathGlobs, globs)


async def hydrate_sources(request: HydrateSourcesRequest) -> HydratedSources:
    """Read the files of one sources field, generating them if requested."""
    return await Get(HydratedSources, HydrateSourcesRequest, request)


async def source_paths(request: SourcesPathsRequest) -> SourcesPaths:
    """List the files of one sources field."""
    return await Get(SourcesPaths, SourcesPathsRequest, request)


async def named_addresses(request: UnparsedAddressInputs) -> Addresses:
    """Find the addresses that a field of a target names."""
    return await Get(Addresses, UnparsedAddressInputs, request)


async def targets_from_addresses(addresses: Addresses) -> Targets:
    """Find targets, replacing each generator with the targets that it generates."""
    return await Get(Targets, Addresses, addresses)


async def targets_from_raw_specs(specs: RawSpecs) -> Targets:
    """Find the targets that specs match, replacing each generator with the targets that it generates."""
    return await Get(Targets, RawSpecs, specs)


async def transitive_targets(request: TransitiveTargetsRequest) -> TransitiveTargets:
    """Find targets and their transitive dependencies."""
    return await Get(TransitiveTargets, TransitiveTargetsRequest, request)


async def direct_dependencies(request: DependenciesRequest) -> Addresses:
    """Find the direct dependencies of one target, explicit and inferred."""
    return await Get(Addresses, DependenciesRequest, request)


async def targets_for_roots(request: TargetRootsToFieldSetsRequest) -> TargetRootsToFieldSets:  # type: ignore[type-arg]
    """Find the field sets that the specs of the command line match."""
    return await Get(TargetRootsToFieldSets, TargetRootsToFieldSetsRequest, request)


async def source_roots(request: SourceRootsRequest) -> SourceRootsResult:
    """Find the source root of each file or directory."""
    return await Get(SourceRootsResult, SourceRootsRequest, request)


async def module_owners(request: PythonModuleOwnersRequest) -> PythonModuleOwners:
    """Find the target of a resolve that provides a Python module."""
    return await Get(PythonModuleOwners, PythonModuleOwnersRequest, request)


async def run_pex_tool(process: PexCliProcess) -> ProcessResult:
    """Run the Pex tool, which must succeed."""
    return await Get(ProcessResult, PexCliProcess, process)


async def pex_request_from_targets(request: PexFromTargetsRequest) -> PexRequest:
    """Describe the PEX of targets and their dependencies, and build what its requirements are taken from."""
    return await Get(PexRequest, PexFromTargetsRequest, request)


async def pex(request: PexRequest) -> Pex:
    """Build a PEX."""
    return await Get(Pex, PexRequest, request)


async def venv_pex_from_targets(request: PexFromTargetsRequest) -> VenvPex:
    """Build a virtual environment of the dependencies of targets, to run processes in."""
    return await Get(VenvPex, PexFromTargetsRequest, request)


async def venv_pex(request: PexRequest) -> VenvPex:
    """Build a virtual environment of requirements, to run processes in."""
    return await Get(VenvPex, PexRequest, request)


async def python_sources(request: PythonSourceFilesRequest) -> PythonSourceFiles:
    """Collect the first-party sources of targets, including generated ones, with their source roots."""
    return await Get(PythonSourceFiles, PythonSourceFilesRequest, request)


async def run_venv_pex(process: VenvPexProcess) -> FallibleProcessResult:
    """Run a process in a virtual environment, whether it succeeds or not."""
    return await Get(FallibleProcessResult, VenvPexProcess, process)


async def run_process(process: Process) -> FallibleProcessResult:
    """Run a process, whether it succeeds or not."""
    return await Get(FallibleProcessResult, Process, process)


async def run_request(field_set: RunFieldSet) -> RunRequest:
    """Prepare to run a target as `pants run` does."""
    return await Get(RunRequest, RunFieldSet, field_set)


async def built_package(field_set: PackageFieldSet) -> BuiltPackage:
    """Build a target as `pants package` does."""
    return await Get(BuiltPackage, PackageFieldSet, field_set)


async def env_vars(request: EnvironmentVarsRequest) -> EnvironmentVars:
    """Read variables of the user's environment."""
    return await Get(EnvironmentVars, EnvironmentVarsRequest, request)


async def run_interactive(process: InteractiveProcess) -> InteractiveProcessResult:
    """Run a process on the user's terminal. Only a goal may do this."""
    return await Effect(InteractiveProcessResult, InteractiveProcess, process)


def check_result(result: FallibleProcessResult, description: str) -> CheckResult:
    """Convert the result of a process to one of `pants check`, without the paths of its sandbox."""
    made = CheckResult.from_fallible_process_result(result, partition_description=description)
    return replace(made, stdout=without_sandbox_paths(result.stdout), stderr=without_sandbox_paths(result.stderr))


def implicitly(*_: Any) -> dict[str, Any]:
    """Stand for the function of this name in `by_name_api`, where it fills the remaining parameters of a rule."""
    raise AssertionError("Pants 2.17 never calls a rule by name.")


def test_result(
    result: FallibleProcessResult,
    address: Address,
    shown: ShowOutput,
    exit_code: int,
    text: str,
    milliseconds: int,
    reports: Snapshot | None,
    extra: Snapshot | None,
) -> TestResult:
    """Make the result of one target from that of a process which tested several."""
    made = TestResult.from_fallible_process_result(
        result, address, shown, xml_results=reports, extra_output=extra, log_extra_output=True
    )
    metadata = replace(result.metadata, total_elapsed_ms=milliseconds)
    return replace(made, exit_code=exit_code, stdout=text, stderr="", result_metadata=metadata)


__all__ = [
    "BY_NAME",
    "EnvironmentField",
    "add_prefix",
    "built_package",
    "check_result",
    "concurrently",
    "create_digest",
    "digest_contents",
    "digest_to_snapshot",
    "direct_dependencies",
    "env_vars",
    "hydrate_sources",
    "implicitly",
    "merge_digests",
    "module_owners",
    "named_addresses",
    "path_globs_contents",
    "path_globs_paths",
    "pex",
    "pex_request_from_targets",
    "python_sources",
    "run_interactive",
    "run_pex_tool",
    "run_process",
    "run_request",
    "run_venv_pex",
    "source_paths",
    "source_roots",
    "targets_for_roots",
    "targets_from_addresses",
    "targets_from_raw_specs",
    "test_result",
    "transitive_targets",
    "venv_pex",
    "venv_pex_from_targets",
]
