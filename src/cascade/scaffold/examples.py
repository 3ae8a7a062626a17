"""Example columns and rows: derived from a unique key, or the air quality of a new project."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cascade.scaffold.request import IngestionRequest
from cascade.scaffold.table import DeclaredTable, TableColumn

DAYS = ("2024-01-01", "2024-01-02", "2024-01-15")
"""The days of the example rows. The first day is the first partition of a generated workflow."""

DOMAIN = "air_quality"
"""The domain of a new project's example."""

BROKEN = ("2024-01-03", "Mill Lane")
"""The day and the station of the row that a broken instrument can spoil."""

_INSTANT = re.compile(r"(.*_)?(at|time|timestamp|datetime)")
_DAY = re.compile(r"(.*_)?(on|date|day|dt)")


@dataclass(frozen=True)
class ExampleColumn:
    """A column of a generated schema.

    Args:
        name: its name, an identifier.
        kind: `int`, `str`, `float`, `date` or `instant`.
        description: what it contains, in one sentence.
        required: whether every row has a value.
        bounds: further arguments of pydantic's `Field`, such as `ge=0`.
    """

    name: str
    kind: str
    description: str
    required: bool = True
    bounds: str = ""

    @property
    def sql_type(self) -> str:
        """The column's type in the SQLite database of a generated test."""
        return {"int": "INTEGER", "float": "REAL", "date": "DATE"}.get(self.kind, "TEXT")

    def value(self, day: str, number: int) -> int | float | str | None:
        """Return an example value that JSON and CSV can represent.

        Args:
            day: the ISO date of the row's partition.
            number: the number of the row over all days, from 1.
        """
        if self.kind == "int":
            return number
        if self.kind == "date":
            return day
        if self.kind == "instant":
            return f"{day}T{number:02}:00:00Z"
        if self.kind == "float":
            return 20.0 + number / 2 if number % 2 else None
        return f"{self.name}-{number}"


@dataclass(frozen=True)
class Example:
    """The columns and rows that a generated workflow reads.

    Args:
        columns: the columns. The first is part of the key, and one contains the day.
        rows: the rows, starting with the first partition. Each day is in the order of the key.
    """

    columns: tuple[ExampleColumn, ...]
    rows: list[dict[str, int | float | str | None]]

    @property
    def first_day(self) -> str:
        """The first partition, as an ISO date."""
        return str(self.rows[0][day_column(self.columns).name])


def example_for(unique_key: tuple[str, ...]) -> Example:
    """Create an example with the given key.

    Args:
        unique_key: columns of the key.
    """
    columns = columns_for(unique_key)
    return Example(columns, example_rows(columns))


def columns_for(unique_key: tuple[str, ...]) -> tuple[ExampleColumn, ...]:
    """Choose the columns of a schema with the given key: the key, a day if it has none, and a value.

    The names suggest the types: `id` is a number, `observed_at` an instant, `observed_on` or `date` a day, and any
    other name a string.

    Args:
        unique_key: columns of the key.
    """
    columns = [ExampleColumn(name, _kind(name), _describe(name)) for name in unique_key]
    if not any(column.kind == "date" for column in columns):
        columns.append(ExampleColumn(_free("observed_on", unique_key), "date", "The day of the observation."))
    columns.append(ExampleColumn(_free("value", unique_key), "float", "The observed value, if any.", required=False))
    return tuple(columns)


def day_column(columns: tuple[ExampleColumn, ...]) -> ExampleColumn:
    """Find the column with the day of a row's daily partition.

    Args:
        columns: the columns from `columns_for`.
    """
    return next(column for column in columns if column.kind == "date")


def example_rows(
    columns: tuple[ExampleColumn, ...], days: tuple[str, ...] = DAYS
) -> list[dict[str, int | float | str | None]]:
    """Create example rows with distinct keys: two a day, or one a day if the key consists of days only.

    Args:
        columns: the columns from `columns_for`.
        days: ISO dates.
    """
    per_day = 1 if all(column.kind == "date" for column in columns[:-1]) else 2
    numbers = iter(range(1, per_day * len(days) + 1))
    return [
        {column.name: column.value(day, number) for column in columns}
        for day in days
        for number in (next(numbers) for _ in range(per_day))
    ]


_KEY = ("station", "observed_on")

_COLUMNS = (
    ExampleColumn("station", "str", "The station."),
    ExampleColumn("observed_on", "date", "The day, in UTC, that the values are averaged over."),
    ExampleColumn("pm10", "float", "Particles up to 10 micrometers, in µg/m³.", bounds="ge=0"),
    ExampleColumn("pm25", "float", "Particles up to 2.5 micrometers, in µg/m³.", bounds="ge=0"),
    ExampleColumn("no2", "float", "Nitrogen dioxide, in µg/m³.", required=False, bounds="ge=0"),
)

# The first of January has smoke from fireworks and little traffic. On the third, one instrument was in for repair.
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
    """Return the request for the example's workflow in a standalone project."""
    package = f"workflows.ingestion.{DOMAIN}"
    return IngestionRequest(package=package, directory=package.replace(".", "/"), unique_key=_KEY, flavour="standalone")


def example(*, with_a_broken_instrument: bool = False) -> Example:
    """Return the example's columns and rows.

    Args:
        with_a_broken_instrument: whether to include a row that the schema refuses, that of `BROKEN`.
    """
    names = [column.name for column in _COLUMNS]
    rows = [dict(zip(names, values, strict=True)) for values in _VALUES]
    for row in rows:
        if with_a_broken_instrument and (row["observed_on"], row["station"]) == BROKEN:
            row["pm25"] = -999.0
    return Example(_COLUMNS, rows)


def example_table() -> DeclaredTable:
    """Return the table that the example's workflow fills."""
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


def _kind(name: str) -> str:
    lowered = name.lower()
    if lowered == "id":
        return "int"
    if _INSTANT.fullmatch(lowered):
        return "instant"
    return "date" if _DAY.fullmatch(lowered) else "str"


def _describe(name: str) -> str:
    if name == "id":
        return "The id of the observation."
    what = {"date": "day", "instant": "time"}.get(_kind(name), name.replace("_", " "))
    return f"The {what} of the observation, part of its key."


def _free(name: str, taken: tuple[str, ...]) -> str:
    return f"row_{name}" if name in {other.lower() for other in taken} else name
