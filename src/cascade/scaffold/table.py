"""A table that a workflow declares, as the templates of quality checks and dbt models need it."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("number", "text", "day", "instant", "other")
"""The kinds of columns. A `day` is a date, and an `instant` a timestamp with or without a time zone."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Args:
        name: its name.
        kind: one of `KINDS`.
        required: whether every row has a value.
        in_utc: whether it is an instant with a time zone.
    """

    name: str
    kind: str
    required: bool = True
    in_utc: bool = False


@dataclass(frozen=True, kw_only=True)
class DeclaredTable:
    """A table and the workflow that fills it.

    Args:
        namespace: its namespace, such as `raw`.
        name: its name, such as `weather_observations`.
        asset_key: the parts of the workflow's asset key.
        unique_key: the columns that identify a row.
        columns: its columns, in order.
        module: the module that defines the workflow at its top level, or None if it has no name there.
        attribute: the workflow's name in that module.
    """

    namespace: str
    name: str
    asset_key: tuple[str, ...]
    unique_key: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    module: str | None = None
    attribute: str | None = None

    @property
    def full_name(self) -> str:
        """Namespace and name, as `Lakehouse.read` and dbt's `source()` expect them: `raw.weather_observations`."""
        return f"{self.namespace}.{self.name}"

    @property
    def optional_column(self) -> TableColumn | None:
        """The optional column to watch for missing values: a number if there is one, else a string."""
        optional = [column for column in self.columns if not column.required]
        return next((column for kind in ("number", "text") for column in optional if column.kind == kind), None)

    @property
    def day_column(self) -> TableColumn | None:
        """The column with the day of a row: a date if there is one, else an instant."""
        return next((column for kind in ("day", "instant") for column in self.columns if column.kind == kind), None)

    @property
    def measured_column(self) -> TableColumn | None:
        """The first number that is not part of the key."""
        outside = (column for column in self.columns if column.name not in self.unique_key)
        return next((column for column in outside if column.kind == "number"), None)
