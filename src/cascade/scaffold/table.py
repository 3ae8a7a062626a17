"""A table that a workflow declares, as the templates of quality checks and dbt models need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cascade.scaffold.request import columns_of, raise_if_any

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
        columns: its columns, in order; empty if they are unknown.
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

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *wanted: str) -> DeclaredTable:
        """Read a table from the JSON that `python -m cascade.scaffold` receives. Pants does not know its columns.

        Args:
            document: a JSON object with the full name `table`, its `unique_key`, and, if the source shows them, the
                `module` and `attribute` of the workflow that fills it.
            wanted: other fields that must be there.

        Raises:
            UsageError: a field is missing.
        """
        missing = [name for name in (*wanted, "table") if not isinstance(document.get(name), str)]
        raise_if_any(tuple(f"The request lacks the field {name!r}." for name in missing))
        namespace, _, name = document["table"].rpartition(".")
        return cls(
            namespace=namespace,
            name=name,
            asset_key=(name,) if namespace == "raw" else (namespace, name),
            unique_key=columns_of(document.get("unique_key") or ()),
            columns=(),
            module=document.get("module"),
            attribute=document.get("attribute"),
        )

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
