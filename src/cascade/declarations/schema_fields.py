"""What a validation schema says about its columns, read without importing pydantic or pandera."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence

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
            problems.append(
                f'"{name}" is a float in {schema.__name__}; floats rarely compare as equal. Use int, Decimal or str.'
            )
    return problems


def layout_problems(schema: type, names: Sequence[str]) -> list[str]:
    """Return one sentence for each column of a partition layout that the schema lacks."""
    columns = columns_of(schema)
    return [] if columns is None else [_absent(schema, name, columns) for name in names if name not in columns]


def _absent(schema: type, name: str, columns: Mapping[str, object]) -> str:
    by_alias = [field for field, info in columns.items() if getattr(info, "alias", None) == name]
    if by_alias:
        return f'"{name}" is the name in the source of a field of {schema.__name__}; its column is "{by_alias[0]}".'
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
    """Return whether a type, or a member of a union or an Annotated, is the wanted one or a subclass of it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _mentions(typing.get_args(annotation)[0], wanted)
    if origin in (typing.Union, types.UnionType):
        return any(_mentions(member, wanted) for member in typing.get_args(annotation))
    return annotation is None if wanted is type(None) and annotation is None else _is_subclass(annotation, wanted)


def _is_subclass(annotation: object, wanted: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, wanted)
