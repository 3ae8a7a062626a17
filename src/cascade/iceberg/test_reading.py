"""`Lakehouse.read`, which users call in their checks."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest

from cascade.exceptions import UsageError
from cascade.iceberg.catalog import Lakehouse

NOON = dt.datetime(2024, 1, 15, 12, tzinfo=dt.UTC)
ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "day": pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 15), dt.date(2024, 1, 15)]),
        "at": pa.array([NOON, NOON, None], pa.timestamp("us", "UTC")),
        "price": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(9, 2)),
        "tags": pa.array([["a"], [], None], pa.list_(pa.string())),
    }
)


@pytest.fixture
def things(lakehouse: Lakehouse) -> Lakehouse:
    lakehouse.catalog.create_namespace("raw")
    lakehouse.catalog.create_table("raw.things", schema=ROWS.schema).append(ROWS)
    lakehouse.catalog.create_table("raw.empty", schema=ROWS.schema)
    return lakehouse


def test_all_rows_with_their_types(things: Lakehouse) -> None:
    rows = things.read("raw.things").sort("id")
    assert rows.equals(pl.DataFrame(pl.from_arrow(ROWS)))
    assert rows.schema == {
        "id": pl.Int64,
        "day": pl.Date,
        "at": pl.Datetime("us", "UTC"),
        "price": pl.Decimal(9, 2),
        "tags": pl.List(pl.String),
    }


def test_columns_in_the_requested_order_and_rows_that_match_the_filter(things: Lakehouse) -> None:
    rows = things.read("raw.things", columns=["price", "id"], where="day = '2024-01-15' and id < 3")
    assert rows.columns == ["price", "id"]
    assert rows.rows() == [(None, 2)]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("price > 1.5", []),
        ("price >= 1.5", [1]),
        ("price = '1.500'", [1]),
        ("price < 0.1 and not price > -1.9", [3]),
        ("price in (1.5, 2.5)", [1]),
        ("price not in ('-2', '7')", [1, 2]),
        ("price > 1", [1]),
    ],
)
def test_decimals_match_whatever_places_they_are_written_with(things: Lakehouse, where: str, ids: list[int]) -> None:
    assert things.read("raw.things", where=where)["id"].to_list() == ids


def test_a_table_without_rows_has_its_columns(things: Lakehouse) -> None:
    rows = things.read("raw.empty", columns=["day"])
    assert rows.height == 0
    assert rows.schema == {"day": pl.Date}
    assert things.read("raw.things", where="id > 9").height == 0


def test_an_identifier_column_is_read(lakehouse: Lakehouse) -> None:
    value = uuid.uuid4()
    rows = pa.table({"id": pa.array([value.bytes], pa.uuid())})
    lakehouse.catalog.create_namespace("raw")
    lakehouse.catalog.create_table("raw.ids", schema=rows.schema).append(rows)
    assert lakehouse.read("raw.ids").height == 1


@pytest.mark.parametrize(
    ("table", "columns", "where", "said"),
    [
        ("things", None, None, "'raw.things'"),
        ("raw.thing", None, None, "has no table raw.thing."),
        ("raw.things", ["pricee"], None, "has no column 'pricee'. Did you mean 'price'?"),
        ("raw.things", ["xyz"], None, "columns are id, day, at, price, tags."),
        ("raw.things", None, "id >", "The filter 'id >' on raw.things is invalid: it cannot be read. Filters look"),
        ("raw.things", None, "id > 1 garbage", "it cannot be read from 'garbage' on. Filters look"),
        ("raw.things", None, "not (day > '2024-01-01' and id in (1.5, 2.5))", "whole numbers, and"),
        ("raw.things", None, "id < '1.5'", "whole numbers, and 1.5 is not one"),
        ("raw.things", None, "price > 1.505", "price has numbers of 2 decimal places, and 1.505 is not one"),
        ("raw.things", None, "price in ('1.5', 'x')", "price has numbers, and 'x' is not one"),
        ("raw.things", None, "price = 'nan'", "and nan is not one"),
        ("raw.things", None, "idd = 1", "is invalid: Could not find field with name idd, case_sensitive=True."),
        ("raw.things", None, "idd = 1", "columns are id, day, at, price, tags."),
    ],
)
def test_rows_that_cannot_be_read_are_an_error(
    things: Lakehouse, table: str, columns: list[str] | None, where: str | None, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        things.read(table, columns=columns, where=where)
    assert said in str(caught.value)
