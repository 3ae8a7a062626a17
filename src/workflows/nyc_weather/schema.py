"""The schema of an hour of weather at one airport."""

from __future__ import annotations

from typing import Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from workflows.nyc_common.airports import TIMEZONE, NewYorkCode

_NEW_YORK = ZoneInfo(TIMEZONE)


class WeatherObservation(BaseModel):
    """One hour of weather at one airport. The bounds are what is physically possible, not what occurred in 2013."""

    origin: NewYorkCode = Field(description="The airport: EWR, JFK or LGA.")
    year: int = Field(description="Year in New York.")
    month: int = Field(ge=1, le=12, description="Month in New York.")
    day: int = Field(ge=1, le=31, description="Day in New York.")
    hour: int = Field(
        ge=0, le=23, description="Hour in New York. Clock changes skip an hour in March and repeat one in November."
    )
    temp: float | None = Field(ge=-60, le=140, description="Temperature in °F.")
    dewp: float | None = Field(ge=-80, le=100, description="Dew point in °F.")
    humid: float | None = Field(ge=0, le=100, description="Relative humidity in percent.")
    wind_dir: int | None = Field(ge=0, le=360, description="Direction the wind comes from, in degrees; 0 for none.")
    wind_speed: float | None = Field(ge=0, le=250, description="Wind speed in miles per hour.")
    wind_gust: float | None = Field(
        ge=0, le=260, description="Gust speed in miles per hour; null if there were no gusts."
    )
    precip: float | None = Field(ge=0, le=15, description="Precipitation in inches.")
    pressure: float | None = Field(ge=850, le=1100, description="Air pressure at sea level in millibars.")
    visib: float | None = Field(ge=0, le=100, description="Visibility in miles; the recorded data stops at 10.")
    time_hour: AwareDatetime = Field(description="Start of the hour.")

    @model_validator(mode="after")
    def _local_fields_agree_with_the_time(self) -> Self:
        local = self.time_hour.astimezone(_NEW_YORK)
        if (local.year, local.month, local.day, local.hour) != (self.year, self.month, self.day, self.hour):
            raise ValueError(
                f"time_hour is {local:%Y-%m-%d %H:00} in New York, which does not match year, month, day and hour"
            )
        return self
