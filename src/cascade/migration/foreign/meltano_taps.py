"""What reads the streams of well-known extractors of Meltano: files, databases, and any Singer tap."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from cascade.migration.foreign.domain_files import Body
from cascade.migration.foreign.found import Column, Remark, Table
from cascade.migration.foreign.meltano_project import Plugin
from cascade.migration.foreign.singer_catalog import Stream, streams_of
from cascade.scaffold.environment import literal
from cascade.scaffold.render import secret_variable

_DATABASES = {
    "postgres": "postgresql+psycopg2",
    "redshift": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mssql": "mssql+pyodbc",
    "oracle": "oracle+oracledb",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
}
_MOST_BYTES = 1_000_000


@dataclass
class Tap:
    """The workflows of one extractor.

    Args:
        plugin: the extractor.
        root: the directory of the Meltano project.
        domain: the domain of its workflows.
        tables: the tables, each with the code that gives its rows.
        data: files to copy next to the workflows, by their names there.
        remarks: what a person must decide.
    """

    plugin: Plugin
    root: Path
    domain: str
    tables: list[tuple[Table, Body]] = field(default_factory=list)
    data: dict[str, Path] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, text: str) -> None:
        """Add something to decide about the extractor."""
        self.remarks.append(Remark(self.plugin.path, self.plugin.line, text))

    def table(self, stream: Stream, name: str | None = None) -> Table:
        """Return the table of a stream."""
        if stream.left:
            self.remark(f"The schema of {stream.name} leaves out the nested {', '.join(stream.left)}.")
        return Table(
            name or stream.name,
            self.plugin.path,
            self.plugin.line,
            # The source is read as a whole, so rows without a key replace those of the last run.
            disposition="merge" if stream.key else "replace",
            key=stream.key,
            columns=stream.columns,
            complete=stream.complete,
        )


def read_tap(plugin: Plugin, root: Path, domain: str, cron: str | None) -> Tap:
    """Return the workflows of an extractor.

    Args:
        plugin: the extractor.
        root: the directory of the Meltano project.
        domain: the domain of its workflows.
        cron: their schedule, or None.
    """
    tap = Tap(plugin, root, domain)
    variants = {plugin.name, str(plugin.settings.get("inherit_from", "")), str(plugin.settings.get("executable", ""))}
    database = next((url for name, url in _DATABASES.items() if f"tap-{name}" in variants), None)
    files = plugin.config.get("files")
    if "tap-csv" in variants and isinstance(files, list):
        for entry in files:
            if isinstance(entry, Mapping) and isinstance(entry.get("path"), str):
                _add_csv(tap, entry, cron)
        return tap
    streams = streams_of(plugin, root)
    if streams is None:
        tap.remark(
            f"Only {plugin.name} itself knows its streams. Type `meltano invoke {shlex.quote(plugin.name)} --discover "
            f">{shlex.quote(plugin.name + '.catalog.json')}` in the Meltano project, and migrate again."
        )
        return tap
    for stream in streams:
        if database is not None:
            _add_sql(tap, stream, cron)
        else:
            _add_singer(tap, stream, cron)
    if streams:
        _say_settings(tap, database)
    return tap


def _add_csv(tap: Tap, entry: Mapping[str, Any], cron: str | None) -> None:
    given = str(entry["path"])
    name = str(entry.get("entity") or PurePosixPath(given).stem)
    place = tap.root / given
    keys = tuple(map(str, entry["keys"])) if isinstance(entry.get("keys"), list) else ()
    options = [f"delimiter={literal(entry['delimiter'])}"] if isinstance(entry.get("delimiter"), str) else []
    options += [f"encoding={literal(entry['encoding'])}"] if isinstance(entry.get("encoding"), str) else []
    columns = _header(place, entry)
    imports = ["from cascade.sources.files import read_csv"]
    inside = place.is_file() and place.resolve().is_relative_to(tap.root.resolve())
    if inside and place.stat().st_size <= _MOST_BYTES:
        copy = place.name
        if tap.data.setdefault(f"data/{copy}", place) != place:
            # A file of the same name in another directory.
            copy = "_".join(PurePosixPath(given).parts)
            tap.data[f"data/{copy}"] = place
        imports.append("from pathlib import Path")
        source = f'Path(__file__).parent / "data" / {literal(copy)}'
        tap.remark(
            f"{given} was copied next to the workflow. To read it where it arrives, change the path in the workflow."
        )
    else:
        source = literal(f"{given}/*.csv" if place.is_dir() else given)
        tap.remark(f"{name} is read from {given}, a path from the directory in which the workflow runs. Correct it.")
    if columns:
        tap.remark(
            f"The columns of {name} are text, as the tap gives them. To convert them, change the types in the schema."
        )
    table = Table(
        name,
        tap.plugin.path,
        tap.plugin.line,
        disposition="merge" if keys else "replace",
        key=keys,
        columns=columns,
        complete=bool(columns),
    )
    returned = f"read_csv({', '.join([source, *options])})"
    tap.tables.append((table, Body(returned, (), tuple(imports), frozenset({"read_csv", "Path"}), cron)))


def _header(path: Path, entry: Mapping[str, Any]) -> tuple[Column, ...]:
    """Return the columns of a CSV file, which the tap gives as text."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        return ()
    encoding, delimiter = entry.get("encoding"), entry.get("delimiter")
    try:
        with files[0].open(encoding=encoding if isinstance(encoding, str) else "utf-8-sig", newline="") as stream:
            first = stream.readline()
        if not isinstance(delimiter, str):
            delimiter = max(",;\t|", key=first.count)
        names = next(csv.reader([first], delimiter=delimiter), [])
    except (OSError, LookupError, UnicodeDecodeError, csv.Error, TypeError):
        return ()
    return tuple(Column(name, "str") for name in dict.fromkeys(names) if name.strip())


def _add_sql(tap: Tap, stream: Stream, cron: str | None) -> None:
    schema, dash, name = stream.name.partition("-")
    name = name if dash else schema
    given = tap.plugin.config.get("filter_schemas") or tap.plugin.config.get("default_target_schema")
    if not dash:
        schema = given[0] if isinstance(given, list) and given else "public" if "postgres" in tap.plugin.name else ""
    secret = f"sources.{tap.domain}.credentials"
    arguments = [f"credentials=dlt.secrets[{literal(secret)}]", f"table={literal(name)}"]
    arguments += [f"schema={literal(schema)}"] if schema else []
    # The schema of the rows decides about types.
    arguments.append('reflection_level="minimal"')
    returned = "sql_table(\n" + "".join(f"    {each},\n" for each in arguments) + ")"
    imports = ("import dlt", "from dlt.sources.sql_database import sql_table")
    tap.tables.append((tap.table(stream, name), Body(returned, (), imports, frozenset({"dlt", "sql_table"}), cron)))


def _add_singer(tap: Tap, stream: Stream, cron: str | None) -> None:
    command = ["meltano", "invoke", tap.plugin.name]
    returned = f"read_singer({literal(command)}, stream={literal(stream.name)})"
    imports = ("from cascade.sources.singer import read_singer",)
    tap.tables.append((tap.table(stream), Body(returned, (), imports, frozenset({"read_singer"}), cron)))


def _say_settings(tap: Tap, database: str | None) -> None:
    config = tap.plugin.config
    if database is not None:
        parts = {name: _plain(config, *keys) for name, keys in _URL_PARTS.items()}
        url = f"{database}://{parts['user']}:password@{parts['host']}/{parts['database']}"
        variable = secret_variable(tap.domain)
        tap.remark(f"Set the address of the database, in the environment or in .env: {variable}={url}")
    else:
        tap.remark(
            f"The workflows start {tap.plugin.name} with `meltano invoke`. Where they run, install Meltano and set "
            "MELTANO_PROJECT_ROOT to the directory of its project. Each run reads from the start date of the tap."
        )
    if "stream_maps" in config or "stream_maps" in tap.plugin.settings:
        tap.remark(f"The stream maps of {tap.plugin.name} change its rows. Compare the names of streams and columns.")


_URL_PARTS = {
    "user": ("user", "username"),
    "host": ("host", "hostname", "server"),
    "database": ("dbname", "database", "db_name"),
}


def _plain(config: Mapping[str, Any], *names: str) -> str:
    """Return a setting that is neither a secret nor a variable, else a word for it."""
    for name in names:
        value = config.get(name)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]+", value):
            return value
    return names[0]


def about_other_plugins(plugins: Mapping[str, list[Plugin]]) -> Iterator[Remark]:
    """Yield what to do with the plugins that are not extractors.

    Args:
        plugins: the plugins by their kind.
    """
    advice = {
        "loaders": "is not needed: rows go to Iceberg tables. For rows in PostgreSQL, publish a dbt model as a mart.",
        "mappers": "has no equivalent. Change rows in the workflow, or in a dbt model.",
        "orchestrators": "is not needed: Dagster runs the workflows.",
        "transformers": "is not needed: copy its dbt project to transforms/dbt, and see the guide to dbt.",
    }
    for kind, text in advice.items():
        for plugin in plugins.get(kind, []):
            yield Remark(plugin.path, plugin.line, f"{plugin.name} {text}")
    for plugin in plugins.get("utilities", []):
        if plugin.name.startswith("dbt"):
            yield Remark(plugin.path, plugin.line, f"{plugin.name} {advice['transformers']}")
