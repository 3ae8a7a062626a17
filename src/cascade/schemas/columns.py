"""What a validation schema says about a table: its columns, in order, as Arrow types."""

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
        name: name of the column.
        source_name: the field of a source row that the column is read from: the first alias, else the name.
        type: its Arrow type. Timestamps are in microseconds, with zone UTC or with none.
        required: whether the column refuses nulls.
        doc: the column's documentation, from the field's description.
        source_names: every field of a source row that the column may be read from, the first one included.
        value_type: how Python values of the column become Arrow.
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
        """The Arrow field of the column, with its documentation under the key `doc`."""
        metadata = {"doc": self.doc} if self.doc else None
        return pa.field(self.name, self.type, nullable=not self.required, metadata=metadata)


@dataclass(frozen=True)
class DeclaredSchema:
    """A validation schema, read as the columns of a table.

    Args:
        model: the pydantic or pandera model.
        name: name of the model.
        columns: the columns, in the order of the model's fields.
    """

    model: type
    name: str
    columns: tuple[Column, ...]

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema: UTC microsecond timestamps, nullability, and docs as metadata of the fields."""
        return pa.schema([column.arrow for column in self.columns])

    @cached_property
    def location(self) -> SourceLocation | None:
        """File and line of the model, where Python knows them."""
        return location_of(self.model)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    def empty(self) -> pa.Table:
        """A table of this schema without rows."""
        return self.arrow.empty_table()


def location_of(model: type, field: str | None = None) -> SourceLocation | None:
    """File and line of a model, or of one of its fields.

    Args:
        model: the class.
        field: name of a field. Where the source does not show it, the class stands for it.

    Returns:
        The place, or None for a class that was not read from a file.
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
    """How many lines below the first of a class a field is declared."""
    try:
        (declared,) = ast.parse(textwrap.dedent("".join(lines))).body
    except (SyntaxError, ValueError):
        return 0
    for statement in getattr(declared, "body", ()):
        if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == field:
            return statement.lineno - 1
    return 0


def each_column(convert: Callable[[str, F], Column], fields: Iterable[tuple[str, F]]) -> tuple[Column, ...]:
    """Convert every field of a schema, and raise their errors as one, so that a person sees them all at once.

    Args:
        convert: makes a column of a field's name and declaration.
        fields: the fields, in order.

    Raises:
        SchemaConversionError: the first of the errors, which has the others.
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
    """What documents a column: a description without its line breaks, None for an empty one."""
    return " ".join(description.split()) if description else None


def conversion_error(model: type, path: Sequence[str], reason: str) -> SchemaConversionError:
    """The error for a field that cannot become a column, with the place of the field.

    Args:
        model: the model that the user gave.
        path: names from the model's field to what does not convert.
        reason: what does not convert, and what to use instead.
    """
    return SchemaConversionError(model.__name__, ".".join(path), reason, location=location_of(model, path[0]))
