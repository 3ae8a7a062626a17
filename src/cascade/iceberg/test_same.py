from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from cascade.iceberg.same import same_rows

NAN = float("nan")
STRUCT = pa.struct([("n", pa.float64()), ("tags", pa.list_(pa.string()))])


def same(left: list[Any], right: list[Any], arrow: pa.DataType) -> list[bool]:
    result: list[bool] = same_rows(
        pa.table({"x": pa.array(left, arrow)}), pa.table({"x": pa.array(right, arrow)})
    ).to_pylist()
    return result


@pytest.mark.parametrize(
    ("arrow", "value", "other"),
    [
        (pa.int64(), 1, 2),
        (pa.float64(), 1.5, 1.25),
        (pa.float32(), NAN, 0.0),
        (pa.float64(), 0.0, -0.0),
        (pa.string(), "", "a"),
        (pa.large_binary(), b"", b"\0"),
        (pa.bool_(), False, True),
        (pa.decimal128(10, 2), Decimal("1.10"), Decimal("1.11")),
        (pa.timestamp("us", "UTC"), datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        (pa.uuid(), uuid.UUID(int=1).bytes, uuid.UUID(int=2).bytes),
        (pa.list_(pa.float64()), [1.0, NAN], [1.0, 2.0]),
        (pa.list_(pa.float64()), [], [None]),
        (pa.large_list(pa.int64()), [1, None], [1, 0]),
        (pa.list_(pa.list_(pa.int64())), [[1], [], None], [[1], []]),
        (STRUCT, {"n": NAN, "tags": ["a"]}, {"n": NAN, "tags": ["b"]}),
        (STRUCT, {"n": None, "tags": None}, {"n": 0.0, "tags": None}),
        (pa.list_(STRUCT), [{"n": 1.0, "tags": ["a", None]}], [{"n": 1.0, "tags": ["a"]}]),
    ],
)
def test_values_are_the_same_when_a_reader_sees_the_same(arrow: pa.DataType, value: Any, other: Any) -> None:
    left = [value, value, None, None, other, value]
    right = [value, other, None, value, value, value]
    assert same(left, right, arrow) == [True, False, True, False, False, True]


def test_a_null_struct_is_not_a_struct_of_nulls() -> None:
    assert same([None], [{"n": None, "tags": None}], STRUCT) == [False]


def test_every_column_counts() -> None:
    left = pa.table({"a": [1, 1], "b": ["x", "x"]})
    right = pa.table({"a": [1, 1], "b": ["x", "y"]})
    assert same_rows(left, right).to_pylist() == [True, False]


def test_chunks_do_not_matter() -> None:
    whole = pa.table({"a": [1, 2, 3]})
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    assert same_rows(whole, chunked).to_pylist() == [True, True, True]
    assert same_rows(whole.slice(0, 0), chunked.slice(0, 0)).to_pylist() == []
