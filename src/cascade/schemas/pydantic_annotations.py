"""The annotations of pydantic fields: unwrapping them, and the column types of decimals, Enums and Literals."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo

from cascade.schemas import kinds
from cascade.schemas.columns import conversion_error
from cascade.schemas.values import ValueType

_ENUM_VALUES: dict[type, Callable[[], ValueType]] = {
    bool: kinds.boolean,
    int: kinds.integer,
    float: kinds.floating,
    str: kinds.text,
    bytes: kinds.binary,
}


def unwrapped(annotation: Any, metadata: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Strip Annotated, type aliases and NewTypes, and collect their metadata."""
    while True:
        if get_origin(annotation) is Annotated:
            metadata = (*metadata, *annotation.__metadata__)
            annotation = annotation.__origin__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif _is_alias(annotation):
            annotation = annotation.__value__
        elif _is_alias(get_origin(annotation)):
            annotation = get_origin(annotation).__value__[get_args(annotation)]
        elif get_origin(annotation) is typing.Final:
            annotation = get_args(annotation)[0]
        else:
            return annotation, metadata


def _is_alias(annotation: Any) -> bool:
    """Return whether this is a `type X = ...` alias, or a TypeAliasType of `typing` or `typing_extensions`."""
    return type(annotation).__name__ == "TypeAliasType"


def constraint(metadata: Iterable[Any], name: str) -> int | None:
    """Return the value of a constraint, the outermost one if it occurs more than once."""
    for item in metadata:
        inner = isinstance(item, FieldInfo)
        found = constraint(item.metadata, name) if inner else getattr(item, name, None)
        if found is not None:
            return int(found)
    return None


def is_a(annotation: Any, origin: Any, classes: tuple[Any, ...]) -> bool:
    """Return whether an annotation, or its unparametrized origin, is a subclass of one of `classes`."""
    for candidate in (annotation, origin):
        if isinstance(candidate, type) and any(isinstance(k, type) and issubclass(candidate, k) for k in classes):
            return True
    return False


def name_of(annotation: Any) -> str:
    """Return an annotation as a user would write it."""
    if get_origin(annotation) is Annotated:
        return name_of(annotation.__origin__)
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")


def from_decimal(metadata: tuple[Any, ...], root: type[pydantic.BaseModel], path: tuple[str, ...]) -> ValueType:
    """Return the column type of a Decimal, with the size in the metadata of its annotation."""
    digits = constraint(metadata, "max_digits")
    places = constraint(metadata, "decimal_places")
    example = "Annotated[Decimal, Field(max_digits=18, decimal_places=4)]"
    if digits is None or places is None:
        missing = (
            "max_digits and decimal_places"
            if digits is places
            else "max_digits"
            if digits is None
            else "decimal_places"
        )
        raise conversion_error(
            root, path, f"a decimal column needs a fixed size, but {missing} is missing; write {example}"
        )
    if not 1 <= digits <= 38 or not 0 <= places <= digits:
        raise conversion_error(
            root,
            path,
            f"max_digits={digits} and decimal_places={places} are out of range: Iceberg decimals have 1 to 38 digits, "
            f"including those after the point; write {example}",
        )
    return kinds.decimal(digits, places)


def from_enum(
    given: Sequence[Any], enum: type[Enum] | None, root: type[pydantic.BaseModel], path: tuple[str, ...]
) -> ValueType:
    """Return the column type of an Enum with the values `given`, or of a Literal if `enum` is None."""
    what = enum.__name__ if enum is not None else "Literal[...]"
    if not given:
        raise conversion_error(root, path, f"{what} has no members")
    found = {next((kind for kind in _ENUM_VALUES if isinstance(value, kind)), None) for value in given}
    if len(found) > 1:
        shown = ", ".join(sorted({type(value).__name__ for value in given}))
        raise conversion_error(
            root, path, f"the values of {what} have different types ({shown}); use one type, such as str"
        )
    kind = found.pop()
    if kind is None:
        raise conversion_error(
            root,
            path,
            f"the values of {what} have the type {type(given[0]).__name__}; use str, int, float, bool or bytes",
        )
    member_values = _ENUM_VALUES[kind]()
    return kinds.enumeration(member_values, enum) if enum is not None else member_values


def from_literal(annotation: Any, root: type[pydantic.BaseModel], path: tuple[str, ...]) -> tuple[ValueType, bool]:
    """Return the column type of a Literal, and whether None is one of its values."""
    given = get_args(annotation)
    nullable = None in given
    members = [value for value in given if value is not None]
    enums = {type(value) for value in members if isinstance(value, Enum)}
    enum = enums.pop() if len(enums) == 1 and all(isinstance(value, Enum) for value in members) else None
    plain = [value.value if isinstance(value, Enum) else value for value in members]
    if not plain:
        raise conversion_error(
            root, path, "the only value is None, which has no type; add other values, or remove the field"
        )
    value_type = from_enum(plain, enum, root, path)
    mixed = enum is None and len(enums) > 0
    return (kinds.enumeration(value_type, None) if mixed else value_type), nullable
