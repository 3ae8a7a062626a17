from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import pandera.polars as pa_polars
import polars as pl
import pytest
from pydantic import AliasChoices, AwareDatetime, BaseModel, Field, StringConstraints, field_validator, model_validator

from cascade.schemas import declared_schema, validator_for
from cascade.schemas.keys import KeyReader

AT = datetime(2013, 1, 15, 12, tzinfo=UTC)


class Reading(BaseModel):
    station: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)] = Field(
        validation_alias=AliasChoices("stationId", "station")
    )
    at: AwareDatetime
    device: UUID
    celsius: float


KEY = ("station", "at", "device")


def keys(schema: type, key: tuple[str, ...], *rows: dict[str, Any]) -> tuple[list[dict[str, Any]], list[int]]:
    table, positions = KeyReader(declared_schema(schema), key).read(rows)
    return table.to_pylist(), positions


def test_a_key_is_read_as_the_table_would_store_it() -> None:
    given: dict[str, Any] = {"stationId": " A ", "at": "2013-01-15T13:00:00+01:00", "device": UUID(int=7).hex}
    good = validator_for(Reading, unique_key=KEY).validate([{**given, "celsius": 1}]).good.select(KEY).to_pylist()
    assert good == [{"station": "a", "at": AT, "device": UUID(int=7)}]
    refused = {**given, "celsius": "hot"}
    assert keys(Reading, KEY, refused) == (good, [0])


def test_a_refused_row_in_the_quarantine_has_the_same_key() -> None:
    row = {"station": "a", "at": AT, "device": UUID(int=7), "celsius": "hot"}
    [refused] = validator_for(Reading, unique_key=KEY).validate([row]).refused
    assert keys(Reading, KEY, json.loads(refused.row_json)) == keys(Reading, KEY, row)


def test_a_row_without_a_valid_key_has_none() -> None:
    fine = {"station": "b", "at": AT, "device": UUID(int=1)}
    found, positions = keys(Reading, KEY, {"station": "a"}, {**fine, "at": "noon"}, fine, {**fine, "station": None})
    assert (found, positions) == ([fine], [2])
    assert keys(Reading, KEY) == ([], [])


def test_a_key_whose_default_raises_is_none() -> None:
    def missing() -> int:
        raise RuntimeError("the sequence is down")

    class Numbered(BaseModel):
        id: int = Field(default_factory=missing)

    assert keys(Numbered, ("id",), {}, {"id": 1}) == ([{"id": 1}], [1])


def test_a_key_that_its_own_rules_refuse_is_none() -> None:
    class Positive(BaseModel):
        id: int = Field(gt=0)

        @field_validator("id")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("odd")
            return value * 10

    assert keys(Positive, ("id",), {"id": -2}, {"id": 3}, {"id": 4}, {"id": 2**70}) == ([{"id": 40}], [2])


def test_a_model_that_judges_whole_rows_gives_plain_keys() -> None:
    class Whole(BaseModel):
        id: int
        low: int
        high: int

        @model_validator(mode="after")
        def ordered(self) -> Whole:
            assert self.low < self.high
            return self

    assert keys(Whole, ("id",), {"id": "7", "low": 2, "high": 1}) == ([{"id": 7}], [0])


def test_a_field_whose_validator_needs_other_fields_gives_a_plain_key() -> None:
    class Needy(BaseModel):
        region: str
        id: int

        @field_validator("id")
        @classmethod
        def in_region(cls, value: int, info: Any) -> int:
            assert info.data["region"]
            return value

    assert keys(Needy, ("id",), {"id": 7}) == ([{"id": 7}], [0])


class Frame(pa_polars.DataFrameModel):
    id: int
    day: pl.Date


@pytest.mark.parametrize("day", ["2013-01-15", AT.date()])
def test_a_frame_gives_keys_of_its_own_types(day: object) -> None:
    expected = [{"id": 1, "day": AT.date()}]
    assert keys(Frame, ("id", "day"), {"id": 1.0, "day": day}, {"id": 1.5, "day": day}) == (expected, [0])
