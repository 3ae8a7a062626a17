"""Arrow batches are validated like their rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
)

from cascade.exceptions import MissingColumnError
from cascade.schemas import validator_for
from cascade.schemas.conftest import Colour, Observation, validated

UTC = dt.UTC


class Typed(BaseModel):
    model_config = ConfigDict(strict=True)
    id: int
    colour: Colour = Colour.RED
    uid: UUID | None = None
    pair: tuple[Colour, ...] = ()
    at: dt.datetime = dt.datetime(2013, 1, 1, tzinfo=UTC)
    money: Annotated[Decimal, Field(max_digits=5, decimal_places=2)] = Decimal(0)


def test_an_arrow_batch_is_validated_like_its_rows() -> None:
    table = pa.table(
        {
            "id": pa.array([1, None, 3], pa.int32()),
            "stationId": pa.array(["KJFK", "KJFK", "TOOLONG"]).dictionary_encode(),
            "seen": pa.array([1999, 0, 0], pa.timestamp("ns", "America/New_York")),
            "extra": [1, 2, 3],
        }
    )
    result = validator_for(Observation, unique_key=("id",)).validate(table)
    assert result.good["id"].to_pylist() == [1]
    assert result.good["seen"].to_pylist() == [dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]
    assert [(r.rule, r.field) for r in result.refused] == [("unique_key", "id"), ("string_too_long", "stationId")]
    assert result.refused[1].row["stationId"] == "TOOLONG"
    assert result.dropped_fields == ("extra",)


def test_a_strict_model_gets_types_that_arrow_lacks() -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "colour": ["r", "nope"],
            "uid": pa.array([UUID(int=5).bytes, None], pa.binary(16)),
            "pair": [["r", "b"], None],
            "at": pa.array([0, 0], pa.timestamp("s", "UTC")),
            "money": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        }
    )
    result = validator_for(Typed, unique_key=("id",)).validate(table)
    assert result.good.to_pylist() == [
        {
            "id": 1,
            "colour": "r",
            "uid": UUID(int=5),
            "pair": ["r", "b"],
            "at": dt.datetime(1970, 1, 1, tzinfo=UTC),
            "money": Decimal("1.50"),
        }
    ]
    assert result.refused[0].rule == "is_instance_of"
    assert result.refused[0].row["colour"] == "nope"


def test_a_strict_model_stays_strict() -> None:
    result = validator_for(Typed, unique_key=()).validate(pa.table({"id": ["1"], "uid": [str(UUID(int=1))]}))
    assert [r.rule for r in result.refused] == ["int_type"]
    assert validated(Typed, {"id": 1, "colour": "r"}).refused[0].rule == "is_instance_of"


def test_a_strict_field_in_a_lax_model_is_strict() -> None:
    class Model(BaseModel):
        colour: Annotated[Colour, Strict()]
        n: int

    result = validator_for(Model, unique_key=()).validate(pa.table({"colour": ["r"], "n": ["5"]}))
    assert result.good.to_pylist() == [{"colour": "r", "n": 5}]


def test_a_nullable_column_that_arrow_lacks_is_null() -> None:
    class Model(BaseModel):
        id: int
        note: str | None
        given: str | None = "default"

    result = validator_for(Model, unique_key=()).validate(pa.table({"id": [1]}))
    assert result.good.to_pylist() == [{"id": 1, "note": None, "given": "default"}]
    with pytest.raises(MissingColumnError, match='requires the field "note"'):
        validated(Model, {"id": 1})


def test_a_required_column_that_arrow_lacks_is_an_error() -> None:
    with pytest.raises(MissingColumnError, match='The nearest source field is "StationId"'):
        validator_for(Observation, unique_key=()).validate(
            pa.table({"id": [1], "StationId": ["KJFK"], "seen": ["2013-01-01T00:00:00Z"]})
        )


def test_an_arrow_value_that_python_cannot_represent_refuses_its_row() -> None:
    table = pa.table({"id": [1, 2], "stationId": ["A", "B"], "seen": pa.array([0, 2**60], pa.timestamp("us", "UTC"))})
    result = validator_for(Observation, unique_key=("id",)).validate(table)
    assert result.good["id"].to_pylist() == [1]
    assert (result.refused[0].rule, result.refused[0].field) == ("unreadable_value", "seen")
    assert result.refused[0].row_json.startswith('{"id": 2, "stationId": "B", "seen": "')
