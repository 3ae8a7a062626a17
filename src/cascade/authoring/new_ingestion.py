"""The files of a new ingestion."""

from __future__ import annotations

from collections.abc import Iterator

from cascade.authoring.known_tables import taken_tables
from cascade.authoring.new_files import (
    NewFiles,
    WorkflowOptions,
    Workplace,
    command_for_tests,
    commands_of,
    new_packages,
    with_build_files,
    workflows_place,
)
from cascade.reader.tables import free_table, other_table_notice, taken_table_problems
from cascade.scaffold import IngestionRequest, package_files, render_ingestion
from cascade.scaffold.examples import example_for
from cascade.scaffold.names import asset_problems, key_problems, table_problems
from cascade.scaffold.render import secret_variable
from cascade.scaffold.request import ASSET, SOURCES, columns_of, raise_if_any
from cascade.terminal.questions import ask_text

_KEY = "id"


def new_ingestion(workplace: Workplace, domain: str, source: str, options: WorkflowOptions) -> NewFiles:
    """Render an ingestion.

    Args:
        workplace: the project.
        domain: the subject of the ingestion.
        source: where it reads its rows.
        options: the other options.

    Raises:
        UsageError: an option is invalid, or another workflow fills the table.
    """
    config, asking = workplace.config, options.asking
    package, directory = workflows_place(config)
    code = f"{directory}/ingestion/{domain}"
    asset = options.asset
    if asset is None:
        # A given table name already describes the rows.
        asset = ask_text("Asset", ASSET, asset_problems) if asking and options.table is None else ASSET
    raise_if_any(tuple(asset_problems(asset)))
    taken = taken_tables(config.workflows_directory, outside=config.project_root / code / f"{asset}.py")
    usual = f"{domain}_{asset}"
    table, key, notices = options.table, columns_of(options.unique_key), []
    if table is not None:
        raise_if_any(taken_table_problems(table, taken))
    else:
        table = free_table(usual, taken)
        if table != usual:
            notices.append(other_table_notice(usual, table, taken))
        if asking:
            table = ask_text(
                "Table", table, lambda name: (*table_problems("table", name), *taken_table_problems(name, taken))
            )
    if not options.unique_key:
        answer = ask_text("Unique key", _KEY, lambda text: key_problems(columns_of(text))) if asking else _KEY
        key = columns_of(answer)
    request = IngestionRequest(
        package=f"{package}.ingestion.{domain}",
        directory=code,
        source=source,
        asset=asset,
        table=table,
        unique_key=key,
        cron=options.cron,
        group=options.group,
        flavour="standalone",
    )
    files = new_packages(config.project_root, {**package_files(request), **render_ingestion(request)})
    return NewFiles(
        with_build_files(config.project_root, files),
        table,
        (*notices, *_about_source(source, domain, f"{code}/{asset}.py")),
        _next_commands(workplace, source, domain, table, example_for(key).first_day),
    )


def _next_commands(workplace: Workplace, source: str, domain: str, table: str, first_day: str) -> tuple[str, ...]:
    tests = command_for_tests(workplace, domain)
    if source == "rest-api" or source not in SOURCES:
        # No server answers at the example's address, nor maybe where a plugin's source reads. The tests need none.
        return (tests,)
    return commands_of(workplace).materialize(table, first_day), tests


def _about_source(source: str, domain: str, module: str) -> Iterator[str]:
    if source == "database":
        yield (
            "The workflow reads the address of the database from the environment or from .env:\n"
            f"  {secret_variable(domain)}=postgresql+psycopg2://user:password@host/database"
        )
    elif source == "rest-api":
        yield (
            f"The workflow calls the API at BASE_URL, which is an example. Set your own in {module} before you "
            "materialize it. The tests need no network."
        )
