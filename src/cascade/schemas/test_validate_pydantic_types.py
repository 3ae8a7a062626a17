"""`validate=False` checks only types, keys and nulls."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from cascade.exceptions import MissingColumnError
from cascade.schemas import declared_schema
from cascade.schemas.conftest import Colour, Wind, validated

UTC = dt.UTC


class Ruled(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: int = Field(gt=100, alias="ID")
    kind: Literal["a"] = "a"
    colour: Colour | None = None
    wind: Wind | None = None
    at: dt.datetime = dt.datetime(2013, 1, 1, tzinfo=UTC)
    tags: list[Annotated[str, Field(max_length=1)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def never(self) -> Self:
        raise ValueError("never")


def test_without_validation_only_types_are_checked() -> None:
    result = validated(
        Ruled, {"ID": "5", "kind": "z", "colour": "q", "wind": {"wind speed": -1}, "x": 1}, validate=False
    )
    assert result.refused == ()
    assert result.dropped_fields == ("x",)
    assert result.good.schema == declared_schema(Ruled).arrow
    assert result.good.to_pylist() == [
        {
            "id": 5,
            "kind": "z",
            "colour": "q",
            "wind": {"speed": -1.0, "gust": None},
            "at": dt.datetime(2013, 1, 1, tzinfo=UTC),
            "tags": [],
        }
    ]


def test_without_validation_keys_types_and_nulls_are_still_checked() -> None:
    rows: list[dict[str, object]] = [
        {"ID": "x"},
        {"ID": None},
        {"ID": 1, "at": "2013-01-01T00:00:00"},
        {"ID": 2, "kind": None},
        {"ID": 3},
    ]
    result = validated(Ruled, *rows, key=("id",), validate=False)
    assert result.good["id"].to_pylist() == [3]
    assert [(r.rule, r.field) for r in result.refused] == [
        ("int_parsing", "ID"),
        ("unique_key", "ID"),
        ("timezone_aware", "at"),
        ("string_type", "kind"),
    ]


def test_without_validation_an_absent_column_is_still_an_error() -> None:
    with pytest.raises(MissingColumnError, match='requires the field "ID"'):
        validated(Ruled, {"Id": 1}, validate=False)
