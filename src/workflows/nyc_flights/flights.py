"""Ingest the flights, one New York day at a time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cascade import cascade_ingestion
from workflows.nyc_common.recorded import read_recorded
from workflows.nyc_flights.flight_schema import Flight
from workflows.nyc_flights.reference import airlines, airports, planes

if TYPE_CHECKING:
    import polars as pl

    from cascade import PartitionWindow


@cascade_ingestion(
    table_name="flights",
    unique_key=("time_hour", "carrier", "flight", "origin"),
    group="nyc_flights",
    validation_schema=Flight,
    partitions="daily",
    partition_start=date(2013, 1, 1),
    partition_end=date(2014, 1, 1),
    partition_timezone="America/New_York",
    partition_spec=[("time_hour", "month")],
    # Flights refer to these tables by key, so load them first.
    deps=[airlines, airports, planes],
)
def flights(window: PartitionWindow) -> pl.DataFrame:
    """Flights scheduled to leave EWR, JFK or LGA on one day of 2013, with their delays."""
    import polars as pl

    frame = pl.from_arrow(read_recorded("workflows.nyc_flights", "flights", window))
    assert isinstance(frame, pl.DataFrame)
    return frame
