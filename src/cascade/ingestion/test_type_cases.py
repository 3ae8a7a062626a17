"""The types of Arrow, pandas and Polars: a column of each, and what becomes of it. None is missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic


class Point(pydantic.BaseModel):
    """A nested model."""

    x: int


class Refused(str):
    """The sentence of a refusal."""


@dataclass(frozen=True)
class Case:
    """A column of two values, the type of its field, and the stored values or the sentence of the refusal."""

    type: str
    data: Any
    field: Any
    expected: Any


def arrow(data: Any, field: Any, *expected: Any, kind: str = "") -> Case:
    """Return the case of an Arrow array."""
    return Case(kind or str(data.type), pa.table({"x": data}), field, expected_of(*expected))


def pandas(values: Any, dtype: Any, field: Any, *expected: Any, kind: str = "") -> Case:
    """Return the case of a pandas series."""
    series = pd.Series(values, dtype=dtype)
    return Case(kind or str(series.dtype), pd.DataFrame({"x": series}), field, expected_of(*expected))


def polars(values: Any, dtype: Any, field: Any, *expected: Any) -> Case:
    """Return the case of a Polars series."""
    series = pl.Series("x", values, dtype=dtype, strict=False)
    return Case(str(series.dtype), series.to_frame(), field, expected_of(*expected))


def expected_of(first: Any, second: Any = None) -> Any:
    """Return the two stored values, the second null unless given, or the refusal."""
    return first if isinstance(first, Refused) else [first, second]


AT = dt.datetime(2024, 1, 31, 5, 6, 7, 8)
IN_UTC = AT.replace(tzinfo=dt.UTC)
DAY, TIME, HOUR = AT.date(), AT.time(), dt.timedelta(hours=1)
ID = UUID(int=1)
PRICE = Decimal("1.50")
MONEY = pydantic.condecimal(max_digits=9, decimal_places=2)
NAIVE, AWARE = pydantic.NaiveDatetime, pydantic.AwareDatetime
DURATION = Refused(
    "Input should be a valid number. Iceberg has no durations; use a number with the unit in its name, such as "
    "value.total_seconds()"
)
RANGE = (
    'the column "x" has the type {}, a range of time with a start and an end. Choose what to keep: '
    'frame["x"].dt.start_time, frame["x"].dt.end_time or frame["x"].astype(str).'
)
BIG = Refused("9223372036854775808 does not fit in a 64-bit integer (-9223372036854775808 to 9223372036854775807)")
MONTHS = pd.period_range("2024-01", periods=2, freq="M")


def extension(kind: Any, storage: pa.Array) -> pa.Array:
    """Return an array of an extension type."""
    return pa.ExtensionArray.from_storage(kind, storage)


ARROW = [
    arrow(pa.nulls(2), str, None),
    arrow(pa.array([True, None]), bool, True),
    *(arrow(pa.array([7, None], t), int, 7) for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    *(arrow(pa.array([7, None], t), int, 7) for t in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
    arrow(pa.array([2**63, None], pa.uint64()), int, BIG),
    *(arrow(pa.array([1.5, None], t), float, 1.5) for t in (pa.float16(), pa.float32(), pa.float64())),
    *(
        arrow(pa.array([PRICE, None], t), MONEY, PRICE)
        for t in (pa.decimal32(9, 2), pa.decimal64(9, 2), pa.decimal128(9, 2), pa.decimal256(50, 2))
    ),
    *(arrow(pa.array(["a", None], t), str, "a") for t in (pa.string(), pa.large_string(), pa.string_view())),
    *(
        arrow(pa.array([b"ab", None], t), bytes, b"ab")
        for t in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2))
    ),
    *(arrow(pa.array([DAY, None], t), dt.date, DAY) for t in (pa.date32(), pa.date64())),
    *(arrow(pa.array([dt.time(5), None], t), dt.time, dt.time(5)) for t in (pa.time32("s"), pa.time32("ms"))),
    *(arrow(pa.array([TIME, None], t), dt.time, TIME) for t in (pa.time64("us"), pa.time64("ns"))),
    *(
        arrow(pa.array([dt.datetime(2024, 1, 31), None], pa.timestamp(unit)), NAIVE, dt.datetime(2024, 1, 31))
        for unit in ("s", "ms", "us", "ns")
    ),
    *(arrow(pa.array([IN_UTC, None], pa.timestamp("us", zone)), AWARE, IN_UTC) for zone in ("UTC", "America/New_York")),
    arrow(pa.array([HOUR, None], pa.duration("s")), float, DURATION),
    arrow(
        pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
        str,
        Refused(
            'the column "x" has the type month_day_nano_interval, whose months differ in length. Convert it to a '
            'number of one unit, or to text: table["x"].cast("string") or str(value).'
        ),
    ),
    *(
        arrow(pa.array([[1, 2], None], t), list[int], [1, 2])
        for t in (
            pa.list_(pa.int64()),
            pa.large_list(pa.int64()),
            pa.list_(pa.int64(), 2),
            pa.list_view(pa.int64()),
            pa.large_list_view(pa.int64()),
        )
    ),
    arrow(pa.array([{"x": 1}, None], pa.struct({"x": pa.int64()})), Point, {"x": 1}),
    arrow(pa.array([[("x", 1)], None], pa.map_(pa.string(), pa.int64())), Point, {"x": 1}),
    arrow(pa.array(["a", None]).dictionary_encode(), str, "a", kind="dictionary<values=string>"),
    arrow(
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array(["a", None])),
        str,
        "a",
        kind="run_end_encoded<values: string>",
    ),
    arrow(
        pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["1", "2"])]),
        int,
        1,
        2,
        kind="sparse_union<int64, string>",
    ),
    arrow(
        pa.UnionArray.from_dense(
            pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["2"])]
        ),
        int,
        1,
        2,
        kind="dense_union<int64, string>",
    ),
    arrow(pa.array([ID.bytes, None], pa.uuid()), UUID, ID),
    arrow(extension(pa.json_(), pa.array(['{"a": 1}', None])), str, '{"a": 1}'),
    arrow(extension(pa.bool8(), pa.array([1, None], pa.int8())), bool, True),
    arrow(
        extension(pa.opaque(pa.binary(), "geometry", "pg"), pa.array([b"ab", None], pa.binary())),
        bytes,
        b"ab",
        kind="extension<arrow.opaque[storage_type=binary]>",
    ),
    arrow(
        extension(pa.fixed_shape_tensor(pa.int64(), [2]), pa.array([[1, 2], None], pa.list_(pa.int64(), 2))),
        list[int],
        Refused(
            'the column "x" has the type extension<arrow.fixed_shape_tensor[value_type=int64, shape=[2]]>, whose shape '
            'no list keeps. Convert it to a list: table["x"].combine_chunks().storage.'
        ),
    ),
]

PANDAS = [
    *(pandas([7, 8], f"{sign}int{bits}", int, 7, 8) for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *(pandas([1.5, np.nan], f"float{bits}", float, 1.5) for bits in (16, 32, 64)),
    pandas([7.0, np.nan], "float64", int, 7),
    pandas([1.5, np.nan], np.longdouble, float, 1.5, kind="longdouble"),
    pandas([True, False], "bool", bool, True, False),
    pandas(
        [1j, 2j],
        "complex128",
        float,
        Refused(
            'the column "x" has the type complex128, which has a real and an imaginary part. Keep each part as a '
            'column: frame["x"].to_numpy().real and frame["x"].to_numpy().imag.'
        ),
    ),
    *(
        pandas([AT.replace(microsecond=0), pd.NaT], f"datetime64[{unit}]", NAIVE, AT.replace(microsecond=0))
        for unit in ("s", "ms", "us", "ns")
    ),
    pandas([IN_UTC, pd.NaT], "datetime64[us, UTC]", AWARE, IN_UTC),
    pandas([IN_UTC, pd.NaT], "datetime64[ns, America/New_York]", AWARE, IN_UTC),
    pandas([HOUR, pd.NaT], "timedelta64[us]", float, DURATION),
    *(pandas([7, pd.NA], f"{sign}Int{bits}", int, 7) for sign in ("", "U") for bits in (8, 16, 32, 64)),
    *(pandas([1.5, pd.NA], f"Float{bits}", float, 1.5) for bits in (32, 64)),
    pandas([True, pd.NA], "boolean", bool, True),
    *(pandas(["a", None], dtype, str, "a") for dtype in ("str", "string")),
    pandas(["a", None], "category", str, "a"),
    pandas([7, None], "category", int, 7, kind="category of int64"),
    pandas(pd.Categorical([pd.Timestamp(AT), pd.NaT]), None, NAIVE, AT, kind="category of datetime64"),
    pandas(pd.Categorical(MONTHS), None, str, Refused(RANGE.format("period[M]")), kind="category of period[M]"),
    pandas(MONTHS, None, NAIVE, Refused(RANGE.format("period[M]"))),
    pandas(
        pd.interval_range(0, 2),
        None,
        int,
        Refused(
            'the column "x" has the type interval[int64, right], which has a left and a right end. Keep each end as a '
            'column: frame["x"].array.left and frame["x"].array.right.'
        ),
    ),
    pandas(pd.arrays.SparseArray([1.5, np.nan]), None, float, 1.5),
    pandas(pd.arrays.SparseArray([0, 7]), None, int, 0, 7),
    pandas([7, None], pd.ArrowDtype(pa.int64()), int, 7),
    pandas(["a", None], pd.ArrowDtype(pa.string()), str, "a"),
    pandas([IN_UTC, None], pd.ArrowDtype(pa.timestamp("us", "UTC")), AWARE, IN_UTC),
    pandas([[1], None], pd.ArrowDtype(pa.list_(pa.int64())), list[int], [1]),
    pandas([HOUR, None], pd.ArrowDtype(pa.duration("us")), float, DURATION),
    *(
        pandas([value, missing], object, field, stored, kind=f"object, of {kind}")
        for kind, value, missing, field, stored in (
            ("text", "a", None, str, "a"),
            ("bytes", b"a", None, bytes, b"a"),
            ("integers", 7, pd.NA, int, 7),
            ("dates", DAY, pd.NaT, dt.date, DAY),
            ("timestamps", pd.Timestamp(AT), pd.NaT, NAIVE, AT),
            ("decimals", PRICE, np.nan, MONEY, PRICE),
            ("UUIDs", ID, None, UUID, ID),
            ("lists", [1, 2], None, list[int], [1, 2]),
            ("NumPy arrays", np.array([1, 2]), None, list[int], [1, 2]),
            ("dicts", {"x": 1}, None, Point, {"x": 1}),
        )
    ),
    pandas([1, "2"], object, int, 1, 2, kind="object, of numbers and text"),
    pandas(
        [pd.Timestamp(IN_UTC), pd.Timestamp(IN_UTC).tz_convert("America/New_York")],
        object,
        AWARE,
        IN_UTC,
        IN_UTC,
        kind="object, of several time zones",
    ),
    pandas(
        [MONTHS[0], None],
        object,
        NAIVE,
        Refused(
            "Input should be a valid datetime. It has a start and an end; choose what to keep, such as "
            "value.start_time or str(value)"
        ),
        kind="object, of periods",
    ),
]

# What the smallest Polars that works does not have.
NEW_INTEGERS: list[Any] = [pl.UInt128] if hasattr(pl, "UInt128") else []
NEW_FLOATS: list[Any] = [pl.Float16] if hasattr(pl, "Float16") else []

POLARS = [
    polars([None, None], pl.Null, str, None),
    polars([True, None], pl.Boolean, bool, True),
    *(polars([7, None], t, int, 7) for t in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128)),
    *(polars([7, None], t, int, 7) for t in (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, *NEW_INTEGERS)),
    *(polars([2**63, None], t, int, BIG) for t in (pl.UInt64, pl.Int128)),
    *(polars([1.5, None], t, float, 1.5) for t in (*NEW_FLOATS, pl.Float32, pl.Float64)),
    polars([PRICE, None], pl.Decimal(9, 2), MONEY, PRICE),
    polars(["a", None], pl.String, str, "a"),
    polars(["a", None], pl.Categorical, str, "a"),
    polars(["a", None], pl.Enum(["a"]), str, "a"),
    polars([b"a", None], pl.Binary, bytes, b"a"),
    polars([DAY, None], pl.Date, dt.date, DAY),
    polars([TIME, None], pl.Time, dt.time, TIME),
    *(polars([AT, None], pl.Datetime(unit), NAIVE, AT) for unit in ("us", "ns")),
    polars([AT.replace(microsecond=0), None], pl.Datetime("ms"), NAIVE, AT.replace(microsecond=0)),
    polars([IN_UTC, None], pl.Datetime("us", "America/New_York"), AWARE, IN_UTC),
    polars([HOUR, None], pl.Duration, float, DURATION),
    polars([[1, 2], None], pl.List(pl.Int64), list[int], [1, 2]),
    polars([[1, 2], None], pl.List(pl.Int128), list[int], [1, 2]),
    polars([[1, 2], None], pl.Array(pl.Int64, 2), list[int], [1, 2]),
    polars([{"x": 1}, None], pl.Struct({"x": pl.Int64}), Point, {"x": 1}),
    polars([{"x": 1}, None], pl.Map(pl.String, pl.Int64), Point, {"x": 1}),
    polars(["a", None], pl.Object, str, "a"),
]

LIBRARIES = {"Arrow": ARROW, "pandas": PANDAS, "Polars": POLARS}


# Arrow has ids for these intervals, but pyarrow has no types.
UNUSED = {pa.lib.Type_INTERVAL_MONTHS, pa.lib.Type_INTERVAL_DAY_TIME}


def test_every_type_of_arrow_and_polars_is_listed() -> None:
    known = {getattr(pa.lib, name) for name in dir(pa.lib) if name.startswith("Type_")}
    assert {case.data.schema.field("x").type.id for case in ARROW} >= known - UNUSED
    listed = {type(case.data.schema["x"]) for case in POLARS}
    assert listed >= set(leaves(pl.DataType)) - {pl.Unknown, pl.Extension}


def leaves(kind: type) -> list[type]:
    below: list[type] = type.__subclasses__(kind)
    own = [one for one in below if one.__module__.startswith("polars.")]
    return [leaf for one in own for leaf in leaves(one)] or [kind]
