"""The columns of pydantic models.

| in the model | in the table |
|---|---|
| bool, int, float, str, bytes | boolean, long, double, string, binary |
| Decimal with max_digits and decimal_places | decimal |
| date, time, UUID | date, time, uuid |
| AwareDatetime, and datetime, whose naive values are refused | timestamptz |
| NaiveDatetime | timestamp |
| an Enum or a Literal whose values have one type | that type |
| a nested model, list[...] | struct, list |
| `X | None` | the column of X, optional |

The field name is the column name, and the alias is the name in the source. Descriptions become documentation. A field
with `exclude=True` is read and validated but has no column. A `computed_field` has no column either.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pydantic
import typing_extensions
from pydantic.fields import FieldInfo
from pydantic.networks import AnyUrl

from cascade.exceptions import SchemaConversionError
from cascade.schemas import kinds
from cascade.schemas.columns import Column, conversion_error, each_column, location_of, on_one_line
from cascade.schemas.kinds import Member
from cascade.schemas.pydantic_annotations import from_decimal, from_enum, from_literal, is_a, name_of, unwrapped
from cascade.schemas.pydantic_fields import bare_model, complete, source_names, stored_fields
from cascade.schemas.values import ValueType

_PLAIN: dict[Any, typing.Callable[[], ValueType]] = {
    bool: kinds.boolean,
    int: kinds.integer,
    float: kinds.floating,
    str: kinds.text,
    bytes: kinds.binary,
    UUID: kinds.uuid,
    date: kinds.calendar_date,
    pydantic.PastDate: kinds.calendar_date,
    pydantic.FutureDate: kinds.calendar_date,
    time: kinds.clock_time,
    datetime: lambda: kinds.timestamp(aware=True),
    pydantic.AwareDatetime: lambda: kinds.timestamp(aware=True),
    pydantic.PastDatetime: lambda: kinds.timestamp(aware=True),
    pydantic.FutureDatetime: lambda: kinds.timestamp(aware=True),
    pydantic.NaiveDatetime: lambda: kinds.timestamp(aware=False),
    pydantic.EmailStr: kinds.text,
}
_SUPPORTED = (
    "use one of bool, int, float, Decimal, str, bytes, date, time, AwareDatetime, NaiveDatetime, UUID, an Enum, "
    "a Literal, a nested model, a list of these, or one of these `| None`"
)


def is_pydantic_model(schema: object) -> bool:
    """Return whether `schema` is a pydantic model class."""
    return isinstance(schema, type) and issubclass(schema, pydantic.BaseModel)


def columns_from_pydantic(model: type[pydantic.BaseModel]) -> tuple[Column, ...]:
    """Return the columns that a pydantic model declares, in the order of its fields.

    Raises:
        SchemaConversionError: a field cannot become a column. The error states what to use instead, and contains
            the errors of other fields.
    """
    complete(model, model)
    columns = each_column(lambda name, field: _column(model, name, field), stored_fields(model))
    if not columns:
        raise SchemaConversionError(
            model.__name__, "*", "the model has no fields that can become columns", location=location_of(model)
        )
    return columns


def _column(model: type[pydantic.BaseModel], name: str, field: FieldInfo) -> Column:
    member = _member(model, name, field, root=model, path=(), inside=())
    return Column(
        name=member.name,
        source_name=member.source_name,
        type=member.value_type.arrow,
        required=not member.nullable,
        doc=member.doc,
        source_names=source_names(model, name, field),
        value_type=member.value_type,
    )


def _member(
    model: type[pydantic.BaseModel],
    name: str,
    field: FieldInfo,
    *,
    root: type[pydantic.BaseModel],
    path: tuple[str, ...],
    inside: tuple[type, ...],
) -> Member:
    value_type, nullable = _value_type(field.annotation, tuple(field.metadata), root, (*path, name), inside)
    return Member(name, source_names(model, name, field)[0], value_type, nullable, on_one_line(field.description))


def _value_type(
    annotation: Any,
    metadata: tuple[Any, ...],
    root: type[pydantic.BaseModel],
    path: tuple[str, ...],
    inside: tuple[type, ...],
) -> tuple[ValueType, bool]:
    """Return the type of an annotation, and whether None is one of its values."""
    annotation, metadata = unwrapped(annotation, metadata)
    origin = get_origin(annotation)
    if annotation is Any or annotation is object:
        raise conversion_error(
            root, path, "Any does not specify what to store; use a specific type, such as `str | None`"
        )
    if origin is Union or origin is types.UnionType:
        return _from_union(annotation, metadata, root, path, inside)
    if origin is Literal or origin is typing_extensions.Literal:
        return from_literal(annotation, root, path)
    if isinstance(annotation, typing.TypeVar):
        raise conversion_error(
            root, path, f"{annotation} could be any type; parametrize the generic model, such as Model[int]"
        )
    if (
        any(isinstance(item, pydantic.Json) or item is pydantic.Json for item in metadata)
        or annotation is pydantic.Json
    ):
        raise conversion_error(
            root, path, "Json can hold values of any type; use str to keep the JSON text, or a nested model"
        )
    if annotation in (list, Sequence, tuple, typing.List, typing.Tuple, typing.Sequence):  # noqa: UP006
        raise conversion_error(
            root,
            path,
            f"{name_of(annotation)} does not specify the type of its elements; write list[...] with that type",
        )
    if origin in (list, Sequence) or (origin is tuple and get_args(annotation)[1:] == (...,)):
        element, nullable = _value_type(get_args(annotation)[0], (), root, (*path, "element"), inside)
        return kinds.list_of(element, nullable=nullable, make=tuple if origin is tuple else list), False
    if origin is tuple:
        raise conversion_error(
            root,
            path,
            f"{name_of(annotation)} has no named elements; use a nested model, or list[...] of one type",
        )
    if is_a(annotation, origin, (set, frozenset, typing.AbstractSet)):
        raise conversion_error(
            root, path, f"{name_of(annotation)} is unordered, so equal rows could differ; use list[...]"
        )
    if is_a(annotation, origin, (dict, Mapping)) or typing_extensions.is_typeddict(annotation):
        raise conversion_error(
            root,
            path,
            f"{name_of(annotation)} has no fixed fields; use a nested pydantic model, or a str that holds JSON",
        )
    if isinstance(annotation, type):
        return _from_class(annotation, metadata, root, path, inside), False
    raise conversion_error(root, path, f"{name_of(annotation)} is not a supported column type; {_SUPPORTED}")


def _from_class(
    annotation: type,
    metadata: tuple[Any, ...],
    root: type[pydantic.BaseModel],
    path: tuple[str, ...],
    inside: tuple[type, ...],
) -> ValueType:
    if annotation in _PLAIN:
        return _PLAIN[annotation]()
    if issubclass(annotation, pydantic.RootModel):
        return _from_root_model(annotation, root, path, inside)
    if issubclass(annotation, pydantic.BaseModel):
        return _from_model(annotation, root, path, inside)
    if issubclass(annotation, Enum):
        return from_enum([member.value for member in annotation], annotation, root, path)
    if issubclass(annotation, Decimal):
        return from_decimal(metadata, root, path)
    if issubclass(annotation, AnyUrl) or (
        annotation.__module__ == "pydantic.networks" and hasattr(annotation, "unicode_string")
    ):
        return kinds.text(str)
    if issubclass(annotation, timedelta):
        raise conversion_error(
            root,
            path,
            "Iceberg has no duration type; use int or float with the unit in the name, such as delay_seconds",
        )
    if issubclass(annotation, (pydantic.SecretStr, pydantic.SecretBytes)):
        raise conversion_error(
            root, path, "secrets do not belong in a table; remove the field, or use str if it is not a secret"
        )
    for plain in (int, str, bytes, float):
        if issubclass(annotation, plain) and annotation.__module__.startswith("pydantic"):
            return _PLAIN[plain]()
    if hasattr(annotation, "__dataclass_fields__") or hasattr(annotation, "_fields"):
        raise conversion_error(
            root, path, f"{annotation.__name__} is not a pydantic model; make it a subclass of pydantic.BaseModel"
        )
    raise conversion_error(root, path, f"{name_of(annotation)} is not a supported column type; {_SUPPORTED}")


def _refuse_cycle(
    model: type[pydantic.BaseModel], root: type[pydantic.BaseModel], path: tuple[str, ...], inside: tuple[type, ...]
) -> None:
    if model in (root, *inside):
        raise conversion_error(
            root,
            path,
            f"{model.__name__} contains itself, so it would nest forever; store the key of the other row instead",
        )


def _from_model(
    model: type[pydantic.BaseModel], root: type[pydantic.BaseModel], path: tuple[str, ...], inside: tuple[type, ...]
) -> ValueType:
    _refuse_cycle(model, root, path, inside)
    complete(model, root, path)
    members = [
        _member(model, name, field, root=root, path=path, inside=(*inside, model))
        for name, field in stored_fields(model)
    ]
    if not members:
        raise conversion_error(root, path, f"{model.__name__} has no fields; add some, or use a str that holds JSON")
    return kinds.struct(members, bare_model(model, members))


def _from_root_model(
    model: type[pydantic.BaseModel], root: type[pydantic.BaseModel], path: tuple[str, ...], inside: tuple[type, ...]
) -> ValueType:
    _refuse_cycle(model, root, path, inside)
    complete(model, root, path)
    field = model.model_fields["root"]
    inner, nullable = _value_type(field.annotation, tuple(field.metadata), root, path, (*inside, model))
    if nullable:
        raise conversion_error(
            root, path, f"{model.__name__} may be None; write `{model.__name__} | None` where you use it instead"
        )

    def store(value: Any) -> Any:
        return inner.store(value.root if isinstance(value, pydantic.RootModel) else value)

    return ValueType(inner.arrow, inner.annotation, store, strict_from=inner.strict_from)


def _from_union(
    annotation: Any,
    metadata: tuple[Any, ...],
    root: type[pydantic.BaseModel],
    path: tuple[str, ...],
    inside: tuple[type, ...],
) -> tuple[ValueType, bool]:
    members = [member for member in get_args(annotation) if member is not type(None)]
    nullable = len(members) < len(get_args(annotation))
    if len(members) == 1:
        value_type, inner_nullable = _value_type(members[0], metadata, root, path, inside)
        return value_type, nullable or inner_nullable
    shown = " | ".join(map(name_of, members))
    last = name_of(members[-1])
    raise conversion_error(
        root,
        path,
        f"a column has one type, but `{shown}` allows {len(members)}; use one, such as `{last}`",
    )
