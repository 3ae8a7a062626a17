"""Read the columns of a validation schema, without importing pydantic or pandera."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cascade.declarations import layouts
from cascade.declarations.column_types import column_type
from cascade.spelling import did_you_mean


def is_schema(value: object) -> bool:
    """Return whether a value is a pydantic model class or a pandera DataFrameModel class."""
    return isinstance(value, type) and (hasattr(value, "model_fields") or hasattr(value, "to_schema"))


def schema(value: object) -> type:
    """Check that a value is a validation schema, and return it.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, type) or not is_schema(value):
        raise ValueError(f"must be a pydantic model or a pandera DataFrameModel (the class), not {value!r}.")
    return value


def columns_of(schema: type) -> Mapping[str, object] | None:
    """Return the columns of a schema by name, each a pydantic FieldInfo or a pandera Column.

    Returns:
        None if pandera cannot build the schema; `cascade.schemas` reports why when it converts the schema.
    """
    fields: Mapping[str, object] | None = getattr(schema, "model_fields", None)
    if fields is not None:
        return dict(fields)
    try:
        return dict(schema.to_schema().columns)  # type: ignore[attr-defined]
    except Exception:  # pandera raises errors of many kinds, and the conversion reports them.
        return None


def stored_columns_of(schema: type) -> Mapping[str, object] | None:
    """Return the columns that the table has: those of `columns_of`, without fields that pydantic only validates."""
    columns = columns_of(schema)
    if columns is None:
        return None
    return {name: info for name, info in columns.items() if getattr(info, "exclude", None) is not True}


def key_problems(schema: type, key: Sequence[str]) -> list[str]:
    """Return one sentence for each field that cannot be part of a unique key."""
    columns = stored_columns_of(schema)
    if columns is None:
        return []
    problems = []
    for name in key:
        if name not in columns:
            problems.append(absent_field(schema, name, columns))
        elif fault := key_fault(optional=is_optional(columns[name]), floating=_floating(columns[name])):
            problems.append(f'"{name}" {fault.what} in {schema.__name__}; {fault.advice}.')
    return problems


class KeyFault(NamedTuple):
    """Why a field cannot be part of a unique key.

    Args:
        what: what is wrong with the field, such as `may be null`.
        advice: what to do about it.
    """

    what: str
    advice: str


def key_fault(*, optional: bool, floating: bool, nested: bool = False) -> KeyFault | None:
    """Check one field of a unique key. Declarations and the conversion to Iceberg share this rule.

    Args:
        optional: whether the field may be null.
        floating: whether it is a float.
        nested: whether it is a list or a nested model.

    Returns:
        The fault, or None for a field that can be part of a key.
    """
    if optional:
        return KeyFault(
            "may be null", "a key field must be required: declare it without `| None`, Optional or nullable"
        )
    if floating:
        return KeyFault("is a float", "floats rarely compare as equal: use int, Decimal or str")
    if nested:
        return KeyFault("is nested", "a key field must be a single value: use a field of a plain type")
    return None


def layout_problems(schema: type, fields: Sequence[tuple[str, str]]) -> list[str]:
    """Return one sentence for each field of a layout that the schema lacks or that cannot be written.

    Args:
        schema: the schema.
        fields: pairs of a column and a transform.
    """
    columns = stored_columns_of(schema)
    if columns is None:
        return []
    absent = [absent_field(schema, name, columns) for name, _ in fields if name not in columns]
    present = [pair for pair in fields if pair[0] in columns]
    types = {name: column_type(column) for name, column in columns.items()}
    return absent + layouts.layout_problems(present, types)


def absent_field(schema: type, name: str, columns: Mapping[str, object]) -> str:
    """Return the sentence for a name that is not a field of a schema, with the name that was probably meant.

    Args:
        schema: the schema.
        name: the name given.
        columns: what `stored_columns_of` returned.
    """
    by_alias = [field for field, info in columns.items() if getattr(info, "alias", None) == name]
    if by_alias:
        return f'"{name}" is the alias of a field of {schema.__name__}; its column is "{by_alias[0]}".'
    if name not in columns and name in getattr(schema, "model_fields", ()):
        return f'"{name}" has exclude=True in {schema.__name__}, so the table has no such column.'
    meant = did_you_mean(name, columns) or f" It has {', '.join(columns) or 'no fields'}."
    return f'"{name}" is not a field of {schema.__name__}.{meant}'


def is_optional(column: object) -> bool:
    """Return whether a column may be null.

    Args:
        column: a pydantic FieldInfo or a pandera Column.
    """
    if hasattr(column, "nullable"):
        return bool(column.nullable) or getattr(column, "required", True) is False
    return _mentions(getattr(column, "annotation", None), type(None))


def _floating(column: object) -> bool:
    if hasattr(column, "nullable"):
        return str(getattr(column, "dtype", "")).lower().startswith("float")
    return _mentions(getattr(column, "annotation", None), float)


def _mentions(annotation: object, wanted: type) -> bool:
    """Return whether a type, or a member of a union or an Annotated, is the wanted one or a subclass of it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _mentions(typing.get_args(annotation)[0], wanted)
    if origin in (typing.Union, types.UnionType):
        return any(_mentions(member, wanted) for member in typing.get_args(annotation))
    return annotation is None if wanted is type(None) and annotation is None else _is_subclass(annotation, wanted)


def _is_subclass(annotation: object, wanted: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, wanted)
