"""Render the runtime's templates of a new workflow, in a process.

The templates belong to the runtime, which is in the user's resolve and not in Pants' interpreter. The process gets only
the templates and what they import, so that it is ready in seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonSourceField
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.engine.fs import CreateDigest, MergeDigests
from pants.engine.rules import collect_rules, rule
from pants.engine.target import Target
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.util_rules.plugins import METADATA_DIRECTORY, NO_PLUGINS, PluginCode, light_part
from cascade_pants.util_rules.runtime_part import RuntimePart, find_runtime_part

TEMPLATES_MODULE = "cascade.scaffold"
NO_FILES: FrozenDict[str, str] = FrozenDict()
NO_PLUGINS_BY_RESOLVE: FrozenDict[Optional[str], PluginCode] = FrozenDict()  # noqa: UP045


@dataclass(frozen=True)
class ScaffoldRequest:
    """A workflow to write.

    Args:
        arguments: what `python -m cascade.scaffold` takes, as JSON text.
        plugins: the plugins that may have the source of the workflow, by resolve.
    """

    arguments: str
    plugins: FrozenDict[str | None, PluginCode] = NO_PLUGINS_BY_RESOLVE

    @classmethod
    def create(
        cls, arguments: Mapping[str, object], plugins: Mapping[str | None, PluginCode] = NO_PLUGINS_BY_RESOLVE
    ) -> ScaffoldRequest:
        """Drop arguments that were not given and sort the rest, so that equal requests share one cached process."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return cls(json.dumps(given, sort_keys=True), FrozenDict(plugins))


@dataclass(frozen=True)
class ScaffoldAnswer:
    """The files of a workflow, or why there are none.

    Args:
        build: the text of the BUILD file.
        files: the text of each other file by its path from the root of the repository.
        packages: the same for the `__init__.py` of the packages above, to be written in new directories only.
        table: the table that the workflow fills.
        partition: the key of a partition for which the workflow has rows.
        error: what is wrong with the request.
        runtime_missing: whether no resolve has a runtime that can answer.
    """

    build: str = ""
    files: FrozenDict[str, str] = NO_FILES
    packages: FrozenDict[str, str] = NO_FILES
    table: str = ""
    partition: str = ""
    error: str | None = None
    runtime_missing: bool = False


def resolves_to_search(python_setup: PythonSetup) -> tuple[str | None, ...]:
    """List the resolves that may have the runtime, the default resolve first.

    Args:
        python_setup: the options of `[python]`.
    """
    if not python_setup.enable_resolves:
        return (None,)
    others = sorted(set(python_setup.resolves) - {python_setup.default_resolve})
    return (python_setup.default_resolve, *others)


def missing_runtime_message(requirement: str, resolve: str | None) -> str:
    """Explain how to add the runtime to a repository.

    Args:
        requirement: the requirement that provides the runtime, such as `cascade-workflows`.
        resolve: the resolve that workflows are in by default, if resolves are enabled.
    """
    of_resolve = f' of the resolve "{resolve}"' if resolve else ""
    lock = f" and lock it again: pants generate-lockfiles --resolve={resolve}" if resolve else ""
    return (
        f"No target of this repository provides {TEMPLATES_MODULE}, the runtime's templates.\n"
        f"Add this line to the requirements{of_resolve}{lock}\n\n"
        f"    {requirement}\n\n"
        "The package and its module have different names, so map them in the BUILD file beside the requirements:\n\n"
        f'    python_requirements(..., module_mapping={{"{requirement}": ["cascade"]}})'
    )


async def _find_templates(python_setup: PythonSetup) -> tuple[RuntimePart, str | None] | None:
    """Find the targets that provide the templates, in the first resolve that has them."""
    for resolve in resolves_to_search(python_setup):
        found = await find_runtime_part(TEMPLATES_MODULE, resolve)
        if found is not None:
            return found, resolve
    return None


def _runtime_directory(sources: Iterable[Target]) -> str | None:
    """Return the directory of the runtime, or None if it is a requirement."""
    main = f"{TEMPLATES_MODULE.rpartition('.')[2]}/__main__.py"
    paths = (target[PythonSourceField].file_path for target in sources if target.has_field(PythonSourceField))
    return next((path[: -len(main) - 1] for path in paths if path.endswith(f"/{main}")), None)


@rule(desc="Write a Cascade workflow from the runtime's templates", level=LogLevel.DEBUG)
async def answer_scaffold_request(
    request: ScaffoldRequest, python_setup: PythonSetup, cascade: CascadeSubsystem
) -> ScaffoldAnswer:
    found = await _find_templates(python_setup)
    if found is None:
        resolve = resolves_to_search(python_setup)[0]
        message = missing_runtime_message(cascade.runtime_requirement, resolve)
        return ScaffoldAnswer(error=message, runtime_missing=True)
    templates, resolve = found
    plugins = request.plugins.get(resolve, NO_PLUGINS)
    plugin_sources, plugin_requirements = await light_part(plugins, _runtime_directory(templates.sources))
    sources = await engine.python_sources(PythonSourceFilesRequest((*templates.sources, *plugin_sources)))
    venv = await engine.venv_pex_from_targets(
        PexFromTargetsRequest(
            (*templates.requirements, *plugin_requirements),
            output_filename="cascade_scaffold.pex",
            internal_only=True,
            include_source_files=False,
        )
    )
    arguments = {**json.loads(request.arguments), "runtime_is_first_party": bool(templates.sources)}
    if resolve is not None and resolve != python_setup.default_resolve:
        arguments.setdefault("resolve", resolve)
    metadata = await engine.create_digest(CreateDigest(plugins.files))
    digest = await engine.merge_digests(MergeDigests([sources.source_files.snapshot.digest, metadata]))
    extra = [METADATA_DIRECTORY] if plugins.metadata else []
    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=("-m", TEMPLATES_MODULE, json.dumps(arguments, sort_keys=True)),
            input_digest=digest,
            extra_env={"PEX_EXTRA_SYS_PATH": os.pathsep.join([*sources.source_roots, *extra])},
            description="Write a Cascade workflow from the runtime's templates",
            level=LogLevel.DEBUG,
        )
    )
    return read_answer(
        result.exit_code, result.stdout.decode(), result.stderr.decode(), requirement=cascade.runtime_requirement
    )


def read_answer(exit_code: int, output: str, errors: str, *, requirement: str) -> ScaffoldAnswer:
    """Read what the process printed.

    Args:
        exit_code: the exit code of the process.
        output: its standard output, one JSON document.
        errors: its standard error, to be shown if it failed.
        requirement: the requirement that provides the runtime.
    """
    if exit_code != 0:
        return ScaffoldAnswer(error=f"`python -m {TEMPLATES_MODULE}` failed:\n{errors}")
    document = json.loads(output)
    if "error" in document:
        return ScaffoldAnswer(error=document["error"])
    if "build" not in document:
        error = f"The runtime of this repository is older than the plugin. Upgrade {requirement} to the same version."
        return ScaffoldAnswer(error=error, runtime_missing=True)
    return ScaffoldAnswer(
        build=document["build"],
        files=FrozenDict(document["files"]),
        packages=FrozenDict(document["packages"]),
        table=document["table"],
        partition=document["partition"],
    )


if engine.BY_NAME:

    async def scaffold_answer(request: ScaffoldRequest) -> ScaffoldAnswer:
        """Render the runtime's templates, once for all callers."""
        answer: ScaffoldAnswer = await answer_scaffold_request(request, **engine.implicitly())
        return answer

else:
    from cascade_pants.engine.own_rules import own_rule

    scaffold_answer = own_rule(ScaffoldAnswer, ScaffoldRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
