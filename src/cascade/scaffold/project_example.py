"""The subject of a new project's example: the air of a town, as its stations measured it over three days."""

from __future__ import annotations

from cascade.scaffold.columns import Example, ExampleColumn
from cascade.scaffold.request import IngestionRequest
from cascade.scaffold.table import DeclaredTable, TableColumn

DOMAIN = "air_quality"
"""The example's domain."""

BROKEN = ("2024-01-03", "Mill Lane")
"""Day and station of the row that an instrument may have spoilt."""

_KEY = ("station", "observed_on")

_COLUMNS = (
    ExampleColumn("station", "str", "The station."),
    ExampleColumn("observed_on", "date", "The day, in UTC, of which the values are the means."),
    ExampleColumn("pm10", "float", "Particles up to 10 micrometres, in µg/m³.", bounds="ge=0"),
    ExampleColumn("pm25", "float", "Particles up to 2.5 micrometres, in µg/m³.", bounds="ge=0"),
    ExampleColumn("no2", "float", "Nitrogen dioxide, in µg/m³.", required=False, bounds="ge=0"),
)

# The first of January has the smoke of fireworks and little traffic; one instrument was in for repair on the third.
_VALUES: tuple[tuple[str, str, float, float, float | None], ...] = (
    ("Castle Street", "2024-01-01", 62.1, 41.8, 19.4),
    ("Harbour", "2024-01-01", 48.5, 33.0, 14.2),
    ("Mill Lane", "2024-01-01", 55.9, 38.6, 12.7),
    ("Old Park", "2024-01-01", 39.3, 28.1, 8.9),
    ("Castle Street", "2024-01-02", 24.7, 12.9, 38.6),
    ("Harbour", "2024-01-02", 21.0, 9.8, 27.3),
    ("Mill Lane", "2024-01-02", 19.6, 10.4, 22.1),
    ("Old Park", "2024-01-02", 14.2, 7.5, 13.0),
    ("Castle Street", "2024-01-03", 27.8, 15.6, 41.2),
    ("Harbour", "2024-01-03", 22.4, 11.1, 29.5),
    ("Mill Lane", "2024-01-03", 20.3, 11.7, None),
    ("Old Park", "2024-01-03", 15.5, 8.2, 14.6),
)


def example_request() -> IngestionRequest:
    """Give the request for the example's workflow in a standalone project."""
    package = f"workflows.ingestion.{DOMAIN}"
    return IngestionRequest(package=package, directory=package.replace(".", "/"), unique_key=_KEY, flavour="standalone")


def example(*, with_a_broken_instrument: bool = False) -> Example:
    """Give the example's columns and rows.

    Args:
        with_a_broken_instrument: whether a row is one that the schema refuses: that of `BROKEN`.
    """
    names = [column.name for column in _COLUMNS]
    rows = [dict(zip(names, values, strict=True)) for values in _VALUES]
    for row in rows:
        if with_a_broken_instrument and (row["observed_on"], row["station"]) == BROKEN:
            row["pm25"] = -999.0
    return Example(_COLUMNS, rows)


def example_table() -> DeclaredTable:
    """Give the table that the example's workflow fills."""
    request = example_request()
    kinds = {"str": "text", "date": "day", "float": "number"}
    return DeclaredTable(
        namespace="raw",
        name=request.table_name,
        asset_key=(request.table_name,),
        unique_key=_KEY,
        columns=tuple(TableColumn(column.name, kinds[column.kind], column.required) for column in _COLUMNS),
        module=f"{request.package}.observations",
        attribute="observations",
    )
