"""The contract of a table. Its fields have the names of the arguments of `@cascade_ingestion`."""

from __future__ import annotations

from typing import Literal

import pydantic

FORMAT: Literal[1] = 1
"""The version of the form of the file."""
ALL_COLUMNS = "*"
"""Stands for the columns of a reader that takes the table as it is."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Element(_Part):
    """The elements of a list.

    Args:
        type: Iceberg's name of the type; `struct` and `list` say what is in them below.
        required: whether no element is null.
        fields: the fields of a `struct`.
        element: the elements of a `list`.
    """

    type: str
    required: bool = False
    fields: tuple[Column, ...] = ()
    element: Element | None = None


class Column(_Part):
    """A column, or a field of a nested model.

    Args:
        name: its name.
        type: Iceberg's name of the type; `struct` and `list` say what is in them below.
        required: whether it is never null.
        sensitive: whether its values are shown only in the table itself.
        description: its documentation.
        fields: the fields of a `struct`.
        element: the elements of a `list`.
    """

    name: str
    type: str
    required: bool = False
    sensitive: bool = False
    description: str | None = None
    fields: tuple[Column, ...] = ()
    element: Element | None = None


class Freshness(_Part):
    """How old the newest rows may be.

    Args:
        warn: hours after which Dagster warns.
        fail: hours after which the table counts as failed.
    """

    warn: float | None = None
    fail: float


class Reader(_Part):
    """Who reads the table.

    Args:
        kind: what it is.
        name: its name: an asset key, the name of a model, or the name of a mart in PostgreSQL.
        projects: the projects that contain it, if several can.
        columns: the columns that it names; `*` for all of them; none if it is not known.
    """

    kind: Literal["workflow", "asset", "model", "snapshot", "mart"]
    name: str
    projects: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        columns = "all columns" if ALL_COLUMNS in self.columns else ", ".join(self.columns)
        projects = f" in {', '.join(self.projects)}" if self.projects else ""
        return f"{self.kind} {self.name}{projects}{f' ({columns})' if columns else ''}"


class Contract(_Part):
    """What the readers of a table rely on.

    Args:
        format: the version of the form of the file.
        table: the full name of the table.
        version: the semantic version of the contract: the first number rises with what breaks readers.
        description: what the table contains.
        group: the group of its asset.
        owners: who answers for it.
        write_disposition: how runs write rows.
        unique_key: the columns that identify a row.
        partitions: the length of a partition, if it has any.
        partition_timezone: the time zone of its partitions.
        partition_start: the start of the first partition, if the workflow says it.
        partition_end: the end of the last partition, if it has one.
        partition_spec: the Iceberg layout: the transform of each column.
        freshness_hours: how old the newest rows may be.
        columns: the columns, in order.
        read_by: who reads it.
    """

    format: Literal[1] = FORMAT
    table: str
    version: str = pydantic.Field(default="1.0.0", pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")
    description: str | None = None
    group: str | None = None
    owners: tuple[str, ...] = ()
    write_disposition: Literal["merge", "append", "replace"]
    unique_key: tuple[str, ...] = ()
    partitions: Literal["hourly", "daily", "weekly", "monthly"] | None = None
    partition_timezone: str | None = None
    partition_start: str | None = None
    partition_end: str | None = None
    partition_spec: dict[str, str] = {}
    freshness_hours: Freshness | None = None
    columns: tuple[Column, ...]
    read_by: tuple[Reader, ...] = ()
