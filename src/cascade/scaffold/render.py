"""Render an ingestion workflow."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePosixPath
from typing import Any

from cascade.plugins import SourceRequest
from cascade.scaffold.environment import docstring, environment, import_block, in_words
from cascade.scaffold.examples import Example, ExampleColumn, day_column, example_for
from cascade.scaffold.plugin_sources import render_source
from cascade.scaffold.request import ASSET, SOURCES, IngestionRequest

_ANNOTATIONS = {"int": "int", "float": "float", "str": "str", "instant": "AwareDatetime"}


def render_ingestion(request: IngestionRequest, example: Example | None = None) -> dict[str, str]:
    """Render an ingestion workflow: its package, function, schema and test, and rows for tests of dbt models.

    The source `file` has a data file, too.

    Args:
        request: the workflow.
        example: the columns, including the request's key, and the rows. Default: derived from the key.

    Returns:
        The text of each file by its path from the root of the repository or project, in display order.
    """
    layout = _Layout(request)
    example = example or example_for(request.unique_key)
    context = _context(request, layout, example)
    files = {f"{request.directory}/__init__.py": docstring(f"The {in_words(request.domain)} workflow.")}
    if request.source in SOURCES:
        code = {
            layout.asset: f"ingestion/{request.source}/asset.py.jinja",
            layout.schemas: "ingestion/schema.py.jinja",
            layout.test: f"ingestion/{request.source}/test_asset.py.jinja",
        }
        files.update({path: environment().get_template(template).render(context) for path, template in code.items()})
    else:
        written = render_source(request.source, _source_request(request, layout, context))
        files[layout.asset] = written.asset
        files[layout.schemas] = environment().get_template("ingestion/schema.py.jinja").render(context)
        files[layout.test] = written.test
        files.update({f"{request.directory}/{path}": text for path, text in written.data.items()})
    if request.source == "file":
        files[f"{request.directory}/data/{request.asset}.csv"] = _csv(example.rows)
    files[f"{request.directory}/testdata/{request.table_name}.jsonl"] = _json_lines(_few(example))
    return files


def package_files(request: IngestionRequest) -> dict[str, str]:
    """List the parent packages of the workflow, to create in new directories only.

    An existing directory without `__init__.py` may be a namespace package shared with other roots, so leave it alone.

    Args:
        request: the workflow.

    Returns:
        The text of each `__init__.py` by its path.
    """
    layout = _Layout(request)
    parts = request.package.split(".")[:-1]
    directories = [layout.root / "/".join(parts[: depth + 1]) for depth in range(len(parts))]
    if request.flavour == "standalone":
        directories.append(PurePosixPath(layout.schemas).parent)
    return {f"{directory}/__init__.py": "" for directory in directories}


def secret_variable(domain: str) -> str:
    """Return the environment variable from which a `database` source reads the URL of the database.

    Args:
        domain: the subject of the workflow.
    """
    return f"SOURCES__{domain.upper()}__CREDENTIALS"


class _Layout:
    """The paths and modules of a request's files."""

    def __init__(self, request: IngestionRequest) -> None:
        parts = request.package.split(".")
        directory = PurePosixPath(request.directory)
        self.root = PurePosixPath(*directory.parts[: -len(parts)])
        self.asset_module = f"{request.package}.{request.asset}"
        self.asset = f"{directory}/{request.asset}.py"
        usual = request.asset == ASSET
        if request.flavour == "standalone":
            subject = request.domain if usual else f"{request.domain}_{request.asset}"
            self.schemas_module = ".".join([*parts[:-2], "schemas", subject])
            self.schemas = str(self.root / f"{self.schemas_module.replace('.', '/')}.py")
            # Tests are at the root of the project, wherever the workflows are.
            self.test = f"tests/test_{subject}.py"
        else:
            schema = "schema" if usual else f"{request.asset}_schema"
            self.schemas_module = f"{request.package}.{schema}"
            self.schemas = f"{directory}/{schema}.py"
            self.test = f"{directory}/test_{request.asset}.py"


def _context(request: IngestionRequest, layout: _Layout, example: Example) -> dict[str, Any]:
    columns, rows = example.columns, example.rows
    day = day_column(columns)
    first = [row for row in rows if row[day.name] == example.first_day]
    datetime_alias = _free_alias([column.name for column in columns])
    row = "observation" if request.asset == ASSET else f"{request.asset}_row"
    schema = "".join(word.capitalize() for word in f"{request.domain}_{row}".split("_") if word)
    if schema[0].isdigit():
        schema = f"Workflow{schema}"
    first_party = {request.package.split(".")[0], *(["cascade"] if request.runtime_is_first_party else [])}

    def imports(*lines: str) -> str:
        return import_block(lines, first_party=frozenset(first_party))

    return {
        "request": request,
        "words": in_words(request.domain),
        "rows_in_words": in_words(request.asset),
        "schema": schema,
        "columns": columns,
        "annotation": lambda column: _annotation(column, datetime_alias),
        "kinds": {column.kind for column in columns},
        "dt": datetime_alias,
        "import_datetime": "import datetime"
        if datetime_alias == "datetime"
        else f"import datetime as {datetime_alias}",
        "day": day.name,
        "first_day": example.first_day,
        "rows": rows,
        "first_rows": first,
        "sql_columns": {column.name: column.sql_type for column in columns},
        "key": columns[0],
        "value": columns[-1],
        "imports": imports,
        "first_party": frozenset(first_party),
        "asset_module": layout.asset_module,
        "schemas_module": layout.schemas_module,
        "secret": f"sources.{request.domain}.credentials",
        "secret_variable": secret_variable(request.domain),
    }


def _source_request(request: IngestionRequest, layout: _Layout, context: dict[str, Any]) -> SourceRequest:
    macros = environment().get_template("ingestion/_macros.jinja").module
    return SourceRequest(
        domain=request.domain,
        asset=request.asset,
        table=request.table_name,
        unique_key=request.unique_key,
        asset_module=layout.asset_module,
        schema_module=layout.schemas_module,
        schema=context["schema"],
        day_column=context["day"],
        first_day=context["first_day"],
        rows=tuple(context["first_rows"]),
        decorator=macros.decorator(request, context["schema"], context["first_day"]).strip(),  # type: ignore[attr-defined]
        first_party=context["first_party"],
    )


def _annotation(column: ExampleColumn, datetime_alias: str) -> str:
    annotation = _ANNOTATIONS.get(column.kind, f"{datetime_alias}.date")
    return annotation if column.required else f"{annotation} | None"


def _free_alias(taken: list[str]) -> str:
    return next(alias for alias in ("dt", "datetime", "datetime_") if alias not in taken)


def _few(example: Example) -> list[dict[str, int | float | str | None]]:
    """Return the rows of the first two days, so that a model has something to summarize."""
    day = day_column(example.columns).name
    days = sorted({str(row[day]) for row in example.rows})[:2]
    return [row for row in example.rows if row[day] in days]


def _json_lines(rows: list[dict[str, int | float | str | None]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def _csv(rows: list[dict[str, int | float | str | None]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
