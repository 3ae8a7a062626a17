"""dbt's parse of the dbt project of a PEX, so that the PEX starts without one."""

from __future__ import annotations

import json
import logging
import os
import re

from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwnersRequest
from pants.backend.python.target_types import PythonSourceField
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, Digest, DigestContents, MergeDigests
from pants.engine.target import HydrateSourcesRequest, InvalidFieldException, TransitiveTargetsRequest
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectManifestField, CascadeProjectTarget
from cascade_pants.util_rules.dbt_graph import spec_of
from cascade_pants.util_rules.dbt_profile import PROFILES_FILE, left_out_profiles
from cascade_pants.util_rules.manifest import manifest_module

logger = logging.getLogger(__name__)

PACKING_MODULE = "cascade.dbt.packing"
"""The module of the runtime that lets dbt parse a project."""

PACKAGES_HINT = (
    "Pants does not see packages that git ignores. Commit the directory that `dbt deps` writes, or keep the packages "
    "elsewhere in the repository and name them with `local:`."
)
"""What to do where dbt misses packages in a sandbox."""

# The runtime looks for a directory of this name beside the packed files.
_SUFFIX = "_parsed"


def packed_directory(project: Address, files: DigestContents) -> str | None:
    """Return the directory of the packed dbt project among the generated files of a project.

    Args:
        project: the address of the project.
        files: the generated files.
    """
    inside = re.compile(rf"(.*/)?{manifest_module(project)}_dbt/[0-9a-f]+(?=/)")
    found = (inside.match(file.path) for file in files)
    return next((match[0] for match in found if match), None)


async def parse_packed_dbt(
    project: Address, dbt_project: CascadeProjectDbtField, manifest: CascadeProjectManifestField, resolve: str | None
) -> Digest:
    """Let dbt parse the dbt project of a project, once for the same files and the same dbt.

    Args:
        project: the address of the `cascade_project`.
        dbt_project: its field `dbt_project`.
        manifest: the field of its generated files.
        resolve: the name of its resolve, if resolves are enabled.

    Returns:
        The files to add to the PEX; none if the project has no dbt project, or one that can be parsed only later.

    Raises:
        InvalidFieldException: dbt finds problems in it, or it has a profile with a secret.
    """
    if not dbt_project.value:
        return EMPTY_DIGEST
    (given,) = dbt_project.value
    sources, found = await engine.concurrently(
        engine.hydrate_sources(
            HydrateSourcesRequest(manifest, for_sources_types=(PythonSourceField,), enable_codegen=True)
        ),
        engine.module_owners(PythonModuleOwnersRequest(PACKING_MODULE, resolve=resolve)),
    )
    owners = (*found.unambiguous, *found.ambiguous)
    contents = await engine.digest_contents(sources.snapshot.digest)
    packed = packed_directory(project, contents)
    if packed is None:
        return EMPTY_DIGEST
    directory = spec_of(given, project.spec_path).partition(":")[0].lstrip("/")
    files = [file for file in contents if file.path.startswith(f"{packed}/")]
    left_out = left_out_profiles(files, packed)
    if left_out:
        raise InvalidFieldException(f"Cannot package the {CascadeProjectTarget.alias} {project}. {left_out}")
    if any(file.path == os.path.join(packed, directory, PROFILES_FILE) for file in files):
        # What dbt finds depends on it, and it on where the PEX runs.
        return EMPTY_DIGEST
    if not owners:
        return EMPTY_DIGEST
    closure = await engine.transitive_targets(TransitiveTargetsRequest(owners))
    runtime, input_files, venv = await engine.concurrently(
        engine.python_sources(PythonSourceFilesRequest(closure.closure)),
        engine.create_digest(CreateDigest(files)),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                [project], output_filename="cascade_dbt_parse.pex", internal_only=True, include_source_files=False
            )
        ),
    )
    # Without the source root, as everything is in a PEX.
    output = "/".join(packed.split("/")[-2:]) + _SUFFIX
    question = {"files": packed, "inside": directory or ".", "output": output}
    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=("-m", PACKING_MODULE, json.dumps(question, sort_keys=True)),
            input_digest=await engine.merge_digests(MergeDigests([runtime.source_files.snapshot.digest, input_files])),
            output_directories=(output,),
            extra_env={
                "PEX_EXTRA_SYS_PATH": os.pathsep.join(runtime.source_roots),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONHASHSEED": "0",
            },
            description=f"Parse the dbt project of {project}",
            level=LogLevel.DEBUG,
        )
    )
    return parsed_or_raise(
        result.exit_code,
        result.stdout.decode(errors="replace").strip(),
        result.stderr.decode(errors="replace").strip(),
        result.output_digest,
        project=project,
        directory=directory or ".",
    )


def parsed_or_raise(
    exit_code: int, stdout: str, stderr: str, output: Digest, *, project: Address, directory: str
) -> Digest:
    """Return the files of a parse, or say why there are none.

    Args:
        exit_code: that of the process.
        stdout: why the project can be parsed only where the PEX runs, if so.
        stderr: the problems that dbt found.
        output: the files.
        project: the address of the `cascade_project`.
        directory: the directory of the dbt project.

    Raises:
        InvalidFieldException: dbt finds problems in it.
    """
    if exit_code != 0 and f"No module named {PACKING_MODULE}" in stderr:
        stdout, exit_code = "The Cascade runtime of its resolve is older than the plugin.", 0
    if exit_code != 0:
        hint = f"\n{PACKAGES_HINT}" if "dbt deps" in stderr else ""
        raise InvalidFieldException(
            f"dbt cannot parse {directory}, the dbt project of the {CascadeProjectTarget.alias} {project}:\n"
            f"{stderr}{hint}"
        )
    if stdout:
        logger.warning(
            f"The PEX of {project} lets dbt parse {directory} when it starts for the first time, because dbt cannot "
            f"parse it here. {stdout}"
        )
    return output
