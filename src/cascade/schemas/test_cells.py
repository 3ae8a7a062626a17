"""Conversion to the declared types alone: what loses nothing is converted, by cells and by Arrow alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.schemas import dtypes, values
from cascade.schemas.cells import from_column, from_values
from cascade.schemas.values import ValueType

UTC = dt.UTC
AWARE = values.timestamp(aware=True)
NAIVE = values.timestamp(aware=False)


@pytest.mark.parametrize(
    ("value_type", "value", "expected"),
    [
        (values.integer(), "12", 12),
        (values.integer(), 12.0, 12),
        (values.integer(32), Decimal(12), 12),
        (values.floating(), 1, 1.0),
        (values.floating(), "1.5", 1.5),
        (values.boolean(), "true", True),
        (values.boolean(), 1, True),
        (values.text(), "a", "a"),
        (dtypes.coerced(values.text()), 12, "12"),
        (values.binary(), "a", b"a"),
        (values.decimal(5, 2), "1.5", Decimal("1.50")),
        (values.decimal(5, 2), 1, Decimal("1.00")),
        (values.calendar_date(), "2013-01-01", dt.date(2013, 1, 1)),
        (values.clock_time(), "01:02", dt.time(1, 2)),
        (AWARE, "2013-01-01T05:00:00Z", dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
        (NAIVE, "2013-01-01T05:00:00", dt.datetime(2013, 1, 1, 5)),
        (values.list_of(values.integer(), nullable=True), ["1", None], [1, None]),
        (dtypes.from_polars(pl.Struct({"a b": pl.Int64})), {"a b": "1", "other": 2}, {"a b": 1}),
        (dtypes.from_polars(pl.Struct({"a b": pl.Int64})), {}, {"a b": None}),
    ],
)
def test_a_cell_becomes_the_declared_type(value_type: ValueType, value: Any, expected: Any) -> None:
    array, unfit = from_values([value, None], value_type)
    assert unfit == {}
    assert array.type == value_type.arrow
    assert array.to_pylist() == [expected, None]


@pytest.mark.parametrize(
    ("value_type", "value", "rule"),
    [
        (values.integer(), 12.5, "column_type"),
        (values.integer(), "abc", "column_type"),
        (values.integer(), float("nan"), "column_type"),
        (values.integer(), "9223372036854775808", "column_range"),
        (values.integer(32), 2**31, "column_range"),
        (values.text(), 12, "column_type"),
        (values.decimal(5, 2), "1.234", "column_range"),
        (values.calendar_date(), dt.datetime(2013, 1, 1, 5), "column_type"),
        (AWARE, "2013-01-01T05:00:00", "timezone_aware"),
        (NAIVE, "2013-01-01T05:00:00Z", "timezone_naive"),
        (values.list_of(values.integer(), nullable=True), ["x"], "column_type"),
    ],
)
def test_a_cell_that_would_lose_something_is_told(value_type: ValueType, value: Any, rule: str) -> None:
    array, unfit = from_values([None, value], value_type)
    assert list(unfit) == [1]
    assert unfit[1].rule == rule
    assert array.to_pylist() == [None, None]


def test_the_place_in_a_nested_cell_is_told() -> None:
    _, unfit = from_values([[1, "x"]], values.list_of(values.integer(), nullable=True))
    assert unfit[0].path == (1,)


@pytest.mark.parametrize(
    ("column", "value_type", "expected", "unfit"),
    [
        (pa.array([1.0, None, 2.5]), values.integer(), [1, None, None], [2]),
        (pa.array([1.0, float("nan")]), values.integer(), [1, None], [1]),
        (pa.array([1, 2**40]), values.integer(32), [1, None], [1]),
        (pa.array([1, 2**60 + 1]), values.floating(), [1.0, float(2**60 + 1)], []),
        (pa.array([0.1]), values.floating(32), [0.10000000149011612], []),
        (pa.array([2**63], pa.uint64()), values.integer(), [None], [0]),
        (pa.array(["1", "x"]), values.integer(), [1, None], [1]),
        (pa.array(["a"], pa.large_string()), values.text(), ["a"], []),
        (pa.array(["a", None]).dictionary_encode(), values.text(), ["a", None], []),
        (pa.array([1]), values.text(), [None], [0]),
        (pa.array([1]), dtypes.coerced(values.text()), ["1"], []),
        (pa.nulls(2), values.text(), [None, None], []),
        (pa.array([Decimal("1.50")]), values.decimal(5, 1), [Decimal("1.5")], []),
        (pa.array([Decimal("1.55")]), values.decimal(5, 1), [None], [0]),
        (pa.array([1]), values.decimal(5, 1), [Decimal("1.0")], []),
        (pa.array([1999], pa.timestamp("ns", "UTC")), AWARE, [dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)], []),
        (pa.array([0], pa.timestamp("s", "America/New_York")), AWARE, [dt.datetime(1970, 1, 1, tzinfo=UTC)], []),
        (pa.array([0], pa.timestamp("us")), AWARE, [None], [0]),
        (pa.array([0], pa.timestamp("us", "UTC")), NAIVE, [None], [0]),
        (pa.array([0, 2**61], pa.timestamp("us", "UTC")), AWARE, [dt.datetime(1970, 1, 1, tzinfo=UTC), None], [1]),
        (pa.array([0, 2**61], pa.timestamp("s", "UTC")), AWARE, [dt.datetime(1970, 1, 1, tzinfo=UTC), None], [1]),
        (pa.array([0, 2**30], pa.date32()), values.calendar_date(), [dt.date(1970, 1, 1), None], [1]),
        (pa.array([0], pa.timestamp("us")), values.calendar_date(), [dt.date(1970, 1, 1)], []),
        (pa.array([1], pa.timestamp("us")), values.calendar_date(), [None], [0]),
        (pa.array([0], pa.time32("s")), values.clock_time(), [dt.time(0)], []),
        (pa.array([[1.0, None]]), values.list_of(values.integer(), nullable=True), [[1, None]], []),
        (pa.array([[1.5]]), values.list_of(values.integer(), nullable=True), [None], [0]),
        (pa.array([{"b": 1, "a": 2}]), dtypes.from_polars(pl.Struct({"a": pl.Int8})), [{"a": 2}], []),
        (pa.array([{"a": 2}]), dtypes.from_polars(pl.Struct({"a": pl.Int8})), [{"a": 2}], []),
        (pa.array([b"\xff"]), values.text(), [None], [0]),
    ],
)
def test_an_arrow_column_becomes_the_declared_type(
    column: pa.Array, value_type: ValueType, expected: list[Any], unfit: list[int]
) -> None:
    array, reasons = from_column(pa.chunked_array([column, column[:0]]), value_type)
    assert isinstance(array, pa.Array)
    assert array.type == value_type.arrow
    assert array.to_pylist() == expected
    assert list(reasons) == unfit


SOURCES = st.one_of(
    st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=4)),
    st.tuples(st.just(pa.int8()), st.lists(st.none() | st.integers(-128, 127), max_size=4)),
    st.tuples(st.just(pa.float64()), st.lists(st.none() | st.floats() | st.integers(-9, 9).map(float), max_size=4)),
    st.tuples(st.just(pa.string()), st.lists(st.none() | st.sampled_from(["1", "x", "1.5", "true"]), max_size=4)),
    st.tuples(st.just(pa.bool_()), st.lists(st.none() | st.booleans(), max_size=4)),
    st.tuples(st.just(pa.decimal128(9, 3)), st.lists(st.none() | st.decimals(-9, 9, places=3), max_size=4)),
    st.tuples(st.just(pa.timestamp("us")), st.lists(st.none() | st.datetimes(), max_size=4)),
    st.tuples(st.just(pa.timestamp("us", "UTC")), st.lists(st.datetimes(timezones=st.just(UTC)), max_size=4)),
    st.tuples(st.just(pa.date32()), st.lists(st.none() | st.dates(), max_size=4)),
)
TARGETS = st.sampled_from(
    [
        values.integer(),
        values.integer(32),
        values.floating(),
        values.text(),
        values.boolean(),
        values.decimal(5, 1),
        values.calendar_date(),
        AWARE,
        NAIVE,
    ]
)


@given(SOURCES, TARGETS)
def test_arrow_and_cell_by_cell_agree(source: tuple[pa.DataType, list[Any]], target: ValueType) -> None:
    arrow, column = source
    at_once, reasons = from_column(pa.chunked_array([pa.array(column, arrow)]), target)
    one_by_one, others = from_values(column, target)
    assert set(reasons) == set(others)
    assert str(at_once.to_pylist()) == str(one_by_one.to_pylist())
