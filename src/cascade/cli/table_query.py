"""`table query`: SQL over the tables of the lakehouse."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.terminal.documents import json_value
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from cascade.iceberg.query import QueryResult

_SHOWN_ROWS = 100


@click.command(short_help="Run a SQL query over the tables.")
@click.argument("sql", metavar="SQL")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="How many rows to print.")
@click.option("--csv", "as_csv", is_flag=True, help="Print all rows as CSV.")
@json_option
@click.pass_obj
def query(invocation: Invocation, out: Output, sql: str, limit: int | None, as_csv: bool) -> None:
    """Run SQL, one SELECT statement in DuckDB's dialect, over the tables of the lakehouse.

    \b
        cascade table query "select station, avg(celsius) from weather_observations group by all"

    Call a table by its namespace and name; you can leave out raw. With `-` in place of SQL, the statement is read from
    standard input. A query cannot change a table, and reads neither files nor the network.

    A table is printed up to its 100th row by default, CSV and JSON to the end.
    """
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.query import run_query

    if as_csv and out.as_json:
        raise UsageError("Use either --csv or --json.")
    invocation.require_project()
    if sql == "-":
        sql = sys.stdin.read()
    with run_query(open_lakehouse(invocation.config), sql) as result:
        if as_csv:
            _print_csv(result, limit)
        elif out.as_json:
            out.json(_document(result, limit))
        else:
            _print_table(out, result, _SHOWN_ROWS if limit is None else limit)


def _rows(result: QueryResult) -> Iterator[tuple[Any, ...]]:
    for batch in result.batches:
        columns = [_values(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
        yield from zip(*columns, strict=True)


def _values(name: str, column: pa.Array) -> list[Any]:
    import pyarrow as pa

    try:
        values: list[Any] = column.to_pylist()
        return values
    except (OverflowError, ValueError, pa.ArrowException) as error:
        raise UsageError(
            f'"{name}" holds a date or time that Python does not have: {error}.',
            hint="Cast the column to text in the query, with CAST(... AS VARCHAR).",
        ) from error


def _print_table(out: Output, result: QueryResult, limit: int) -> None:
    rows = _rows(result)
    shown = list(itertools.islice(rows, limit))
    out.table(result.schema.names, shown, fit=True)
    if next(rows, None) is None:
        out.say(counted(len(shown), "row"))
    else:
        out.say(f"The first {counted(len(shown), 'row')}. For more: --limit {max(limit, 1) * 10}. For all: --csv")


def _print_csv(result: QueryResult, limit: int | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.schema.names)
    for row in itertools.islice(_rows(result), limit):
        writer.writerow([_csv_cell(value) for value in row])


def _csv_cell(value: object) -> object:
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=json_value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, (int, float, str)) else json_value(value)


def _document(result: QueryResult, limit: int | None) -> dict[str, Any]:
    names: Sequence[str] = result.schema.names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f'Two columns of the result are called "{twice}". Name one of them with AS.')
    return {
        "columns": [{"name": field.name, "type": str(field.type)} for field in result.schema],
        "rows": [dict(zip(names, row, strict=True)) for row in itertools.islice(_rows(result), limit)],
    }
