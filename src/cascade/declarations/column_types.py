"""Read the type of a schema's field as Iceberg's name of it, without importing pydantic, pandera or Arrow.

A decorator checks a layout with these. A type that cannot be told without those libraries is None, and is checked when
the schema is converted.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_PLAIN: Mapping[object, str] = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    bytes: "binary",
    UUID: "uuid",
    date: "date",
    time: "time",
    datetime: "timestamptz",
}
# Classes of pydantic that stand for another type, by name, because pydantic may not be imported here.
_PYDANTIC = {
    "AwareDatetime": "timestamptz",
    "PastDatetime": "timestamptz",
    "FutureDatetime": "timestamptz",
    "NaiveDatetime": "timestamp",
    "PastDate": "date",
    "FutureDate": "date",
    "EmailStr": "string",
}
# The dtypes of pandas, Polars, NumPy and Arrow by the beginning of their names, in lower case. The first one counts.
_DTYPES = (
    ("uint64", None),
    ("uint32", "long"),
    ("uint", "int"),
    ("int64", "long"),
    ("int128", None),
    ("int", "int"),
    ("float64", "double"),
    ("double", "double"),
    ("float", "float"),
    ("halffloat", "float"),
    ("bool", "boolean"),
    ("decimal", "decimal"),
    ("list", "list"),
    ("large_list", "list"),
    ("array", "list"),
    ("struct", "struct"),
    ("binary", "binary"),
    ("large_binary", "binary"),
    ("str", "string"),
    ("large_string", "string"),
    ("enum", "string"),
    ("datetime", "timestamp"),
    ("timestamp", "timestamp"),
    ("date", "date"),
    ("time", "time"),
)


def column_type(column: object) -> str | None:
    """Return Iceberg's name of the type of a column, such as `timestamptz`, without the parameters of a decimal.

    Args:
        column: a pydantic FieldInfo or a pandera Column.

    Returns:
        The name, or None if it cannot be told, or the field cannot become a column.
    """
    if hasattr(column, "nullable"):
        return _of_dtype(str(getattr(column, "dtype", "")).lower())
    return _of_annotation(getattr(column, "annotation", None))


def _of_annotation(annotation: Any) -> str | None:
    annotation = getattr(annotation, "__supertype__", annotation)  # a NewType
    origin = typing.get_origin(annotation)
    if origin is None and hasattr(annotation, "__value__"):  # an alias made by `type`
        return _of_annotation(annotation.__value__)
    if origin is typing.Annotated:
        return _of_annotation(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return _common(_of_annotation(arm) for arm in typing.get_args(annotation) if arm is not type(None))
    if origin is typing.Literal:
        return _common(map(_of_value, (value for value in typing.get_args(annotation) if value is not None)))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return "list"
    return _of_class(annotation) if isinstance(annotation, type) else None


def _of_class(annotation: type) -> str | None:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    fields = getattr(annotation, "model_fields", None)
    if fields is not None:
        return _of_annotation(fields["root"].annotation) if "root" in fields else "struct"
    if annotation.__module__.startswith("pydantic"):
        return _PYDANTIC.get(annotation.__name__) or ("string" if hasattr(annotation, "unicode_string") else None)
    if issubclass(annotation, Enum):
        return _common(_of_value(member.value) for member in annotation)
    return "decimal" if issubclass(annotation, Decimal) else None


def _of_value(value: object) -> str | None:
    return _PLAIN.get(type(value.value if isinstance(value, Enum) else value))


def _common(found: Iterable[str | None]) -> str | None:
    distinct = set(found)
    return distinct.pop() if len(distinct) == 1 else None


def _of_dtype(name: str) -> str | None:
    found = next((kind for start, kind in _DTYPES if name.startswith(start)), None)
    if found == "timestamp":
        zone = "time_zone='" in name or ("," in name and "time_unit" not in name) or "tz=" in name
        return "timestamptz" if zone else "timestamp"
    return found
