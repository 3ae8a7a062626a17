"""Every layout that a decorator accepts is written, merged again and read; every other one is refused there."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pandas as pd
import pandera.pandas as pa_pandas
import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
import pydantic
import pytest
from pandera.typing import Series

from cascade.declarations.column_types import column_type
from cascade.declarations.layouts import EXAMPLES, transforms_of
from cascade.declarations.schema_fields import columns_of
from cascade.exceptions import DeclarationError, SchemaConversionError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ran, table_rows
from cascade.ingestion.run import run_ingestion
from cascade.schemas import to_iceberg_schema


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(pydantic.BaseModel):
    x: int


class Reading(pydantic.BaseModel):
    number: int
    is_valid: bool
    long: int
    double: float
    decimal: Decimal = pydantic.Field(max_digits=38, decimal_places=2)
    string: str | None
    binary: bytes
    uuid: UUID
    date: date
    time: time
    timestamptz: pydantic.AwareDatetime
    timestamp: pydantic.NaiveDatetime | None
    colour: Colour
    point: Point
    numbers: list[int]


def reading(number: int, **changes: object) -> dict[str, Any]:
    return {
        "number": number,
        "is_valid": True,
        "long": 7,
        "double": 0.5,
        "decimal": Decimal("1.55"),
        "string": "a",
        "binary": b"a",
        "uuid": UUID(int=number),
        "date": date(2024, 1, 31),
        "time": time(1),
        "timestamptz": datetime(2024, 1, 31, 5, tzinfo=UTC),
        "timestamp": datetime(2024, 1, 31, 5),
        "colour": Colour.RED,
        "point": {"x": 1},
        "numbers": [1],
        **changes,
    }


ROWS = [
    reading(1, string="a/b=c%d 'q' ä", binary=b"\x00\xff/"),
    reading(2, string="", binary=b"", long=-5, decimal=Decimal("-1.55"), time=time(0), colour=Colour.BLUE),
    reading(3, date=date(1, 1, 1), timestamp=datetime(1, 1, 1), timestamptz=datetime(1, 1, 1, tzinfo=UTC)),
    reading(
        4,
        long=2**63 - 1,
        decimal=Decimal("9" * 36 + ".99"),
        date=date(9999, 12, 31),
        time=time(23, 59, 59, 999999),
        timestamp=datetime(9999, 12, 31, 23, 59),
        timestamptz=datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
        uuid=UUID(int=2**128 - 1),
    ),
    reading(5, long=-(2**63), date=date(1969, 12, 31), timestamp=datetime(1969, 12, 31, 23, 30), string="𝄞𝄞𝄞"),
    reading(6, string=None, timestamp=None, is_valid=False),
]

TYPES = {field.name: str(field.field_type) for field in to_iceberg_schema(Reading).fields}
POSSIBLE = {name: transforms_of(iceberg_type) for name, iceberg_type in TYPES.items()}


# A table has at most one transform for each column, so a few tables cover all pairs.
@pytest.mark.parametrize("which", range(max(map(len, POSSIBLE.values()))))
def test_every_accepted_pair_of_transform_and_type_is_written_and_merged(lakehouse: Lakehouse, which: int) -> None:
    layout = [(name, possible[which]) for name, possible in POSSIBLE.items() if which < len(possible)]
    arguments: dict[str, Any] = {
        "validation_schema": Reading,
        "unique_key": "number",
        "partitions": None,
        "key": None,
        "partition_spec": layout,
        "partition_start": None,
    }
    assert ran(lakehouse, *ROWS, **arguments).rows_inserted == len(ROWS)
    assert not ran(lakehouse, *ROWS, **arguments).committed
    moved = [
        {
            **row,
            "double": 99.5,
            "string": "moved",
            "date": row["date"] - timedelta(1) if row["number"] > 3 else date.max,
        }
        for row in ROWS
    ]
    assert ran(lakehouse, *moved, **arguments).rows_updated == len(ROWS)
    expected = [{**row, "colour": row["colour"].value} for row in moved]
    assert table_rows(lakehouse) == sorted(expected, key=repr)
    table = lakehouse.catalog.load_table("raw.readings")
    assert len(table.spec().fields) == len(layout)
    for row in expected:
        assert table.scan(row_filter=f"number = {row['number']}").to_arrow().to_pylist() == [row]
    assert table.scan(row_filter="long = -5").to_arrow().num_rows == 1
    assert table.scan(row_filter="timestamptz = '0001-01-01T00:00:00+00:00'").to_arrow().num_rows == 1


@pytest.mark.parametrize(
    ("column", "transform"),
    [(name, transform) for name in Reading.model_fields for transform in EXAMPLES if transform not in POSSIBLE[name]],
)
def test_every_other_pair_is_refused_by_the_decorator(column: str, transform: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared([(column, transform)])
    said = str(caught.value)
    shown = TYPES[column].partition("(")[0].partition("<")[0]
    assert f'partition_spec: the {shown} column "{column}" cannot have the transform {transform}; ' in said
    possible = ", ".join(POSSIBLE[column]) if POSSIBLE[column] else "no transform can; use another column"
    assert possible in said


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ([("date", "day"), ("date", "month")], 'the column "date" has two transforms, day and month'),
        ([("date", "day"), "date"], 'the column "date" has two transforms, day and identity'),
        (["string", "string"], 'the column "string" has two transforms, identity and identity'),
        (
            [("long", "bucket[4294967296]")],
            "the number of 'bucket[4294967296]' is too large; the largest is 2147483647",
        ),
        ([("longs", "bucket[2]")], '"longs" is not a field of Reading. Did you mean "long"?'),
    ],
)
def test_a_layout_that_no_table_can_have_is_refused_by_the_decorator(layout: list[Any], said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared(layout)
    assert said in str(caught.value)


def test_a_column_with_the_name_of_a_field_of_the_layout_is_refused_by_the_decorator() -> None:
    class Row(pydantic.BaseModel):
        at: date
        at_day: int

    with pytest.raises(
        DeclarationError, match='the field of \\("at", "day"\\) "at_day", which is the name of a column'
    ):
        declared([("at", "day")], schema=Row, unique_key="at")


def declared(layout: list[Any], schema: type = Reading, unique_key: str = "number") -> Any:
    decorate = cascade_ingestion(
        table_name="readings", unique_key=unique_key, group="g", validation_schema=schema, partition_spec=layout
    )
    return decorate(lambda: None).declaration


Station = NewType("Station", str)


class Written(pydantic.BaseModel):
    station: Station
    either: int | float
    choice: Literal["a", "b"] | None
    wrapped: Annotated[int, pydantic.Field(gt=0)] | None
    short: Annotated[str | None, pydantic.Field(max_length=3)]
    url: pydantic.AnyUrl
    past: pydantic.PastDatetime
    day: pydantic.PastDate
    positive: pydantic.PositiveInt


class OfPolars(pa_polars.DataFrameModel):
    a: int
    b: pl.UInt32
    c: pl.Int8
    d: pl.Float32
    e: Annotated[pl.Datetime, "us", "UTC"]
    f: Annotated[pl.Datetime, "us", None]
    g: Annotated[pl.Decimal, 9, 2]
    h: str
    i: pl.Date
    j: pl.Time
    k: pl.Binary
    l: pl.Boolean  # noqa: E741
    m: Annotated[pl.List, pl.Int64]
    n: pl.Categorical


class OfPandas(pa_pandas.DataFrameModel):
    a: Series[int]
    b: Series[pd.Int32Dtype]
    c: Series[float]
    d: Series[pd.StringDtype]
    e: Series[Annotated[pd.DatetimeTZDtype, "ns", "UTC"]]
    f: Series[pa_pandas.dtypes.Timestamp]
    g: Series[Annotated[pd.ArrowDtype, pa.timestamp("us", "UTC")]]
    h: Series[Annotated[pd.ArrowDtype, pa.date32()]]
    i: Series[Annotated[pd.ArrowDtype, pa.decimal128(9, 2)]]
    j: Series[Annotated[pd.ArrowDtype, pa.list_(pa.int64())]]
    k: Series[pd.BooleanDtype]


@pytest.mark.parametrize("schema", [Reading, OfPolars, OfPandas])
def test_the_decorator_knows_the_type_of_each_column(schema: type) -> None:
    columns = columns_of(schema)
    assert columns is not None
    found = {name: column_type(column) for name, column in columns.items()}
    kinds = {
        field.name: str(field.field_type).partition("(")[0].partition("<")[0]
        for field in to_iceberg_schema(schema).fields
    }
    unknown = {name for name, kind in found.items() if kind is None}
    assert {**found, **dict.fromkeys(unknown)} == {**kinds, **dict.fromkeys(unknown)}
    assert unknown <= {"n"}


def test_the_decorator_knows_annotations_of_every_form() -> None:
    found = {name: column_type(field) for name, field in Written.model_fields.items()}
    assert found == {
        "station": "string",
        "either": None,
        "choice": "string",
        "wrapped": "long",
        "short": "string",
        "url": "string",
        "past": "timestamptz",
        "day": "date",
        "positive": "long",
    }


def test_a_type_that_only_the_conversion_knows_is_refused_before_the_table_is_made(lakehouse: Lakehouse) -> None:
    declaration = declared([("n", "day")], schema=OfPolars, unique_key="a")
    with pytest.raises(SchemaConversionError, match='the string column "n" cannot have the transform day'):
        run_ingestion(declaration, lakehouse=lakehouse, window=None, run_id="run", data=[])
    assert lakehouse.catalog.list_namespaces() == []
