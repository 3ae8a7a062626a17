"""Conversion to the declared types: lossless conversions succeed, cell by cell and in Arrow alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cascade.schemas import dtypes, kinds
from cascade.schemas.cells import from_column, from_values
from cascade.schemas.values import ValueType

UTC = dt.UTC
AWARE = kinds.timestamp(aware=True)
NAIVE = kinds.timestamp(aware=False)


@pytest.mark.parametrize(
    ("value_type", "value", "expected"),
    [
        (kinds.integer(), "12", 12),
        (kinds.integer(), 12.0, 12),
        (kinds.integer(32), Decimal(12), 12),
        (kinds.floating(), 1, 1.0),
        (kinds.floating(), "1.5", 1.5),
        (kinds.boolean(), "true", True),
        (kinds.boolean(), 1, True),
        (kinds.text(), "a", "a"),
        (dtypes.coerced(kinds.text()), 12, "12"),
        (kinds.binary(), "a", b"a"),
        (kinds.decimal(5, 2), "1.5", Decimal("1.50")),
        (kinds.decimal(5, 2), 1, Decimal("1.00")),
        (kinds.calendar_date(), "2013-01-01", dt.date(2013, 1, 1)),
        (kinds.clock_time(), "01:02", dt.time(1, 2)),
        (AWARE, "2013-01-01T05:00:00Z", dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
        (NAIVE, "2013-01-01T05:00:00", dt.datetime(2013, 1, 1, 5)),
        (kinds.list_of(kinds.integer(), nullable=True), ["1", None], [1, None]),
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
        (kinds.integer(), 12.5, "column_type"),
        (kinds.integer(), "abc", "column_type"),
        (kinds.integer(), float("nan"), "column_type"),
        (kinds.integer(), "9223372036854775808", "column_range"),
        (kinds.integer(32), 2**31, "column_range"),
        (kinds.text(), 12, "column_type"),
        (kinds.decimal(5, 2), "1.234", "column_range"),
        (kinds.calendar_date(), dt.datetime(2013, 1, 1, 5), "column_type"),
        (AWARE, "2013-01-01T05:00:00", "timezone_aware"),
        (NAIVE, "2013-01-01T05:00:00Z", "timezone_naive"),
        (kinds.list_of(kinds.integer(), nullable=True), ["x"], "column_type"),
    ],
)
def test_a_lossy_cell_is_reported(value_type: ValueType, value: Any, rule: str) -> None:
    array, unfit = from_values([None, value], value_type)
    assert list(unfit) == [1]
    assert unfit[1].rule == rule
    assert array.to_pylist() == [None, None]


def test_the_path_in_a_nested_cell_is_reported() -> None:
    _, unfit = from_values([[1, "x"]], kinds.list_of(kinds.integer(), nullable=True))
    assert unfit[0].path == (1,)


@pytest.mark.parametrize(
    ("column", "value_type", "expected", "unfit"),
    [
        (pa.array([1.0, None, 2.5]), kinds.integer(), [1, None, None], [2]),
        (pa.array([1.0, float("nan")]), kinds.integer(), [1, None], [1]),
        (pa.array([1, 2**40]), kinds.integer(32), [1, None], [1]),
        (pa.array([1, 2**60 + 1]), kinds.floating(), [1.0, float(2**60 + 1)], []),
        (pa.array([0.1]), kinds.floating(32), [0.10000000149011612], []),
        (pa.array([2**63], pa.uint64()), kinds.integer(), [None], [0]),
        (pa.array(["1", "x"]), kinds.integer(), [1, None], [1]),
        (pa.array(["a"], pa.large_string()), kinds.text(), ["a"], []),
        (pa.array(["a", None]).dictionary_encode(), kinds.text(), ["a", None], []),
        (pa.array([1]), kinds.text(), [None], [0]),
        (pa.array([1]), dtypes.coerced(kinds.text()), ["1"], []),
        (pa.nulls(2), kinds.text(), [None, None], []),
        (pa.array([Decimal("1.50")]), kinds.decimal(5, 1), [Decimal("1.5")], []),
        (pa.array([Decimal("1.55")]), kinds.decimal(5, 1), [None], [0]),
        (pa.array([1]), kinds.decimal(5, 1), [Decimal("1.0")], []),
        (pa.array([1999], pa.timestamp("ns", "UTC")), AWARE, [dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)], []),
        (pa.array([0], pa.timestamp("s", "America/New_York")), AWARE, [dt.datetime(1970, 1, 1, tzinfo=UTC)], []),
        (pa.array([0], pa.timestamp("us")), AWARE, [None], [0]),
        (pa.array([0], pa.timestamp("us", "UTC")), NAIVE, [None], [0]),
        (pa.array([0, 2**61], pa.timestamp("us", "UTC")), AWARE, [dt.datetime(1970, 1, 1, tzinfo=UTC), None], [1]),
        (pa.array([0, 2**61], pa.timestamp("s", "UTC")), AWARE, [dt.datetime(1970, 1, 1, tzinfo=UTC), None], [1]),
        (pa.array([0, 2**30], pa.date32()), kinds.calendar_date(), [dt.date(1970, 1, 1), None], [1]),
        (pa.array([0], pa.timestamp("us")), kinds.calendar_date(), [dt.date(1970, 1, 1)], []),
        (pa.array([1], pa.timestamp("us")), kinds.calendar_date(), [None], [0]),
        (pa.array([0], pa.time32("s")), kinds.clock_time(), [dt.time(0)], []),
        (pa.array([[1.0, None]]), kinds.list_of(kinds.integer(), nullable=True), [[1, None]], []),
        (pa.array([[1.5]]), kinds.list_of(kinds.integer(), nullable=True), [None], [0]),
        (pa.array([{"b": 1, "a": 2}]), dtypes.from_polars(pl.Struct({"a": pl.Int8})), [{"a": 2}], []),
        (pa.array([{"a": 2}]), dtypes.from_polars(pl.Struct({"a": pl.Int8})), [{"a": 2}], []),
        (pa.array([b"\xff"]), kinds.text(), [None], [0]),
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
        kinds.integer(),
        kinds.integer(32),
        kinds.floating(),
        kinds.text(),
        kinds.boolean(),
        kinds.decimal(5, 1),
        kinds.calendar_date(),
        AWARE,
        NAIVE,
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SOURCES, TARGETS)
def test_casting_in_arrow_and_cell_by_cell_agree(source: tuple[pa.DataType, list[Any]], target: ValueType) -> None:
    arrow, column = source
    at_once, reasons = from_column(pa.chunked_array([pa.array(column, arrow)]), target)
    one_by_one, others = from_values(column, target)
    assert set(reasons) == set(others)
    assert str(at_once.to_pylist()) == str(one_by_one.to_pylist())
