"""The columns of a DuckDB table as those of an Iceberg table.

Maps have none, because rows that contain them cannot be compared.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from cascade.exceptions import UsageError
from cascade.iceberg.duckdb_types import duckdb_type
from cascade.iceberg.sql_text import sql_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType

_WHOLE = {"bigint": 19, "ubigint": 20, "hugeint": 38, "uhugeint": 38}


def iceberg_schema(relation: duckdb.DuckDBPyRelation, key: tuple[str, ...], model: str) -> Schema:
    """Return the schema of a table for the rows of a query.

    Args:
        relation: the query.
        key: the columns of the key.
        model: what errors call the query.

    Raises:
        UsageError: a column has no type in Iceberg, or the key names no column. The message names all.
    """
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    numbers, fields, problems = count(len(relation.columns) + 1), [], []
    for place, (name, kind) in enumerate(zip(relation.columns, relation.types, strict=True), start=1):
        found = _UUID if kind.id == "uuid" else kind
        try:
            fields.append(NestedField(place, name, _iceberg_type(found, numbers), required=name in key))
        except ValueError as error:
            problems.append(f"column {name}: {error}")
    problems += [f"unique_key {name}: there is no such column" for name in key if name not in relation.columns]
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise UsageError(
            f"{model} cannot become a table of the lakehouse:{listed}", hint="Cast these columns in the model."
        )
    ids = [field.field_id for field in fields if field.name in key]
    return Schema(*fields, identifier_field_ids=ids)


def cast_query(schema: Schema, source: str) -> str:
    """Return a query that reads a DuckDB table in the types of an Iceberg table.

    Args:
        schema: the schema of the Iceberg table.
        source: the quoted name of the DuckDB table.
    """
    columns = (
        f"{sql_name(field.name)}::{duckdb_type(field.field_type)} AS {sql_name(field.name)}" for field in schema.fields
    )
    return f"SELECT {', '.join(columns)} FROM {source}"


class _TopLevelUuid:
    """Arrow keeps UUIDs in columns, and loses them inside other values."""

    id = "uuid column"
    children = ()


_UUID: Any = _TopLevelUuid()


def _iceberg_type(kind: Any, numbers: Iterator[int]) -> IcebergType:
    from pyiceberg import types

    simple: dict[str, type[IcebergType]] = {
        "boolean": types.BooleanType,
        "tinyint": types.IntegerType,
        "utinyint": types.IntegerType,
        "smallint": types.IntegerType,
        "usmallint": types.IntegerType,
        "integer": types.IntegerType,
        "uinteger": types.LongType,
        "bigint": types.LongType,
        "float": types.FloatType,
        "double": types.DoubleType,
        "varchar": types.StringType,
        "enum": types.StringType,
        "blob": types.BinaryType,
        "date": types.DateType,
        "time": types.TimeType,
        "timestamp": types.TimestampType,
        "timestamp_s": types.TimestampType,
        "timestamp_ms": types.TimestampType,
        "timestamp with time zone": types.TimestamptzType,
        "uuid column": types.UUIDType,
    }
    if kind.id in simple:
        return simple[kind.id]()
    if kind.id in _WHOLE:
        return types.DecimalType(_WHOLE[kind.id], 0)
    children = dict(kind.children) if kind.id in ("decimal", "list", "array", "struct") else {}
    if kind.id == "decimal":
        return types.DecimalType(children["precision"], children["scale"])
    if kind.id in ("list", "array"):
        return types.ListType(next(numbers), _iceberg_type(children["child"], numbers), element_required=False)
    if kind.id == "struct":
        fields = [
            types.NestedField(next(numbers), name, _iceberg_type(inner, numbers), required=False)
            for name, inner in children.items()
        ]
        return types.StructType(*fields)
    raise ValueError(f"{kind} has no Iceberg type here{', inside of another value' if kind.id == 'uuid' else ''}")
