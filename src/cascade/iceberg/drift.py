"""The differences between a table's schema and a declared one, and which of them are applied (G4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType, NestedField, StructType


@dataclass(frozen=True)
class SchemaDifference:
    """The differences between two schemas.

    Args:
        applied: a line for each difference that is applied: a new optional column, a widened type, or a required column
            that becomes optional.
        refused: a line for each difference that is refused.
    """

    applied: tuple[str, ...]
    refused: tuple[str, ...]


def schema_difference(table: Schema, declared: Schema) -> SchemaDifference:
    """Compare a table's schema with the declared one, by column name. Order and docs do not matter."""
    found = [*_struct(table.as_struct(), declared.as_struct(), ""), *_keys(table, declared)]
    return SchemaDifference(
        applied=tuple(line for fine, line in found if fine),
        refused=tuple(line for fine, line in found if not fine),
    )


def _keys(table: Schema, declared: Schema) -> Iterator[tuple[bool, str]]:
    old, new = table.identifier_field_names(), declared.identifier_field_names()
    if old != new:
        yield False, f"unique key: the table's is ({_listed(old)}), the declared one is ({_listed(new)})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _struct(table: StructType, declared: StructType, prefix: str) -> Iterator[tuple[bool, str]]:
    old = {field.name: field for field in table.fields}
    new = {field.name: field for field in declared.fields}
    for name, field in old.items():
        if name not in new:
            kind = "required" if field.required else "optional"
            yield False, f"{prefix}{name}: {kind} {field.field_type} in the table, absent from the declared schema"
        else:
            yield from _field(field, new[name], prefix + name)
    for name, field in new.items():
        if name not in old:
            yield _added(field, prefix)


def _added(field: NestedField, prefix: str) -> tuple[bool, str]:
    if field.required:
        return (
            False,
            f"{prefix}{field.name}: absent from the table, required {field.field_type} in the declared schema; "
            "existing rows have no value for it, so it must be optional",
        )
    return True, f"{prefix}{field.name}: new column, optional {field.field_type}"


def _field(old: NestedField, new: NestedField, path: str) -> Iterator[tuple[bool, str]]:
    if old.required and not new.required:
        yield True, f"{path}: required in the table, optional in the declared schema"
    elif new.required and not old.required:
        yield False, f"{path}: optional in the table, required in the declared schema"
    yield from _type(old.field_type, new.field_type, path)


def _type(old: IcebergType, new: IcebergType, path: str) -> Iterator[tuple[bool, str]]:
    from pyiceberg.types import ListType, MapType, StructType

    if isinstance(old, StructType) and isinstance(new, StructType):
        yield from _struct(old, new, path + ".")
    elif isinstance(old, ListType) and isinstance(new, ListType):
        yield from _field(old.element_field, new.element_field, path + "[]")
    elif isinstance(old, MapType) and isinstance(new, MapType):
        yield from _kept(old.key_type, new.key_type, path + ".key")
        yield from _field(old.value_field, new.value_field, path + ".value")
    elif old != new:
        yield widens(old, new), f"{path}: {old} in the table, {new} in the declared schema"


def _kept(old: IcebergType, new: IcebergType, path: str) -> Iterator[tuple[bool, str]]:
    """Refuse every difference, because a change of a map's keys can change which of them are equal."""
    yield from ((False, line) for _, line in _type(old, new, path))


def widens(old: IcebergType, new: IcebergType) -> bool:
    """Return whether Iceberg's specification promotes one type to another in tables of every version.

    Args:
        old: the type of a column.
        new: another type.
    """
    from pyiceberg.types import DecimalType, DoubleType, FloatType, IntegerType, LongType

    if isinstance(old, DecimalType) and isinstance(new, DecimalType):
        return new.scale == old.scale and new.precision > old.precision
    return (isinstance(old, IntegerType) and isinstance(new, LongType)) or (
        isinstance(old, FloatType) and isinstance(new, DoubleType)
    )
