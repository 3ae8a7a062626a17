"""SQL over the tables of a lakehouse."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.table import FileScanTask, Table

from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.files import read_file
from cascade.iceberg.query import run_query
from cascade.table_ref import TableRef

NOON = dt.datetime(2024, 1, 15, 12, tzinfo=dt.UTC)
ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "Day": pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 15), dt.date(2024, 1, 15)]),
        "at": pa.array([NOON, NOON, None], pa.timestamp("us", "UTC")),
        "local": pa.array([NOON.replace(tzinfo=None), None, None], pa.timestamp("us")),
        "clock": pa.array([dt.time(6, 30), None, None], pa.time64("us")),
        "price": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(9, 2)),
        "tags": pa.array([["a"], [], None], pa.list_(pa.string())),
        "place": pa.array([{"x": 1, "y": "n"}, None, None], pa.struct([("x", pa.int32()), ("y", pa.string())])),
        "raw": pa.array([b"\x00\x01", None, b""], pa.binary()),
        "ok": pa.array([True, False, None]),
        "share": pa.array([0.5, float("inf"), None], pa.float64()),
        "select": pa.array(["a 'quoted' word", 'a "quoted" one', None]),
    }
)


@pytest.fixture
def things(lakehouse: Lakehouse) -> Lakehouse:
    lakehouse.catalog.create_namespace("raw")
    lakehouse.catalog.create_namespace("lab")
    lakehouse.catalog.create_table("raw.things", schema=ROWS.schema).append(ROWS)
    lakehouse.catalog.create_table("raw.empty", schema=ROWS.schema)
    lakehouse.catalog.create_table("lab.places", schema=pa.schema([("id", pa.int64())])).append(
        pa.table({"id": [2, 9]})
    )
    return lakehouse


def recorded_reads(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list to which the columns of each file are added when it is read."""
    read: list[list[str]] = []

    def recorded(table: Table, task: FileScanTask, names: Sequence[str]) -> pa.Table:
        read.append(list(names))
        return read_file(table, task, names)

    monkeypatch.setattr("cascade.iceberg.query_session.read_file", recorded)
    return read


def rows(lakehouse: Lakehouse, sql: str) -> list[dict[str, Any]]:
    with run_query(lakehouse, sql) as result:
        return [row for batch in result.batches for row in batch.to_pylist()]


def test_every_type_of_a_table_arrives_with_its_values(things: Lakehouse) -> None:
    assert rows(things, "select * from raw.things order by id") == ROWS.to_pylist()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id from things where price < 0", [{"id": 3}]),
        ("SELECT count(*) AS n FROM Raw.Things;", [{"n": 3}]),
        ("from things select max(id) as n", [{"n": 3}]),
        ("select a.id from things a join lab.places b using (id) join raw.things c using (id)", [{"id": 2}]),
        ("with few as (select id, price from things) select id from few where price is null", [{"id": 2}]),
        ('select "select" from things where id = (select min(id) from places)', None),
        (
            'select things."Day" from things, (select id as n from things where ok) where id = n',
            [{"Day": dt.date(2024, 1, 1)}],
        ),
        ("select count(*) as n from empty", [{"n": 0}]),
        (
            "select id from things where id in (select id from lab.places) and \"at\" = '2024-01-15 12:00:00+00'",
            [{"id": 2}],
        ),
        ("select place.x as x, tags[1] as tag from things where id = 1", [{"x": 1, "tag": "a"}]),
        ("select t from (select id as n from things) t order by n desc limit 1", [{"t": {"n": 3}}]),
        ("values (1)", [{"col0": 1}]),
    ],
)
def test_queries(things: Lakehouse, sql: str, expected: list[dict[str, Any]] | None) -> None:
    if expected is None:
        with pytest.raises(UsageError, match=r'There is no table "places"\. Did you mean "lab.places"\?'):
            rows(things, sql)
    else:
        assert rows(things, sql) == expected


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shown=st.lists(st.sampled_from(ROWS.column_names), min_size=1, unique=True),
    hidden=st.sampled_from(["true", "id > 1", "price is null", "ok and \"Day\" < date '2024-01-10'", "len(tags) = 0"]),
)
def test_a_column_that_a_query_uses_is_read_whatever_else_it_uses(
    things: Lakehouse, shown: list[str], hidden: str
) -> None:
    listed = ", ".join(f'"{name}"' for name in shown)
    wanted = [row["id"] for row in rows(things, f"select id from (select * from things) where {hidden}")]
    expected = [{name: row[name] for name in shown} for row in ROWS.to_pylist() if row["id"] in wanted]
    assert rows(things, f"select {listed} from things where {hidden} order by id") == expected


def test_a_table_with_many_columns_is_read_whole(lakehouse: Lakehouse) -> None:
    wide = pa.table({f"c{number}": [number] for number in range(300)})
    lakehouse.catalog.create_namespace("raw")
    lakehouse.catalog.create_table("raw.wide", schema=wide.schema).append(wide)
    assert rows(lakehouse, "select * from wide") == wide.to_pylist()


def test_only_the_columns_that_a_query_needs_are_read(things: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    read = recorded_reads(monkeypatch)
    rows(things, "select price from things where id > 1")
    assert read == [["id", "price"]]


def test_deletes_and_a_changed_schema_are_applied(things: Lakehouse) -> None:
    table = things.catalog.load_table("raw.things")
    table.delete("id = 2")
    with table.update_schema() as update:
        update.rename_column("price", "cost")
        update.add_column("added", pa_string())
        update.delete_column("share")
    assert rows(things, "select id, cost, added from things order by id") == [
        {"id": 1, "cost": Decimal("1.50"), "added": None},
        {"id": 3, "cost": Decimal("-2.00"), "added": None},
    ]
    with pytest.raises(UsageError, match="share"):
        rows(things, "select share from things")


def pa_string() -> Any:
    from pyiceberg.types import StringType

    return StringType()


def test_a_uuid_can_be_compared_and_shown(lakehouse: Lakehouse) -> None:
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField, UUIDType

    key = uuid.UUID(int=7)
    lakehouse.catalog.create_namespace("raw")
    schema = Schema(NestedField(1, "id", UUIDType(), required=False))
    table = lakehouse.catalog.create_table("raw.keyed", schema=schema)
    table.append(pa.table({"id": pa.array([key.bytes], pa.uuid().storage_type).cast(pa.uuid())}))
    (row,) = rows(lakehouse, f"select id from keyed where id = '{key}'")
    assert str(row["id"]) == str(key)


@pytest.mark.parametrize("sql", ["", " ;", "-- nothing"])
def test_an_empty_query_is_named_as_such(things: Lakehouse, sql: str) -> None:
    with pytest.raises(UsageError, match="The query is empty"), run_query(things, sql):
        pass


@pytest.mark.parametrize(
    "sql",
    [
        "create table x (a int)",
        "insert into raw.things values (1)",
        "delete from raw.things",
        "drop view raw.things",
        "copy raw.things to 'out.csv'",
        "export database 'out'",
        "attach 'other.db'",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '9GB'",
        "pragma version",
        "call checkpoint()",
        "select 1; select 2",
    ],
)
def test_only_a_query_is_accepted(things: Lakehouse, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="Only one SELECT statement"):
        rows(things, sql)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "source",
    [
        "'{path}'",
        "read_csv('{path}')",
        "read_text('{path}')",
        "read_blob('{path}')",
        "read_parquet('{path}')",
        "sniff_csv('{path}')",
        "glob('{path}')",
        "read_csv('http://127.0.0.1:9/x.csv')",
        "query('select * from read_csv(''{path}'')')",
    ],
)
def test_files_and_addresses_cannot_be_read(things: Lakehouse, tmp_path: Path, source: str) -> None:
    path = tmp_path / "secrets.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="reads only tables of the lakehouse"):
        rows(things, f"select * from {source.format(path=path)}")


def test_variables_of_python_cannot_be_read(things: Lakehouse) -> None:
    secrets = pa.table({"a": [1]})
    assert secrets.num_rows
    with pytest.raises(UsageError, match='There is no table "secrets"'):
        rows(things, "select * from secrets")


@pytest.mark.parametrize("sql", ["select nope from things", "select id + from things", "select sqrt('x', 2, 3)"])
def test_a_wrong_query_is_explained(things: Lakehouse, sql: str) -> None:
    with pytest.raises(UsageError, match="The query is wrong"):
        rows(things, sql)


def test_a_misspelled_table_is_suggested(things: Lakehouse) -> None:
    with pytest.raises(UsageError, match=r'There is no table "thing"\. Did you mean "things"\?'):
        rows(things, "select * from thing")
    # DuckDB quotes a name whose schema does not exist either.
    with pytest.raises(UsageError, match=r'There is no table "rav.things"\. Did you mean "raw.things"\?'):
        rows(things, "select * from rav.things")


def test_a_query_that_fails_on_a_value_is_an_error(things: Lakehouse) -> None:
    with pytest.raises(CascadeError, match="The query failed") as caught:
        rows(things, 'select cast("select" as int) from things')
    assert not isinstance(caught.value, UsageError)


def test_a_file_that_is_gone_is_an_error(things: Lakehouse, tmp_path: Path) -> None:
    for path in tmp_path.rglob("things/data/*.parquet"):
        path.unlink()
    with pytest.raises(CascadeError):
        rows(things, "select id from things")


def test_a_limit_does_not_read_the_whole_table(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    lakehouse.catalog.create_namespace("raw")
    part = pa.table({"id": pa.array(range(200_000), pa.int64())})
    table = lakehouse.catalog.create_table("raw.parts", schema=part.schema)
    for _ in range(8):
        table.append(part)
    read = recorded_reads(monkeypatch)
    with run_query(lakehouse, "select id from parts") as result:
        assert next(result.batches).num_rows > 0
    assert len(read) < 8


def test_one_table_is_read_on_another_branch_and_the_others_on_main(things: Lakehouse) -> None:
    table = things.catalog.load_table("raw.things")
    table.manage_snapshots().create_branch(table.metadata.current_snapshot_id or 0, "audit").commit()
    table.append(ROWS.slice(0, 1), branch="audit")
    audit = TableRef("raw", "things", "audit")
    sql = "select (select count(*) from things) as things, (select count(*) from lab.places) as places"
    with run_query(things, sql, [audit]) as result:
        assert [row for batch in result.batches for row in batch.to_pylist()] == [{"things": 4, "places": 2}]
    assert rows(things, sql) == [{"things": 3, "places": 2}]
    with pytest.raises(UsageError, match='has no branch "audits"'), run_query(things, sql, [audit.on("audits")]):
        pass
