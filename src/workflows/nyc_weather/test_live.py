"""Test the live source against a fake of Open-Meteo's archive API.

The fake follows the API's published documentation (https://open-meteo.com/en/docs/historical-weather-api) and its
OpenAPI description: the parameters, whole GMT days from `start_date` to `end_date`, one list per variable, and
`{"error": true, "reason": ...}` with status 400. No request leaves the machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from requests import PreparedRequest
from responses import RequestsMock

from cascade import Lakehouse
from cascade.exceptions import SourceError
from cascade.testing import test_workflow
from workflows.nyc_weather import live
from workflows.nyc_weather.observations import observations

ARCHIVE = "https://archive-api.open-meteo.com/v1/archive"
UNITS = {
    "temperature_2m": "°F",
    "dew_point_2m": "°F",
    "relative_humidity_2m": "%",
    "wind_direction_10m": "°",
    "wind_speed_10m": "mp/h",
    "wind_gusts_10m": "mp/h",
    "precipitation": "inch",
    "pressure_msl": "hPa",
}
VALUES = {
    "temperature_2m": 39.4,
    "dew_point_2m": 30.2,
    "relative_humidity_2m": 70,
    "wind_direction_10m": 314.6,
    "wind_speed_10m": 7.5,
    "wind_gusts_10m": 17.2,
    "precipitation": 0.012,
    "pressure_msl": 1025.1,
}


class Archive:
    """Answer requests as the API does, and record them.

    Attributes:
        calls: the parameters of each request.
        missing: the variables that are null in every hour.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self.missing: set[str] = set()

    def __call__(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        """Answer one request."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(request.url or "").query).items()}
        self.calls.append(given)
        variables = given["hourly"].split(",")
        for variable in variables:
            if variable not in UNITS:
                reason = f"Cannot initialize WeatherVariable from invalid String value {variable} for key hourly"
                return 400, {}, json.dumps({"error": True, "reason": reason})
        # The request must override the default units with those of the recorded data.
        asked = (given["temperature_unit"], given["wind_speed_unit"], given["precipitation_unit"], given["timeformat"])
        assert asked == ("fahrenheit", "mph", "inch", "unixtime")
        assert given["timezone"] == "GMT"
        hours = list(hours_between(date.fromisoformat(given["start_date"]), date.fromisoformat(given["end_date"])))
        answer = {
            "latitude": round(float(given["latitude"]), 2),
            "longitude": round(float(given["longitude"]), 2),
            "elevation": 3.0,
            "generationtime_ms": 2.2119,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "hourly_units": {"time": "unixtime", **{variable: UNITS[variable] for variable in variables}},
            "hourly": {"time": [int(hour.timestamp()) for hour in hours]}
            | {variable: [self._value(variable)] * len(hours) for variable in variables},
        }
        return 200, {}, json.dumps(answer)

    def _value(self, variable: str) -> float | None:
        return None if variable in self.missing else VALUES[variable]


def hours_between(first: date, last: date) -> Iterator[datetime]:
    """Yield every GMT hour from the first day to the last, both included."""
    hour = datetime(first.year, first.month, first.day, tzinfo=UTC)
    while hour.date() <= last:
        yield hour
        hour += timedelta(hours=1)


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch, offline_http: RequestsMock) -> Archive:
    """Select the live source and replace its API with a fake. Requests to any other address fail."""
    monkeypatch.setenv("CASCADE_NYC_WEATHER_SOURCE", "live")
    fake = Archive()
    offline_http.add_callback("GET", ARCHIVE, callback=fake, content_type="application/json")
    return fake


def test_a_new_york_day_has_24_hours_per_airport(archive: Archive) -> None:
    result = test_workflow(observations, partition="2013-01-15")
    assert result
    assert not result.refused
    rows = result.rows.to_pylist()
    assert {origin: sum(row["origin"] == origin for row in rows) for origin in ("EWR", "JFK", "LGA")} == {
        "EWR": 24,
        "JFK": 24,
        "LGA": 24,
    }
    assert rows[0] == {
        "origin": "EWR",
        "year": 2013,
        "month": 1,
        "day": 15,
        "hour": 0,
        "temp": 39.4,
        "dewp": 30.2,
        "humid": 70.0,
        "wind_dir": 315,
        "wind_speed": 7.5,
        "wind_gust": 17.2,
        "precip": 0.012,
        "pressure": 1025.1,
        "visib": None,
        "time_hour": datetime(2013, 1, 15, 5, tzinfo=UTC),
    }


def test_each_airport_gets_one_request_for_its_location_and_both_gmt_days(archive: Archive) -> None:
    assert test_workflow(observations, partition="2013-01-15")
    assert [(call["latitude"], call["longitude"]) for call in archive.calls] == [
        ("40.6925", "-74.168667"),
        ("40.639751", "-73.778925"),
        ("40.777245", "-73.872608"),
    ]
    assert {(call["start_date"], call["end_date"]) for call in archive.calls} == {("2013-01-15", "2013-01-16")}


@pytest.mark.parametrize(("day", "hours"), [("2013-03-10", 23), ("2013-11-03", 25)])
def test_days_with_a_clock_change_have_23_or_25_hours(archive: Archive, day: str, hours: int) -> None:
    result = test_workflow(observations, partition=day)
    assert result
    assert result.rows.num_rows == 3 * hours
    assert len(archive.calls) == 3


def test_missing_values_become_nulls(archive: Archive) -> None:
    archive.missing = {"wind_direction_10m", "pressure_msl"}
    result = test_workflow(observations, partition="2013-06-01")
    assert result
    assert (result.rows["wind_dir"].null_count, result.rows["pressure"].null_count) == (72, 72)


def test_the_live_source_fills_an_unrecorded_day(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, lakehouse: Lakehouse
) -> None:
    with monkeypatch.context() as recorded:
        recorded.setenv("CASCADE_NYC_WEATHER_SOURCE", "recorded")
        assert test_workflow(observations, partition="2013-12-31", lakehouse=lakehouse).rows.num_rows == 0
    filled = test_workflow(observations, partition="2013-12-31", lakehouse=lakehouse)
    assert filled
    assert filled.rows.num_rows == 72


def test_the_error_contains_the_reason_that_the_api_gives(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(live.VARIABLES, "temp", "tempeture_2m")
    result = test_workflow(observations, partition="2013-01-15")
    assert not result
    assert "invalid String value tempeture_2m for key hourly" in str(result.error)
    assert isinstance(result.error, SourceError)
