"""The columns that a validation schema declares, in order, as Arrow types."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import pyarrow as pa

from cascade.exceptions import SchemaConversionError, SourceLocation
from cascade.schemas.values import ValueType

F = TypeVar("F")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: the column's name.
        source_name: the source field that the column is read from: the first alias, else the name.
        type: its Arrow type. Timestamps are in microseconds, in UTC or without a time zone.
        required: whether the column refuses nulls.
        doc: the column's documentation, from the field's description.
        source_names: every source field that the column can be read from, including `source_name`.
        value_type: how Python values of the column convert to Arrow.
    """

    name: str
    source_name: str
    type: pa.DataType
    required: bool
    doc: str | None
    source_names: tuple[str, ...] = ()
    value_type: ValueType | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.source_names:
            object.__setattr__(self, "source_names", (self.source_name,))

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field of the column, with its documentation under the metadata key `doc`."""
        metadata = {"doc": self.doc} if self.doc else None
        return pa.field(self.name, self.type, nullable=not self.required, metadata=metadata)


@dataclass(frozen=True)
class DeclaredSchema:
    """The columns of a table, as a validation schema declares them.

    Args:
        model: the pydantic or pandera model.
        name: the model's name.
        columns: the columns, in the order of the model's fields.
    """

    model: type
    name: str
    columns: tuple[Column, ...]

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema: UTC microsecond timestamps, nullability, and documentation as field metadata."""
        return pa.schema([column.arrow for column in self.columns])

    @cached_property
    def location(self) -> SourceLocation | None:
        """The file and line of the model, or None if Python does not know them."""
        return location_of(self.model)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    def empty(self) -> pa.Table:
        """Return a table of this schema without rows."""
        # `empty_table` fails for a UUID inside a list or a nested model.
        return pa.Table.from_arrays([pa.nulls(0, field.type) for field in self.arrow], schema=self.arrow)


def location_of(model: type, field: str | None = None) -> SourceLocation | None:
    """Find the file and line of a model, or of one of its fields.

    Args:
        model: the class.
        field: name of a field. If the source does not show it, the location of the class is returned.

    Returns:
        The location, or None for a class that does not come from a file.
    """
    owners = [owner for owner in model.__mro__ if field in vars(owner).get("__annotations__", {})]
    owner = owners[0] if owners else model
    try:
        file = inspect.getsourcefile(owner)
        lines, first = inspect.getsourcelines(owner)
    except (OSError, TypeError):
        return location_of(model) if owner is not model else None
    if not file:
        return None
    return SourceLocation(file, first + _offset_of(field, lines) if owners else first)


def _offset_of(field: str | None, lines: Sequence[str]) -> int:
    """Return how many lines below the start of a class a field is declared."""
    try:
        (declared,) = ast.parse(textwrap.dedent("".join(lines))).body
    except (SyntaxError, ValueError):
        return 0
    for statement in getattr(declared, "body", ()):
        if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == field:
            return statement.lineno - 1
    return 0


def each_column(convert: Callable[[str, F], Column], fields: Iterable[tuple[str, F]]) -> tuple[Column, ...]:
    """Convert every field of a schema, and raise all errors together, so that the user can fix them in one go.

    Args:
        convert: creates a column from a field's name and declaration.
        fields: the fields, in order.

    Raises:
        SchemaConversionError: the first error, with the rest in `others`.
    """
    columns: list[Column] = []
    errors: list[SchemaConversionError] = []
    for name, declared in fields:
        try:
            columns.append(convert(name, declared))
        except SchemaConversionError as error:
            errors.append(error)
    if errors:
        first, *others = errors
        first.others = tuple(others)
        raise first
    return tuple(columns)


def on_one_line(description: str | None) -> str | None:
    """Return a description on one line, as a column's documentation, or None if it is empty."""
    return " ".join(description.split()) if description else None


def conversion_error(model: type, path: Sequence[str], reason: str) -> SchemaConversionError:
    """Build the error for a field that cannot become a column, with the location of the field.

    Args:
        model: the model that the user declared.
        path: names that lead from the model's field to the part that does not convert.
        reason: what does not convert, and what to use instead.
    """
    return SchemaConversionError(model.__name__, ".".join(path), reason, location=location_of(model, path[0]))
