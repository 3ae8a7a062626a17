"""Pydantic models as rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pandera.polars as pa
import pydantic
import pytest

from cascade.exceptions import SourceLocation
from cascade.runs.batches import Feeder
from cascade.schemas import Batch, ValidationResult, validator_for


class Wind(pydantic.BaseModel):
    speed: float = pydantic.Field(alias="wind speed")


class Reading(pydantic.BaseModel):
    id: int
    station: str = pydantic.Field(alias="stationId")
    seen: datetime
    tags: list[str] = []
    wind: Wind | None = None
    deep: int | None = pydantic.Field(None, validation_alias=pydantic.AliasPath("outer", "inner"))

    @pydantic.field_validator("tags", mode="before")
    @classmethod
    def split(cls, value: Any) -> Any:
        return value.split(",")


READING = Reading.model_validate(
    {
        "id": 1,
        "stationId": "KJFK",
        "seen": datetime(2013, 1, 15, tzinfo=UTC),
        "tags": "a,b",
        "wind": {"wind speed": 3.5},
        "outer": {"inner": 7},
    }
)
STORED = {
    "id": 1,
    "station": "KJFK",
    "seen": datetime(2013, 1, 15, tzinfo=UTC),
    "tags": ["a", "b"],
    "wind": {"speed": 3.5},
    "deep": 7,
}


class Page(pydantic.RootModel[list[Reading]]):
    pass


def models() -> Iterator[object]:
    yield READING


def validated(data: object, schema: type = Reading, **options: Any) -> ValidationResult:
    found: list[Batch] = []
    feeder = Feeder(
        found.append, lambda source: pytest.fail("not dlt"), "raw.readings", SourceLocation("readings.py", 1)
    )
    feeder.feed(data)
    feeder.flush()
    [batch] = found
    return validator_for(schema, unique_key=("id",), **options).validate(batch)


@pytest.mark.parametrize("data", [READING, [READING], (READING,), models(), Page([READING]), [[READING]]])
def test_models_are_rows(data: object) -> None:
    result = validated(data)
    assert result.good.to_pylist() == [STORED]
    assert (result.refused, result.dropped_fields) == ((), ())


def test_an_instance_of_the_schema_is_not_validated_again() -> None:
    # The validator of `tags` would fail on a list.
    assert validated([READING]).refused == ()


def test_an_instance_that_was_changed_to_a_wrong_type_is_refused() -> None:
    changed = READING.model_copy(update={"id": "one", "seen": datetime(2013, 1, 15)})
    result = validated([changed, READING])
    assert result.good.num_rows == 1
    assert result.refused[0].row["stationId"] == "KJFK"
    assert "'one' (str), but the column needs an integer" in result.refused[0].message


class Other(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    number: int = pydantic.Field(alias="id")
    stationId: str
    seen: datetime
    tags: str = "a,b"


def test_another_model_is_validated_by_the_names_of_its_source() -> None:
    other = Other.model_validate({"id": 1, "stationId": "KJFK", "seen": "2013-01-15T00:00:00Z", "more": 1})
    result = validated([other])
    assert result.good.to_pylist() == [{**STORED, "wind": None, "deep": None}]
    assert result.dropped_fields == ("more",)
    naive = other.model_copy(update={"seen": datetime(2013, 1, 15)})
    assert [row.rule for row in validated([naive]).refused] == ["timezone_aware"]


class Frame(pa.DataFrameModel):
    id: int
    station: str


class Station(pydantic.BaseModel):
    id: int
    station: str
    since: date | None = None


def test_models_are_rows_for_pandera_and_without_rules() -> None:
    station = Station(id=1, station="KJFK")
    assert validated([station], Frame).good.to_pylist() == [{"id": 1, "station": "KJFK"}]
    assert validated([station], Station, validate=False).good.to_pylist() == [station.model_dump()]
    unsplit = Other.model_validate({"id": 1, "stationId": "KJFK", "seen": "2013-01-15T00:00:00Z"})
    assert validated([unsplit], Reading, validate=False).refused[0].field == "tags"


def test_a_refused_model_is_kept_under_the_names_of_its_source() -> None:
    refused = validated([Other.model_validate({"id": 1, "stationId": "KJFK", "seen": "2013-01-15T00:00:00"})]).refused
    assert refused[0].row_json == '{"id": 1, "stationId": "KJFK", "seen": "2013-01-15T00:00:00", "tags": "a,b"}'
