"""Schemas and rows shared by the validation tests."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any, Literal

from pydantic import (
    BaseModel,
    Field,
)

from cascade.schemas import RefusedRow, ValidationResult, validator_for


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Wind(BaseModel):
    speed: float = Field(alias="wind speed", ge=0)
    gust: float | None = None


class Observation(BaseModel):
    id: int = Field(gt=0)
    station: str = Field(alias="stationId", max_length=4)
    seen: dt.datetime
    celsius: float | None = None
    kind: Literal["a", "b"] = "a"
    wind: Wind | None = None
    tags: list[str] = []


def validated(
    schema: type, *rows: dict[str, object], key: tuple[str, ...] = (), validate: bool = True
) -> ValidationResult:
    """Validate rows against a schema."""
    return validator_for(schema, unique_key=key, validate=validate).validate(list(rows))


def row(**changes: object) -> dict[str, object]:
    """Return a row that `Observation` accepts, with the given changes."""
    return {"id": 1, "stationId": "KJFK", "seen": "2013-01-01T05:00:00Z", **changes}


def one_refused(schema: type, given: dict[str, object], **options: Any) -> RefusedRow:
    """Validate one row, check that it is refused, and return it."""
    result = validated(schema, given, **options)
    assert result.good.num_rows == 0
    [refused] = result.refused
    return refused
