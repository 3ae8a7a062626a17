"""The graph of a dbt project, read by a process of its resolve, since Pants' own interpreter has no Jinja."""

from __future__ import annotations

import glob
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent, GlobMatchErrorBehavior, MergeDigests, PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets, FieldSet, InvalidFieldException, SourcesField, Target
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.target_types.dbt import (
    CascadeDbtDependenciesField,
    CascadeDbtProjectTarget,
    CascadeDbtSourceField,
    CascadeDbtTargetField,
    CascadeDbtVarsField,
)
from cascade_pants.util_rules.runtime_part import find_runtime_part

logger = logging.getLogger(__name__)

GRAPH_MODULE = "cascade.dbt_graph"
PROJECT_FILE = "dbt_project.yml"
# Only the names of seeds matter, so an edit of their rows changes no edge.
_WITHOUT_CONTENT = (".csv",)
_QUARANTINE = "__quarantine"
_NO_TESTS: FrozenDict[str, str] = FrozenDict()


@dataclass(frozen=True)
class DbtFileFieldSet(FieldSet):
    """The fields of a file of a dbt project."""

    required_fields = (CascadeDbtSourceField, CascadeDbtDependenciesField)

    source: CascadeDbtSourceField
    dependencies: CascadeDbtDependenciesField
    target: CascadeDbtTargetField
    vars: CascadeDbtVarsField
    resolve: PythonResolveField


@dataclass(frozen=True)
class DbtGraphRequest:
    """Read the graph of a dbt project.

    Args:
        address: the address of the `cascade_dbt_project`.
        resolve: the name of its resolve.
        target: the name of dbt's target.
        variables: dbt's variables as JSON, if it has any.
        dependencies: the addresses of what it needs from outside.
    """

    address: Address
    resolve: str
    target: str
    variables: str | None
    dependencies: tuple[str, ...]

    @classmethod
    def of(cls, fields: DbtFileFieldSet, python_setup: PythonSetup) -> DbtGraphRequest:
        """Request the graph of the project that a file belongs to. All its files share one request."""
        return cls(
            fields.address.maybe_convert_to_target_generator(),
            fields.resolve.normalized_value(python_setup),
            fields.target.value or str(CascadeDbtTargetField.default),
            fields.vars.value,
            tuple(fields.dependencies.value or ()),
        )


@dataclass(frozen=True)
class DeclaredSource:
    """A table that the YAML of a dbt project declares as a source.

    Args:
        table: its full name.
        file: the file of the YAML.
        line: the line in it.
        external: whether something other than a workflow fills it.
        name: what `source()` takes, as `<source>.<table>`.
        columns: the columns that it lists, each with its line.
    """

    table: str
    file: str
    line: int
    external: bool
    name: str = ""
    columns: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class DbtGraph:
    """The graph of a dbt project.

    Args:
        needed: the targets of the files that each file needs, by path.
        tables: the tables that each file reads, by path.
        tested: the files that have something to build or to test.
        declared: the tables of its sources.
        problems: what is wrong, each with file and line.
        source_tests: the file that the data tests of a table of a source belong to, by `<source>.<table>`.
        built_from: the files and the tables that the models, seeds and snapshots of each file are built from, by path.
        nodes: the models, seeds and snapshots, as JSON. Empty if the runtime in the resolve is too old to list them.
        disabled_seeds: the disabled seeds that have the tables of sources, by table.
    """

    needed: FrozenDict[str, tuple[Address, ...]]
    tables: FrozenDict[str, tuple[str, ...]]
    tested: tuple[str, ...]
    declared: tuple[DeclaredSource, ...]
    problems: tuple[str, ...]
    source_tests: FrozenDict[str, str] = _NO_TESTS
    built_from: FrozenDict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=FrozenDict)
    nodes: str = "[]"
    disabled_seeds: FrozenDict[str, str] = _NO_TESTS


def path_of(target: Target) -> str | None:
    """Return the path of a target that owns one file."""
    if target.address.is_generated_target and target.address.relative_file_path is not None:
        return target.address.filename
    return target[CascadeDbtSourceField].file_path if target.has_field(CascadeDbtSourceField) else None


def owners_by_path(request: DbtGraphRequest, targets: Iterable[Target]) -> dict[str, Address]:
    """Return the targets of the files of a project and of its dependencies, by path.

    Args:
        request: the project.
        targets: all targets of the repository.
    """
    wanted = {request.address.spec, *(spec_of(one, request.address.spec_path) for one in request.dependencies)}
    found: dict[str, Address] = {}
    for target in targets:
        generator = target.address.maybe_convert_to_target_generator()
        if not target.has_field(SourcesField) or wanted.isdisjoint((generator.spec, target.address.spec)):
            continue
        path = path_of(target)
        if path is not None:
            found.setdefault(path, target.address)
    return found


def spec_of(dependency: str, directory: str) -> str:
    """Return the full form of an address in the field `dependencies`.

    Args:
        dependency: the address, such as `:macros`, `src/base` or `src/base:base`.
        directory: the directory of the BUILD file.
    """
    path, _, name = dependency.partition(":")
    if not dependency.startswith("//"):
        path = path or directory
    path = path.lstrip("/")
    return f"{path or '//'}:{name or os.path.basename(path)}"


def workflow_table(table: str) -> str:
    """Return the table whose workflow fills a table: a quarantine is filled by that of the table it belongs to."""
    return table[: -len(_QUARANTINE)] if table.endswith(_QUARANTINE) else table


def read_graph(answer: Mapping[str, Any], owners: Mapping[str, Address]) -> DbtGraph:
    """Read the answer of the process.

    Args:
        answer: its document.
        owners: the targets of the files, by path.
    """
    return DbtGraph(
        FrozenDict(
            {
                path: tuple(sorted(owners[one] for one in needed if one in owners))
                for path, needed in answer["files"].items()
            }
        ),
        FrozenDict({path: tuple(tables) for path, tables in answer["tables"].items()}),
        tuple(answer["tested"]),
        tuple(
            DeclaredSource(**{**one, "columns": tuple((name, line) for name, line in one.get("columns", ()))})
            for one in answer["declared"]
        ),
        tuple(answer["problems"]),
        FrozenDict(answer.get("source_tests") or {}),
        FrozenDict({path: (tuple(files), tuple(tables)) for path, (files, tables) in answer["built_from"].items()}),
        json.dumps(answer.get("nodes", [])),
        FrozenDict(answer.get("disabled_seeds") or {}),
    )


@rule(desc="Read the graph of a dbt project", level=LogLevel.DEBUG)
async def find_dbt_graph(
    request: DbtGraphRequest, targets: AllTargets, python_setup: PythonSetup, cascade: CascadeSubsystem
) -> DbtGraph:
    part = await find_runtime_part(GRAPH_MODULE, request.resolve if python_setup.enable_resolves else None)
    if part is None:
        raise InvalidFieldException(
            f"The {CascadeDbtProjectTarget.alias} {request.address} needs the Cascade runtime, but nothing in its "
            f"resolve {request.resolve!r} provides the module {GRAPH_MODULE}.\n"
            f"Add the line `{cascade.runtime_requirement}` to the requirements of that resolve, or set the field "
            "`resolve` to one that has it. If the requirement is there, upgrade it to the version of the plugin."
        )
    owners = owners_by_path(request, targets)
    directory = request.address.spec_path
    if os.path.join(directory, PROJECT_FILE) not in owners:
        raise InvalidFieldException(
            f"The {CascadeDbtProjectTarget.alias} {request.address} owns no {PROJECT_FILE}. Its BUILD file belongs in "
            "the directory of that file, and the field `sources` must not leave it out."
        )
    read = [path for path in owners if not path.endswith(_WITHOUT_CONTENT)]
    contents = await engine.path_globs_contents(
        PathGlobs(map(glob.escape, sorted(read)), glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
    )
    empty = [FileContent(path, b"") for path in sorted(owners) if path.endswith(_WITHOUT_CONTENT)]
    sources, files, venv = await engine.concurrently(
        engine.python_sources(PythonSourceFilesRequest(part.sources)),
        engine.create_digest(CreateDigest([*contents, *empty])),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                part.requirements,
                output_filename="cascade_dbt_graph.pex",
                internal_only=True,
                include_source_files=False,
            )
        ),
    )
    question = {
        "directory": directory or ".",
        "target": request.target,
        "vars": json.loads(request.variables) if request.variables else {},
    }
    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=("-m", GRAPH_MODULE, json.dumps(question, sort_keys=True)),
            input_digest=await engine.merge_digests(MergeDigests([sources.source_files.snapshot.digest, files])),
            extra_env={
                "PEX_EXTRA_SYS_PATH": os.pathsep.join(sources.source_roots),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            description=f"Read the graph of the dbt project {request.address}",
            level=LogLevel.DEBUG,
        )
    )
    if result.exit_code != 0:
        raise InvalidFieldException(
            f"`python -m {GRAPH_MODULE}` failed on {request.address}:\n{result.stderr.decode(errors='replace')}"
        )
    answer = json.loads(result.stdout)
    if answer["computed"]:
        logger.info(
            f"In the dbt project {request.address}, the arguments of these calls are computed, so the model depends on "
            f"every model: {', '.join(answer['computed'])}"
        )
    graph = read_graph(answer, owners)
    if graph.problems:
        logger.warning(
            f"Problems in the dbt project {request.address}, which `pants check` lists as well:"
            + "".join(f"\n  {problem}" for problem in graph.problems)
        )
    return graph


if engine.BY_NAME:

    async def dbt_graph(request: DbtGraphRequest) -> DbtGraph:
        """Read the graph of a dbt project, once for all its files."""
        graph: DbtGraph = await find_dbt_graph(request, **engine.implicitly())
        return graph

else:
    from cascade_pants.engine.own_rules import own_rule

    dbt_graph = own_rule(DbtGraph, DbtGraphRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
