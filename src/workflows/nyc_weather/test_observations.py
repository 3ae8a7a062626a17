"""Run the recorded weather against a temporary lakehouse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cascade import Lakehouse
from cascade.exceptions import ConfigError
from cascade.testing import test_workflow
from workflows.nyc_weather.observations import observations

HOUR = {
    "origin": "JFK",
    "year": 2013,
    "month": 1,
    "day": 15,
    "hour": 0,
    "temp": 39.02,
    "dewp": 33.98,
    "humid": 82.11,
    "wind_dir": 350,
    "wind_speed": 6.9,
    "wind_gust": None,
    "precip": 0.0,
    "pressure": 1024.6,
    "visib": 10.0,
    "time_hour": datetime(2013, 1, 15, 5, tzinfo=UTC),
}


def test_a_day_has_every_hour_of_three_airports() -> None:
    result = test_workflow(observations, partition="2013-01-15")
    assert result
    assert result.rows.num_rows == 72
    assert not result.refused
    assert result.rows["wind_gust"].null_count == 72
    hours = [row["time_hour"] for row in result.rows.to_pylist() if row["origin"] == "EWR"]
    assert hours == sorted(set(hours))
    assert (hours[0], hours[-1]) == (datetime(2013, 1, 15, 5, tzinfo=UTC), datetime(2013, 1, 16, 4, tzinfo=UTC))


def test_the_repeated_hour_in_november_is_two_rows() -> None:
    rows = test_workflow(observations, partition="2013-11-03").rows.to_pylist()
    at_one = [row["time_hour"].hour for row in rows if row["origin"] == "JFK" and row["hour"] == 1]
    assert at_one == [5, 6]


def test_a_day_without_records_succeeds_and_writes_no_snapshot() -> None:
    result = test_workflow(observations, partition="2013-12-31")
    assert result
    assert (result.rows_in, result.committed, result.snapshot_id) == (0, False, None)


def test_a_wind_of_a_thousand_miles_per_hour_is_refused() -> None:
    result = test_workflow(observations, partition="2013-02-12")
    assert result
    assert result.rows.num_rows == 71
    (refused,) = result.refused
    assert (refused.field, refused.row["origin"], refused.row["wind_speed"]) == ("wind_speed", "EWR", 1048.36058)


def test_a_row_with_the_wrong_local_time_is_refused() -> None:
    result = test_workflow(observations, test_data=[HOUR, {**HOUR, "origin": "LGA", "hour": 5}], partition="2013-01-15")
    assert result
    assert result.rows["origin"].to_pylist() == ["JFK"]
    (refused,) = result.refused
    assert "2013-01-15 00:00 in New York" in refused.message


def test_running_the_same_day_again_changes_nothing(lakehouse: Lakehouse) -> None:
    first = test_workflow(observations, partition="2013-01-15", lakehouse=lakehouse)
    again = test_workflow(observations, partition="2013-01-15", lakehouse=lakehouse)
    assert first.committed
    assert not again.committed
    assert again.snapshot_id == first.snapshot_id
    assert again.rows.equals(first.rows)


def test_an_unknown_source_is_an_error_that_names_both_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_NYC_WEATHER_SOURCE", "radar")
    result = test_workflow(observations, partition="2013-01-15")
    assert isinstance(result.error, ConfigError)
    assert str(result.error) == (
        "CASCADE_NYC_WEATHER_SOURCE in the environment is 'radar': it must be recorded or live."
    )
