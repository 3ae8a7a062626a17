"""Refused rows as JSON, Arrow tables as Python rows, and the error for an absent column."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pandera.polars as pandera
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from cascade.schemas import RefusedRow, declared_schema, validator_for
from cascade.schemas.model_rows import ModelRow
from cascade.schemas.rows import field_names, missing_column, python_rows, refuse


class Colour(Enum):
    RED = "r"


def test_row_json_keeps_the_order_of_the_source() -> None:
    row = {
        "z": 1,
        "at": dt.datetime(2013, 1, 1, 5, tzinfo=dt.UTC),
        "day": dt.date(2013, 1, 1),
        "time": dt.time(1, 2),
        "took": dt.timedelta(minutes=1),
        "money": Decimal("1.50"),
        "uid": UUID(int=1),
        "raw": b"\x00\xff",
        "nan": float("nan"),
        "inf": float("-inf"),
        "colour": Colour.RED,
        "set": {2, 1},
        "list": [1, (2, 3)],
        "deep": {1: {"a": None}},
        "text": "ü",
        "big": 2**70,
    }
    assert json.loads(RefusedRow("r", None, "m", row).row_json) == {
        "z": 1,
        "at": "2013-01-01T05:00:00+00:00",
        "day": "2013-01-01",
        "time": "01:02:00",
        "took": 60.0,
        "money": "1.50",
        "uid": "00000000-0000-0000-0000-000000000001",
        "raw": "AP8=",
        "nan": "nan",
        "inf": "-inf",
        "colour": "r",
        "set": [1, 2],
        "list": [1, [2, 3]],
        "deep": {"1": {"a": None}},
        "text": "ü",
        "big": 2**70,
    }
    assert RefusedRow("r", None, "m", row).row_json.startswith('{"z": 1, "at"')
    assert '"ü"' in RefusedRow("r", None, "m", row).row_json


class Unprintable:
    """A value whose own code fails whenever it is shown."""

    def __repr__(self) -> str:
        raise RuntimeError("not printable")

    __str__ = __repr__

    def __iter__(self) -> Iterator[object]:
        raise RuntimeError("not iterable")


class UnprintableText(str):
    __repr__ = __str__ = Unprintable.__repr__


class UnprintableDict(dict[str, object]):
    __repr__ = __str__ = Unprintable.__repr__


class UnprintableModel(BaseModel):
    id: int
    extra: object = None

    __repr__ = __str__ = Unprintable.__repr__


class Counted(BaseModel):
    id: int = Field(ge=0)


class CountedFrame(pandera.DataFrameModel):
    id: int = pandera.Field(ge=0)


@pytest.mark.parametrize("schema", [Counted, CountedFrame])
@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (UnprintableDict(id=-1), '{"id": -1}'),
        (UnprintableDict(id=-1, inner=UnprintableDict(a=1)), '{"id": -1, "inner": {"a": 1}}'),
        (ModelRow(UnprintableModel(id=-1, extra=Unprintable())), '{"id": -1, "extra": "<Unprintable>"}'),
        ({"id": Unprintable()}, '{"id": "<Unprintable>"}'),
        ({"id": UnprintableText("x")}, '{"id": "x"}'),
        (
            {"id": -1, "extra": {Unprintable(): {Unprintable()}}},
            '{"id": -1, "extra": {"<Unprintable>": ["<Unprintable>"]}}',
        ),
    ],
)
def test_a_row_that_cannot_be_printed_is_refused_alone(schema: type, row: Any, kept: str) -> None:
    result = validator_for(schema, unique_key=("id",)).validate([{"id": 1}, row, {"id": -2}])
    assert [each.row_json for each in result.refused] == [kept, '{"id": -2}']
    assert result.good.to_pylist() == [{"id": 1}]


def test_a_value_that_contains_itself_does_not_break_the_refusal() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert RefusedRow("r", None, "m", {"id": -1, "extra": endless}).row_json.startswith('{"id": -1, "extra": [')


def test_invalid_unicode_is_escaped() -> None:
    text = RefusedRow("r", None, "m", {"a": "\ud800"}).row_json
    assert text.encode() == b'{"a": "\\ud800"}'


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals()
)
NESTED = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2), max_leaves=4
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(st.dictionaries(st.text(max_size=3), NESTED, max_size=3))
def test_the_json_of_every_row_can_be_encoded_as_utf8(row: dict[str, Any]) -> None:
    text = RefusedRow("r", None, "m", row).row_json
    text.encode()
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))


def test_the_first_reason_gives_the_rule_and_each_is_listed_once() -> None:
    one = refuse({"a": 1}, [("rule", "a", "why")])
    assert (one.rule, one.field, one.message) == ("rule", "a", "why")
    two = refuse({"a": 1}, [("rule", "a", "why"), ("rule", "a", "why"), ("other", None, "whole")])
    assert (two.rule, two.message) == ("rule", "a: why; whole")
    many = refuse({}, [(str(n), "a", str(n)) for n in range(12)])
    assert many.message.endswith("a: 9; and 2 more")


def test_a_value_that_is_not_a_row_is_kept_under_a_name() -> None:
    assert refuse(5, [("rule", None, "why")]).row_json == '{"value": 5}'


def test_the_fields_of_dicts_are_those_of_all_rows_in_order() -> None:
    assert field_names([{"b": 1}, {"a": 1, "b": 2}, {"c": 1}]) == ["b", "a", "c"]
    assert field_names(pa.table({"x": [1], "a": [2]})) == ["x", "a"]


def test_arrow_nanoseconds_are_truncated_to_microseconds_at_every_depth() -> None:
    stamp = pa.timestamp("ns", "UTC")
    table = pa.table(
        {
            "at": pa.array([1999], stamp),
            "list": pa.array([[1999]], pa.list_(stamp)),
            "struct": pa.array([{"t": 1999}], pa.struct([("t", stamp)])),
            "time": pa.array([1999], pa.time64("ns")),
            "took": pa.array([1999], pa.duration("ns")),
        }
    )
    [row], problems = python_rows(table)
    at = dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)
    assert problems == {}
    assert type(row["at"]) is dt.datetime
    assert row == {
        "at": at,
        "list": [at],
        "struct": {"t": at},
        "time": dt.time(0, 0, 0, 1),
        "took": dt.timedelta(microseconds=1),
    }


def test_arrow_zones_are_kept() -> None:
    [row], _ = python_rows(pa.table({"at": pa.array([0], pa.timestamp("s", "America/New_York"))}))
    assert isinstance(row["at"], dt.datetime)
    assert row["at"].isoformat() == "1969-12-31T19:00:00-05:00"


def test_arrow_dictionaries_are_decoded() -> None:
    assert python_rows(pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()}))[0][2] == {"a": "x"}


def test_a_value_that_python_cannot_represent_is_reported_with_its_field() -> None:
    rows, problems = python_rows(pa.table({"n": [1, 2], "at": pa.array([0, 2**62], pa.timestamp("us", "UTC"))}))
    assert rows[0] == {"n": 1, "at": dt.datetime(1970, 1, 1, tzinfo=dt.UTC)}
    assert list(problems) == [1]
    field, reason = problems[1]
    assert field == "at"
    assert reason.startswith("Python cannot represent")
    assert RefusedRow("r", field, reason, rows[1]).row_json.startswith('{"n": 2, "at": "')


def test_a_table_without_columns_still_has_its_rows() -> None:
    table = pa.table({"a": [1, 2]}).select([])
    assert python_rows(table)[0] == ([{}, {}] if table.num_rows == 2 else [])


class Station(BaseModel):
    id: int
    station_id: str = Field(alias="station")
    wind_speed: float


@pytest.mark.parametrize(
    ("column", "present", "text"),
    [
        (
            "wind_speed",
            ["id", "windSpeed"],
            'Station requires the field "wind_speed", but no row of the batch has it. '
            'The nearest source field is "windSpeed".\n'
            'Rename it in the workflow, or read it by an alias: Field(validation_alias="windSpeed").',
        ),
        (
            "station_id",
            ["id", "Stations"],
            'Station requires the field "station" (column station_id), but no row of the batch has it. '
            'The nearest source field is "Stations".',
        ),
        (
            "wind_speed",
            ["id", "x"],
            "The source has id, x.\nAdd the field in the workflow, or make the column optional",
        ),
        ("wind_speed", [], "The source rows have no fields."),
    ],
)
def test_the_error_for_an_absent_column_names_the_nearest_field(column: str, present: list[str], text: str) -> None:
    declared = declared_schema(Station)
    message = str(missing_column(declared, declared.by_name[column], present))
    assert text in message
    assert message.startswith(f"{__file__}:")


def test_a_field_that_another_column_uses_is_not_suggested() -> None:
    class Model(BaseModel):
        wind_speed: float
        wind_speed_2: float

    declared = declared_schema(Model)
    assert "nearest" not in str(missing_column(declared, declared.by_name["wind_speed"], ["wind_speed_2"]))
