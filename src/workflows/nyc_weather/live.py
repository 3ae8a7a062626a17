"""The live source: Open-Meteo's historical weather API (https://open-meteo.com/en/docs/historical-weather-api).

Non-commercial use needs no key, and the data is under CC BY 4.0. The data is a reanalysis, not the stations' own
records: temperatures differ from the recorded ones by a few degrees, and there is no visibility.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cascade.exceptions import SourceError
from workflows.nyc_common.airports import NEW_YORK, TIMEZONE

if TYPE_CHECKING:
    from dlt.extract import DltSource
    from requests import Response

    from cascade import PartitionWindow

BASE_URL = "https://archive-api.open-meteo.com/v1/"

# Our columns, and the hourly variables of the API. The request below sets the units.
VARIABLES = {
    "temp": "temperature_2m",
    "dewp": "dew_point_2m",
    "humid": "relative_humidity_2m",
    "wind_dir": "wind_direction_10m",
    "wind_speed": "wind_speed_10m",
    "wind_gust": "wind_gusts_10m",
    "precip": "precipitation",
    "pressure": "pressure_msl",
}


def archive_observations(window: PartitionWindow) -> DltSource:
    """Request the hours of a partition, with one request per airport.

    Args:
        window: the partition. A day in New York overlaps two days in UTC, and the API returns whole UTC days.

    Returns:
        A dlt source with one selected resource, which yields rows of `WeatherObservation`.
    """
    import dlt
    from dlt.sources.rest_api import rest_api_source

    def hours_of_window(answer: dict[str, Any]) -> Iterator[dict[str, object]]:
        return (row for row in to_rows(answer) if window.start <= row["time_hour"] < window.end)

    source = rest_api_source(
        {
            "client": {"base_url": BASE_URL, "paginator": "single_page"},
            "resources": [
                # One page of airports: dlt sends one request per item of the page.
                dlt.resource([[asdict(airport) for airport in NEW_YORK]], name="airports", selected=False),
                {
                    "name": "observations",
                    "endpoint": {
                        "path": "archive",
                        "params": {
                            "latitude": "{resources.airports.latitude}",
                            "longitude": "{resources.airports.longitude}",
                            "start_date": f"{window.start.astimezone(UTC):%Y-%m-%d}",
                            "end_date": f"{window.end.astimezone(UTC) - timedelta(hours=1):%Y-%m-%d}",
                            "hourly": ",".join(VARIABLES.values()),
                            "temperature_unit": "fahrenheit",
                            "wind_speed_unit": "mph",
                            "precipitation_unit": "inch",
                            "timeformat": "unixtime",
                            "timezone": "GMT",
                        },
                        "data_selector": "$",
                        "response_actions": [{"status_code": 400, "action": refuse}],
                    },
                    "include_from_parent": ["code"],
                    "processing_steps": [{"yield_map": hours_of_window}],
                },
            ],
        },
        name="open_meteo",
    )
    return source.with_resources("observations")


def to_rows(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn a response, which has one list per variable, into one row per hour."""
    hourly = answer["hourly"]
    for position, seconds in enumerate(hourly["time"]):
        time_hour = datetime.fromtimestamp(seconds, UTC)
        local = time_hour.astimezone(ZoneInfo(TIMEZONE))
        row = {column: hourly[variable][position] for column, variable in VARIABLES.items()}
        if row["wind_dir"] is not None:
            row["wind_dir"] = round(row["wind_dir"])
        yield {
            "origin": answer["_airports_code"],
            "year": local.year,
            "month": local.month,
            "day": local.day,
            "hour": local.hour,
            **row,
            "visib": None,
            "time_hour": time_hour,
        }


def refuse(response: Response, *_: object, **__: object) -> None:
    """Raise an error with the reason that the API gives for a bad request."""
    raise SourceError(f"Open-Meteo refused {response.url}: {response.json().get('reason', response.text)}")
