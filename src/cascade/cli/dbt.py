"""`dbt`: run dbt on the project's models."""

from __future__ import annotations

import click

from cascade.cli.context import Invocation


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
    DuckDB file, which shows each table of the lakehouse without a copy. A second dbt waits until the first one ends.

    Exits as dbt does: with 1 if a model or a test fails, and with 2 if dbt cannot run.
    """
    from cascade.dbt.process import run_dbt

    invocation: Invocation = ctx.obj
    invocation.require_project()
    ctx.exit(run_dbt(invocation.config, arguments))
