"""What is found in a project of another tool: tables with their columns, and what a person must decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DISPOSITIONS = ("merge", "append", "replace")


@dataclass(frozen=True, order=True)
class Remark:
    """Something in the project that was read and that a person must decide or do.

    Args:
        path: the file that it is about.
        line: the line of that file, from 1; 0 if it is about the whole file.
        text: what could not be read or does not exist here, and what to do, in whole sentences.
    """

    path: Path
    line: int
    text: str


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        name: the name in the source.
        kind: one of the kinds of `cascade.migration.foreign.schema_text`, such as `int`.
        required: whether every row has a value.
        description: what it contains, or nothing.
        guessed: whether the kind follows from the name alone.
        field: the name of the field of a model that stands for it; empty to derive it from the name.
    """

    name: str
    kind: str
    required: bool = False
    description: str = ""
    guessed: bool = False
    field: str = ""


@dataclass(frozen=True)
class Model:
    """A pydantic model of the project that can be imported as the schema of a table.

    Args:
        name: the name of the class.
        path: the file that defines it.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Table:
    """A table that the other tool fills.

    Args:
        name: its name there.
        path: the file that says so.
        line: the line of that file.
        disposition: how rows are written, one of `DISPOSITIONS`.
        key: the columns that identify a row, by their names in the source.
        columns: the columns that are known.
        complete: whether there are no others.
        model: a pydantic model of the rows, or None.
        resource: the resource of a dlt source that gives the rows, or None if what is returned has only that one.
        own_resource: the resource itself, whether or not it is part of a source; nothing if it has no name.
        returned: the source of an expression that gives the rows, or None for that of the run.
        cursor: the column of an incremental cursor, or None.
        description: what the rows are, in one sentence, or nothing.
        remarks: what a person must decide about this table.
    """

    name: str
    path: Path
    line: int
    disposition: str = "append"
    key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    complete: bool = False
    model: Model | None = None
    resource: str | None = None
    own_resource: str = ""
    returned: str | None = None
    cursor: str | None = None
    description: str = ""
    remarks: tuple[Remark, ...] = ()


@dataclass
class Workflows:
    """Files that are written for a project of another tool.

    Args:
        files: the content of each file by its path from the root of the project.
        tables: the tables that they fill.
        remarks: what a person must decide.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
