"""The engine calls for Pants 2.30 and later, which call rules by name.

Keep every name, parameter and return type as in `get_api`. A parameter that goes into `implicitly` is annotated with a
plain class name, which the engine reads from the source.
"""
# mypy: ignore-errors
# The plugin is checked against Pants 2.17.1, which has few of the names below. A test holds this module to `get_api`.

from __future__ import annotations

from dataclasses import replace

from pants.backend.python.dependency_inference.module_mapper import (
    PythonModuleOwners,
    PythonModuleOwnersRequest,
    map_module_to_address,
)
from pants.backend.python.util_rules.pex import (
    Pex,
    PexRequest,
    VenvPex,
    VenvPexProcess,
    create_pex,
    create_venv_pex,
)
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest, create_pex_from_targets
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFiles,
    PythonSourceFilesRequest,
    prepare_python_sources,
)
from pants.base.specs import RawSpecs
from pants.core.environments.target_types import EnvironmentField
from pants.core.goals.check import CheckResult
from pants.core.goals.package import BuiltPackage, PackageFieldSet, build_package
from pants.core.goals.run import RunFieldSet, RunRequest, generate_run_request
from pants.core.goals.test import ShowOutput, TestResult
from pants.core.util_rules.env_vars import environment_vars_subset
from pants.engine import intrinsics
from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import AddPrefix, CreateDigest, Digest, DigestContents, MergeDigests, PathGlobs, Paths, Snapshot
from pants.engine.internals import graph
from pants.engine.internals.specs_rules import find_valid_field_sets_for_target_roots
from pants.engine.process import (
    FallibleProcessResult,
    InteractiveProcess,
    InteractiveProcessResult,
    Process,
    ProcessResult,
    fallible_to_exec_result_or_raise,
)
from pants.engine.rules import concurrently, implicitly
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
from pants.source.source_root import SourceRootsRequest, SourceRootsResult, get_source_roots

from cascade_pants.engine.sandbox_paths import without_sandbox_paths

BY_NAME = True


async def create_digest(request: CreateDigest) -> Digest:
    """Create files."""
    return await intrinsics.create_digest(request)


async def merge_digests(request: MergeDigests) -> Digest:
    """Merge trees of files into one."""
    return await intrinsics.merge_digests(request)


async def add_prefix(request: AddPrefix) -> Digest:
    """Move a tree of files into a directory."""
    return await intrinsics.add_prefix(request)


async def digest_to_snapshot(digest: Digest) -> Snapshot:
    """List the files of a digest."""
    return await intrinsics.digest_to_snapshot(digest)


async def digest_contents(digest: Digest) -> DigestContents:
    """Read the files of a digest."""
    return await intrinsics.get_digest_contents(digest)


async def path_globs_contents(globs: PathGlobs) -> DigestContents:
    """Read files of the repository."""
    return await intrinsics.get_digest_contents(**implicitly(globs))


async def path_globs_paths(globs: PathGlobs) -> Paths:
    """List files of the repository, without reading them."""
    return await intrinsics.path_globs_to_paths(globs)


async def hydrate_sources(request: HydrateSourcesRequest) -> HydratedSources:
    """Read the files of one sources field, generating them if requested."""
    return await graph.hydrate_sources(request, **implicitly())


async def source_paths(request: SourcesPathsRequest) -> SourcesPaths:
    """List the files of one sources field."""
    return await graph.resolve_source_paths(request, **implicitly())


async def named_addresses(request: UnparsedAddressInputs) -> Addresses:
    """Find the addresses that a field of a target names."""
    return await graph.resolve_unparsed_address_inputs(request, **implicitly())


async def targets_from_addresses(addresses: Addresses) -> Targets:
    """Find targets, replacing each generator with the targets that it generates."""
    return await graph.resolve_targets(**implicitly(addresses))


async def targets_from_raw_specs(specs: RawSpecs) -> Targets:
    """Find the targets that specs match, replacing each generator with the targets that it generates."""
    return await graph.resolve_targets(**implicitly(specs))


async def transitive_targets(request: TransitiveTargetsRequest) -> TransitiveTargets:
    """Find targets and their transitive dependencies."""
    return await graph.transitive_targets(request, **implicitly())


async def direct_dependencies(request: DependenciesRequest) -> Addresses:
    """Find the direct dependencies of one target, explicit and inferred."""
    return await graph.resolve_dependencies(request, **implicitly())


async def targets_for_roots(request: TargetRootsToFieldSetsRequest) -> TargetRootsToFieldSets:
    """Find the field sets that the specs of the command line match."""
    return await find_valid_field_sets_for_target_roots(request, **implicitly())


async def source_roots(request: SourceRootsRequest) -> SourceRootsResult:
    """Find the source root of each file or directory."""
    return await get_source_roots(request)


async def module_owners(request: PythonModuleOwnersRequest) -> PythonModuleOwners:
    """Find the target of a resolve that provides a Python module."""
    return await map_module_to_address(request, **implicitly())


async def run_pex_tool(process: PexCliProcess) -> ProcessResult:
    """Run the Pex tool, which must succeed."""
    return await fallible_to_exec_result_or_raise(**implicitly(process))


async def pex_request_from_targets(request: PexFromTargetsRequest) -> PexRequest:
    """Describe the PEX of targets and their dependencies, and build what its requirements are taken from."""
    return await create_pex_from_targets(**implicitly(request))


async def pex(request: PexRequest) -> Pex:
    """Build a PEX."""
    return await create_pex(**implicitly(request))


async def venv_pex_from_targets(request: PexFromTargetsRequest) -> VenvPex:
    """Build a virtual environment of the dependencies of targets, to run processes in."""
    return await create_venv_pex(**implicitly(request))


async def venv_pex(request: PexRequest) -> VenvPex:
    """Build a virtual environment of requirements, to run processes in."""
    return await create_venv_pex(**implicitly(request))


async def python_sources(request: PythonSourceFilesRequest) -> PythonSourceFiles:
    """Collect the first-party sources of targets, including generated ones, with their source roots."""
    return await prepare_python_sources(request, **implicitly())


async def run_venv_pex(process: VenvPexProcess) -> FallibleProcessResult:
    """Run a process in a virtual environment, whether it succeeds or not."""
    return await intrinsics.execute_process(**implicitly(process))


async def run_process(process: Process) -> FallibleProcessResult:
    """Run a process, whether it succeeds or not."""
    return await intrinsics.execute_process(process, **implicitly())


async def run_request(field_set: RunFieldSet) -> RunRequest:
    """Prepare to run a target as `pants run` does."""
    return await generate_run_request(**implicitly({field_set: RunFieldSet}))


async def built_package(field_set: PackageFieldSet) -> BuiltPackage:
    """Build a target as `pants package` does."""
    return await build_package(**implicitly({field_set: PackageFieldSet}))


async def env_vars(request: EnvironmentVarsRequest) -> EnvironmentVars:
    """Read variables of the user's environment."""
    return await environment_vars_subset(request, **implicitly())


async def run_interactive(process: InteractiveProcess) -> InteractiveProcessResult:
    """Run a process on the user's terminal. Only a goal may do this."""
    return await intrinsics.run_interactive_process(process)


def check_result(result: FallibleProcessResult, description: str) -> CheckResult:
    """Convert the result of a process to one of `pants check`, without the paths of its sandbox."""
    made = CheckResult.from_fallible_process_result(result, partition_description=description)
    return replace(made, stdout=without_sandbox_paths(result.stdout), stderr=without_sandbox_paths(result.stderr))


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
        (result,), address, shown, xml_results=reports, extra_output=extra, log_extra_output=True
    )
    metadata = replace(result.metadata, total_elapsed_ms=milliseconds)
    return replace(made, exit_code=exit_code, stdout_bytes=text.encode(), stderr_bytes=b"", result_metadata=metadata)


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
