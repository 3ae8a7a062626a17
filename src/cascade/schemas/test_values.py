"""Conversion of Python values to Arrow: values that fit come back equal, others are reported by position."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cascade.schemas import kinds
from cascade.schemas.kinds import Member
from cascade.schemas.pydantic_fields import bare_model
from cascade.schemas.values import ValueType, to_arrow

NEW_YORK = ZoneInfo("America/New_York")
ZONES = st.sampled_from([dt.UTC, NEW_YORK, ZoneInfo("Asia/Kathmandu"), dt.timezone(dt.timedelta(hours=-11))])


class Colour(Enum):
    RED = "r"


ROUND_TRIPS: list[tuple[ValueType, st.SearchStrategy[Any]]] = [
    (kinds.boolean(), st.booleans()),
    (kinds.integer(), st.integers(-(2**63), 2**63 - 1)),
    (kinds.integer(32), st.integers(-(2**31), 2**31 - 1)),
    (kinds.floating(), st.floats(allow_nan=False)),
    (kinds.floating(32), st.floats(width=32, allow_nan=False)),
    (kinds.text(), st.text(st.characters(codec="utf-8"))),
    (kinds.binary(), st.binary()),
    (kinds.uuid(), st.uuids()),
    (kinds.calendar_date(), st.dates()),
    (kinds.clock_time(), st.times()),
    (kinds.timestamp(aware=False), st.datetimes()),
    (kinds.timestamp(aware=True), st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=ZONES)),
    (kinds.decimal(38, 10), st.decimals(-(10**27), 10**27, places=10)),
]


@pytest.mark.parametrize(("value_type", "strategy"), ROUND_TRIPS, ids=lambda value: str(getattr(value, "arrow", "")))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_values_come_back_equal(value_type: ValueType, strategy: st.SearchStrategy[Any], data: st.DataObject) -> None:
    column = data.draw(st.lists(st.none() | strategy, max_size=5))
    array, unfit = to_arrow(column, value_type)
    assert unfit == {}
    assert array.type == value_type.arrow
    # In Python, a time that a time zone skips equals no time of another zone.
    expected = [v.astimezone(dt.UTC) if isinstance(v, dt.datetime) and v.tzinfo else v for v in column]
    assert array.to_pylist() == expected
    nested, unfit = to_arrow([column, None], kinds.list_of(value_type, nullable=True))
    assert unfit == {}
    assert nested.to_pylist() == [expected, None]


def test_nan_and_infinities_are_kept() -> None:
    array, unfit = to_arrow([float("nan"), float("inf"), None], kinds.floating())
    assert unfit == {}
    assert array.null_count == 1
    assert str(array.to_pylist()) == "[nan, inf, None]"


@pytest.mark.parametrize(
    ("value_type", "value", "rule", "message"),
    [
        (kinds.integer(), 2**63, "column_range", "9223372036854775808 does not fit in a 64-bit integer"),
        (kinds.integer(32), -(2**31) - 1, "column_range", "does not fit in a 32-bit integer"),
        (kinds.integer(), 1.5, "column_type", "The schema returned 1.5 (float), but the column needs an integer"),
        (kinds.integer(), True, "column_type", "The schema returned True (bool)"),
        (kinds.floating(), 10**400, "column_range", "does not fit in a floating-point number"),
        (kinds.floating(), "1", "column_type", "but the column needs a number"),
        (kinds.boolean(), 1, "column_type", "but the column needs a boolean"),
        (kinds.text(), b"a", "column_type", "but the column needs a string"),
        (kinds.text(), "\ud800", "string_unicode", "unable to write it as UTF-8"),
        (kinds.binary(), "a", "column_type", "but the column needs bytes"),
        (kinds.uuid(), "a", "column_type", "but the column needs a UUID"),
        (kinds.decimal(5, 2), Decimal("1.234"), "column_range", "Decimal('1.234') does not fit decimal128(5, 2)"),
        (kinds.decimal(5, 2), Decimal("12345"), "column_range", "does not fit decimal128(5, 2)"),
        (kinds.decimal(5, 2), Decimal("NaN"), "column_range", "A decimal column cannot hold NaN"),
        (kinds.decimal(5, 2), Decimal("Infinity"), "column_range", "cannot hold Infinity"),
        (kinds.decimal(5, 2), 1.5, "column_type", "but the column needs a decimal number"),
        (kinds.calendar_date(), dt.datetime(2013, 1, 1), "column_type", "but the column needs a date"),
        (
            kinds.clock_time(),
            dt.time(1, tzinfo=dt.UTC),
            "timezone_naive",
            "a time of day is stored without a time zone",
        ),
        (kinds.clock_time(), "01:00", "column_type", "but the column needs a time of day"),
        (kinds.timestamp(aware=True), dt.datetime(2013, 1, 1), "timezone_aware", "Input should have timezone info"),
        (kinds.timestamp(aware=True), dt.date(2013, 1, 1), "column_type", "but the column needs a datetime"),
        (kinds.timestamp(aware=False), dt.datetime(2013, 1, 1, tzinfo=dt.UTC), "timezone_naive", "should not have"),
        (
            kinds.timestamp(aware=True),
            dt.datetime(9999, 12, 31, 23, tzinfo=NEW_YORK),
            "column_range",
            "9999-12-31T23:00:00-05:00 is outside the years 1 to 9999 in UTC",
        ),
        (
            kinds.timestamp(aware=True),
            dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            "column_range",
            "is outside the years 1 to 9999",
        ),
        (kinds.list_of(kinds.integer(), nullable=False), "ab", "column_type", "but the column needs a list"),
    ],
)
def test_a_value_that_does_not_fit_does_not_affect_the_others(
    value_type: ValueType, value: Any, rule: str, message: str
) -> None:
    array, unfit = to_arrow([None, value, None], value_type)
    assert list(unfit) == [1]
    assert unfit[1].rule == rule
    assert message in unfit[1].message
    assert array.to_pylist() == [None, None, None]


def test_good_values_next_to_a_bad_one_are_kept() -> None:
    array, unfit = to_arrow([1, 2**70, 3], kinds.integer())
    assert array.to_pylist() == [1, None, 3]
    assert list(unfit) == [1]


def test_the_path_in_a_nested_value_is_reported() -> None:
    members = [
        Member("n", "n", kinds.integer(), nullable=False),
        Member("d", "d", kinds.decimal(3, 1), nullable=True),
    ]
    nested = kinds.list_of(kinds.struct(members, bare_model("Struct", members)), nullable=False)
    model = bare_model("Struct", members)
    bad = [
        [model(n=1), model(n=2**70)],
        [model(n=1, d=Decimal("1.25"))],
        [model(n=None)],
        [None],
        [model(n=1, d=Decimal("1.5"))],
    ]
    array, unfit = to_arrow(bad, nested)
    assert {position: reason.path for position, reason in unfit.items()} == {
        0: (1, "n"),
        1: (0, "d"),
        2: (0, "n"),
        3: (0,),
    }
    assert unfit[2].message == "Input should not be null"
    assert array[4].as_py() == [{"n": 1, "d": Decimal("1.5")}]


def test_uuids_are_kept_inside_structs_and_lists() -> None:
    members = [Member("u", "u", kinds.uuid(), nullable=True)]
    model = bare_model("Struct", members)
    value_type = kinds.list_of(kinds.struct(members, model), nullable=True)
    array, unfit = to_arrow([[model(u=UUID(int=5)), model(u=None), None], None], value_type)
    assert unfit == {}
    assert array.type == value_type.arrow
    assert array.to_pylist() == [[{"u": UUID(int=5)}, {"u": None}, None], None]


@pytest.mark.parametrize("ignore", ["", "1"])
def test_instants_do_not_depend_on_the_source_time_zone(monkeypatch: pytest.MonkeyPatch, ignore: str) -> None:
    # Importing pandera sets this variable, and Arrow then drops the offset of every time zone.
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", ignore)
    ambiguous = [dt.datetime(2013, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=fold) for fold in (0, 1)]
    array, _ = to_arrow([*ambiguous, dt.datetime(2013, 7, 1, tzinfo=NEW_YORK)], kinds.timestamp(aware=True))
    assert [value.isoformat() for value in array.to_pylist()] == [
        "2013-11-03T05:30:00+00:00",
        "2013-11-03T06:30:00+00:00",
        "2013-07-01T04:00:00+00:00",
    ]


def test_a_pandas_timestamp_loses_its_nanoseconds() -> None:
    array, unfit = to_arrow([pd.Timestamp("2013-01-01T00:00:00.000000999Z")], kinds.timestamp(aware=True))
    assert unfit == {}
    assert array.to_pylist() == [dt.datetime(2013, 1, 1, tzinfo=dt.UTC)]


def test_enum_members_are_stored_as_their_values_and_plain_values_as_they_are() -> None:
    array, unfit = to_arrow([Colour.RED, "g", None], kinds.enumeration(kinds.text(), Colour))
    assert unfit == {}
    assert array.to_pylist() == ["r", "g", None]


def test_a_value_whose_repr_is_broken_is_still_refused() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    _, unfit = to_arrow([Broken()], kinds.integer())
    assert "The schema returned <Broken> (Broken)" in unfit[0].message
