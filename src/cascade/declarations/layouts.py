"""Which Iceberg transforms a column of each type can have in a table's layout.

These are the pairs that pyiceberg writes, merges and reads back. Iceberg's specification allows a few more. Decorators
and the conversion to Iceberg share the rules: a decorator knows most types without importing pydantic, and the
conversion knows them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cascade.spelling import did_you_mean

_SIZED = re.compile(r"^(bucket|truncate)\[([1-9][0-9]*)\]$")
_PLAIN = ("identity", "year", "month", "day", "hour")
# Iceberg's parameters are 32-bit integers.
_LARGEST = 2**31 - 1
EXAMPLES = (*_PLAIN, "bucket[16]", "truncate[4]")

_NUMBER = ("identity", "bucket[16]", "truncate[4]")
_INSTANT = ("year", "month", "day", "hour", "identity", "bucket[16]")
_BY_TYPE: Mapping[str, tuple[str, ...]] = {
    "boolean": ("identity",),
    "int": _NUMBER,
    "long": _NUMBER,
    "float": (),
    "double": (),
    "decimal": _NUMBER,
    "string": _NUMBER,
    "binary": ("identity", "bucket[16]"),
    "uuid": ("bucket[16]",),
    "date": ("year", "month", "day", "identity", "bucket[16]"),
    "time": ("identity",),
    "timestamp": _INSTANT,
    "timestamptz": _INSTANT,
    "struct": (),
    "list": (),
}


def transform(value: str) -> str:
    """Check the name of a transform.

    Raises:
        ValueError: the name is unknown, or its parameter is too large.
    """
    sized = _SIZED.match(value)
    if value in _PLAIN or (sized and int(sized[2]) <= _LARGEST):
        return value
    if sized:
        raise ValueError(f"the number of {value!r} is too large; the largest is {_LARGEST}.")
    raise ValueError(f"{value!r} is not an Iceberg transform ({', '.join(EXAMPLES)}).{did_you_mean(value, EXAMPLES)}")


def transforms_of(iceberg_type: str) -> tuple[str, ...]:
    """Return the transforms that a column of a type can have, each with an example of its parameter.

    Args:
        iceberg_type: Iceberg's name of the type, such as `timestamptz` or `decimal(9, 2)`.
    """
    return _BY_TYPE[re.split("[(<]", iceberg_type, maxsplit=1)[0]]


def transform_fault(column: str, name: str, iceberg_type: str) -> str | None:
    """Return why a column cannot have a transform, with those that it can have, or None.

    Args:
        column: the column's name.
        name: the transform, such as `bucket[8]`.
        iceberg_type: Iceberg's name of the column's type.
    """
    possible = transforms_of(iceberg_type)
    if _kind(name) in map(_kind, possible):
        return None
    advice = f"it can have {', '.join(possible)}" if possible else "no transform can; use another column"
    return f'the {iceberg_type} column "{column}" cannot have the transform {name}; {advice}.'


def layout_problems(fields: Sequence[tuple[str, str]], columns: Mapping[str, str | None]) -> list[str]:
    """Return one sentence for each field of a layout that Iceberg or pyiceberg cannot write.

    Args:
        fields: pairs of a column of the schema and a transform.
        columns: Iceberg's name of the type of every column, None for a type that is not known.
    """
    problems = []
    seen: dict[str, str] = {}
    for column, name in fields:
        iceberg_type = columns.get(column)
        fault = transform_fault(column, name, iceberg_type) if iceberg_type is not None else None
        if column in seen:
            fault = (
                f'the column "{column}" has two transforms, {seen[column]} and {name}, but Iceberg tables have at most '
                "one for each column; remove one."
            )
        elif fault is None and field_name(column, name) != column and field_name(column, name) in columns:
            fault = (
                f'Iceberg names the field of ("{column}", "{name}") "{field_name(column, name)}", which is the name of '
                "a column; rename the column, or choose another transform."
            )
        seen.setdefault(column, name)
        problems += [] if fault is None else [fault]
    return problems


def field_name(column: str, name: str) -> str:
    """Return the name of a field of the layout, such as `observed_at_month`."""
    return column if name == "identity" else f"{column}_{name.replace('[', '_').rstrip(']')}"


def _kind(name: str) -> str:
    return name.partition("[")[0]
