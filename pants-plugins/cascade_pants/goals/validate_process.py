"""The process that loads declarations in a sandbox: `cascade validate`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from pants.backend.python.dependency_inference.module_mapper import module_from_stripped_path
from pants.backend.python.target_types import EntryPoint
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent, MergeDigests
from pants.engine.process import FallibleProcessResult
from pants.engine.target import Target
from pants.source.source_root import SourceRootsRequest
from pants.util.docutil import bin_name
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.util_rules.plugins import METADATA_DIRECTORY, NO_PLUGINS, PluginCode

LACKING_FILE = "__cascade_lacking_resources.txt"
"""Where a process lists the files of workflows that take a resource which none of its modules has."""

COLUMNS_FILE = "__cascade_columns.json"
"""Where a process lists the columns of the tables that its workflows fill."""


@dataclass(frozen=True)
class Validation:
    """One process of `cascade validate`.

    Args:
        addresses: the targets whose requirements it needs.
        closure: the targets whose sources it needs.
        main: the module of Cascade's command line.
        modules: the paths of the modules to check.
        known: the paths of other modules that it may load.
        markers: the paths of empty modules to create, which are checked too.
        only_resources: whether to check only the resources that workflows take, with `known` as the rest of a project.
        description: what it checks, for the console.
        plugins: the plugins to load. Their targets are among the others.
    """

    addresses: tuple[Address, ...]
    closure: tuple[Target, ...]
    main: str
    modules: frozenset[str]
    known: frozenset[str]
    markers: tuple[str, ...]
    only_resources: bool
    description: str
    plugins: PluginCode = NO_PLUGINS


def validate_arguments(
    modules: Iterable[str], known: Iterable[str], *, only_resources: bool = False
) -> tuple[str, ...]:
    """Build the command line of `cascade validate`.

    Args:
        modules: the modules to load and check.
        known: modules of other workflows that the sandbox may contain. Other processes check those.
        only_resources: whether to check only the resources that workflows take.
    """
    return (
        "validate",
        *(("--resources",) if only_resources else ("--lacking", LACKING_FILE, "--columns", COLUMNS_FILE)),
        *(word for module in sorted(modules) for word in ("--module", module)),
        *(word for module in sorted(known) for word in ("--known", module)),
    )


async def run_validation(validation: Validation) -> FallibleProcessResult:
    """Load declarations in a sandbox, and report every problem with file and line.

    Args:
        validation: what to load, and how.
    """
    modules = {*validation.modules, *validation.markers}
    sources, venv, marked, roots = await engine.concurrently(
        engine.python_sources(PythonSourceFilesRequest(validation.closure, include_files=True)),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                validation.addresses,
                output_filename="cascade_check.pex",
                internal_only=True,
                include_source_files=False,
                main=EntryPoint(validation.main, "main"),
            )
        ),
        engine.create_digest(
            CreateDigest([*(FileContent(path, b"") for path in validation.markers), *validation.plugins.files])
        ),
        engine.source_roots(SourceRootsRequest.for_files(sorted({*modules, *validation.known}))),
    )

    def module_of(path: str) -> str:
        return str(module_from_stripped_path(PurePath(path).relative_to(roots.path_to_root[PurePath(path)].path)))

    digest = await engine.merge_digests(MergeDigests([sources.source_files.snapshot.digest, marked]))
    return await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=validate_arguments(
                map(module_of, modules),
                map(module_of, validation.known),
                only_resources=validation.only_resources,
            ),
            input_digest=digest,
            output_files=() if validation.only_resources else (LACKING_FILE, COLUMNS_FILE),
            extra_env={
                "PEX_EXTRA_SYS_PATH": ":".join(
                    [*sources.source_roots, *([METADATA_DIRECTORY] if validation.plugins.metadata else [])]
                ),
                "PYTHONDONTWRITEBYTECODE": "1",
                # What hints about contracts name.
                "CASCADE_CONTRACTS_COMMAND": f"{bin_name()} cascade-contracts",
            },
            description=f"Check {validation.description}",
            level=LogLevel.DEBUG,
        )
    )
