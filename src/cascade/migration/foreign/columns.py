"""Columns as other tools declare them: rows in the code, hints and schema files of dlt, JSON schemas of Singer taps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cascade.migration.foreign.found import Column
from cascade.migration.foreign.source_code import Unknown

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DLT_KINDS = {
    "text": "str",
    "bigint": "int",
    "double": "float",
    "bool": "bool",
    "timestamp": "instant",
    "date": "date",
    "time": "time",
    "binary": "bytes",
    "decimal": "decimal",
    "wei": "decimal(38,0)",
}
_JSON_KINDS = {"integer": "int", "number": "float", "string": "str", "boolean": "bool"}
_FORMATS = {"date-time": "instant", "date": "date", "time": "time", "uuid": "str"}


def kind_of_value(value: object) -> str | None:
    """Return the kind of a constant, or None if a column cannot have it.

    Args:
        value: a value of a row in the code, or the first value of a cursor.
    """
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (bytes, "bytes")):
        if isinstance(value, kind):
            return name
    if not isinstance(value, str):
        return None
    if _DATE.fullmatch(value):
        return "date"
    return "instant" if _is_instant(value) else "str"


def columns_of_rows(rows: Sequence[Mapping[Any, Any]]) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of rows that are written in the code.

    Args:
        rows: the rows, with `UNKNOWN` for values that are not constant.

    Returns:
        The columns, and the names of those whose kind is not known or not possible, such as nested rows.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    found, left = [], []
    for name in names:
        values = [row.get(name) for row in rows]
        kind = _kind_of_values([value for value in values if value is not None])
        if not isinstance(name, str) or kind is None:
            left.append(str(name))
            continue
        found.append(Column(name, kind, required=all(value is not None for value in values)))
    return tuple(found), tuple(left)


def columns_of_hints(hints: object) -> tuple[Column, ...]:
    """Return the columns of the argument `columns` of a dlt resource.

    Args:
        hints: a dictionary by name, or a list of columns with names.
    """
    if isinstance(hints, Mapping):
        each = [
            {"name": name, **hint} for name, hint in hints.items() if isinstance(name, str) and isinstance(hint, dict)
        ]
    else:
        each = [hint for hint in hints if isinstance(hint, dict)] if isinstance(hints, list) else []
    return tuple(column for hint in each if (column := _of_hint(hint)) is not None)


def columns_of_stored_table(table: Mapping[str, Any]) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of a table in a schema file of dlt.

    Args:
        table: the table, as dlt exports it.

    Returns:
        The columns without those that dlt adds, and the names of those that a column here cannot have.
    """
    columns = table.get("columns")
    found, left = [], []
    for name, hint in columns.items() if isinstance(columns, Mapping) else ():
        if str(name).startswith("_dlt_") or not isinstance(hint, Mapping):
            continue
        column = _of_hint({**hint, "name": str(name)})
        if column is None:
            left.append(str(name))
        else:
            found.append(column)
    return tuple(found), tuple(left)


def columns_of_json_schema(
    schema: Mapping[str, Any], wanted: Iterable[str] | None = None
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of a stream of a Singer catalog.

    Args:
        schema: the JSON schema of a record.
        wanted: the properties to read; None for all.

    Returns:
        The columns, and the names of properties that a column here cannot have, such as objects.
    """
    properties = schema.get("properties")
    names = set(wanted) if wanted is not None else None
    found, left = [], []
    for name, declared in properties.items() if isinstance(properties, Mapping) else ():
        if names is not None and name not in names:
            continue
        kind = _json_kind(declared) if isinstance(declared, Mapping) else None
        if kind is None:
            left.append(str(name))
        else:
            found.append(Column(str(name), kind, description=str(declared.get("description") or "")))
    return tuple(found), tuple(left)


def _of_hint(hint: Mapping[str, Any]) -> Column | None:
    name, kind = hint.get("name"), _DLT_KINDS.get(str(hint.get("data_type")))
    if not isinstance(name, str) or kind is None:
        return None
    if kind == "instant" and hint.get("timezone") is False:
        kind = "naive"
    precision, scale = hint.get("precision"), hint.get("scale")
    if kind == "decimal" and isinstance(precision, int) and 1 <= precision <= 38:
        places = scale if isinstance(scale, int) and 0 <= scale <= precision else 0
        kind = f"decimal({precision},{places})"
    description = hint.get("description")
    required = hint.get("nullable") is False or bool(hint.get("primary_key"))
    return Column(name, kind, required, description if isinstance(description, str) else "")


def _json_kind(declared: Mapping[str, Any]) -> str | None:
    if "anyOf" in declared and isinstance(declared["anyOf"], list):
        kinds = {
            _json_kind(each) for each in declared["anyOf"] if isinstance(each, Mapping) and each != {"type": "null"}
        }
        return kinds.pop() if len(kinds) == 1 else None
    given = declared.get("type")
    types = [each for each in (given if isinstance(given, list) else [given]) if each not in (None, "null")]
    if set(types) == {"integer", "number"}:
        return "float"
    if "string" in types and declared.get("format") in _FORMATS:
        return _FORMATS[declared["format"]]
    if len(types) != 1:
        return None
    if types == ["array"]:
        items = declared.get("items")
        kind = _json_kind(items) if isinstance(items, Mapping) else None
        return f"list[{kind}]" if kind is not None and not kind.startswith("list[") else None
    return _JSON_KINDS.get(types[0])


def _kind_of_values(values: Sequence[object]) -> str | None:
    kinds = {None if isinstance(value, Unknown) else kind_of_value(value) for value in values}
    if kinds == {"int", "float"}:
        return "float"
    if kinds and kinds <= {"str", "date", "instant"} and len(kinds) > 1:
        return "str"
    return kinds.pop() if len(kinds) == 1 else None


def _is_instant(text: str) -> bool:
    if len(text) < len("2024-01-01T00:00Z") or text[10] not in "T ":
        return False
    try:
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
