"""Turn the options of `create-workflow` into files, and ask the user for missing options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cascade.exceptions import UsageError
from cascade.scaffold.plugin_sources import described_sources
from cascade.scaffold.request import ASSET
from cascade.terminal.questions import ask_choice, ask_text
from cascade.terminal.words import say_on_stderr

if TYPE_CHECKING:
    from cascade.authoring.new_files import NewFiles, WorkflowOptions, Workplace

TYPES = {
    "ingestion": "rows from a source into an Iceberg table",
    "transform": "a dbt model on a table, with its source and tests",
    "quality": "a check of a table's rows after each materialization",
}
SOURCES = {
    "file": "CSV, JSON lines or Parquet next to the code",
    "rest-api": "an HTTP API that answers with JSON",
    "database": "a table of PostgreSQL, MySQL, SQLite, …",
    "dataframe": "a Polars frame that your code creates",
}
DEFAULT_TYPE, DEFAULT_SOURCE, DEFAULT_ASSET, DEFAULT_KEY = "ingestion", "file", ASSET, "id"


@dataclass(frozen=True)
class NewWorkflow:
    """A new workflow, quality check or dbt model.

    Args:
        kind: one of `TYPES`.
        domain: its subject.
        source: where an ingestion reads its rows; otherwise None.
        new: its files.
    """

    kind: str
    domain: str
    source: str | None
    new: NewFiles


def create_workflow(workplace: Workplace, options: WorkflowOptions) -> NewWorkflow:
    """Render a new workflow, quality check or dbt model, without writing it.

    Ask the user for missing options if possible, else use the defaults.

    Args:
        workplace: the project.
        options: the options.

    Raises:
        UsageError: an option is invalid or missing, or conflicts with existing files of the project.
        SchemaError: the schema of the table's rows cannot be converted to Iceberg.
    """
    from cascade.authoring.new_files import refuse_hidden_modules
    from cascade.authoring.new_ingestion import new_ingestion
    from cascade.authoring.new_over_table import new_quality, new_transform

    options = _with_source(options)
    kind = _kind(options)
    domain = _domain(options, kind, workplace.program)
    source = options.source
    if kind == "ingestion":
        if source is None:
            source = _ask_source() if options.asking else DEFAULT_SOURCE
        new = new_ingestion(workplace, domain, source, options)
    else:
        make = new_quality if kind == "quality" else new_transform
        new = make(workplace, domain, options.table, asking=options.asking)
    refuse_hidden_modules(workplace.config.project_root, new.files)
    return NewWorkflow(kind, domain, source, new)


def _with_source(options: WorkflowOptions) -> WorkflowOptions:
    """Read a source that was given as the type."""
    if options.kind is None or options.kind in TYPES:
        return options
    if options.source not in (None, options.kind):
        raise UsageError(
            f"--type {options.kind} and --source {options.source} are two different sources. Use only one of them."
        )
    return replace(options, kind="ingestion", source=options.kind)


def _ask_source() -> str:
    described, failures = described_sources()
    for failure in failures:
        say_on_stderr("warning", str(failure), "yellow")
    return ask_choice("Source", {**SOURCES, **described}, DEFAULT_SOURCE)


def _kind(options: WorkflowOptions) -> str:
    of_ingestion = {
        "--source": options.source,
        "--asset": options.asset,
        "--unique-key": options.unique_key,
        "--cron": options.cron,
        "--group": options.group,
    }
    given = [name for name, value in of_ingestion.items() if value not in (None, ())]
    if options.kind in ("quality", "transform") and given:
        what = "A check" if options.kind == "quality" else "A dbt model"
        raise UsageError(f"{what} takes no {', '.join(given)}: the workflow of its table sets that.")
    if options.kind is None and options.asking and not given:
        return ask_choice("Type", TYPES, DEFAULT_TYPE)
    return options.kind or DEFAULT_TYPE


def _domain(options: WorkflowOptions, kind: str, program: str) -> str:
    from cascade.scaffold.names import domain_problems, good_domain

    command = f"{program} create-workflow --type {kind} --domain"
    domain = options.domain
    if domain is None:
        if options.asking:
            return ask_text("Domain, such as weather", check=domain_problems)
        raise UsageError(
            "The workflow needs a domain, which is its subject.", hint=f"Type, for example: {command} weather"
        )
    problems = tuple(domain_problems(domain))
    if problems:
        raise UsageError(problems[0], hint=f"Type, for example: {command} {good_domain(domain)}")
    return domain
