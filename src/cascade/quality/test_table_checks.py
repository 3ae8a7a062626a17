"""Checks of counts, ages, keys, schemas and other tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandera.polars as pandera
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field

from cascade.iceberg.catalog import Lakehouse
from cascade.partitions import PartitionWindow
from cascade.quality import (
    CheckResult,
    Drift,
    ForeignKey,
    Freshness,
    HasSchema,
    MatchesSchema,
    NotNull,
    Reconcile,
    RowCount,
    RowCountChange,
    Sql,
    Unique,
)
from cascade.quality.conftest import AUDIT, DAY, WINDOW, Reading, branch, judged, reading_table, rows_of, write
from cascade.quality.counts import earlier_windows
from cascade.quality.drift import stability_index

ONE = rows_of({"station": "a"})


class Strict(BaseModel):
    id: int = Field(alias="Id")
    celsius: float = Field(lt=60)


class StrictFrame(pandera.DataFrameModel):
    id: int = pandera.Field(unique=True)


def one(lakehouse: Lakehouse, check: Any, **subject: Any) -> CheckResult:
    (result,) = judged(lakehouse, check, **subject)
    return result


@pytest.mark.parametrize(
    ("check", "passed", "message"),
    [
        (RowCount(min=1), True, "1 rows."),
        (RowCount(min=2), False, "1 rows, expected at least 2."),
        (RowCount(max=0), False, "1 rows, expected at most 0."),
        (RowCount(min=2, max=3, scope="table"), True, "3 rows."),
    ],
)
def test_the_rows_of_the_run_or_of_the_table_are_counted(
    readings: Lakehouse, check: RowCount, passed: bool, message: str
) -> None:
    result = one(readings, check, rows=ONE)
    assert (result.passed, result.message, result.scope) == (passed, message, check.judges)


def test_without_the_rows_of_a_run_the_whole_table_is_judged(readings: Lakehouse) -> None:
    result = one(readings, NotNull("celsius"))
    assert (result.failing, result.rows, result.scope) == (1, 3, "table")


def test_no_rows_pass_what_judges_rows(readings: Lakehouse) -> None:
    result = one(readings, NotNull("celsius"), rows=[])
    assert (result.passed, result.rows, result.share, result.message) == (True, 0, 0.0, "There are no rows.")


def test_the_branch_of_the_run_is_read_and_other_tables_on_main(readings: Lakehouse) -> None:
    branch(readings)
    write(readings, rows_of({"station": "new"}), AUDIT)
    sql = "select * from readings where station = 'new'"
    assert one(readings, Sql(sql), ref=AUDIT).failing == 1
    assert one(readings, Sql(sql)).failing == 0
    assert one(readings, RowCount(min=9, scope="table"), ref=AUDIT).numbers == {"rows": 3}


def earlier(lakehouse: Lakehouse, *counts: int) -> None:
    """Fill partitions before the day, the nearest first."""
    for number, count in enumerate(counts, start=1):
        start = 1000 * number
        rows = reading_table(count, id=lambda row, start=start: start + row, at=DAY - timedelta(days=number))
        if count:
            write(lakehouse, rows)


@pytest.mark.parametrize(
    ("rows", "passed", "message"),
    [
        (3, True, "3 rows are 0.75 times 4, the mean of 2 earlier partitions."),
        (1, False, "1 rows are 0.25 times 4, the mean of 2 earlier partitions; expected at least 0.5."),
        (9, False, "9 rows are 2.25 times 4, the mean of 2 earlier partitions; expected at most 2."),
    ],
)
def test_the_row_count_is_compared_with_earlier_partitions(
    lakehouse: Lakehouse, rows: int, passed: bool, message: str
) -> None:
    earlier(lakehouse, 2, 0, 6, 50)
    result = one(lakehouse, RowCountChange("at", partitions=3), rows=reading_table(rows, at=DAY), window=WINDOW)
    assert (result.passed, result.message) == (passed, message)


def test_a_first_partition_has_nothing_to_compare_with(readings: Lakehouse) -> None:
    result = one(readings, RowCountChange("at"), rows=ONE, window=WINDOW)
    assert (result.passed, result.message) == (True, "1 rows, and no earlier partition.")
    assert not one(readings, RowCountChange(), rows=ONE, window=WINDOW).passed


def test_a_table_without_partitions_is_compared_with_itself_before_the_run(readings: Lakehouse) -> None:
    assert one(readings, RowCountChange(), rows=ONE).message == "3 rows, and none before."
    branch(readings)
    write(readings, reading_table(9, id=lambda row: 100 + row), AUDIT)
    result = one(readings, RowCountChange(), rows=ONE, ref=AUDIT)
    assert (result.passed, result.message) == (False, "12 rows are 4 times 3 before; expected at most 2.")


def test_monthly_partitions_begin_on_the_first() -> None:
    march = PartitionWindow("2024-03", datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC))
    starts = [start.date().isoformat() for start, _ in earlier_windows(march, 3)]
    assert starts == ["2024-02-01", "2024-01-01", "2023-12-01"]
    assert [end.day for _, end in earlier_windows(march, 3)] == [1, 1, 1]
    assert earlier_windows(WINDOW, 1) == [(DAY - timedelta(days=1), DAY)]


@pytest.mark.parametrize(
    ("column", "hours", "passed", "age"), [("at", 24, True, 12.0), ("at", 11, False, 12.0), ("day", 13, True, 12.0)]
)
def test_the_newest_value_has_an_age(readings: Lakehouse, column: str, hours: float, passed: bool, age: float) -> None:
    result = one(readings, Freshness(column, hours=hours), now=DAY + timedelta(hours=12), rows=ONE)
    assert (result.passed, result.numbers["age_hours"]) == (passed, age)
    assert result.numbers["newest"] == "2024-01-15T00:00:00+00:00"


def test_a_table_without_values_is_not_fresh(readings: Lakehouse) -> None:
    result = one(readings, Freshness("at", hours=1, scope="partition"), rows=ONE)
    assert (result.passed, result.message) == (False, "No row has a value of at.")


def test_rows_that_share_a_key_are_counted(readings: Lakehouse) -> None:
    result = one(readings, Unique("station"))
    assert (result.failing, result.numbers["repeated_keys"], result.scope) == (2, 1, "table")
    assert [row["station"] for row in result.sample.rows] == ["a", "a"]
    assert one(readings, Unique(["station", "celsius"])).passed
    rows = rows_of(*[{"station": "a", "celsius": 1.0}] * 3, *[{"station": "a", "celsius": None}] * 2)
    both = one(readings, Unique(["station", "celsius"], scope="partition"), rows=rows)
    assert (both.failing, len(both.sample.rows)) == (3, 3)


def test_the_keys_of_another_table(readings: Lakehouse) -> None:
    rows = rows_of({"station": "a"}, {"station": "zz"}, {})
    result = one(readings, ForeignKey("station", "raw.readings"), rows=rows)
    assert (result.failing, [row["station"] for row in result.sample.rows]) == (1, ["zz"])
    assert one(readings, ForeignKey(["station", "id"], "readings", ["station", "id"]), rows=rows).failing == 1
    missing = one(readings, ForeignKey("station", "reading"), rows=rows)
    assert missing.message.endswith('There is no table "raw.reading". Did you mean "raw.readings"?')


def test_sql_returns_the_failing_rows(readings: Lakehouse) -> None:
    result = one(readings, Sql("select id, celsius from readings where celsius > 1 -- too hot"))
    assert (result.failing, result.rows, result.sample.rows) == (1, 3, ({"id": 2, "celsius": 2.0},))
    assert one(readings, Sql("select * from readings", scope="partition"), rows=ONE).failing == 1
    assert not one(readings, Sql("delete from readings")).passed
    assert "reading does not exist" in one(readings, Sql("select * from reading")).message


def test_sql_shows_no_sensitive_column_under_another_name(readings: Lakehouse) -> None:
    result = one(readings, Sql("select id, phone as number from readings where phone is not null"))
    assert (result.failing, result.sample.rows) == (1, ({"id": 2},))


def test_two_tables_are_reconciled(readings: Lakehouse) -> None:
    readings.catalog.create_table("raw.sums", schema=pa.schema([("station", pa.string()), ("celsius", pa.float64())]))
    sums = readings.catalog.load_table("raw.sums")
    sums.append(pa.table({"station": ["a", "b", "c"], "celsius": [1.0, 2.1, 5.0]}))
    whole = one(readings, Reconcile("sums", sums="celsius"))
    assert not whole.passed
    assert whole.message == "Differs: rows: 3 here, 3 in sums; celsius: 3.0 here, 8.1 in sums."
    assert one(readings, Reconcile("raw.sums")).passed
    grouped = one(readings, Reconcile("sums", sums=["celsius"], by="station", count_rows=False), schema=None)
    assert (grouped.numbers, grouped.share) == ({"groups": 3, "differing_groups": 2}, None)
    assert sorted(str(row["station"]) for row in grouped.sample.rows) == ["b", "c"]
    close = Reconcile("sums", sums="celsius", by="station", count_rows=False, tolerance=0.1)
    assert one(readings, close).numbers["differing_groups"] == 1
    landed = Reconcile("sums", by="station", scope="partition")
    assert one(readings, landed, rows=rows_of({"station": "a"})).passed


@pytest.mark.parametrize(
    ("celsius", "station", "drifts"),
    [
        (lambda row: float(row % 50), "a", set()),
        (lambda row: float(row % 50) + 30, "a", {"drift_celsius"}),
        (lambda row: None if row % 2 else float(row % 50), "b", {"drift_celsius", "drift_station"}),
    ],
)
def test_values_that_are_distributed_otherwise_drift(
    lakehouse: Lakehouse, celsius: Any, station: str, drifts: set[str]
) -> None:
    write(lakehouse, reading_table(400, celsius=lambda row: float(row % 50), station="a"))
    rows = reading_table(200, id=lambda row: 1000 + row, celsius=celsius, station=station)
    write(lakehouse, rows)
    found = judged(lakehouse, Drift("celsius"), Drift("station"), rows=rows)
    assert {result.check for result in found if not result.passed} == drifts
    assert all(result.numbers["earlier_rows"] == 400 for result in found)


def test_few_rows_do_not_drift(readings: Lakehouse) -> None:
    assert one(readings, Drift("celsius"), rows=ONE).message == "1 rows and 0 earlier ones are too few to compare."


def test_the_stability_index_is_that_of_the_literature() -> None:
    # 0.5 to 0.4 and 0.5 to 0.6: (0.4 - 0.5) ln 0.8 + (0.6 - 0.5) ln 1.2.
    assert stability_index([(50, 40), (50, 60)]) == pytest.approx(0.04055, abs=1e-5)
    assert stability_index([(10, 20), (30, 60)]) == 0
    assert stability_index([(10, 0), (0, 10)]) > 10


def test_the_columns_of_a_table_have_types(readings: Lakehouse) -> None:
    assert one(readings, HasSchema({"id": "long", "at": "timestamptz"})).passed
    assert one(readings, HasSchema(Reading, exact=True)).passed
    result = one(readings, HasSchema({"id": "int", "celcius": "double", "day": "date"}, exact=True))
    assert result.message == (
        '"id" is long, expected int. "celcius" is missing. Did you mean "celsius"? "station" is not expected. '
        '"celsius" is not expected. "at" is not expected. "phone" is not expected.'
    )


def test_rows_match_a_stricter_schema(readings: Lakehouse) -> None:
    rows = rows_of({"celsius": 1.0}, {"celsius": 99.0}, {})
    result = one(readings, MatchesSchema(Strict), rows=rows)
    assert (result.failing, result.rows) == (2, 3)
    assert result.numbers == {"less_than in celsius": 1, "float_type in celsius": 1}
    assert [row["id"] for row in result.sample.rows] == [2, 3]
    assert one(readings, MatchesSchema(StrictFrame), rows=rows).passed
    twice = pa.concat_tables([rows, rows.slice(0, 1)])
    assert one(readings, MatchesSchema(StrictFrame), rows=twice).failing in (1, 2)


def test_a_day_without_a_time_zone_is_taken_as_utc(readings: Lakehouse) -> None:
    assert one(readings, Freshness("day", hours=1), now=DAY).numbers["age_hours"] == 0
