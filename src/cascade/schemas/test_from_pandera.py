"""Every dtype of pandera models, for Polars and pandas, and the text of every error."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import pandas as pd
import pandera.pandas as pandas_pandera
import pandera.polars as polars_pandera
import polars as pl
import pyarrow as pa
import pytest
from pandera.typing import Index, Series

from cascade.exceptions import SchemaConversionError, SourceLocation
from cascade.schemas import declared_schema

UTC = pa.timestamp("us", "UTC")


def element(arrow: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", arrow))


def column_of(pandera: Any, annotation: Any, **field: Any) -> Any:
    body = {"__annotations__": {"value": annotation}, "__module__": __name__}
    if field:
        body["value"] = pandera.Field(**field)
    return declared_schema(type("Model", (pandera.DataFrameModel,), body)).columns[0]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, pa.int64()),
        (float, pa.float64()),
        (str, pa.string()),
        (bool, pa.bool_()),
        (bytes, pa.binary()),
        (dt.date, pa.date32()),
        (dt.time, pa.time64("us")),
        (dt.datetime, pa.timestamp("us")),
        (list[int], element(pa.int64())),
        (pl.Int8, pa.int32()),
        (pl.Int32, pa.int32()),
        (pl.UInt16, pa.int32()),
        (pl.UInt32, pa.int64()),
        (pl.Float32, pa.float32()),
        (pl.Categorical, pa.string()),
        (pl.Datetime, pa.timestamp("us")),
        (Annotated[pl.Datetime, "ms", "UTC"], UTC),
        (Annotated[pl.Datetime, "ns", "America/New_York"], UTC),
        (Annotated[pl.Decimal, 10, 2], pa.decimal128(10, 2)),
        (Annotated[pl.Enum, ["a", "b"]], pa.string()),
        (pl.List(pl.Int64), element(pa.int64())),
        (pl.Array(pl.Int8, 2), element(pa.int32())),
        (pl.List(pl.List(pl.String)), element(element(pa.string()))),
        (pl.Struct({"x": pl.Int64, "y": pl.List(pl.Float32)}), None),
    ],
)
def test_a_polars_dtype_becomes_a_column(annotation: Any, expected: pa.DataType | None) -> None:
    column = column_of(polars_pandera, annotation)
    assert column.type == (expected or pa.struct([("x", pa.int64()), ("y", element(pa.float32()))]))
    assert column.required


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, pa.int64()),
        (np.int32, pa.int32()),
        (np.uint32, pa.int64()),
        (float, pa.float64()),
        (np.float32, pa.float32()),
        (bool, pa.bool_()),
        (str, pa.string()),
        (Series[str], pa.string()),
        (dt.date, pa.date32()),
        (dt.datetime, pa.timestamp("us")),
        (pd.Int64Dtype, pa.int64()),
        (pd.Int16Dtype, pa.int32()),
        (pd.Float64Dtype, pa.float64()),
        (pd.BooleanDtype, pa.bool_()),
        (pd.StringDtype, pa.string()),
        (Annotated[pd.DatetimeTZDtype, "ns", "America/New_York"], UTC),
        (Series[Annotated[pd.DatetimeTZDtype, "us", "UTC"]], UTC),
        (Annotated[pd.CategoricalDtype, ["a", "b"], False], pa.string()),
        (Annotated[pd.CategoricalDtype, [1, 2], False], pa.int64()),
        (Annotated[pd.ArrowDtype, pa.int64()], pa.int64()),
        (Annotated[pd.ArrowDtype, pa.large_string()], pa.string()),
        (Annotated[pd.ArrowDtype, pa.decimal128(10, 2)], pa.decimal128(10, 2)),
        (Annotated[pd.ArrowDtype, pa.timestamp("ns", "UTC")], UTC),
        (Annotated[pd.ArrowDtype, pa.time64("ns")], pa.time64("us")),
        (Annotated[pd.ArrowDtype, pa.binary()], pa.binary()),
        (Annotated[pd.ArrowDtype, pa.list_(pa.int64())], element(pa.int64())),
        (Annotated[pd.ArrowDtype, pa.dictionary(pa.int8(), pa.string())], pa.string()),
        (Annotated[pd.ArrowDtype, pa.struct([("x", pa.int8())])], pa.struct([("x", pa.int32())])),
    ],
)
def test_a_pandas_dtype_becomes_a_column(annotation: Any, expected: pa.DataType) -> None:
    column = column_of(pandas_pandera, annotation)
    assert column.type == expected
    assert column.required


def test_pandera_decimals_keep_their_size() -> None:
    field = {"dtype_kwargs": {"precision": 10, "scale": 2}}
    assert column_of(pandas_pandera, pandas_pandera.Decimal, **field).type == pa.decimal128(10, 2)
    with pytest.raises(SchemaConversionError, match=r"write Annotated\[<dtype>, 10, 2\]") as caught:
        column_of(polars_pandera, pl.Decimal, **field)
    assert caught.value.field == "value"


@pytest.mark.parametrize("pandera", [polars_pandera, pandas_pandera])
def test_nullable_and_optional_columns_are_optional(pandera: Any) -> None:
    assert not column_of(pandera, int, nullable=True).required
    assert not column_of(pandera, int | None).required
    assert column_of(pandera, int, nullable=False).required


@pytest.mark.parametrize("pandera", [polars_pandera, pandas_pandera])
def test_a_description_becomes_documentation_and_an_alias_the_name(pandera: Any) -> None:
    column = column_of(pandera, int, description="In  miles.", alias="wind speed")
    assert column.doc == "In miles."
    assert (column.name, column.source_name) == ("wind speed", "wind speed")


@pytest.mark.parametrize("pandera", [polars_pandera, pandas_pandera])
def test_inherited_columns_come_first(pandera: Any) -> None:
    base = type("Base", (pandera.DataFrameModel,), {"__annotations__": {"id": int}, "__module__": __name__})
    child = type("Child", (base,), {"__annotations__": {"extra": float}, "__module__": __name__})
    assert [column.name for column in declared_schema(child).columns] == ["id", "extra"]


BOTH = [polars_pandera, pandas_pandera]


@pytest.mark.parametrize(
    ("pandera", "annotation", "reason"),
    [
        *(
            (p, Literal["a", "b"], "pandera does not support Literal; use str with pa.Field(isin=['a', 'b'])")
            for p in BOTH
        ),
        *((p, UUID, "UUID is not a pandera dtype; use str, int, float or a dtype of the frame library") for p in BOTH),
        *(
            (p, dt.timedelta, "Iceberg has no duration type; use Int64 or Float64 with the unit in the name")
            for p in BOTH
        ),
        (polars_pandera, Any, "Any is not a pandera dtype"),
        (polars_pandera, dict, "dict is not a pandera dtype"),
        (polars_pandera, pl.UInt64, "Iceberg has no unsigned 64-bit integers; use Int64"),
        (polars_pandera, pl.Object, "Object is not a supported column type"),
        (polars_pandera, pl.Int128, "Int128 is not a supported column type"),
        (polars_pandera, pl.Null, "Null is not a supported column type"),
        (polars_pandera, pl.List, "List does not specify the type of its elements; write pl.List(pl.Int64)"),
        (pandas_pandera, Any, "the column has no dtype, so it could hold anything"),
        (pandas_pandera, object, "object does not specify a type; use str"),
        (pandas_pandera, complex, "complex128 does not specify a type"),
        (pandas_pandera, np.uint64, "Iceberg has no unsigned 64-bit integers"),
        (pandas_pandera, pd.UInt64Dtype, "Iceberg has no unsigned 64-bit integers"),
        (pandas_pandera, pd.CategoricalDtype, "the categories are not listed"),
        (pandas_pandera, Annotated[pd.PeriodDtype, "D"], "period[D] is not a supported column type"),
        (
            pandas_pandera,
            Annotated[pd.ArrowDtype, pa.map_(pa.string(), pa.string())],
            "map<string, string> is not a supported column type",
        ),
        (pandas_pandera, Annotated[pd.ArrowDtype, pa.null()], "null is not a supported column type"),
        (pandas_pandera, Annotated[pd.ArrowDtype, pa.duration("s")], "Iceberg has no duration type"),
    ],
)
def test_the_error_for_an_unsupported_dtype_names_the_field_and_the_fix(
    pandera: Any, annotation: Any, reason: str
) -> None:
    with pytest.raises(SchemaConversionError) as caught:
        column_of(pandera, annotation)
    assert caught.value.field == "value"
    assert reason in caught.value.reason


def test_an_error_in_a_nested_dtype_gives_the_path() -> None:
    with pytest.raises(SchemaConversionError) as caught:
        column_of(polars_pandera, pl.List(pl.Struct({"x": pl.Duration})))
    assert caught.value.field == "value.element.x"


def test_an_index_and_a_regex_are_errors() -> None:
    class Indexed(pandas_pandera.DataFrameModel):
        id: Index[int]
        value: int

    with pytest.raises(
        SchemaConversionError, match=r"tables have no index; declare a column instead of Index\[\.\.\.\]"
    ):
        declared_schema(Indexed)
    with pytest.raises(SchemaConversionError, match="regex=True matches any number of columns"):
        column_of(polars_pandera, int, regex=True, alias="^x")


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(SchemaConversionError, match="an annotation refers to 'Nowhere', which is not defined"):
        column_of(polars_pandera, "Nowhere")


def test_the_error_names_only_the_wrong_field() -> None:
    class Model(polars_pandera.DataFrameModel):
        fine: int
        kind: Literal["a", "b"]

    with pytest.raises(SchemaConversionError) as caught:
        declared_schema(Model)
    assert caught.value.field == "kind"
    assert caught.value.location == SourceLocation(__file__, inspect.getsourcelines(Model)[1] + 2)


def test_every_wrong_field_is_named() -> None:
    class Model(polars_pandera.DataFrameModel):
        waited: pl.Duration
        fine: int
        also: pl.Duration

    with pytest.raises(SchemaConversionError) as caught:
        declared_schema(Model)
    assert [error.field for error in (caught.value, *caught.value.others)] == ["waited", "also"]
