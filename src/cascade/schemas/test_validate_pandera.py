"""Validation by pandera models, Polars and pandas alike: declared dtypes, refused rows, refused batches."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pandera.pandas as pandas_pandera
import pandera.polars as polars_pandera
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cascade.exceptions import MissingColumnError, RowsRefusedError
from cascade.schemas import ValidationResult, declared_schema, validator_for

UTC = dt.UTC
NEW_YORK = "America/New_York"
BOTH = pytest.mark.parametrize("pandera", [polars_pandera, pandas_pandera], ids=["polars", "pandas"])


def model(pandera: Any, annotations: dict[str, Any], config: dict[str, Any] | None = None, **body: Any) -> Any:
    """Build a DataFrameModel of the back end, with these fields, methods and Config."""
    namespace = {"__annotations__": annotations, "__module__": __name__, **body}
    if config:
        namespace["Config"] = type("Config", (), config)
    return type("Model", (pandera.DataFrameModel,), namespace)


def observation(pandera: Any) -> Any:
    return model(
        pandera,
        {"id": int, "station": str, "celsius": float, "note": str | None},
        id=pandera.Field(gt=0),
        station=pandera.Field(isin=["KJFK", "KLGA"], description="The airport."),
        celsius=pandera.Field(nullable=True, lt=60),
        note=pandera.Field(nullable=True),
    )


def validated(schema: Any, *rows: Any, key: tuple[str, ...] = (), validate: bool = True) -> ValidationResult:
    return validator_for(schema, unique_key=key, validate=validate).validate(list(rows))


def row(**changes: object) -> dict[str, object]:
    return {"id": 1, "station": "KJFK", **changes}


def rules(result: ValidationResult) -> list[tuple[str, str | None]]:
    return [(refused.rule, refused.field) for refused in result.refused]


def whole_check(pandera: Any, least: int) -> Any:
    """Build a check of the whole frame: the sum of the ids is at least `least`."""

    def enough(cls: type, data: Any) -> Any:
        if pandera is polars_pandera:
            return data.lazyframe.select(pl.col("id").sum() >= least)
        return data["id"].sum() >= least

    return pandera.dataframe_check(enough)


@BOTH
def test_good_rows_land_in_the_declared_schema(pandera: Any) -> None:
    schema = observation(pandera)
    result = validated(schema, row(id=1.0, celsius=1), row(id="2", celsius=None, note="x"))
    assert result.refused == ()
    assert result.good.schema.equals(declared_schema(schema).arrow, check_metadata=True)
    assert result.good.to_pylist() == [
        {"id": 1, "station": "KJFK", "celsius": 1.0, "note": None},
        {"id": 2, "station": "KJFK", "celsius": None, "note": "x"},
    ]


@BOTH
def test_failing_rows_are_refused_with_the_name_of_the_check(pandera: Any) -> None:
    result = validated(
        observation(pandera),
        row(id=-1),
        row(id=2),
        row(station="KEWR"),
        row(station=None),
        row(id="x"),
        row(id=1.5),
        row(id=-1, station="KEWR"),
        row(id=8),
    )
    assert result.good["id"].to_pylist() == [2, 8]
    assert rules(result) == [
        ("greater_than", "id"),
        ("isin", "station"),
        ("not_nullable", "station"),
        ("column_type", "id"),
        ("column_type", "id"),
        ("greater_than", "id"),
    ]
    assert result.refused[0].message == "-1 fails greater_than(0)"
    assert result.refused[2].message == "the value is null"
    assert "unable to parse string as an integer" in result.refused[3].message
    assert result.refused[5].message == "id: -1 fails greater_than(0); station: 'KEWR' fails isin(['KJFK', 'KLGA'])"
    assert result.refused[5].row == {"id": -1, "station": "KEWR"}


@BOTH
def test_an_arrow_batch_is_converted_per_declared_dtype(pandera: Any) -> None:
    table = pa.table(
        {
            "id": pa.array([1.0, 2.5, None, -4.0]),
            "station": pa.array(["KJFK"] * 4).dictionary_encode(),
            "celsius": pa.array([None, 1, 2, 3], pa.int16()),
            "extra": [1, 2, 3, 4],
        }
    )
    result = validator_for(observation(pandera), unique_key=("id",)).validate(table)
    assert result.good.to_pylist() == [{"id": 1, "station": "KJFK", "celsius": None, "note": None}]
    assert rules(result) == [("column_type", "id"), ("unique_key", "id"), ("greater_than", "id")]
    assert result.refused[0].row == {"id": 2.5, "station": "KJFK", "celsius": 1, "extra": 2}
    assert result.dropped_fields == ("extra",)


@BOTH
def test_a_nullable_integer_stays_an_integer(pandera: Any) -> None:
    annotation: Any = int
    schema = model(pandera, {"id": int, "n": annotation}, n=pandera.Field(nullable=True, gt=0))
    result = validated(schema, {"id": 1, "n": 2**62 + 1}, {"id": 2, "n": None}, {"id": 3, "n": -1})
    assert result.good["n"].to_pylist() == [2**62 + 1, None]
    assert rules(result) == [("greater_than", "n")]


@BOTH
def test_a_null_key_is_a_refused_row(pandera: Any) -> None:
    result = validated(observation(pandera), row(), row(id=None), {"station": "KJFK"}, key=("id",))
    assert result.good.num_rows == 1
    assert rules(result) == [("unique_key", "id"), ("unique_key", "id")]
    assert result.refused[0].message == "A field of the unique key is null"


@BOTH
def test_no_rows_give_an_empty_table_of_the_schema(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, enough=whole_check(pandera, 5))
    for batch in ([], pa.table({"id": pa.array([], pa.int64())}), [{"id": None}]):
        result = validator_for(schema, unique_key=("id",)).validate(batch)
        assert result.good.schema == declared_schema(schema).arrow
        assert result.good.num_rows == 0


# Rules of the whole frame


@BOTH
def test_all_duplicate_rows_are_refused(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, id=pandera.Field(unique=True))
    result = validated(schema, {"id": 1}, {"id": 2}, {"id": 1})
    assert result.good["id"].to_pylist() == [2]
    assert rules(result) == [("field_uniqueness", "id")] * 2
    assert result.refused[0].message == "1 occurs more than once"


@BOTH
def test_duplicates_in_several_columns_are_refused(pandera: Any) -> None:
    schema = model(pandera, {"a": int, "b": int}, {"unique": ["a", "b"]})
    result = validated(schema, {"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 1})
    assert result.good.to_pylist() == [{"a": 1, "b": 2}]
    assert rules(result) == [("multiple_fields_uniqueness", None)] * 2
    assert result.refused[0].message == "(a, b) occurs more than once"


@BOTH
def test_a_row_refused_for_another_reason_does_not_count_as_a_duplicate(pandera: Any) -> None:
    schema = model(pandera, {"id": int, "n": int}, id=pandera.Field(unique=True))
    result = validated(schema, {"id": 1, "n": "x"}, {"id": 1, "n": 1})
    assert result.good.to_pylist() == [{"id": 1, "n": 1}]


@BOTH
def test_a_failure_that_blames_no_row_refuses_the_batch(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, enough=whole_check(pandera, 10))
    assert validated(schema, {"id": 4}, {"id": 6}).good.num_rows == 2
    with pytest.raises(RowsRefusedError) as caught:
        validated(schema, {"id": 4}, {"id": 5})
    assert (caught.value.refused, caught.value.total) == (2, 2)
    assert str(caught.value) == (
        "Model refuses the batch of 2 rows, because no single row is to blame: enough of Model fails"
    )


@BOTH
def test_checks_of_the_whole_frame_ignore_refused_rows(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, id=pandera.Field(lt=100), enough=whole_check(pandera, 10))
    with pytest.raises(RowsRefusedError):
        validated(schema, {"id": 1}, {"id": 2}, {"id": 1000})
    result = validated(schema, {"id": 9}, {"id": 1}, {"id": 1000})
    assert result.good["id"].to_pylist() == [9, 1]


@BOTH
def test_a_check_that_raises_refuses_the_batch_with_its_error(pandera: Any) -> None:
    def broken(cls: type, data: Any) -> Any:
        raise KeyError("oops")

    schema = model(pandera, {"id": int}, broken=pandera.dataframe_check(broken))
    with pytest.raises(RowsRefusedError, match=r'broken raised KeyError\("oops"\)'):
        validated(schema, {"id": 1}, {"id": 2})


@BOTH
def test_a_check_of_the_frame_with_a_result_per_row_blames_rows(pandera: Any) -> None:
    def ordered(cls: type, data: Any) -> Any:
        if pandera is polars_pandera:
            return data.lazyframe.select(pl.col("low") <= pl.col("high"))
        return data["low"] <= data["high"]

    schema = model(pandera, {"low": int, "high": int}, ordered=pandera.dataframe_check(ordered))
    result = validated(schema, {"low": 1, "high": 2}, {"low": 3, "high": 2}, {"low": 5, "high": 6})
    assert result.good["low"].to_pylist() == [1, 5]
    assert rules(result) == [("ordered", None)]
    assert result.refused[0].message == "the row fails ordered"


@BOTH
def test_a_hand_written_check_of_one_column_blames_rows(pandera: Any) -> None:
    def even(cls: type, data: Any) -> Any:
        if pandera is polars_pandera:
            return data.lazyframe.select(pl.col(data.key) % 2 == 0)
        return data % 2 == 0

    schema = model(pandera, {"id": int}, even=pandera.check("id", error="an even number")(even))
    result = validated(schema, {"id": 1}, {"id": 2})
    assert rules(result) == [("even", "id")]
    assert result.refused[0].message == "1 fails an even number"


@BOTH
def test_every_failing_row_is_refused_even_if_the_check_reports_few(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, id=pandera.Field(gt=0, n_failure_cases=1))
    assert validated(schema, *({"id": -n} for n in range(5)), {"id": 1}).good["id"].to_pylist() == [1]
    assert len(validated(schema, *({"id": -n} for n in range(5))).refused) == 5


@BOTH
def test_rows_that_the_model_would_drop_are_refused_instead(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, {"drop_invalid_rows": True}, id=pandera.Field(gt=0))
    result = validated(schema, {"id": 1}, {"id": -1})
    assert result.good["id"].to_pylist() == [1]
    assert rules(result) == [("greater_than", "id")]


@BOTH
def test_pandera_settings_do_not_turn_validation_off(pandera: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pandera.config import ValidationDepth, config_context

    with config_context(validation_enabled=False, validation_depth=ValidationDepth.SCHEMA_ONLY):
        assert len(validated(observation(pandera), row(id=-1)).refused) == 1


@BOTH
def test_a_check_that_only_warns_refuses_nothing(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, id=pandera.Field(gt=0, raise_warning=True))
    with pytest.warns(UserWarning, match="greater_than"):
        assert validated(schema, {"id": -1}).good["id"].to_pylist() == [-1]


def _elements(cls: type, value: int) -> bool:
    return value > 0


@BOTH
@pytest.mark.parametrize(
    ("field", "config", "body", "needs"),
    [
        ({"gt": 0, "isin": [1]}, {}, {}, False),
        ({}, {}, {}, False),
        ({"unique": True}, {}, {}, True),
        ({}, {"unique": ["id"]}, {}, True),
        ({"unique_values_eq": [1]}, {}, {}, True),
        ({}, {}, {"by_hand": "check"}, True),
        ({}, {}, {"by_hand": "element"}, False),
        ({}, {}, {"by_hand": "dataframe_check"}, True),
    ],
)
def test_a_rule_that_may_compare_rows_needs_the_whole_partition(
    pandera: Any, field: dict[str, Any], config: dict[str, Any], body: dict[str, str], needs: bool
) -> None:
    decorators = {
        "check": lambda: pandera.check("id")(_elements),
        "element": lambda: pandera.check("id", element_wise=True)(_elements),
        "dataframe_check": lambda: pandera.dataframe_check(_elements),
    }
    made = {name: decorators[kind]() for name, kind in body.items()}
    schema = model(pandera, {"id": int}, config, id=pandera.Field(**field), **made)
    assert validator_for(schema, unique_key=()).needs_whole_partition is needs
    assert not validator_for(schema, unique_key=(), validate=False).needs_whole_partition


# Columns that the source lacks, or has in addition


@BOTH
def test_a_required_column_that_no_row_has_is_an_error(pandera: Any) -> None:
    with pytest.raises(MissingColumnError) as caught:
        validated(observation(pandera), {"id": 1, "Station": "KJFK"})
    assert 'Model requires the field "station", but no row of the batch has it.' in str(caught.value)
    assert 'The nearest source field is "Station".' in str(caught.value)
    assert 'Rename "Station" to "station" in the workflow, or rename the column in the schema.' in str(caught.value)


@BOTH
def test_an_optional_column_that_the_source_lacks_is_null(pandera: Any) -> None:
    schema = model(pandera, {"id": int, "a": float | None, "b": float}, b=pandera.Field(nullable=True))
    assert validated(schema, {"id": 1}).good.to_pylist() == [{"id": 1, "a": None, "b": None}]


@BOTH
def test_a_default_fills_nulls_and_an_added_column(pandera: Any) -> None:
    body = {"n": pandera.Field(default=5), "f": pandera.Field(default=0.5)}
    schema = model(pandera, {"id": int, "n": int, "f": float}, {"add_missing_columns": True}, **body)
    assert validated(schema, {"id": 1}).good.to_pylist() == [{"id": 1, "n": 5, "f": 0.5}]
    assert validated(schema, {"id": 1, "n": None}, {"id": 2, "n": 6}).good["n"].to_pylist() == [5, 6]
    without = model(pandera, {"id": int, "n": int}, n=pandera.Field(default=5))
    with pytest.raises(MissingColumnError):
        validated(without, {"id": 1})


@BOTH
def test_other_fields_refuse_the_batch_of_a_strict_model(pandera: Any) -> None:
    schema = model(pandera, {"id": int}, {"strict": True})
    assert validated(schema, {"id": 1}).good.num_rows == 1
    with pytest.raises(RowsRefusedError, match="strict=True allows no other fields, but the source has a, b"):
        validated(schema, {"id": 1, "a": 1, "b": 2})
    lenient = model(pandera, {"id": int}, {"strict": "filter"})
    assert validated(lenient, {"id": 1, "a": 1}).dropped_fields == ("a",)


@BOTH
def test_columns_may_come_in_any_order(pandera: Any) -> None:
    schema = model(pandera, {"a": int, "b": int}, {"ordered": True, "strict": True})
    assert validated(schema, {"b": 2, "a": 1}).good.to_pylist() == [{"a": 1, "b": 2}]


@BOTH
def test_a_column_is_named_by_its_alias(pandera: Any) -> None:
    schema = model(pandera, {"wind": float}, wind=pandera.Field(alias="wind speed", ge=0))
    result = validated(schema, {"wind speed": 1.0}, {"wind speed": -1.0})
    assert result.good.to_pylist() == [{"wind speed": 1.0}]
    assert rules(result) == [("greater_than_or_equal_to", "wind speed")]


# Conversion


@BOTH
def test_numbers_become_strings_if_the_model_coerces(pandera: Any) -> None:
    coercing = model(pandera, {"a": str}, {"coerce": True})
    assert validated(coercing, {"a": 12}).good["a"].to_pylist() == ["12"]
    assert rules(validated(model(pandera, {"a": str}), {"a": 12})) == [("column_type", "a")]


@BOTH
def test_coercion_loses_nothing(pandera: Any) -> None:
    schema = model(pandera, {"a": int}, {"coerce": True})
    assert rules(validated(schema, {"a": 1.5})) == [("column_type", "a")]


@BOTH
def test_without_validation_only_types_are_checked(pandera: Any) -> None:
    schema = observation(pandera)
    result = validated(
        schema, row(id=-1, station="KEWR"), row(id="x"), row(station=None), row(id=None), key=("id",), validate=False
    )
    assert result.good.to_pylist() == [{"id": -1, "station": "KEWR", "celsius": None, "note": None}]
    assert rules(result) == [("column_type", "id"), ("column_null", "station"), ("unique_key", "id")]


POLARS_CASES = [
    (pl.Int8, 5, 300, "column_range"),
    (pl.UInt16, 5, -1, "column_range"),
    (pl.Float32, 0.5, "x", "column_type"),
    (pl.Categorical, "a", 5, "column_type"),
    (Annotated[pl.Enum, ["a", "b"]], "a", "c", "column_range"),
    (Annotated[pl.Datetime, "us", "UTC"], "2013-01-01T00:00:00Z", "2013-01-01T00:00:00", "timezone_aware"),
    (Annotated[pl.Datetime, "ns", NEW_YORK], "2013-01-01T00:00:00Z", "3000-01-01T00:00:00Z", "column_range"),
    (pl.Datetime, "2013-01-01T00:00:00", "2013-01-01T00:00:00Z", "timezone_naive"),
    (pl.Date, "2013-01-01", "2013-13-01", "column_type"),
    (pl.Time, "01:02:03", "x", "column_type"),
    (pl.Binary, b"\x00", 5, "column_type"),
    (Annotated[pl.Decimal, 5, 2], "1.50", "1.555", "column_range"),
    (pl.List(pl.Int16), [1, None], ["x"], "column_type"),
    (pl.Struct({"x": pl.Int64, "y": pl.String}), {"x": 1, "y": "b"}, {"x": "z"}, "column_type"),
]
PANDAS_CASES = [
    (np.int8, 5, 300, "column_range"),
    (np.float32, 0.5, "x", "column_type"),
    (bool, True, None, "not_nullable"),
    (int, 5, None, "not_nullable"),
    (pd.Int16Dtype, 5, 40000, "column_range"),
    (pd.Float64Dtype, 0.5, "x", "column_type"),
    (pd.BooleanDtype, True, 2, "column_type"),
    (pd.StringDtype, "a", 5, "column_type"),
    (dt.date, "2013-01-01", "x", "column_type"),
    (dt.datetime, "2013-01-01T00:00:00", "3000-01-01T00:00:00", "column_range"),
    (Annotated[pd.DatetimeTZDtype, "us", "UTC"], "2013-01-01T00:00:00Z", "2013-01-01T00:00:00", "timezone_aware"),
    (Annotated[pd.DatetimeTZDtype, "ns", NEW_YORK], "2013-01-01T00:00:00Z", "3000-01-01T00:00:00Z", "column_range"),
    (Annotated[pd.CategoricalDtype, ["a", "b"], False], "a", "c", "column_range"),
    (Annotated[pd.CategoricalDtype, [1, 2], False], 1, 3, "column_range"),
    (Annotated[pd.ArrowDtype, pa.int32()], 5, 2**40, "column_range"),
    (Annotated[pd.ArrowDtype, pa.decimal128(5, 2)], "1.50", "1.555", "column_range"),
    (Annotated[pd.ArrowDtype, pa.timestamp("ms", "UTC")], "2013-01-01T00:00:00Z", "x", "column_type"),
    (Annotated[pd.ArrowDtype, pa.list_(pa.int64())], [1, None], ["x"], "column_type"),
    (Annotated[pd.ArrowDtype, pa.struct([("x", pa.int64())])], {"x": 1}, {"x": "z"}, "column_type"),
    (Annotated[pd.ArrowDtype, pa.large_string()], "a", 5, "column_type"),
    (Annotated[pd.ArrowDtype, pa.time64("us")], "01:02:03", "x", "column_type"),
    (Annotated[pd.ArrowDtype, pa.binary()], b"\x00", 5, "column_type"),
]
EXPECTED = {
    "2013-01-01T00:00:00Z": dt.datetime(2013, 1, 1, tzinfo=UTC),
    "2013-01-01T00:00:00": dt.datetime(2013, 1, 1),
    "2013-01-01": dt.date(2013, 1, 1),
    "01:02:03": dt.time(1, 2, 3),
    "1.50": Decimal("1.50"),
}


@pytest.mark.parametrize(
    ("pandera", "annotation", "good", "bad", "rule"),
    [*((polars_pandera, *case) for case in POLARS_CASES), *((pandas_pandera, *case) for case in PANDAS_CASES)],
)
@pytest.mark.parametrize("nullable", [False, True])
def test_every_dtype_accepts_its_values_and_refuses_others(
    pandera: Any, annotation: Any, good: Any, bad: Any, rule: str, nullable: bool
) -> None:
    expected = EXPECTED.get(good, good) if isinstance(good, str) else good
    schema = model(pandera, {"id": int, "x": annotation}, x=pandera.Field(nullable=nullable))
    rows = [{"id": 1, "x": good}, {"id": 2, "x": bad}, {"id": 3, "x": good}, *([{"id": 4, "x": None}] * nullable)]
    result = validated(schema, *rows)
    nulls = [None] * nullable
    if nullable and bad is None:
        assert result.good["x"].to_pylist() == [expected, None, expected, None]
        return
    assert result.good.schema == declared_schema(schema).arrow
    assert result.good["x"].to_pylist() == [expected, expected, *nulls]
    assert [refused.rule for refused in result.refused] == [rule]
    assert result.refused[0].row == rows[1]
    arrow = validator_for(schema, unique_key=()).validate(result.good)
    assert arrow.refused == ()
    assert arrow.good.equals(result.good)


def test_pandera_decimals_and_dates_are_supported_in_pandas() -> None:
    schema = model(
        pandas_pandera,
        {"money": pandas_pandera.Decimal, "day": pandas_pandera.Date},
        money=pandas_pandera.Field(dtype_kwargs={"precision": 5, "scale": 2}, nullable=True),
    )
    result = validated(schema, {"money": "1.5", "day": "2013-01-01"}, {"money": None, "day": dt.date(2013, 1, 2)})
    assert result.refused == ()
    assert result.good["money"].to_pylist() == [Decimal("1.50"), None]
    assert result.good["day"].to_pylist() == [dt.date(2013, 1, 1), dt.date(2013, 1, 2)]


def test_nan_is_a_number_in_polars_and_null_in_numpy() -> None:
    nan = float("nan")
    schema = model(polars_pandera, {"x": float}, x=polars_pandera.Field(nullable=True))
    assert str(validated(schema, {"x": nan}, {"x": None}).good["x"].to_pylist()) == "[nan, None]"
    schema = model(pandas_pandera, {"x": float}, x=pandas_pandera.Field(nullable=True))
    assert validated(schema, {"x": nan}, {"x": None}).good["x"].to_pylist() == [None, None]
    schema = model(pandas_pandera, {"x": float})
    assert rules(validated(schema, {"x": nan}, {"x": 1.0})) == [("not_nullable", "x")]


def test_pandas_parsers_change_what_lands() -> None:
    class Model(pandas_pandera.DataFrameModel):
        a: int

        @pandas_pandera.parser("a")
        def double(cls, series: Any) -> Any:
            return series * 2

    assert validated(Model, {"a": 1}, {"a": 2}).good["a"].to_pylist() == [2, 4]
    assert validator_for(Model, unique_key=()).needs_whole_partition


# Agreement with pandera


@BOTH
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "id": st.integers(-3, 3),
                "station": st.sampled_from(["KJFK", "KLGA", "KEWR", None]),
                "celsius": st.none() | st.floats(0, 100),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_row_lands_if_and_only_if_pandera_accepts_it(pandera: Any, rows: list[dict[str, Any]]) -> None:
    schema = observation(pandera)
    fine = [
        given_row
        for given_row in rows
        if given_row["id"] > 0
        and given_row["station"] in ("KJFK", "KLGA")
        and (given_row["celsius"] is None or given_row["celsius"] < 60)
    ]
    result = validated(schema, *rows)
    assert result.good.select(["id", "station", "celsius"]).to_pylist() == fine
    assert len(result.refused) == len(rows) - len(fine)
    if fine:
        frame: Any = pl.from_arrow(result.good) if pandera is polars_pandera else result.good.to_pandas()
        if pandera is pandas_pandera:
            frame = frame.astype({"id": "int64", "celsius": "float64", "station": "str", "note": "str"})
        schema.validate(frame, lazy=True)
