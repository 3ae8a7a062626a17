"""The columns of a query of DuckDB as columns in PostgreSQL.

DuckDB itself writes each row as a line of PostgreSQL's COPY, so that Python handles no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.exceptions import UsageError
from cascade.iceberg.sql_text import sql_name, sql_text

if TYPE_CHECKING:
    import duckdb

_LONGEST_NAME = 63
_NULL = "\\N"
# As PostgreSQL itself spells them, so that they can be compared with what its catalog says.
_TYPES = {
    "boolean": "boolean",
    "tinyint": "smallint",
    "utinyint": "smallint",
    "smallint": "smallint",
    "usmallint": "integer",
    "integer": "integer",
    "uinteger": "bigint",
    "bigint": "bigint",
    "ubigint": "numeric(20,0)",
    "hugeint": "numeric(39,0)",
    "uhugeint": "numeric(39,0)",
    "float": "real",
    "double": "double precision",
    "varchar": "text",
    "enum": "text",
    "blob": "bytea",
    "date": "date",
    "time": "time without time zone",
    "time with time zone": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamp_s": "timestamp without time zone",
    "timestamp_ms": "timestamp without time zone",
    "timestamp with time zone": "timestamp with time zone",
    "interval": "interval",
    "uuid": "uuid",
    "bit": "bit varying",
}
_OF_YEARS = frozenset({"date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp with time zone"})
_AS_JSON = frozenset({"struct", "map"})
_LISTS = frozenset({"list", "array"})


@dataclass(frozen=True)
class MartColumn:
    """A column of a mart.

    Args:
        name: its name.
        type: its type in PostgreSQL, as PostgreSQL spells it.
        text: an expression of DuckDB that writes a value as the COPY of PostgreSQL reads it.
    """

    name: str
    type: str
    text: str


def columns_of(relation: duckdb.DuckDBPyRelation, mart: str) -> tuple[MartColumn, ...]:
    """Return the columns of a query.

    Args:
        relation: the query.
        mart: what errors call it.

    Raises:
        UsageError: PostgreSQL has no type for a column, or its name is too long. The message names each such column.
    """
    columns, problems = [], []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        found = _mapped(sql_name(name), kind)
        if found is None:
            problems.append(f"column {name}: PostgreSQL has no type for {kind}")
        elif len(name.encode()) > _LONGEST_NAME:
            problems.append(f"column {name}: PostgreSQL cuts names off after {_LONGEST_NAME} bytes")
        else:
            columns.append(MartColumn(name, *found))
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise UsageError(
            f"{mart} cannot be published to PostgreSQL:{listed}", hint="Cast or rename these columns in the model."
        )
    return tuple(columns)


def line_of(columns: tuple[MartColumn, ...]) -> str:
    """Return an expression of DuckDB that writes a row as one line of PostgreSQL's COPY."""
    values = (f"coalesce({column.text}, {sql_text(_NULL)})" for column in columns)
    return " || chr(9) || ".join(values) + " || chr(10)"


def _mapped(value: str, kind: Any) -> tuple[str, str] | None:
    """Return the type in PostgreSQL, and the text of a value in a line of COPY."""
    plain = _plain(value, kind)
    if plain is not None:
        name, text, special = plain
        return name, _escaped(text) if special else text
    if kind.id not in _LISTS:
        return None
    child = dict(kind.children)["child"]
    element = _plain("element", child)
    if element is None or element[0] == "jsonb":
        # An array of PostgreSQL has as many elements in each of its rows, and a list of lists need not.
        return ("jsonb", _escaped(f"to_json({value})::VARCHAR")) if _fits_json(child) else None
    quoted = _replaced(element[1], {"\\": "\\\\", '"': '\\"'})
    listed = f"list_transform({value}, lambda element: coalesce('\"' || {quoted} || '\"', 'NULL'))"
    return f"{element[0]}[]", _escaped(f"'{{' || array_to_string({listed}, ',') || '}}'")


def _plain(value: str, kind: Any) -> tuple[str, str, bool] | None:
    """Return the type of a value that is not a list, its text, and whether that may have special characters."""
    text = f"{value}::VARCHAR"
    if str(kind) == "JSON":
        return "jsonb", text, True
    if kind.id == "decimal":
        precision, scale = (number for _, number in kind.children)
        return f"numeric({precision},{scale})", text, False
    if kind.id in _AS_JSON:
        return ("jsonb", f"to_json({value})::VARCHAR", True) if _fits_json(kind) else None
    name = _TYPES.get(kind.id)
    if name is None:
        return None
    if kind.id in _OF_YEARS:
        text = f"replace({text}, '(BC)', 'BC')"
    if kind.id == "blob":
        return name, f"'\\x' || hex({value})", True
    return name, text, kind.id in ("varchar", "enum")


def _fits_json(kind: Any) -> bool:
    """Return whether JSON keeps the values of a type. It has no bytes."""
    if kind.id in (*_AS_JSON, *_LISTS):
        return all(_fits_json(inner) for _, inner in kind.children if not isinstance(inner, int))
    return kind.id == "decimal" or (kind.id in _TYPES and kind.id != "blob")


def _escaped(text: str) -> str:
    return _replaced(text, {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _replaced(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        text = f"replace({text}, {sql_text(old)}, {sql_text(new)})"
    return text
