"""`pants lint` and `pants fmt` on the SQL of dbt projects, by sqlfluff, where a team has configured it."""

from __future__ import annotations

import glob
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.core.goals.fmt import FmtResult, FmtTargetsRequest
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import Partition, PartitionerType, Partitions
from pants.engine.fs import CreateDigest, PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets, FieldSet, InvalidFieldException, Target
from pants.option.option_types import ArgsListOption, SkipOption, StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.sqlfluff_process import (
    SqlfluffOptions,
    SqlfluffRun,
    has_sqlfluff,
    run_sqlfluff,
    tool_requirements,
)
from cascade_pants.target_types.dbt import (
    CascadeDbtDependenciesField,
    CascadeDbtSkipSqlfluffField,
    CascadeDbtSourceField,
    CascadeDbtTargetField,
    CascadeDbtVarsField,
)
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraphRequest
from cascade_pants.util_rules.sqlfluff_config import find_sqlfluff_config

logger = logging.getLogger(__name__)

# What sqlfluff exits with after it has found something. Anything above means that it could not run.
_FOUND = 1
_PACKAGES = ("dbt_packages", "dbt_modules")


class CascadeSqlfluffSubsystem(Subsystem):
    options_scope = "cascade-sqlfluff"
    name = "sqlfluff"
    help = help_text(
        """
        Lint and format the SQL of dbt projects with sqlfluff, where a `.sqlfluff`, `[tool.sqlfluff]` in a
        `pyproject.toml`, or a section of `setup.cfg` or `tox.ini` configures it, in the directory of the project or
        above.

        sqlfluff comes from the resolve of the dbt project: add `sqlfluff` to its requirements, and
        `sqlfluff-templater-dbt` for `templater = dbt`. `install_from_resolve` names another resolve.
        """
    )

    skip = SkipOption("fmt", "lint")
    args = ArgsListOption(example="--exclude-rules LT05", extra_help="`sqlfluff lint` and `sqlfluff format` get them.")
    install_from_resolve = StrOption(
        default=None,
        help=softwrap(
            """
            The resolve with sqlfluff, by default that of each dbt project. With `templater = dbt`, it needs dbt and
            its adapter too.

            Example: `install_from_resolve = "sqlfluff"`
            """
        ),
    )
    extra_env_vars = StrListOption(
        default=[],
        advanced=True,
        help=softwrap(
            """
            The environment variables that sqlfluff gets, such as those that a `profiles.yml` of the team reads, with
            `templater = dbt`. Each is `NAME` or `NAME=value`.

            Example: `extra_env_vars = ["DBT_USER", "DBT_ENV=ci"]`
            """
        ),
    )

    @property
    def chosen(self) -> SqlfluffOptions:
        """The options of the process."""
        return SqlfluffOptions(tuple(self.args), tuple(self.extra_env_vars))


@dataclass(frozen=True)
class CascadeSqlfluffFieldSet(FieldSet):
    """A file of a dbt project, as sqlfluff sees it."""

    required_fields = (CascadeDbtSourceField, CascadeDbtDependenciesField)

    source: CascadeDbtSourceField
    dependencies: CascadeDbtDependenciesField
    target: CascadeDbtTargetField
    vars: CascadeDbtVarsField
    resolve: PythonResolveField

    def of_graph(self) -> DbtFileFieldSet:
        """Return the fields that decide the graph of the project."""
        return DbtFileFieldSet(self.address, self.source, self.dependencies, self.target, self.vars, self.resolve)

    @classmethod
    def opt_out(cls, tgt: Target) -> bool:
        """Return whether the file is not for sqlfluff."""
        return tgt.get(CascadeDbtSkipSqlfluffField).value or not is_linted(tgt.get(CascadeDbtSourceField).file_path)


def is_linted(path: str) -> bool:
    """Return whether a file holds SQL that is not of a package.

    Args:
        path: the file.
    """
    return path.endswith(".sql") and not any(part in _PACKAGES for part in path.split("/"))


class CascadeSqlfluffLintRequest(LintTargetsRequest):
    """Lint SQL files of dbt projects."""

    tool_subsystem = CascadeSqlfluffSubsystem  # type: ignore[assignment]
    field_set_type = CascadeSqlfluffFieldSet
    partitioner_type = PartitionerType.CUSTOM
    tool_name = "sqlfluff lint"
    tool_id = "cascade-sqlfluff"


class CascadeSqlfluffFmtRequest(FmtTargetsRequest):
    """Format SQL files of dbt projects."""

    tool_subsystem = CascadeSqlfluffSubsystem  # type: ignore[assignment]
    field_set_type = CascadeSqlfluffFieldSet
    partitioner_type = PartitionerType.CUSTOM
    tool_name = "sqlfluff format"
    tool_id = "cascade-sqlfluff-format"


async def _files_of_runs(
    field_sets: Sequence[CascadeSqlfluffFieldSet],
    subsystem: CascadeSqlfluffSubsystem,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> dict[SqlfluffRun, list[str]]:
    """Return the files to give to sqlfluff, by what they share. A project that has no configuration has none."""
    projects = defaultdict(list)
    for fields in field_sets:
        projects[DbtGraphRequest.of(fields.of_graph(), python_setup)].append(fields.source.file_path)
    configs = await engine.concurrently(find_sqlfluff_config(project.address.spec_path) for project in projects)
    found = {}
    for (project, files), config in zip(projects.items(), configs):
        if config is None:
            continue
        run = SqlfluffRun(project, subsystem.install_from_resolve or project.resolve)
        if has_sqlfluff(tool_requirements(targets, run.resolve, python_setup).values()):
            found[run] = sorted(files)
        else:
            _say_missing(run, subsystem.install_from_resolve)
    return found


def _say_missing(run: SqlfluffRun, chosen: str | None) -> None:
    if chosen:
        raise InvalidFieldException(
            f"The option `install_from_resolve` of `[cascade-sqlfluff]` is {chosen!r}, but no requirement of this "
            "resolve is sqlfluff. Add a `python_requirement` of it with "
            f"`resolve={chosen!r}`, and lock it."
        )
    logger.warning(
        f"sqlfluff leaves out {run.description}, because no requirement of its resolve `{run.resolve}` is sqlfluff. "
        "Add `sqlfluff` to the requirements of the resolve and lock it again, name another resolve with "
        "`install_from_resolve` in `[cascade-sqlfluff]`, or set the field `skip_sqlfluff`."
    )


@rule(desc="Partition the SQL of dbt projects for sqlfluff lint", level=LogLevel.DEBUG)
async def partition_sqlfluff_lint(
    request: CascadeSqlfluffLintRequest.PartitionRequest[CascadeSqlfluffFieldSet],
    subsystem: CascadeSqlfluffSubsystem,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> Partitions[str, SqlfluffRun]:
    if subsystem.skip:
        return Partitions()
    found = await _files_of_runs(request.field_sets, subsystem, targets, python_setup)
    return Partitions(Partition(tuple(files), run) for run, files in found.items())


@rule(desc="Partition the SQL of dbt projects for sqlfluff format", level=LogLevel.DEBUG)
async def partition_sqlfluff_fmt(
    request: CascadeSqlfluffFmtRequest.PartitionRequest[CascadeSqlfluffFieldSet],
    subsystem: CascadeSqlfluffSubsystem,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> Partitions[str, SqlfluffRun]:
    if subsystem.skip:
        return Partitions()
    found = await _files_of_runs(request.field_sets, subsystem, targets, python_setup)
    return Partitions(Partition(tuple(files), run) for run, files in found.items())


@rule(desc="Lint with sqlfluff", level=LogLevel.DEBUG)
async def lint_with_sqlfluff(
    batch: CascadeSqlfluffLintRequest.Batch[str, SqlfluffRun],
    subsystem: CascadeSqlfluffSubsystem,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> LintResult:
    run = batch.partition_metadata
    contents = await engine.path_globs_contents(PathGlobs(map(glob.escape, batch.elements)))
    digest = await engine.create_digest(CreateDigest(contents))
    result = await run_sqlfluff(run, "lint", subsystem.chosen, batch.elements, digest, targets, python_setup)
    return LintResult(result.exit_code, result.stdout, result.stderr, batch.tool_name, run.description)


@rule(desc="Format with sqlfluff", level=LogLevel.DEBUG)
async def format_with_sqlfluff(
    batch: CascadeSqlfluffFmtRequest.Batch,
    subsystem: CascadeSqlfluffSubsystem,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> FmtResult:
    run: SqlfluffRun = batch.partition_metadata
    result = await run_sqlfluff(
        run, "format", subsystem.chosen, batch.files, batch.snapshot.digest, targets, python_setup
    )
    if result.exit_code > _FOUND:
        raise InvalidFieldException(f"sqlfluff cannot format {run.description}:\n{result.stdout}{result.stderr}")
    output = await engine.digest_to_snapshot(result.files)
    return FmtResult(batch.snapshot, output, result.stdout, result.stderr, batch.tool_name)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), *CascadeSqlfluffLintRequest.rules(), *CascadeSqlfluffFmtRequest.rules()]
