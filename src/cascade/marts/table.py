"""The table of a mart in PostgreSQL, and how it gets the columns and the key of the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from cascade.exceptions import UsageError
from cascade.iceberg.sql_text import sql_name, sql_names, sql_text
from cascade.marts.columns import MartColumn

MARK = "Cascade replaces the rows of this table."
"""The end of the comment of each mart. A table without it belongs to somebody else."""


@dataclass(frozen=True)
class MartTable:
    """Where a mart is, and what tells its rows apart.

    Args:
        schema: the schema.
        name: the table.
        key: the columns of its primary key; none if it has no key.
        description: its comment.
    """

    schema: str
    name: str
    key: tuple[str, ...] = ()
    description: str = ""

    @property
    def full_name(self) -> str:
        """The name for messages."""
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """The name for statements."""
        return f"{sql_name(self.schema)}.{sql_name(self.name)}"

    @property
    def lock(self) -> int:
        """The number of the advisory lock that its publishers take."""
        digest = hashlib.sha256(f"cascade:{self.quoted}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    @property
    def comment(self) -> str:
        """Its comment in PostgreSQL."""
        return f"{self.description.strip()}\n\n{MARK}".strip()


@dataclass(frozen=True)
class Shape:
    """What a table is like.

    Args:
        columns: the type of each column.
        key_name: the name of its primary key; None if it has none.
        key: the columns of the primary key.
    """

    columns: dict[str, str]
    key_name: str | None
    key: tuple[str, ...]


def shape_of(cursor: Any, table: MartTable) -> Shape | None:
    """Return what the table of a mart is like; None if it does not exist.

    Args:
        cursor: a cursor of psycopg2.
        table: the mart.

    Raises:
        UsageError: there is something of this name that Cascade did not make.
    """
    cursor.execute(
        "SELECT c.oid, c.relkind::text, obj_description(c.oid, 'pg_class') FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
        (table.schema, table.name),
    )
    found = cursor.fetchone()
    if found is None:
        return None
    oid, kind, comment = found
    if kind != "r" or not (comment or "").endswith(MARK):
        raise UsageError(
            f"{table.full_name} exists in PostgreSQL, and Cascade did not make it. Nothing was published.",
            hint="Drop it, or name another table in the YAML of the model: "
            "meta: {cascade: {publish: {to: postgres, table: ...}}}",
        )
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (oid,),
    )
    columns = dict(cursor.fetchall())
    cursor.execute(
        "SELECT k.conname, array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(number, place) "
        "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) "
        "FROM pg_constraint k WHERE k.conrelid = %s AND k.contype = 'p'",
        (oid,),
    )
    name, key = cursor.fetchone() or (None, ())
    return Shape(columns, name, tuple(key))


def create(cursor: Any, table: MartTable, columns: tuple[MartColumn, ...]) -> None:
    """Create the table of a mart, without rows."""
    cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (table.schema,))
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {sql_name(table.schema)}")
    listed = ", ".join(f"{sql_name(column.name)} {column.type}" for column in columns)
    cursor.execute(f"CREATE TABLE {table.quoted} ({listed})")


def drop_key(cursor: Any, table: MartTable, shape: Shape) -> None:
    """Drop the primary key, and let its columns be null."""
    if shape.key_name is not None:
        changes = [f"DROP CONSTRAINT {sql_name(shape.key_name)}"]
        changes += [f"ALTER COLUMN {sql_name(name)} DROP NOT NULL" for name in shape.key]
        cursor.execute(f"ALTER TABLE {table.quoted} {', '.join(changes)}")


def add_key(cursor: Any, table: MartTable) -> None:
    """Make the key of a mart its primary key."""
    if table.key:
        cursor.execute(f"ALTER TABLE {table.quoted} ADD PRIMARY KEY ({sql_names(table.key)})")


def set_columns(cursor: Any, table: MartTable, shape: Shape, columns: tuple[MartColumn, ...]) -> None:
    """Give a table exactly some columns. A column whose type changes must have no rows, or loses its values."""
    wanted = {column.name: column.type for column in columns}
    changes = [f"DROP COLUMN {sql_name(name)}" for name in shape.columns if name not in wanted]
    for name, kind in wanted.items():
        if name not in shape.columns:
            changes.append(f"ADD COLUMN {sql_name(name)} {kind}")
        elif shape.columns[name] != kind:
            changes.append(f"ALTER COLUMN {sql_name(name)} TYPE {kind} USING NULL::{kind}")
    if changes:
        cursor.execute(f"ALTER TABLE {table.quoted} {', '.join(changes)}")


def set_comment(cursor: Any, table: MartTable) -> None:
    """Set the comment of a table, unless it is right already."""
    cursor.execute("SELECT obj_description(%s::regclass, 'pg_class')", (table.quoted,))
    if cursor.fetchone() != (table.comment,):
        text = sql_text(table.comment.replace("\0", ""))
        # A backslash is an ordinary character, as in every server that has not been told otherwise for ages.
        cursor.execute("SET LOCAL standard_conforming_strings = on")
        cursor.execute(f"COMMENT ON TABLE {table.quoted} IS {text}")
