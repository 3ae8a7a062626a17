"""The columns of a generated schema, with example values for files, tests and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass

DAYS = ("2024-01-01", "2024-01-02", "2024-01-15")
"""The days of the example rows. The first is the first partition of a generated workflow."""

_INSTANT = re.compile(r"(.*_)?(at|time|timestamp|datetime)")
_DAY = re.compile(r"(.*_)?(on|date|day|dt)")


@dataclass(frozen=True)
class ExampleColumn:
    """A column of the generated schema.

    Args:
        name: its name, an identifier.
        kind: `int`, `str`, `float`, `date` or `instant`.
        description: what it holds, one sentence.
        required: whether every row has it.
        bounds: further arguments of pydantic's `Field`, such as `ge=0`.
    """

    name: str
    kind: str
    description: str
    required: bool = True
    bounds: str = ""

    @property
    def sql_type(self) -> str:
        """Its type in the SQLite database of a generated test."""
        return {"int": "INTEGER", "float": "REAL", "date": "DATE"}.get(self.kind, "TEXT")

    def value(self, day: str, number: int) -> int | float | str | None:
        """Give an example value, as JSON and CSV can hold it.

        Args:
            day: ISO date of the row's partition.
            number: number of the row, from 1, over all days.
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
    """What a generated workflow reads.

    Args:
        columns: the columns, of which the first belongs to the key and one holds the day.
        rows: the rows, those of the first partition first, and each day's in the order of the key.
    """

    columns: tuple[ExampleColumn, ...]
    rows: list[dict[str, int | float | str | None]]

    @property
    def first_day(self) -> str:
        """The first partition, as an ISO date."""
        return str(self.rows[0][day_column(self.columns).name])


def example_for(unique_key: tuple[str, ...]) -> Example:
    """Make an example with the given key, where nobody has a better one.

    Args:
        unique_key: columns of the key.
    """
    columns = columns_for(unique_key)
    return Example(columns, example_rows(columns))


def columns_for(unique_key: tuple[str, ...]) -> tuple[ExampleColumn, ...]:
    """Choose the columns of a schema with the given key: the key, a day if it has none, and a value.

    Types follow from the names, as a person would guess them: `id` is a number, `observed_at` an instant,
    `observed_on` or `date` a day, and anything else text.

    Args:
        unique_key: columns of the key.
    """
    columns = [ExampleColumn(name, _kind(name), _describe(name)) for name in unique_key]
    if not any(column.kind == "date" for column in columns):
        columns.append(ExampleColumn(_free("observed_on", unique_key), "date", "The day of the observation."))
    columns.append(
        ExampleColumn(_free("value", unique_key), "float", "What was observed, if anything.", required=False)
    )
    return tuple(columns)


def day_column(columns: tuple[ExampleColumn, ...]) -> ExampleColumn:
    """Find the column that says to which daily partition a row belongs.

    Args:
        columns: what `columns_for` gave.
    """
    return next(column for column in columns if column.kind == "date")


def example_rows(
    columns: tuple[ExampleColumn, ...], days: tuple[str, ...] = DAYS
) -> list[dict[str, int | float | str | None]]:
    """Make example rows with distinct keys: two a day, or one where the key is nothing but days.

    Args:
        columns: what `columns_for` gave.
        days: ISO dates.
    """
    per_day = 1 if all(column.kind == "date" for column in columns[:-1]) else 2
    numbers = iter(range(1, per_day * len(days) + 1))
    return [
        {column.name: column.value(day, number) for column in columns}
        for day in days
        for number in (next(numbers) for _ in range(per_day))
    ]


def _kind(name: str) -> str:
    lowered = name.lower()
    if lowered == "id":
        return "int"
    if _INSTANT.fullmatch(lowered):
        return "instant"
    return "date" if _DAY.fullmatch(lowered) else "str"


def _describe(name: str) -> str:
    return (
        "Identifies the observation."
        if name == "id"
        else f"Part of what identifies the observation: its {name.replace('_', ' ')}."
    )


def _free(name: str, taken: tuple[str, ...]) -> str:
    return f"row_{name}" if name in {other.lower() for other in taken} else name
