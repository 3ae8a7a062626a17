"""Checks of values: what fails, what passes, and that nothing given reaches SQL unquoted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from cascade.iceberg.catalog import Lakehouse
from cascade.quality import Length, NotNull, OneOf, Pattern, Range, Unique
from cascade.quality.conftest import DAY, failing, judged, reading_table, rows_of

NAN = float("nan")
ROWS = rows_of(
    {"station": "a", "celsius": 1.0, "at": DAY, "day": DAY.date()},
    {"station": "it's", "celsius": 99.0, "at": DAY.replace(year=2020), "day": date(2020, 1, 1)},
    {"station": "", "celsius": NAN},
    {},
)


@pytest.mark.parametrize(
    ("check", "count"),
    [
        (NotNull("celsius"), 1),
        (NotNull("id"), 0),
        (Range("celsius", min=0), 1),
        (Range("celsius", max=60), 2),
        (Range("celsius", 1, 99), 1),
        (Range("celsius", Decimal("1.5"), 100), 2),
        (Range("station", min="a"), 1),
        (Range("day", min=date(2024, 1, 1)), 1),
        (Range("at", min=DAY), 1),
        (Range("at", max=datetime(2023, 1, 1)), 1),
        (OneOf("station", ["a", ""]), 1),
        (OneOf("station", {"it's", "a", ""}), 0),
        (OneOf("id", [1, 2, 3]), 1),
        (OneOf("station", ["a", "", *map(str, range(20))]), 1),
        (OneOf("id", range(2, 30)), 1),
        (Pattern("station", "[a-z]"), 2),
        (Pattern("station", r"[a-z']*"), 0),
        (Pattern("station", "'; drop table x; --"), 3),
        (Length("station", min=1), 1),
        (Length("station", 1, 3), 2),
        (Length("station", max=4), 0),
    ],
)
def test_the_failing_rows_are_counted(readings: Lakehouse, check: Any, count: int) -> None:
    (result,) = judged(readings, check, rows=ROWS)
    assert (result.failing, result.passed, result.rows) == (count, not count, 4)
    assert len(result.sample.rows) == count
    assert result.share == count / 4


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (Range("celsius", min=0), "celsius is not at least 0."),
        (Range("celsius", max=100), "celsius is not at most 100."),
        (Range("celsius", 0, 100), "celsius is not between 0 and 100."),
    ],
)
def test_what_is_said_of_a_failing_row_is_true_of_nan(readings: Lakehouse, check: Any, fault: str) -> None:
    (result,) = judged(readings, check, rows=ROWS)
    assert result.message == f"1 of 4 rows fail (25 %): {fault}"


def test_columns_and_values_with_quotes_are_data(readings: Lakehouse) -> None:
    name = 'a"b; --'
    rows = pa.table({name: ["x'y", "z"], "select": [1, None]})
    found = judged(
        readings, OneOf(name, ["x'y"], name="values"), NotNull("select"), Unique(name, scope="partition"), rows=rows
    )
    assert failing(*found) == {"values": 1, "not_null_select": 1}
    assert found[0].sql == """SELECT * FROM "raw"."readings" WHERE "a""b; --" NOT IN ('x''y')"""


def test_all_checks_share_one_pass_and_samples_are_read_for_failing_ones_only(
    readings: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cascade.iceberg.query_session import QuerySession

    ran: list[str] = []
    original = QuerySession.rows

    def recorded(session: QuerySession, sql: str) -> pa.Table:
        ran.append(sql)
        return original(session, sql)

    monkeypatch.setattr(QuerySession, "rows", recorded)
    checks = [NotNull("id"), NotNull("station"), Range("celsius", 0, 100), Length("station", max=9)]
    assert failing(*judged(readings, *checks, rows=reading_table(3, station="a"))) == {}
    assert len(ran) == 1
    assert failing(*judged(readings, *checks, rows=reading_table(3))) == {"not_null_station": 3}
    assert len(ran) == 3 and ran[2].endswith("LIMIT 5")


def test_a_wrong_check_fails_alone(readings: Lakehouse) -> None:
    found = judged(
        readings,
        NotNull("celsius"),
        Pattern("celsius", "[0-9]+"),
        Range("id", min="x"),
        NotNull("celcius"),
        rows=ROWS,
        schema=None,
    )
    assert [result.passed for result in found] == [False, False, False, False]
    assert found[0].failing == 1
    assert found[1].message.startswith("The check could not run. BinderException: ")
    assert found[2].message.startswith("The check could not run. ")
    assert found[3].message == 'raw.readings has no column "celcius". Did you mean "celsius"?'
    assert all(result.blocks for result in found)


def test_a_sample_has_five_rows_and_the_sql_selects_all(readings: Lakehouse) -> None:
    (result,) = judged(readings, NotNull("celsius"), rows=reading_table(20))
    assert (result.failing, len(result.sample.rows)) == (20, 5)
    assert result.message == "20 of 20 rows fail (100 %): celsius is null."
    assert result.sql == 'SELECT * FROM "raw"."readings" WHERE "celsius" IS NULL'


def test_sensitive_columns_are_not_in_a_sample(readings: Lakehouse) -> None:
    rows = reading_table(1, phone="call-me")
    (result,) = judged(readings, Pattern("phone", "x"), rows=rows)
    assert [name for name, _ in result.sample.columns] == ["id", "station", "celsius", "at", "day"]
    assert "call-me" not in repr(result)
    (shown,) = judged(readings, Pattern("phone", "x"), rows=rows, schema=None)
    assert shown.sample.rows[0]["phone"] == "call-me"


@pytest.mark.parametrize(
    ("thresholds", "passed", "severity"),
    [
        ({}, False, "error"),
        ({"fail_threshold": 0.3}, True, "error"),
        ({"fail_threshold": 0.25}, True, "error"),
        ({"fail_threshold": 0.2}, False, "error"),
        ({"warn_threshold": 0.2}, False, "warn"),
        ({"warn_threshold": 0.2, "fail_threshold": 0.3}, False, "warn"),
        ({"warn_threshold": 0.1, "fail_threshold": 0.2}, False, "error"),
        ({"warn_threshold": 0.3}, True, "error"),
    ],
)
def test_thresholds_are_shares_of_failing_rows(
    readings: Lakehouse, thresholds: dict[str, float], passed: bool, severity: str
) -> None:
    (result,) = judged(readings, NotNull("celsius"), rows=ROWS, **thresholds)
    assert (result.passed, result.severity) == (passed, severity)
    assert result.blocks == (not passed and severity == "error")
    assert result.message.endswith("within the threshold.") == passed
