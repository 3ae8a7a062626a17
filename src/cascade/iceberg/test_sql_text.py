"""Names and values arrive in DuckDB as they were given."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from decimal import Decimal
from enum import Enum

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.iceberg.sql_text import sql_name, sql_names, sql_value

NOON = dt.datetime(2024, 1, 15, 12, 0, 0, 5)


class Color(Enum):
    RED = "red"


def evaluated(text: str) -> object:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        (row,) = connection.execute(f"SELECT {text}").fetchall()
    return row[0]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        2**70,
        0.1,
        -1e-300,
        math.inf,
        "it's",
        "a\0b",
        "\\n",
        Decimal("-1.50"),
        NOON,
        NOON.replace(tzinfo=dt.UTC),
        NOON.date(),
        NOON.time(),
        dt.timedelta(days=-1, microseconds=3),
        uuid.UUID(int=7),
        b"\x00'\xff",
        b"",
    ],
)
def test_a_value_arrives_as_it_was_given(value: object) -> None:
    assert evaluated(sql_value(value)) == value


def test_the_member_of_an_enum_stands_for_its_value_and_nan_stays_nan() -> None:
    assert evaluated(sql_value(Color.RED)) == "red"
    assert math.isnan(evaluated(sql_value(math.nan)))  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="';\"\\ \0-a/*%$?", max_size=8))
def test_no_text_ends_its_literal(text: str) -> None:
    assert evaluated(sql_value(text)) == text


def test_a_name_is_quoted() -> None:
    assert sql_name('a"b') == '"a""b"'
    assert sql_names(["a", "b c"]) == '"a", "b c"'


@pytest.mark.parametrize("value", [object(), [1], Decimal("NaN"), NOON.time().replace(tzinfo=dt.UTC)])
def test_what_no_column_can_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a value that a column can be compared with"):
        sql_value(value)
