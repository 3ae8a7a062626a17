"""Names and values as DuckDB's SQL spells them, so that nothing that a user gives is pasted into a statement."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID


def sql_name(text: str) -> str:
    """Return the name of a column, table or schema, quoted."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"'


def sql_names(names: tuple[str, ...] | list[str]) -> str:
    """Return several names, quoted, with commas between them."""
    return ", ".join(map(sql_name, names))


def sql_text(text: str) -> str:
    """Return a string as a literal."""
    quoted = text.replace("'", "''")
    # DuckDB's parser ends a statement at a zero byte.
    return f"'{quoted}'" if "\0" not in text else " || chr(0) || ".join(map(sql_text, text.split("\0"))).join("()")


def sql_value(value: object) -> str:
    """Return a value as a literal of its own type.

    Args:
        value: None, or a string, number, bool, date, time, timedelta, UUID, bytes, or the member of an Enum.

    Raises:
        ValueError: the value has another type; the message is one sentence.
    """
    if isinstance(value, Enum):
        return sql_value(value.value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return sql_text(str.__str__(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return f"{float.__repr__(value) if math.isfinite(value) else sql_text(str(float(value)))}::DOUBLE"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, datetime):
        kind = "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
        return f"{kind} {sql_text(value.isoformat(sep=' '))}"
    if isinstance(value, date):
        return f"DATE {sql_text(value.isoformat())}"
    if isinstance(value, time) and value.tzinfo is None:
        return f"TIME {sql_text(value.isoformat())}"
    if isinstance(value, timedelta):
        return f"to_microseconds({value // timedelta(microseconds=1)})"
    if isinstance(value, UUID):
        return f"{sql_text(str(value))}::UUID"
    if isinstance(value, bytes):
        return f"from_hex({sql_text(value.hex())})"
    raise ValueError(f"{value!r} is not a value that a column can be compared with.")
