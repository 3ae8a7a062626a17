"""`pants package` on a `cascade_project`: a PEX that needs neither Pants nor pip."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import EntryPoint, PexExecutionMode, PexLayout, PythonResolveField
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, OutputPathField, PackageFieldSet
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.process import ProcessCacheScope
from pants.engine.rules import collect_rules, rule
from pants.engine.target import TransitiveTargetsRequest
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.engine import EnvironmentField
from cascade_pants.target_types import (
    CascadeProjectDbtField,
    CascadeProjectExecutionModeField,
    CascadeProjectLayoutField,
    CascadeProjectManifestField,
    CascadeProjectWorkflowsField,
)
from cascade_pants.util_rules.dbt_parse import parse_packed_dbt
from cascade_pants.util_rules.manifest import manifest_module


@dataclass(frozen=True)
class CascadeProjectPackageFieldSet(PackageFieldSet):
    """A `cascade_project`, as `pants package` sees it."""

    required_fields = (CascadeProjectWorkflowsField, CascadeProjectManifestField)

    manifest: CascadeProjectManifestField
    dbt_project: CascadeProjectDbtField
    resolve: PythonResolveField
    output_path: OutputPathField
    layout: CascadeProjectLayoutField
    execution_mode: CascadeProjectExecutionModeField
    environment: EnvironmentField


_PREAMBLE_FILE = "__cascade_preamble.py"
# Pex runs this when a PEX starts for the first time: once in the file itself, and once in the unpacked copy.
_PREAMBLE = b"""\
import os, sys
if os.path.isfile(sys.argv[0]):
    sys.stderr.write("Unpacking %s, once. This can take a minute.\\n" % os.path.basename(sys.argv[0]))
"""


def pex_arguments(execution_mode: PexExecutionMode, layout: PexLayout) -> tuple[str, ...]:
    """Return the arguments of the Pex tool in addition to those of Pants.

    Args:
        execution_mode: how the PEX runs.
        layout: one file, or a directory.
    """
    # The programs of the environment come first on PATH, so a workflow that starts one by name gets the PEX's own.
    venv = ("--venv", "prepend") if execution_mode is PexExecutionMode.VENV else ()
    # Started by the shell, a PEX finds its interpreter by an absolute path, which works under a service manager with a
    # bare environment, and skips its own startup, with the preamble, once its virtual environment exists.
    boot = ("--sh-boot", "--preamble-file", _PREAMBLE_FILE) if layout is PexLayout.ZIPAPP else ()
    return (*venv, *boot)


def for_one_minor_version(
    constraints: InterpreterConstraints, minor: str, universe: Iterable[str]
) -> InterpreterConstraints:
    """Narrow constraints to one minor version of CPython.

    Args:
        constraints: the versions that the contents of the PEX run on.
        minor: a version that meets them, such as `3.11`.
        universe: all known minor versions.
    """
    narrow = InterpreterConstraints([f"CPython=={minor}.*"])
    # A PEX that starts on another Python prints its constraints, so keep them as plain as possible.
    if constraints.contains(narrow, sorted({*universe, minor})):
        return narrow
    return InterpreterConstraints.merge([constraints, narrow])


async def _oldest_minor_version_found(constraints: InterpreterConstraints) -> str:
    """Return the minor version of the interpreter that Pex chooses, which Pants installed the requirements for."""
    listed = " OR ".join(str(constraint) for constraint in constraints)
    result = await engine.run_pex_tool(
        PexCliProcess(
            # Without requirements, Pex starts the interpreter that it chooses.
            subcommand=(),
            extra_args=(
                *constraints.generate_pex_arg_list(),
                *("--", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"),
            ),
            description=f"Find the version of the interpreter for {listed}",
            level=LogLevel.DEBUG,
            # Interpreters come and go.
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
        )
    )
    return result.stdout.decode().strip()


async def project_pex_request(
    field_set: CascadeProjectPackageFieldSet,
    python_setup: PythonSetup,
    output: str,
    layout: PexLayout,
    arguments: tuple[str, ...],
) -> tuple[PexRequest, str]:
    """Describe the PEX of a project.

    Args:
        field_set: the project.
        python_setup: the options of `[python]`.
        output: the path of the PEX.
        layout: one file, or a directory.
        arguments: those of the Pex tool.

    Returns:
        The request, and the minor version of Python that the PEX is for.
    """
    closure = await engine.transitive_targets(TransitiveTargetsRequest([field_set.address]))
    constraints = InterpreterConstraints.create_from_targets(closure.closure, python_setup) or InterpreterConstraints(
        python_setup.interpreter_constraints
    )
    universe = python_setup.interpreter_versions_universe
    minors = constraints.partition_into_major_minor_versions(universe)
    minor = minors[0] if len(minors) == 1 else await _oldest_minor_version_found(constraints)
    parsed = await parse_packed_dbt(
        field_set.address,
        field_set.dbt_project,
        field_set.manifest,
        field_set.resolve.normalized_value(python_setup) if python_setup.enable_resolves else None,
    )
    preamble = await engine.create_digest(CreateDigest([FileContent(_PREAMBLE_FILE, _PREAMBLE)]))
    request = await engine.pex_request_from_targets(
        PexFromTargetsRequest(
            [field_set.address],
            output_filename=output,
            # The requirements are those that `run` and `test` have installed. Otherwise they would be installed again.
            internal_only=True,
            main=EntryPoint(manifest_module(field_set.address), "main"),
            layout=layout,
            additional_args=arguments,
            additional_sources=parsed,
            additional_inputs=preamble,
            include_local_dists=True,
            warn_for_transitive_files_targets=True,
        )
    )
    narrowed = dataclasses.replace(
        request,
        internal_only=False,
        # Pex packs requirements for every interpreter that it finds and the constraints allow. With one minor
        # version, the bytes do not depend on which others the building machine has.
        interpreter_constraints=for_one_minor_version(constraints, minor, universe),
    )
    return narrowed, minor


@rule(desc="Package Cascade project", level=LogLevel.DEBUG)
async def package_project(field_set: CascadeProjectPackageFieldSet, python_setup: PythonSetup) -> BuiltPackage:
    output = field_set.output_path.value_or_default(file_ending="pex")
    layout = PexLayout(field_set.layout.value)
    arguments = pex_arguments(PexExecutionMode(field_set.execution_mode.value), layout)
    request, _ = await project_pex_request(field_set, python_setup, output, layout, arguments)
    pex = await engine.pex(request)
    return BuiltPackage(pex.digest, (BuiltPackageArtifact(output),))


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(PackageFieldSet, CascadeProjectPackageFieldSet)]
