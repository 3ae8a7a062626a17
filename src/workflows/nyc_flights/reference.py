"""Ingest airlines, airports and planes: small tables, each returned as a different type that workflows support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade import cascade_ingestion
from workflows.nyc_common.recorded import read_recorded
from workflows.nyc_flights.reference_schema import Airline, Airport, Plane

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

PACKAGE = "workflows.nyc_flights"


@cascade_ingestion(
    table_name="airlines",
    unique_key="carrier",
    group="nyc_flights",
    validation_schema=Airline,
    partitions=None,
)
def airlines() -> list[dict[str, object]]:
    """Airlines by their two-letter codes, returned as dicts."""
    rows: list[dict[str, object]] = read_recorded(PACKAGE, "airlines").to_pylist()
    return rows


@cascade_ingestion(
    table_name="airports",
    unique_key="faa",
    group="nyc_flights",
    validation_schema=Airport,
    partitions=None,
)
def airports() -> pa.Table:
    """Airports and their locations, returned as an Arrow table."""
    return read_recorded(PACKAGE, "airports")


@cascade_ingestion(
    table_name="planes",
    unique_key="tailnum",
    group="nyc_flights",
    validation_schema=Plane,
    partitions=None,
)
def planes() -> pl.DataFrame:
    """Planes by their tail numbers, returned as a Polars frame. The register does not list every plane that flew."""
    import polars as pl

    frame = pl.from_arrow(read_recorded(PACKAGE, "planes"))
    assert isinstance(frame, pl.DataFrame)
    return frame
