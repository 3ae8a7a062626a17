"""`table list` and `table query`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from cascade.cli.conftest import Cascade
from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.iceberg import Lakehouse, open_lakehouse


@pytest.fixture
def lakehouse(project: SampleProject) -> Callable[..., Lakehouse]:
    """Return a function that makes tables of the project's lakehouse from their rows."""
    project.write("things.py", THINGS)

    def make(**tables: pa.Table) -> Lakehouse:
        opened = open_lakehouse(CascadeConfig())
        for name, rows in tables.items():
            opened.catalog.create_namespace_if_not_exists("raw")
            opened.catalog.create_table(f"raw.{name}", schema=rows.schema).append(rows)
        return opened

    return make


@pytest.mark.usefixtures("program")
def test_a_lakehouse_without_tables(cascade: Cascade, lakehouse: Callable[..., Lakehouse]) -> None:
    result = cascade("table", "list")
    assert result.exit_code == 0
    assert result.stdout == "There are no tables yet.\nSee which can be materialized: cascade list\n"
    assert cascade.json("table", "list") == {"tables": []}


def test_tables_and_their_refused_rows_are_listed(cascade: Cascade, lakehouse: Callable[..., Lakehouse]) -> None:
    lakehouse().catalog.create_namespace("lab")
    lakehouse().catalog.create_table("lab.new", schema=pa.schema([("id", pa.int64())]))
    cascade("materialize", "things", "--partition", "2024-01-04")
    result = cascade("table", "list")
    assert result.exit_code == 0, result.output
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["table", "kind", "rows", "published", "size", "written", "(UTC)", "snapshot"]
    assert [line.split()[0] for line in lines] == ["lab.new", "raw.things", "raw.things__quarantine"]
    assert "refused rows" in lines[2]
    new, things, refused = cascade.json("table", "list")["tables"]
    assert (new["rows"], new["size_bytes"], new["snapshot_id"], new["written_at"]) == (0, 0, None, None)
    assert (things["rows"], things["quarantine_of"]) == (1, None)
    assert (refused["rows"], refused["quarantine_of"]) == (1, "raw.things")
    assert [each["published_partitions"] for each in (new, things, refused)] == [None, 1, None]
    assert things["size_bytes"] > 0
    [published] = cascade.json("table", "show", "things")["published"]
    assert (published["first"], published["last"], published["count"]) == ("2024-01-04", "2024-01-04", 1)
    assert len(published["code_version"]) == 12
    assert things["snapshot_id"] in result.stdout
    assert things["written_at"][:16].replace("T", " ") in result.stdout


def test_a_table_that_cannot_be_read_hides_no_other(
    cascade: Cascade, lakehouse: Callable[..., Lakehouse], project: SampleProject
) -> None:
    lakehouse(broken=pa.table({"id": [1]}), good=pa.table({"id": [1]}))
    for path in Path(project.root).rglob("raw/broken/metadata/*.json"):
        path.unlink()
    result = cascade("table", "list")
    assert result.exit_code == 1
    assert "raw.good" in result.stdout
    assert "warning: raw.broken cannot be read: " in result.stderr


@pytest.mark.parametrize("command", [("show", "broken"), ("query", "select * from broken")])
def test_a_missing_file_is_named(
    cascade: Cascade, lakehouse: Callable[..., Lakehouse], project: SampleProject, command: tuple[str, ...]
) -> None:
    lakehouse(broken=pa.table({"id": [1]}))
    for path in Path(project.root).rglob("raw/broken/data/*.parquet"):
        path.unlink()
    result = cascade("table", *command)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: A file of raw.broken is missing: ")
    assert "Traceback" not in result.stderr and ".parquet.\nRestore the file." in result.stderr


def test_a_query_prints_a_table(cascade: Cascade, lakehouse: Callable[..., Lakehouse]) -> None:
    lakehouse(numbers=pa.table({"id": [1, 2, None], "name": ["a", "b", None]}))
    result = cascade("table", "query", "select name, id from numbers order by id")
    assert result.exit_code == 0, result.output
    assert result.stdout == "name  id\na      1\nb      2\n\n3 rows\n"


def test_a_long_result_is_cut_with_a_hint(cascade: Cascade, lakehouse: Callable[..., Lakehouse]) -> None:
    lakehouse(numbers=pa.table({"id": list(range(101))}))
    lines = cascade("table", "query", "from numbers").stdout.splitlines()
    assert len(lines) == 102
    assert lines[-1] == "The first 100 rows. For more: --limit 1000. For all: --csv"
    lines = cascade("table", "query", "from numbers", "--limit", "101").stdout.splitlines()
    assert lines[-1] == "101 rows"
    assert len(cascade("table", "query", "from numbers", "--csv").stdout.splitlines()) == 102
    assert len(cascade.json("table", "query", "from numbers")["rows"]) == 101
    assert len(cascade.json("table", "query", "from numbers", "--limit", "2")["rows"]) == 2


def test_csv_and_json_hold_every_value(cascade: Cascade, lakehouse: Callable[..., Lakehouse]) -> None:
    values = pa.table(
        {
            "text": ['a,"b"\nc', None],
            "day": pa.array([0, None], pa.date32()),
            "ok": [True, None],
            "share": [float("nan"), None],
            "tags": [["x"], None],
        }
    )
    lakehouse(values=values)
    sql = 'from "values" where day is not null'
    printed = cascade("table", "query", sql, "--csv").stdout
    assert list(csv.reader(io.StringIO(printed))) == [
        ["text", "day", "ok", "share", "tags"],
        ['a,"b"\nc', "1970-01-01", "true", "nan", '["x"]'],
    ]
    document = cascade.json("table", "query", sql)
    assert document["columns"][1] == {"name": "day", "type": "date32[day]"}
    assert document["rows"] == [{"text": 'a,"b"\nc', "day": "1970-01-01", "ok": True, "share": "nan", "tags": ["x"]}]


def test_columns_of_our_own_are_shown_only_if_they_are_named(
    cascade: Cascade, lakehouse: Callable[..., Lakehouse]
) -> None:
    lakehouse(clicks=pa.table({"number": [7], "_cascade_partition": ["2024-01-04"], "_cascade_run": ["a"]}))
    shown = cascade.json("table", "show", "clicks")
    assert shown["rows"] == [{"number": 7}]
    assert [column["name"] for column in shown["columns"]] == ["number"]
    assert "_cascade" not in cascade("table", "show", "clicks").stdout
    assert cascade.json("table", "query", "select * from clicks")["rows"] == [{"number": 7}]
    named = cascade.json("table", "query", "select _cascade_partition as day from clicks")
    assert named["rows"] == [{"day": "2024-01-04"}]


def test_a_query_may_come_from_standard_input(lakehouse: Callable[..., Lakehouse]) -> None:
    lakehouse()
    result = CliRunner().invoke(cli, ["table", "query", "-", "--csv"], obj=Invocation(), input="select 7 as seven")
    assert result.stdout == "seven\n7\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("drop table raw.things",), "Only one SELECT statement"),
        (("select * from thing",), 'There is no table "thing"'),
        (("select 1 as a, 2 as a", "--json"), 'Two columns of the result are called "a"'),
        (("select 1", "--json", "--csv"), "Use either --csv or --json."),
        (("select 1 as a, date 'infinity' as until",), '"until" holds a date or time that Python does not have'),
    ],
)
def test_wrong_usage_is_explained(
    cascade: Cascade, lakehouse: Callable[..., Lakehouse], arguments: tuple[str, ...], message: str
) -> None:
    lakehouse(numbers=pa.table({"id": [1]}))
    result = cascade("table", "query", *arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize("sql", ["select nope from numbers", "select * from read_csv('numbers.csv')"])
def test_an_error_shows_no_other_query_than_that_of_the_user(
    cascade: Cascade, lakehouse: Callable[..., Lakehouse], sql: str
) -> None:
    lakehouse(numbers=pa.table({"id": [1]}))
    result = cascade("table", "query", sql)
    assert result.exit_code == 2
    assert "EXPLAIN" not in result.output
