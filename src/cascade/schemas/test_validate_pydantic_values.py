"""How accepted values are stored, and which accepted values a column cannot hold."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic
import pytest
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    NaiveDatetime,
)

from cascade.schemas.conftest import Colour, one_refused, validated

UTC = dt.UTC


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2013-01-01T05:00:00Z", dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
        ("2013-01-01T05:00:00.123456+01:00", dt.datetime(2013, 1, 1, 4, 0, 0, 123456, tzinfo=UTC)),
        (1357016400, dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
        (dt.datetime(2013, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5))), dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("annotation", [dt.datetime, AwareDatetime])
def test_instants_are_written_in_utc(annotation: Any, given: object, expected: dt.datetime) -> None:
    model = pydantic.create_model("Model", at=(annotation, ...))
    assert validated(model, {"at": given}).good["at"].to_pylist() == [expected]


@pytest.mark.parametrize("annotation", [dt.datetime, AwareDatetime, pydantic.PastDatetime])
@pytest.mark.parametrize("given", ["2013-01-01T05:00:00", dt.datetime(2013, 1, 1), "2013-01-01"])
def test_a_naive_datetime_is_refused_where_an_instant_is_declared(annotation: Any, given: object) -> None:
    model = pydantic.create_model("Model", at=(annotation, ...))
    refused = one_refused(model, {"at": given})
    assert (refused.rule, refused.field, refused.message) == ("timezone_aware", "at", "Input should have timezone info")


def test_a_naive_datetime_has_its_own_type() -> None:
    class Model(BaseModel):
        at: NaiveDatetime

    result = validated(Model, {"at": "2013-01-01T05:00:00"}, {"at": "2013-01-01T05:00:00Z"})
    assert result.good["at"].to_pylist() == [dt.datetime(2013, 1, 1, 5)]
    assert result.refused[0].rule == "timezone_naive"


def test_a_naive_datetime_in_a_nested_model_is_reported_with_its_path() -> None:
    class Event(BaseModel):
        at: dt.datetime

    class Model(BaseModel):
        events: list[Event] = Field(alias="Events")

    refused = one_refused(Model, {"Events": [{"at": "2013-01-01T00:00:00Z"}, {"at": "2013-01-01T00:00:00"}]})
    assert (refused.rule, refused.field) == ("timezone_aware", "Events.1.at")


# Values that pydantic accepts but a column cannot hold


class Wide(BaseModel):
    n: int = 0
    money: Annotated[Decimal, Field(max_digits=5, decimal_places=2)] = Decimal(0)
    at: dt.datetime = dt.datetime(2013, 1, 1, tzinfo=UTC)
    clock: dt.time = dt.time(0)
    text: str = ""


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"n": 2**63}, "column_range"),
        ({"n": -(2**63) - 1}, "column_range"),
        ({"at": "9999-12-31T23:00:00-05:00"}, "column_range"),
        ({"at": "0001-01-01T00:00:00+05:00"}, "column_range"),
        ({"clock": "12:00:00Z"}, "timezone_naive"),
        ({"text": "\ud800"}, "string_unicode"),
        ({"money": "1234.5"}, "decimal_whole_digits"),
        ({"money": "1.234"}, "decimal_max_places"),
        ({"money": "NaN"}, "finite_number"),
    ],
)
def test_a_value_that_a_column_cannot_hold_refuses_its_row(given: dict[str, object], rule: str) -> None:
    result = validated(Wide, {}, given, {"n": 2**63 - 1})
    assert result.good["n"].to_pylist() == [0, 2**63 - 1]
    [refused] = result.refused
    assert refused.rule == rule
    assert refused.field == next(iter(given))


def test_nan_and_infinity_are_floating_point_numbers() -> None:
    class Model(BaseModel):
        x: float | None

    values = validated(Model, {"x": float("nan")}, {"x": "inf"}, {"x": None}).good["x"].to_pylist()
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, None]


def test_nan_is_refused_if_the_model_forbids_it() -> None:
    class Model(BaseModel):
        x: float = Field(allow_inf_nan=False)
        n: int = 0

    result = validated(Model, {"x": float("nan")}, {"x": 1, "n": float("nan")})
    assert [refused.rule for refused in result.refused] == ["finite_number", "finite_number"]


def test_enum_members_enum_values_and_urls_land_as_plain_values() -> None:
    class Model(BaseModel):
        colour: Colour
        link: HttpUrl

    class Plain(Model):
        model_config = ConfigDict(use_enum_values=True)

    for model in (Model, Plain):
        good = validated(model, {"colour": "r", "link": "https://example.org/x"}).good
        assert good.to_pylist() == [{"colour": "r", "link": "https://example.org/x"}]


def test_literals_of_members_and_values_land_as_values() -> None:
    class Model(BaseModel):
        mixed: Literal[Colour.RED, "other"]

    good = validated(Model, {"mixed": Colour.RED}, {"mixed": "other"}).good
    assert good["mixed"].to_pylist() == ["r", "other"]
