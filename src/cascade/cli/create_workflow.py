"""`create-workflow`: a new workflow, quality check or dbt model in the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.scaffold.request import ASSET
from cascade.terminal.output import Output
from cascade.terminal.questions import ask_choice, ask_text, can_ask

if TYPE_CHECKING:
    from cascade.authoring.new_files import NewFiles

_TYPES = {
    "ingestion": "rows from a source into an Iceberg table",
    "transform": "a dbt model over a table, with its source and tests",
    "quality": "a check of a table's rows, each time that it is materialized",
}
_SOURCES = {
    "file": "CSV, JSON lines or Parquet beside the code",
    "rest-api": "an HTTP API that answers with JSON",
    "database": "a table of PostgreSQL, MySQL, SQLite, …",
    "dataframe": "a Polars frame that your code makes",
}
_DEFAULT_TYPE, _DEFAULT_SOURCE, _DEFAULT_KEY = "ingestion", "file", "id"


@click.command("create-workflow", short_help="Write a new workflow, quality check or dbt model.")
@click.option(
    "--type",
    "kind",
    type=click.Choice([*_TYPES, *_SOURCES]),
    metavar="|".join(_TYPES),
    help=f"What to write; {_DEFAULT_TYPE} by default. A kind of source stands for an ingestion from it.",
)
@click.option("--domain", metavar="NAME", help="Its subject, such as weather, which names files and tables.")
@click.option(
    "--source",
    type=click.Choice(list(_SOURCES)),
    metavar="|".join(_SOURCES),
    help=f"Where an ingestion's rows come from; {_DEFAULT_SOURCE} by default.",
)
@click.option(
    "--asset",
    metavar="NAME",
    help=f"What an ingestion's rows are, such as forecasts, which names its function; {ASSET} by default.",
)
@click.option(
    "--table",
    metavar="NAME",
    shell_complete=complete_tables,
    help="The table to fill, check or read; by default <domain>_observations, or as --asset says.",
)
@click.option(
    "--unique-key",
    "--key",
    "unique_key",
    metavar="COLUMN[,COLUMN...]",
    multiple=True,
    help=f"The columns that identify a row of an ingestion; {_DEFAULT_KEY} by default.",
)
@click.option("--cron", metavar="CRON", help="When an ingestion runs by itself, such as '0 6 * * *'.")
@click.option("--group", metavar="NAME", help="Dagster's group of an ingestion's asset; by default the domain.")
@click.option("--force", is_flag=True, help="Overwrite files that have another content.")
@click.option("--dry-run", is_flag=True, help="Print the files instead of writing them.")
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
    """Write a workflow that runs at once, with its schema and its test, for you to change.

    On a terminal it asks for what is missing; elsewhere it takes the defaults. It finds the project from any directory
    in it, and overwrites nothing without --force.

    \b
        cascade create-workflow --domain weather
        cascade create-workflow --domain weather --asset forecasts
        cascade create-workflow --type database --domain orders --key order_id --cron '0 6 * * *'
        cascade create-workflow --type quality --domain weather
    """
    from cascade.authoring.new_files import Workplace, refuse_hidden_modules
    from cascade.authoring.new_ingestion import IngestionOptions, new_ingestion
    from cascade.authoring.new_over_table import new_quality, new_transform

    _require_standalone(invocation)
    asking = can_ask(as_json=out.as_json)
    kind, source = _kind_and_source(kind, source)
    given = {"--source": source, "--asset": asset, "--unique-key": unique_key, "--cron": cron, "--group": group}
    _refuse_unused(kind, [name for name, value in given.items() if value not in (None, ())])
    if kind is None:
        kind = ask_choice("Type", _TYPES, _DEFAULT_TYPE) if asking and not any(given.values()) else _DEFAULT_TYPE
    domain = _domain(domain, kind, asking=asking, program=invocation.program)
    config = invocation.config
    workplace = Workplace(config, invocation.program, lambda: invocation.loaded, invocation.workflow_named)
    if kind == "ingestion":
        if source is None:
            source = ask_choice("Source", _SOURCES, _DEFAULT_SOURCE) if asking else _DEFAULT_SOURCE
        options = IngestionOptions(domain, source, asset, table, unique_key, cron, group)
        new = new_ingestion(workplace, options, asking=asking)
    elif kind == "quality":
        new = new_quality(workplace, domain, table, asking=asking)
    else:
        new = new_transform(workplace, domain, table, asking=asking)
    refuse_hidden_modules(config.project_root, new.files)
    document = {"type": kind, "source": source, "domain": domain, "table": new.table}
    if dry_run:
        _print_files(out, new, document)
    else:
        _write(out, config.project_root, new, document, force=force)


def _require_standalone(invocation: Invocation) -> None:
    if invocation.given is not None:
        raise UsageError(
            f"The project {invocation.given.name} has the workflows that its build names, and Pants writes new ones.",
            hint="Type in the repository: pants cascade-scaffold src/workflows/weather",
        )
    invocation.require_project()


def _kind_and_source(kind: str | None, source: str | None) -> tuple[str | None, str | None]:
    """A kind of source may be given as the type."""
    if kind not in _SOURCES:
        return kind, source
    if source not in (None, kind):
        raise UsageError(f"--type {kind} and --source {source} name two sources of one ingestion. Give one of them.")
    return "ingestion", kind


def _refuse_unused(kind: str | None, given: Sequence[str]) -> None:
    if kind in (None, "ingestion") or not given:
        return
    what = "A check" if kind == "quality" else "A dbt model"
    raise UsageError(f"{what} takes no {', '.join(given)}: the workflow of its table decides that.")


def _domain(domain: str | None, kind: str, *, asking: bool, program: str) -> str:
    from cascade.scaffold.names import domain_problems, good_domain

    command = f"{program} create-workflow --type {kind} --domain"
    if domain is None:
        if asking:
            return ask_text("Domain, such as weather", check=domain_problems)
        raise UsageError(
            "The workflow needs a domain, which is its subject.", hint=f"Type, for instance: {command} weather"
        )
    problems = tuple(domain_problems(domain))
    if problems:
        raise UsageError(problems[0], hint=f"Type, for instance: {command} {good_domain(domain)}")
    return domain


def _write(out: Output, root: Path, new: NewFiles, document: Mapping[str, object], *, force: bool) -> None:
    from cascade.authoring.written_files import write_files

    written = write_files(root, new.files, force=force)
    out.json(
        {
            **document,
            "directory": str(root),
            "files": {
                "created": list(written.created),
                "overwritten": list(written.overwritten),
                "unchanged": list(written.unchanged),
            },
            "next": list(new.next_commands),
        }
    )
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


def _print_files(out: Output, new: NewFiles, document: Mapping[str, object]) -> None:
    out.json({**document, "files": dict(new.files)})
    for path, text in new.files.items():
        out.say(f"# {path}\n{text}")
    out.say("Nothing was written (--dry-run).")
