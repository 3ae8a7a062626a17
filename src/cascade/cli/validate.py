"""`validate`: everything that is wrong with the declarations of the project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.output import Output, counted, json_option

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@click.command()
@click.option("--module", "modules", metavar="NAME", multiple=True, help="A module to check. May be repeated.")
@click.option(
    "--known", metavar="NAME", multiple=True, hidden=True, help="A module that another workflow lists. May be repeated."
)
@json_option
@click.pass_obj
def validate(invocation: Invocation, out: Output, modules: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Check every workflow: decorators, keys, cron, schemas, imports. Let dbt parse its project, if there is one.

    Prints one line `path:line: message` for each problem and exits with 1 if there is any.
    """
    from cascade.framework.defs_folder import find_defs_folder
    from cascade.framework.validate import find_dbt_problems, find_problems, relative_path

    # A check must leave nothing behind, least of all among sources that somebody else compares.
    sys.dont_write_bytecode = True
    names = modules or invocation.module_names
    listed_only = bool(modules) or invocation.project.generated
    folder = None if listed_only else find_defs_folder(invocation.config)
    problems = find_problems(names, known, listed_only=listed_only, defs_folder=folder)
    dbt_directory = None if listed_only else _dbt_directory(invocation.config, out)
    if dbt_directory is not None:
        with out.progress("parsing the dbt project", 1):
            problems += find_dbt_problems(dbt_directory)
    base = Path.cwd()
    out.json(
        {
            "modules": list(names),
            "dbt_project": str(dbt_directory) if dbt_directory else None,
            "problems": [
                {
                    "file": relative_path(problem.location.file, base) if problem.location else None,
                    "line": problem.location.line if problem.location else None,
                    "kind": problem.kind,
                    "message": problem.message,
                }
                for problem in problems
            ],
        }
    )
    for problem in problems:
        out.say(problem.render(base))
    if problems:
        raise click.exceptions.Exit(1)
    out.say(f"No problems in {counted(len(names), 'module')}{' and the dbt project' if dbt_directory else ''}.")


def _dbt_directory(config: CascadeConfig, out: Output) -> Path | None:
    """Gives the directory of the dbt project, if there is one and something to parse it with."""
    from cascade.dbt import INSTALL_DBT, dbt_is_installed
    from cascade.framework.validate import has_dbt_project

    directory = config.dbt_project_directory
    if not has_dbt_project(directory):
        return None
    if not dbt_is_installed():
        out.warn(f"the dbt project in {config.dbt_project_dir} was not parsed, for want of dbt. Type: {INSTALL_DBT}")
        return None
    return directory
