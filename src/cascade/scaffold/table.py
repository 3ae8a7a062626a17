"""A table that a workflow of the project declares, as far as the templates of checks and models need to know it."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("number", "text", "day", "instant", "other")
"""The kinds of columns. A `day` is a date; an `instant` a timestamp, with a zone or without."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Args:
        name: its name.
        kind: one of `KINDS`.
        required: whether every row has it.
        in_utc: whether it is an instant with a zone.
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
        asset_key: the parts of the key of the workflow's asset.
        unique_key: the columns that identify a row.
        columns: its columns in order.
        module: the module in which the workflow can be found by name, None where it has no name of its own.
        attribute: its name there.
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
        """Namespace and name, as `Lakehouse.read` and dbt's `source()` take them: `raw.weather_observations`."""
        return f"{self.namespace}.{self.name}"

    @property
    def optional_column(self) -> TableColumn | None:
        """The column whose missing values are worth watching: a number if there is one, else a text."""
        optional = [column for column in self.columns if not column.required]
        return next((column for kind in ("number", "text") for column in optional if column.kind == kind), None)

    @property
    def day_column(self) -> TableColumn | None:
        """The column that says to which day a row belongs: a date if there is one, else an instant."""
        return next((column for kind in ("day", "instant") for column in self.columns if column.kind == kind), None)

    @property
    def measured_column(self) -> TableColumn | None:
        """The first number that is no part of the key."""
        outside = (column for column in self.columns if column.name not in self.unique_key)
        return next((column for column in outside if column.kind == "number"), None)
