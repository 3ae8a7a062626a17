"""The types of Iceberg columns in DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.iceberg.sql_text import sql_name

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from pyiceberg.types import IcebergType

_SIMPLE = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "timestamp_ns": "TIMESTAMP_NS",
    "string": "VARCHAR",
    "uuid": "UUID",
    "binary": "BLOB",
}


def duckdb_type(kind: IcebergType) -> str:
    """Return the name of the type in which DuckDB reads a column.

    Args:
        kind: the type of the column.

    Raises:
        ValueError: DuckDB has no such type.
    """
    from pyiceberg.types import DecimalType, FixedType, ListType, MapType, StructType

    if isinstance(kind, DecimalType):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if isinstance(kind, FixedType):
        return "BLOB"
    if isinstance(kind, ListType):
        return f"{duckdb_type(kind.element_type)}[]"
    if isinstance(kind, MapType):
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.value_type)})"
    if isinstance(kind, StructType):
        inner = ", ".join(f"{sql_name(field.name)} {duckdb_type(field.field_type)}" for field in kind.fields)
        return f"STRUCT({inner})"
    try:
        return _SIMPLE[str(kind)]
    except KeyError:
        raise ValueError(f"DuckDB has no type for {kind}") from None


def has_renamed_inner_fields(table: Table) -> bool:
    """Return whether a field inside a struct ever had another name. DuckDB reads such fields by name.

    Args:
        table: the table.
    """
    current = _inner_fields(table.schema())
    return any(
        current.get(number, name) != name
        for schema in table.schemas().values()
        for number, name in _inner_fields(schema).items()
    )


def _inner_fields(schema: Schema) -> dict[int, str]:
    from pyiceberg.schema import index_by_id

    outer = {field.field_id for field in schema.fields}
    return {number: field.name for number, field in index_by_id(schema).items() if number not in outer}
