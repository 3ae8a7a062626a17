"""Ingest the weather as recorded in 2013 or, if the project is set up for it, from a public API."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cascade import cascade_ingestion
from cascade.config import CascadeConfig
from cascade.exceptions import ConfigError
from workflows.nyc_common.recorded import read_recorded
from workflows.nyc_weather.schema import WeatherObservation

if TYPE_CHECKING:
    from cascade import PartitionWindow

SETTING = "nyc_weather_source"
SOURCES = ("recorded", "live")


@cascade_ingestion(
    table_name="weather_observations",
    unique_key=("origin", "time_hour"),
    group="nyc_weather",
    validation_schema=WeatherObservation,
    partitions="daily",
    partition_start=date(2013, 1, 1),
    partition_end=date(2014, 1, 1),
    partition_timezone="America/New_York",
    partition_spec=[("time_hour", "month")],
)
def observations(window: PartitionWindow) -> object:
    """Hourly weather at EWR, JFK and LGA.

    The recorded data lacks some hours and all of December 31st. The setting `nyc_weather_source` (in the environment,
    `CASCADE_NYC_WEATHER_SOURCE`) selects the source: `recorded`, which is the default, or `live`, which calls
    Open-Meteo's historical weather API.
    """
    if chosen_source() == "live":
        from workflows.nyc_weather.live import archive_observations

        return archive_observations(window)
    return read_recorded("workflows.nyc_weather", "weather", window)


def chosen_source() -> str:
    """Return the configured source of the weather, one of `SOURCES`.

    Raises:
        ConfigError: the setting has any other value.
    """
    config = CascadeConfig.from_user_config()
    chosen = getattr(config, SETTING, SOURCES[0])
    if chosen not in SOURCES:
        origin = config.origin_of(SETTING) or SETTING
        raise ConfigError(f"{origin} is {chosen!r}: it must be {' or '.join(SOURCES)}.")
    return str(chosen)
