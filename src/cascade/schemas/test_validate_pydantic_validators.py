"""The user's validators apply, and their errors refuse only their rows."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Self

import pyarrow as pa
import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    field_validator,
    model_validator,
)

from cascade.schemas import declared_schema, validator_for
from cascade.schemas.conftest import validated
from cascade.schemas.model_rows import ModelRow
from cascade.schemas.validate_pydantic import PydanticValidator


def test_field_and_model_validators_apply() -> None:
    class Model(BaseModel):
        low: Annotated[int, BeforeValidator(lambda value: str(value).strip("<"))]
        high: int

        @field_validator("high")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise AssertionError("high is odd")
            return value + 1

        @model_validator(mode="after")
        def ordered(self) -> Self:
            if self.low > self.high:
                raise ValueError("low is above high")
            self.low = -self.low
            return self

    result = validated(Model, {"low": "<1", "high": 2}, {"low": 9, "high": 2}, {"low": 1, "high": 3})
    assert result.good.to_pylist() == [{"low": -1, "high": 3}]
    assert [(r.rule, r.field, r.message) for r in result.refused] == [
        ("value_error", None, "Value error, low is above high"),
        ("assertion_error", "high", "Assertion failed, high is odd"),
    ]


def test_a_validator_that_raises_refuses_its_row() -> None:
    class Model(BaseModel):
        a: Annotated[str, AfterValidator(lambda value: {"x": "y"}[value])]

    result = validated(Model, {"a": "x"}, {"a": "z"})
    assert result.good.to_pylist() == [{"a": "y"}]
    assert (result.refused[0].rule, result.refused[0].message) == ("validator_error", "KeyError: 'z'")


def test_a_validator_that_returns_another_type_refuses_its_row() -> None:
    class Model(BaseModel):
        a: Annotated[int, AfterValidator(lambda value: value / 2)]
        day: Annotated[dt.date, AfterValidator(lambda value: dt.datetime(2013, 1, 1, 5))] = dt.date(2013, 1, 1)

    result = validated(Model, {"a": 3})
    assert result.refused[0].rule == "column_type"
    assert result.refused[0].message == "The schema returned 1.5 (float), but the column needs an integer"
    assert validated(Model, {"a": 3, "day": "2013-01-01"}).refused[0].message.startswith("a: The schema returned 1.5")


def test_a_validator_that_does_not_return_a_model_refuses_its_row() -> None:
    class Model(BaseModel):
        a: int

        @model_validator(mode="wrap")
        @classmethod
        def replace(cls, data: Any, handler: Any) -> Any:
            return handler(data) if data["a"] else data

    result = validated(Model, {"a": 1}, {"a": 0}, {"a": 2})
    assert result.good["a"].to_pylist() == [1, 2]
    assert (result.refused[0].rule, result.refused[0].row) == ("column_type", {"a": 0})
    assert result.refused[0].message == "A validator of Model returned a dict instead of the model"


class Stop(BaseModel):
    at: str

    @model_validator(mode="before")
    @classmethod
    def pop_zone(cls, data: Any) -> Any:
        data.pop("zone", None)
        return data


def drop_last(values: Any) -> Any:
    values.pop()
    return values


class Trip(BaseModel):
    id: int
    stops: list[Stop] = []
    tags: Annotated[list[str], BeforeValidator(drop_last)] = []

    @model_validator(mode="before")
    @classmethod
    def pop_version(cls, data: Any) -> Any:
        data["id"] = data.pop("version")
        return data


def a_trip(version: object) -> dict[str, object]:
    return {"version": version, "stops": [{"at": "x", "zone": 1}], "tags": ["a", "b"]}


@pytest.mark.parametrize("as_arrow", [False, True])
def test_a_validator_that_changes_its_input_changes_neither_the_quarantine_nor_the_callers_rows(as_arrow: bool) -> None:
    rows = [a_trip("1"), a_trip("one")]
    batch = pa.Table.from_pylist(rows) if as_arrow else rows
    result = validator_for(Trip, unique_key=("id",)).validate(batch)
    assert result.good.to_pylist() == [{"id": 1, "stops": [{"at": "x"}], "tags": ["a"]}]
    [refused] = result.refused
    assert json.loads(refused.row_json) == a_trip("one")
    assert rows == [a_trip("1"), a_trip("one")]


def test_rows_that_are_models_are_kept_as_they_were_given() -> None:
    class Given(BaseModel):
        version: str
        stops: list[dict[str, Any]]
        tags: list[str]

    rows: list[dict[str, object]] = [ModelRow(Given(**a_trip(version))) for version in ("1", "one")]  # type: ignore[arg-type]
    result = validator_for(Trip, unique_key=("id",)).validate(rows)
    assert result.good.to_pylist() == [{"id": 1, "stops": [{"at": "x"}], "tags": ["a"]}]
    assert json.loads(result.refused[0].row_json) == a_trip("one")


def test_rows_are_copied_only_for_validators_that_get_them_as_given() -> None:
    class Plain(BaseModel):
        id: int

        @field_validator("id")
        @classmethod
        def positive(cls, value: int) -> int:
            assert value > 0
            return value

    assert not PydanticValidator(declared_schema(Plain), ("id",))._may_change_rows
    assert PydanticValidator(declared_schema(Trip), ("id",))._may_change_rows
    assert not PydanticValidator(declared_schema(Trip), ("id",), types_only=True)._may_change_rows
