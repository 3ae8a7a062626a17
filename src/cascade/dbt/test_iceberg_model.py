"""How the rows of a model are published, without dbt."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable, Iterator

import duckdb
import pytest

from cascade.config import CascadeConfig
from cascade.dbt.iceberg_model import IcebergModel, publish_model
from cascade.exceptions import DataError, SchemaDriftError, UsageError
from cascade.iceberg import Lakehouse, open_lakehouse
from cascade.runs.dispositions import Written
from cascade.table_ref import TableRef

TOTAL = TableRef("main", "total")
Publish = Callable[..., Written]


@pytest.fixture
def lakehouse(config: CascadeConfig) -> Lakehouse:
    return open_lakehouse(config)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def publish(lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection) -> Publish:
    """Return a function that publishes the rows of a query as those of a model."""

    def publish(sql: str, *key: str, model: str = "model.shop.total", full_refresh: bool = False) -> Written:
        connection.execute(f"CREATE OR REPLACE TABLE staged AS {sql}")
        wanted = IcebergModel(model, TOTAL, "staged", key, full_refresh, run_id="run")
        return publish_model(connection, lakehouse, wanted)

    return publish


VALUES = {
    "true": True,
    "1::TINYINT": 1,
    "65535::USMALLINT": 65535,
    "4294967295::UINTEGER": 4294967295,
    "18446744073709551615::UBIGINT": decimal.Decimal("18446744073709551615"),
    "sum(1)": decimal.Decimal(1),
    "1.5::FLOAT": 1.5,
    "0.1::DOUBLE": 0.1,
    "1.10::DECIMAL(10, 2)": decimal.Decimal("1.10"),
    "'é'": "é",
    "'b'::ENUM('a', 'b')": "b",
    "'{\"a\": 1}'::JSON": '{"a": 1}',
    "'\\x00'::BLOB": b"\x00",
    "DATE '2024-01-31'": datetime.date(2024, 1, 31),
    "TIME '12:00:00.000001'": datetime.time(12, 0, 0, 1),
    "TIMESTAMP '2024-01-31 12:00:00'": datetime.datetime(2024, 1, 31, 12),
    "TIMESTAMPTZ '2024-01-31 12:00:00-05'": datetime.datetime(2024, 1, 31, 17, tzinfo=datetime.UTC),
    "'7e2f6f6e-3c9b-4e6e-9d4a-0d2b8a6f1c55'::UUID": uuid.UUID("7e2f6f6e-3c9b-4e6e-9d4a-0d2b8a6f1c55"),
    "[1, NULL]": [1, None],
    "[1, 2]::INTEGER[2]": [1, 2],
    "{'a': 1, 'b': ['x']}": {"a": 1, "b": ["x"]},
}


def test_every_kind_of_value_is_read_back_from_iceberg_and_from_the_view(
    lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection, publish: Publish
) -> None:
    columns = ", ".join(
        f"{value} AS c{place}, IF(false, {value}, NULL) AS n{place}" for place, value in enumerate(VALUES)
    )
    assert publish(f"SELECT {columns}").committed
    [row] = lakehouse.require(TOTAL).scan().to_arrow().to_pylist()
    assert [row[f"c{place}"] for place in range(len(VALUES))] == list(VALUES.values())
    assert {row[f"n{place}"] for place in range(len(VALUES))} == {None}
    shown = ", ".join(f"c{place}" for place in range(len(VALUES)))
    assert list(connection.execute(f"SELECT {shown} FROM main.total").fetchone() or ()) == list(VALUES.values())
    assert not publish(f"SELECT {columns}").committed


def test_what_iceberg_has_no_type_for_is_refused_by_name(lakehouse: Lakehouse, publish: Publish) -> None:
    with pytest.raises(UsageError) as refused:
        publish(
            "SELECT INTERVAL 1 DAY AS day, now()::TIMESTAMP_NS AS at, [uuid()] AS ids, MAP {1: 2} AS m, 1 AS fine",
            "nope",
        )
    assert str(refused.value).splitlines()[1:-1] == [
        "  - column day: INTERVAL has no Iceberg type here",
        "  - column at: TIMESTAMP_NS has no Iceberg type here",
        "  - column ids: UUID has no Iceberg type here, inside of another value",
        "  - column m: MAP(INTEGER, INTEGER) has no Iceberg type here",
        "  - unique_key nope: there is no such column",
    ]
    assert lakehouse.load(TOTAL) is None


def test_with_a_key_rows_are_merged_and_a_full_refresh_replaces_them(
    connection: duckdb.DuckDBPyConnection, publish: Publish
) -> None:
    publish("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b'", "id")
    merged = publish("SELECT 2 AS id, 'c' AS name UNION ALL SELECT 3, 'd'", "id")
    assert (merged.inserted, merged.updated, merged.removed) == (1, 1, 0)
    assert sorted(connection.execute("SELECT * FROM total").fetchall()) == [(1, "a"), (2, "c"), (3, "d")]
    # An empty increment changes nothing.
    assert not publish("SELECT 2 AS id, 'c' AS name WHERE false", "id").committed
    publish("SELECT 4 AS id, 'e' AS name", "id", full_refresh=True)
    assert connection.execute("SELECT * FROM total").fetchall() == [(4, "e")]


def test_without_a_key_rows_are_replaced_also_by_none(connection: duckdb.DuckDBPyConnection, publish: Publish) -> None:
    publish("SELECT 1 AS id UNION ALL SELECT 1")
    assert connection.execute("SELECT * FROM total").fetchall() == [(1,), (1,)]
    assert publish("SELECT 1 AS id WHERE false").removed == 2
    assert connection.execute("SELECT * FROM total").fetchall() == []


def test_keys_that_are_null_or_not_unique_leave_the_table(lakehouse: Lakehouse, publish: Publish) -> None:
    publish("SELECT 1 AS id", "id")
    with pytest.raises(DataError, match="2 rows have the unique_key id=7"):
        publish("SELECT 7 AS id UNION ALL SELECT 7", "id")
    with pytest.raises(DataError, match="a row has the unique_key id=None"):
        publish("SELECT NULL::INTEGER AS id", "id")
    assert len(lakehouse.require(TOTAL).snapshots()) == 1


def test_columns_change_by_the_safe_rules(connection: duckdb.DuckDBPyConnection, publish: Publish) -> None:
    publish("SELECT 1 AS id, 1.5::FLOAT AS value", "id")
    publish("SELECT 2::BIGINT AS id, 2.5::DOUBLE AS value, 'x' AS note", "id")
    assert sorted(connection.execute("SELECT * FROM total").fetchall()) == [(1, 1.5, None), (2, 2.5, "x")]
    for sql in ("SELECT 3::BIGINT AS id", "SELECT 3::BIGINT AS id, 'x' AS value, 'x' AS note"):
        with pytest.raises(SchemaDriftError, match="value"):
            publish(sql, "id")
    assert connection.execute("SELECT count(*) FROM total").fetchall() == [(2,)]


def test_the_table_of_a_workflow_or_of_another_model_is_left_alone(
    lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection, publish: Publish
) -> None:
    publish("SELECT 1 AS id")
    with pytest.raises(UsageError, match=r"exists in the lakehouse, and the model model.shop.total fills it"):
        publish("SELECT 2 AS id", model="model.shop.other")
    with lakehouse.require(TOTAL).transaction() as transaction:
        transaction.remove_properties("cascade.dbt-model")
    with pytest.raises(UsageError, match="no dbt model of Cascade filled it so far"):
        publish("SELECT 2 AS id")
    assert connection.execute("SELECT * FROM total").fetchall() == [(1,)]


def test_what_dbt_built_under_the_name_gives_way(connection: duckdb.DuckDBPyConnection, publish: Publish) -> None:
    for kind in ("TABLE", "VIEW"):
        connection.execute("DROP VIEW IF EXISTS total")
        connection.execute(f"CREATE {kind} total AS SELECT 9 AS old")
        publish("SELECT 1 AS id")
        assert connection.execute("SELECT * FROM total").fetchall() == [(1,)]


def test_rows_that_do_not_fit_into_memory_are_the_same(
    connection: duckdb.DuckDBPyConnection, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cascade.dbt.iceberg_model.LARGE_BYTES", 1000)
    sql = "SELECT n AS id, n::VARCHAR AS name FROM range(20000) AS numbers(n)"
    assert publish(sql, "id").inserted == 20000
    assert not publish(sql, "id").committed
    assert publish(f"{sql} WHERE n < 5", "id", full_refresh=True).committed
    assert connection.execute("SELECT count(*) FROM total").fetchall() == [(5,)]
