"""What a validation schema says of its columns, read without importing pydantic or pandera."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence

from cascade.declarations.arguments import did_you_mean


def is_schema(value: object) -> bool:
    """Tell whether a value is a pydantic model class or a pandera DataFrameModel class."""
    return isinstance(value, type) and (hasattr(value, "model_fields") or hasattr(value, "to_schema"))


def columns_of(schema: type) -> Mapping[str, object] | None:
    """Return the columns of a schema by name: a pydantic FieldInfo or a pandera Column each.

    Returns:
        None when pandera cannot build the schema; `cascade.schemas` says why, when the schema is converted.
    """
    fields: Mapping[str, object] | None = getattr(schema, "model_fields", None)
    if fields is not None:
        return dict(fields)
    try:
        return dict(schema.to_schema().columns)  # type: ignore[attr-defined]
    except Exception:  # pandera raises errors of many kinds, and its own report belongs to the conversion
        return None


def key_problems(schema: type, key: Sequence[str]) -> list[str]:
    """Return one sentence for each field of a key that cannot be part of one."""
    columns = columns_of(schema)
    if columns is None:
        return []
    problems = []
    for name in key:
        if name not in columns:
            problems.append(_absent(schema, name, columns))
        elif _optional(columns[name]):
            problems.append(f'"{name}" may be null in {schema.__name__}; a key field must be required.')
        elif _floating(columns[name]):
            problems.append(f'"{name}" is a floating number in {schema.__name__}; two of them are rarely equal.')
    return problems


def layout_problems(schema: type, names: Sequence[str]) -> list[str]:
    """Return one sentence for each column of a partition layout that the schema does not have."""
    columns = columns_of(schema)
    return [] if columns is None else [_absent(schema, name, columns) for name in names if name not in columns]


def _absent(schema: type, name: str, columns: Mapping[str, object]) -> str:
    by_alias = [field for field, info in columns.items() if getattr(info, "alias", None) == name]
    if by_alias:
        return f'"{name}" is the source\'s name of a field of {schema.__name__}; its column is "{by_alias[0]}".'
    meant = did_you_mean(name, columns) or f" It has {', '.join(columns)}."
    return f'"{name}" is not a field of {schema.__name__}.{meant}'


def _optional(column: object) -> bool:
    if hasattr(column, "nullable"):
        return bool(column.nullable) or getattr(column, "required", True) is False
    return _mentions(getattr(column, "annotation", None), type(None))


def _floating(column: object) -> bool:
    if hasattr(column, "nullable"):
        return str(getattr(column, "dtype", "")).lower().startswith("float")
    return _mentions(getattr(column, "annotation", None), float)


def _mentions(annotation: object, wanted: type) -> bool:
    """Tell whether a type, or a member of a union or of an Annotated, is the wanted one or a subclass of it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _mentions(typing.get_args(annotation)[0], wanted)
    if origin in (typing.Union, types.UnionType):
        return any(_mentions(member, wanted) for member in typing.get_args(annotation))
    return annotation is None if wanted is type(None) and annotation is None else _is_subclass(annotation, wanted)


def _is_subclass(annotation: object, wanted: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, wanted)
