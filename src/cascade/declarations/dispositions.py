"""The arguments of a decorator that say how rows are written, and what they require of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cascade.declarations.column_types import column_type
from cascade.declarations.schema_fields import absent_field, is_optional, stored_columns_of

RESERVED_PREFIX = "_cascade_"
"""How the columns begin that Cascade adds to a table."""

_ORDERED = ("int", "long", "float", "double", "decimal", "string", "date", "time", "timestamp", "timestamptz")


def disposition_problems(checked: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each argument that contradicts `write_disposition`, or that it lacks.

    Args:
        checked: the arguments that passed their own checks.
    """
    disposition = checked.get("write_disposition", "merge")
    partitions = checked.get("partitions", "daily")
    problems = [
        f'{argument}: has no effect with write_disposition="{disposition}"; remove it.'
        for argument in ("dedup_sort", "hard_delete")
        if disposition != "merge" and checked.get(argument) is not None
    ]
    if disposition == "append" and checked.get("unique_key"):
        problems.append('unique_key: has no effect with write_disposition="append", which adds every row; remove it.')
    if checked.get("partition_column") is not None:
        if disposition != "replace":
            problems.append(f'partition_column: has no effect with write_disposition="{disposition}"; remove it.')
        elif partitions is None:
            problems.append("partition_column: has no effect with partitions=None; remove it.")
    elif disposition == "replace" and partitions is not None:
        problems.append(
            f'write_disposition: "replace" of {partitions} partitions requires partition_column, the column that tells '
            "which rows belong to a partition. With partitions=None, each run replaces the whole table."
        )
    return problems


def column_problems(schema: type, checked: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each column that cannot play the part that an argument gives it.

    Args:
        schema: the validation schema.
        checked: the arguments that passed their own checks.
    """
    columns = stored_columns_of(schema)
    if columns is None:
        return []
    key: Sequence[str] = checked.get("unique_key", ())
    problems = [
        f'validation_schema: the name of the column "{name}" is reserved by write_disposition="append"; rename it.'
        for name in columns
        if name.startswith(RESERVED_PREFIX) and checked.get("write_disposition") == "append"
    ]
    for argument in ("dedup_sort", "hard_delete", "partition_column"):
        name = checked.get(argument)
        if name is None:
            continue
        if name not in columns:
            problems.append(f"{argument}: {absent_field(schema, name, columns)}")
            continue
        kind = column_type(columns[name])
        fault = None
        if argument == "partition_column":
            optional = is_optional(columns[name])
            fault = partition_column_fault(kind, checked.get("partitions", "daily"), optional=optional)
        elif name in key:
            fault = "is part of unique_key, so all rows of a key have the same value."
        elif argument == "dedup_sort":
            fault = dedup_sort_fault(kind, schema)
        problems += [f'{argument}: "{name}" {fault}'] if fault is not None else []
    return problems


def dedup_sort_fault(kind: str | None, schema: type) -> str | None:
    """Return why the values of a column cannot tell which version of a key is the newest, or None.

    Args:
        kind: Iceberg's name of its type, without parameters; None if it is not known yet.
        schema: the validation schema.
    """
    if kind in (None, *_ORDERED):
        return None
    return f"is a {kind} in {schema.__name__}, whose values have no order; use a time, a number or a string."


def partition_column_fault(kind: str | None, partitions: str | None, *, optional: bool) -> str | None:
    """Return why a column cannot tell to which partition a row belongs, or None.

    Args:
        kind: Iceberg's name of its type; None if it is not known yet.
        partitions: the length of the partitions.
        optional: whether the column may be null.
    """
    if optional:
        return "may be null, and a row without a value belongs to no partition; declare it as required."
    if kind == "timestamp":
        return (
            "is a timestamp without a time zone, which names two instants when clocks are set back; use a timestamp "
            "with a time zone (AwareDatetime)."
        )
    if kind == "date" and partitions == "hourly":
        return "is a date, which does not tell the hour; use a timestamp with a time zone (AwareDatetime)."
    if kind not in (None, "date", "timestamptz"):
        return f"is a {kind}; it must be a timestamp with a time zone (AwareDatetime) or a date."
    return None
