"""`dbt`: run dbt on the project's models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation

if TYPE_CHECKING:
    from cascade.dbt.fillers import Filler


@click.command(
    short_help="Run dbt on the lakehouse.",
    # Everything is for dbt, also what looks like an option.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def dbt(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run dbt with any ARGUMENTs, on the dbt project of this project.

    \b
        cascade dbt build
        cascade dbt test --select weather_daily
        cascade dbt show --inline "select * from {{ source('raw', 'weather_observations') }}"
        cascade dbt build --select state:modified+

    The directories of the project, the profile, the target and the state are set. In the embedded setup, dbt runs in a
    DuckDB file, which shows each table of the lakehouse without a copy, and the table of a workflow that never ran
    without rows. A second dbt waits until the first one ends.

    Exits as dbt does: with 1 if a model or a test fails, and with 2 if dbt cannot run.
    """
    from cascade.dbt.fillers import write_fillers
    from cascade.dbt.process import require_dbt_project, run_dbt

    invocation: Invocation = ctx.obj
    invocation.require_project()
    require_dbt_project(invocation.config)
    write_fillers(invocation.config, _fillers(invocation))
    ctx.exit(run_dbt(invocation.config, arguments))


def _fillers(invocation: Invocation) -> list[Filler]:
    """Return the workflows as their source shows them, since an import of all modules may take seconds."""
    from cascade.dbt.fillers import Filler
    from cascade.exceptions import DiscoveryError
    from cascade.framework.declared_names import declared_names, module_file

    try:
        names = invocation.module_names
    except DiscoveryError:
        # Without a directory of workflows, dbt runs on what there is.
        return []
    files = {
        name: file
        for name in names
        if (file := next(filter(None, (module_file(Path(base), name) for base in sys.path)), None))
    }
    return [Filler(name.table, name.asset, name.module) for name in declared_names(files) if name.table]
