"""Read recorded tables as a whole, or only the hours of a partition."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cascade import PartitionWindow
from workflows.nyc_common.airports import NEW_YORK, NEW_YORK_CODES, TIMEZONE
from workflows.nyc_common.recorded import read_recorded


def day(year: int, month: int, number: int) -> PartitionWindow:
    zone = ZoneInfo(TIMEZONE)
    start = datetime(year, month, number, tzinfo=zone)
    return PartitionWindow(key=f"{start:%Y-%m-%d}", start=start, end=start.replace(day=number + 1))


@pytest.mark.parametrize(
    ("window", "hours"), [(day(2013, 1, 15), 24), (day(2013, 3, 10), 23), (day(2013, 11, 3), 24), (day(2014, 1, 2), 0)]
)
def test_a_window_selects_the_hours_of_a_local_day(window: PartitionWindow, hours: int) -> None:
    rows = read_recorded("workflows.nyc_weather", "weather", window)
    at_jfk = [row for row in rows.to_pylist() if row["origin"] == "JFK"]
    assert len(at_jfk) == hours
    assert {(row["year"], row["month"], row["day"]) for row in at_jfk} <= {
        (window.start.year, window.start.month, window.start.day)
    }


def test_without_a_window_the_whole_table_is_read() -> None:
    assert read_recorded("workflows.nyc_flights", "planes").num_rows == 3_322


def test_the_airports_of_new_york_match_the_recorded_table() -> None:
    rows = read_recorded("workflows.nyc_flights", "airports").to_pylist()
    recorded = {row["faa"]: (row["lat"], row["lon"]) for row in rows}
    assert {airport.code: (airport.latitude, airport.longitude) for airport in NEW_YORK} == {
        code: recorded[code] for code in NEW_YORK_CODES
    }
