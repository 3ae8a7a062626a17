"""The arguments of a decorator that say how rows are written, and what they require of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cascade.declarations.column_types import column_type
from cascade.declarations.schema_fields import absent_field, columns_of

_ORDERED = ("int", "long", "float", "double", "decimal", "string", "date", "time", "timestamp", "timestamptz")


def disposition_problems(schema: type, checked: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each column that cannot play the part that an argument gives it.

    Args:
        schema: the validation schema.
        checked: the arguments that passed their own checks.
    """
    columns = columns_of(schema)
    if columns is None:
        return []
    key: Sequence[str] = checked.get("unique_key", ())
    problems = []
    for argument in ("dedup_sort", "hard_delete"):
        name = checked.get(argument)
        if name is None:
            continue
        if name not in columns:
            problems.append(f"{argument}: {absent_field(schema, name, columns)}")
        elif name in key:
            problems.append(f'{argument}: "{name}" is part of unique_key, so all rows of a key have the same value.')
        elif argument == "dedup_sort" and column_type(columns[name]) not in (None, *_ORDERED):
            kind = column_type(columns[name])
            problems.append(
                f'dedup_sort: "{name}" is a {kind} in {schema.__name__}, whose values have no order; use a time, a '
                "number or a string."
            )
    return problems
