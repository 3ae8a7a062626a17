"""`validate`: find the problems of the project without running anything."""

from __future__ import annotations

import json
import sys
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.defs_folder import DefsFolder
    from cascade.framework.validate import RestOfProject
    from cascade.ingestion import IngestionWorkflow


@dataclass(frozen=True)
class _Scope:
    """What to check; see `cascade.framework.validate.find_problems`."""

    modules: tuple[str, ...]
    known: tuple[str, ...] = ()
    listed_only: bool = False
    schemas: bool = False
    defs_folder: DefsFolder | None = None
    dbt_directory: Path | None = None
    rest: RestOfProject | None = None


@click.command(short_help="Check the workflows, the schemas and the dbt project.")
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--module", "modules", metavar="NAME", multiple=True, help="A module to check. May be repeated.")
@click.option(
    "--known", metavar="NAME", multiple=True, hidden=True, help="A module that another workflow lists. May be repeated."
)
@click.option(
    "--lacking",
    metavar="FILE",
    type=click.Path(path_type=Path),
    hidden=True,
    help="Where to list the files of workflows that take a resource which no checked module has.",
)
@click.option(
    "--columns",
    metavar="FILE",
    type=click.Path(path_type=Path),
    hidden=True,
    help="Where to list the columns of the tables that the checked workflows fill, as JSON.",
)
@click.option(
    "--resources",
    "only_resources",
    is_flag=True,
    hidden=True,
    help="Check only the resources that workflows take. The modules and those of --known are a whole project.",
)
@json_option
@click.pass_obj
def validate(
    invocation: Invocation,
    out: Output,
    paths: tuple[Path, ...],
    modules: tuple[str, ...],
    known: tuple[str, ...],
    lacking: Path | None,
    columns: Path | None,
    only_resources: bool,
) -> None:
    """Check the project: imports, decorators, keys, cron, schemas. If there is a dbt project, let dbt parse it.

    With PATH, check only a file or a directory of the workflows, or the dbt project. This also converts every schema of
    a module of schemas to Iceberg columns, whether or not a workflow uses it:

    \b
        cascade validate workflows/schemas
        cascade validate workflows/ingestion/weather

    Runs no workflow, opens no catalog and writes nothing. Prints one line `path:line: message` for each problem, and
    exits with 1 if there is a problem.
    """
    from cascade.contributor import relative_path, relative_paths
    from cascade.declarations.schema_fields import stored_columns_of
    from cascade.framework.validate import RestOfProject, find_problems, missing_resources

    # A check must not leave files behind, especially not among the sources.
    sys.dont_write_bytecode = True
    if paths and modules:
        raise UsageError("Paths and --module cannot be used together.")
    if modules:
        scope = _scope_of_modules(invocation, modules, known)
    else:
        scope = _scope_of_paths(invocation, out, paths) if paths else _whole_project(invocation, out)
    # Pants, which names modules, shows what a check prints only when it has ended.
    progress = nullcontext(lambda step: None) if modules else out.progress("checking", len(scope.modules) + 2)
    lack: list[str] = []
    tables: dict[str, dict[str, object]] = {}

    def filling(workflow: IngestionWorkflow[..., object]) -> None:
        schema = workflow.declaration.validation_schema
        names = stored_columns_of(schema)
        if names:
            tables[workflow.declaration.table] = {"schema": schema.__name__, "columns": list(names)}

    from cascade.legacy.old_imports import LegacyImportWarning

    # They are shown here alone, since there can be one for each import of an old project.
    with progress as begin, warnings.catch_warnings():
        warnings.filterwarnings("always", category=LegacyImportWarning)
        problems = (
            missing_resources(modules, RestOfProject(known))
            if only_resources
            else find_problems(
                scope.modules,
                scope.known,
                listed_only=scope.listed_only,
                defs_folder=scope.defs_folder,
                schemas=scope.schemas,
                dbt_directory=scope.dbt_directory,
                complete=not paths and not modules,
                rest=scope.rest,
                lacking=lack.append if lacking else None,
                filling=filling,
                starting=begin,
            )
        )
    base = Path.cwd()
    if lacking:
        lacking.write_text("".join(f"{relative_path(file, base)}\n" for file in dict.fromkeys(lack)), encoding="utf-8")
    if columns:
        columns.write_text(json.dumps(tables), encoding="utf-8")
    out.json(
        {
            "modules": list(scope.modules),
            "dbt_project": str(scope.dbt_directory) if scope.dbt_directory else None,
            "problems": [
                {
                    "file": relative_path(problem.location.file, base) if problem.location else None,
                    "line": problem.location.line if problem.location else None,
                    "kind": problem.kind,
                    "message": relative_paths(problem.message, base),
                }
                for problem in problems
            ],
        }
    )
    for problem in problems:
        out.say(problem.render(base))
    if problems:
        raise click.exceptions.Exit(1)
    out.say(f"No problems in {_checked(scope)}.")


def _scope_of_modules(invocation: Invocation, modules: tuple[str, ...], known: tuple[str, ...]) -> _Scope:
    from importlib.util import find_spec

    from cascade.config.root import find_project_root, is_project_root

    tops = {name.partition(".")[0] for name in modules}
    # Under Pants every listed module can be imported. In a standalone project the workflows must be found first.
    is_listed = invocation.given is not None or all(map(find_spec, tops))
    if is_listed or not is_project_root(find_project_root()):
        return _Scope(modules, known, listed_only=True)
    return _Scope(modules, (*known, *invocation.module_names))


def _whole_project(invocation: Invocation, out: Output) -> _Scope:
    from cascade.framework.defs_folder import find_defs_folder

    names = invocation.module_names
    if invocation.project.generated:
        return _Scope(names, listed_only=True)
    config = invocation.config
    return _Scope(names, defs_folder=find_defs_folder(config), dbt_directory=_dbt_directory(config, out))


def _scope_of_paths(invocation: Invocation, out: Output, paths: tuple[Path, ...]) -> _Scope:
    from cascade.cli.checked_paths import choose, files_of
    from cascade.dbt.contributor import has_dbt_project
    from cascade.framework.defs_folder import find_defs_folder
    from cascade.framework.validate import RestOfProject

    names = invocation.module_names
    config, generated = invocation.config, invocation.project.generated
    folder = None if generated else find_defs_folder(config)
    dbt = config.dbt_project_directory
    wholes = [*([folder.directory] if folder else []), *([dbt] if not generated and has_dbt_project(dbt) else [])]
    chosen = choose(paths, files_of(names), wholes, config.workflows_path)
    dbt_directory = dbt if dbt in chosen.directories else None
    if dbt_directory and chosen.modules:
        # As the only path, it fails without dbt. Together with modules, it is skipped with a warning.
        dbt_directory = _dbt_directory(config, out)
    return _Scope(
        chosen.modules,
        # The project also lists the modules next to the chosen ones.
        known=names,
        listed_only=generated,
        schemas=True,
        defs_folder=folder if folder and folder.directory in chosen.directories else None,
        dbt_directory=dbt_directory,
        rest=RestOfProject([name for name in names if name not in chosen.modules], folder),
    )


def _checked(scope: _Scope) -> str:
    parts = [counted(len(scope.modules), "module")] if scope.modules or not scope.dbt_directory else []
    if scope.dbt_directory:
        parts.append("the dbt project")
    return " and ".join(parts)


def _dbt_directory(config: CascadeConfig, out: Output) -> Path | None:
    """Return the directory of the dbt project, or None if there is no dbt project or dbt is not installed."""
    from cascade.dbt import dbt_is_installed, how_to_install_dbt
    from cascade.dbt.contributor import has_dbt_project

    directory = config.dbt_project_directory
    if not has_dbt_project(directory):
        return None
    if not dbt_is_installed():
        why = "because dbt is not installed"
        out.warn(f"the dbt project in {config.dbt_project_dir} was not parsed, {why}. {how_to_install_dbt()}")
        return None
    return directory
