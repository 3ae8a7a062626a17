"""`create-workflow`: write a new workflow, quality check or dbt model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.authoring.create import (
    DEFAULT_ASSET,
    DEFAULT_KEY,
    DEFAULT_SOURCE,
    DEFAULT_TYPE,
    SOURCES,
    TYPES,
)
from cascade.cli.choices import OpenChoice
from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.scaffold.plugin_sources import plugin_sources
from cascade.terminal.output import Output
from cascade.terminal.questions import can_ask

if TYPE_CHECKING:
    from cascade.authoring.new_files import NewFiles
    from cascade.authoring.written_files import Written


@click.command("create-workflow", short_help="Write a new workflow, quality check or dbt model.")
@click.option(
    "--type",
    "kind",
    type=OpenChoice([*TYPES, *SOURCES], plugin_sources),
    metavar="|".join(TYPES),
    help=f"What to write; {DEFAULT_TYPE} by default. A source, such as file, means an ingestion from it.",
)
@click.option("--domain", metavar="NAME", help="The subject, such as weather. Files and tables are named after it.")
@click.option(
    "--source",
    type=OpenChoice(list(SOURCES), plugin_sources),
    metavar="|".join(SOURCES),
    help=f"Where an ingestion reads its rows; {DEFAULT_SOURCE} by default. Plugins add sources.",
)
@click.option(
    "--asset",
    metavar="NAME",
    help=f"What an ingestion's rows are, such as forecasts; {DEFAULT_ASSET} by default. Also the name of the function.",
)
@click.option(
    "--table",
    metavar="NAME",
    shell_complete=complete_tables,
    help="The table to fill, check or read; <domain>_<asset> by default.",
)
@click.option(
    "--unique-key",
    "--key",
    "unique_key",
    metavar="COLUMN[,COLUMN...]",
    multiple=True,
    help=f"The columns that identify a row of an ingestion; {DEFAULT_KEY} by default.",
)
@click.option("--cron", metavar="CRON", help="When an ingestion runs automatically, such as '0 6 * * *'.")
@click.option("--group", metavar="NAME", help="The Dagster group of an ingestion's asset; the domain by default.")
@click.option("--force", is_flag=True, help="Overwrite files that have different content.")
@click.option("--dry-run", is_flag=True, help="Print the files without writing them.")
@json_option
@click.pass_obj
def create_workflow(
    invocation: Invocation,
    out: Output,
    kind: str | None,
    domain: str | None,
    source: str | None,
    asset: str | None,
    table: str | None,
    unique_key: tuple[str, ...],
    cron: str | None,
    group: str | None,
    force: bool,
    dry_run: bool,
) -> None:
    """Write a workflow with its schema and its test. It runs without changes; adapt it to your data.

    In a terminal, the command asks for missing options. Elsewhere it uses the defaults. It works in any directory of
    the project, and overwrites nothing without --force.

    \b
        cascade create-workflow --domain weather
        cascade create-workflow --domain weather --asset forecasts
        cascade create-workflow --type database --domain orders --key order_id --cron '0 6 * * *'
        cascade create-workflow --type quality --domain weather
    """
    from cascade.authoring import create
    from cascade.authoring.new_files import WorkflowOptions, Workplace
    from cascade.authoring.written_files import write_files

    if invocation.given is not None:
        raise UsageError(
            f"Pants manages the workflows of the project {invocation.given.name}, and creates new ones.",
            hint="In the repository, type: pants cascade-scaffold src/workflows/weather",
        )
    from cascade.legacy.layout import is_legacy_package

    invocation.require_project()
    if is_legacy_package(invocation.config.workflows_directory):
        raise UsageError(
            "create-workflow writes files of today's layout, and this project has the layout from before version 1.0.",
            hint=f"Migrate the project first: {invocation.program} migrate --check",
        )
    workplace = Workplace(invocation.config, invocation.program, lambda: invocation.loaded, invocation.workflow_named)
    asking = can_ask(as_json=out.as_json)
    options = WorkflowOptions(kind, domain, source, asset, table, unique_key, cron, group, asking)
    made = create.create_workflow(workplace, options)
    document = {"type": made.kind, "source": made.source, "domain": made.domain, "table": made.new.table}
    if dry_run:
        out.json({**document, "files": dict(made.new.files)})
        for path, text in made.new.files.items():
            out.say(f"# {path}\n{text}")
        out.say("Nothing was written (--dry-run).")
        return
    root = invocation.config.project_root
    instead = (
        f"To add another workflow to {made.domain}, name its rows, for example: --asset forecasts"
        if made.source
        else ""
    )
    written = write_files(root, made.new.files, force=force, instead=instead)
    out.json({**document, "directory": str(root), "files": written.document, "next": list(made.new.next_commands)})
    _report(out, root, made.new, written)


def _report(out: Output, root: Path, new: NewFiles, written: Written) -> None:
    if root != Path.cwd():
        out.say(f"In {root}:")
    words = {
        **dict.fromkeys(written.created, "Wrote"),
        **dict.fromkeys(written.overwritten, "Overwrote"),
        **dict.fromkeys(written.unchanged, "Unchanged:"),
    }
    for path in new.files:
        out.say(f"{words[path]} {path}")
    for notice in new.notices:
        out.say(notice)
    out.say("\nNext:")
    for command in new.next_commands:
        out.say(f"  {command}")
