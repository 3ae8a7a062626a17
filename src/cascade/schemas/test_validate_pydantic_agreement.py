"""A row lands if and only if pydantic accepts it, whatever it contains."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
)

from cascade.schemas import declared_schema, validator_for
from cascade.schemas.conftest import Colour, Wind

UTC = dt.UTC


CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, width=16)
    | st.sampled_from(["", "a", "b", "1", "-2", "1.5", "x" * 9, "true", "r", "2013-01-01", "2013-01-01T00:00:00Z"])
    | st.binary(max_size=2)
    | st.decimals(-5, 5, places=1)
    | st.dates(dt.date(2000, 1, 1), dt.date(2020, 1, 1))
    | st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2020, 1, 1), timezones=st.just(UTC))
    | st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=2)
    | st.dictionaries(st.sampled_from(["wind speed", "speed", "gust"]), st.floats(-2, 2) | st.none(), max_size=3)
)


class Anything(BaseModel):
    a: int | None = Field(default=None, gt=-3, multiple_of=2)
    b: str = Field(default="b", pattern="^[a-z]?$", alias="B")
    d: list[int] = []
    e: Wind | None = None
    f: bool = False
    g: Annotated[Decimal, Field(max_digits=4, decimal_places=1)] = Decimal(0)
    h: dt.date = dt.date(2013, 1, 1)
    i: AwareDatetime | None = None
    j: Colour | None = None
    k: float = Field(default=0, lt=4)
    m: bytes = b""


class StrictAnything(Anything):
    model_config = ConfigDict(strict=True)


@pytest.mark.parametrize("model", [Anything, StrictAnything])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from("aBdefghijkm"), CELLS, max_size=4), max_size=6))
def test_a_row_lands_if_and_only_if_pydantic_accepts_it(model: type[BaseModel], rows: list[dict[str, object]]) -> None:
    accepted, refused = [], []
    for given_row in rows:
        try:
            accepted.append(model.model_validate(given_row))
        except pydantic.ValidationError as error:
            refused.append((error.errors()[0]["type"], given_row))
    result = validator_for(model, unique_key=()).validate(rows)
    assert [(r.rule, r.row) for r in result.refused] == refused
    assert result.good.schema == declared_schema(model).arrow
    assert result.good.to_pylist() == [_stored(value) for value in accepted]


def _stored(model: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = dict(model.__dict__)
    for name, value in found.items():
        if isinstance(value, Enum):
            found[name] = value.value
        if isinstance(value, BaseModel):
            found[name] = dict(value.__dict__)
    return found
