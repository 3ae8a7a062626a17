"""The schema of a flight: a pandera schema, which checks whole columns."""

from __future__ import annotations

from typing import Annotated

import pandera.polars as pa
import polars as pl

from workflows.nyc_common.airports import AIRPORT_CODE, NEW_YORK_CODES


class Flight(pa.DataFrameModel):
    """One scheduled flight from New York. A canceled flight has no departure.

    Clock times are local, in New York or at the destination, as hhmm; 2400 is midnight.
    """

    year: pl.Int64 = pa.Field(isin=[2013], description="Year of departure.")
    month: pl.Int64 = pa.Field(ge=1, le=12, description="Month of departure.")
    day: pl.Int64 = pa.Field(ge=1, le=31, description="Day of departure.")
    dep_time: pl.Int64 = pa.Field(ge=1, le=2400, nullable=True, description="Departure, hhmm; null if canceled.")
    sched_dep_time: pl.Int64 = pa.Field(ge=1, le=2400, description="Scheduled departure, hhmm.")
    dep_delay: pl.Int64 = pa.Field(ge=-120, nullable=True, description="Departure delay in minutes; negative if early.")
    arr_time: pl.Int64 = pa.Field(
        ge=1, le=2400, nullable=True, description="Arrival in the destination's local time, hhmm."
    )
    sched_arr_time: pl.Int64 = pa.Field(
        ge=1, le=2400, description="Scheduled arrival in the destination's local time, hhmm."
    )
    arr_delay: pl.Int64 = pa.Field(ge=-240, nullable=True, description="Arrival delay in minutes; negative if early.")
    carrier: pl.String = pa.Field(str_matches=r"^[A-Z0-9]{2}$", description="The airline, a key of `airlines`.")
    flight: pl.Int64 = pa.Field(ge=1, le=9999, description="The airline's flight number.")
    tailnum: pl.String = pa.Field(
        str_length={"min_value": 5, "max_value": 6}, nullable=True, description="The plane, often a key of `planes`."
    )
    origin: pl.String = pa.Field(isin=NEW_YORK_CODES, description="Origin: EWR, JFK or LGA.")
    dest: pl.String = pa.Field(str_matches=AIRPORT_CODE, description="Destination, usually a key of `airports`.")
    air_time: pl.Int64 = pa.Field(ge=1, le=1440, nullable=True, description="Time in the air in minutes.")
    distance: pl.Int64 = pa.Field(ge=1, le=12_500, description="Distance between the airports in miles.")
    hour: pl.Int64 = pa.Field(ge=0, le=23, description="Hour of the scheduled departure.")
    minute: pl.Int64 = pa.Field(ge=0, le=59, description="Minute of the scheduled departure.")
    time_hour: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(description="The hour of the scheduled departure.")
