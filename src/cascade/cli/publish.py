"""`publish`: copy models of the dbt project to PostgreSQL."""

from __future__ import annotations

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.terminal.output import Output


@click.command(short_help="Publish dbt models to PostgreSQL.")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@json_option
@click.pass_obj
def publish(invocation: Invocation, out: Output, models: tuple[str, ...]) -> None:
    """Publish MODELs to PostgreSQL, or all models whose meta says publish: postgres.

    The tests of a model run first. If one of severity error fails, the model is not published. A table in PostgreSQL
    changes in one transaction, and with a unique_key only rows that differ change. The models are not built: that is
    what dbt build does.

    Exit code 1 means that a model was not published.
    """
    from cascade.dbt.mart_publishing import marts_named, publish_marts
    from cascade.dbt.process import require_dbt_project
    from cascade.exceptions import CascadeError
    from cascade.terminal.words import counted

    invocation.require_project()
    require_dbt_project(invocation.config)
    marts = marts_named(invocation.config, models)
    documents, failed = [], False
    for mart, found in publish_marts(invocation.config, marts, out.say):
        document: dict[str, object] = {"model": mart.model, "table": mart.table.full_name}
        if isinstance(found, CascadeError):
            failed = True
            out.error(str(found))
            documents.append({**document, "problem": str(found)})
            continue
        counts = {"rows": found.rows, "inserted": found.inserted, "updated": found.updated, "removed": found.removed}
        documents.append({**document, **counts, "problem": None})
        changes = [f"{count} {name}" for name, count in counts.items() if name != "rows" and count]
        out.say(f"{mart.table.full_name}: {counted(found.rows, 'row')}, {', '.join(changes) or 'nothing changed'}")
    out.json({"marts": documents})
    if not marts:
        out.say("No model is published. To publish one, write in its YAML:")
        out.say("config: {meta: {cascade: {publish: postgres}}}")
    if failed:
        raise click.exceptions.Exit(1)
