"""Publish a mart: give its table the rows of a query, in one transaction.

The rows are compared in the server, so that only those that differ change. They are deleted and inserted, and the table
stays: views, grants, indexes and foreign keys go on to work. A table that takes the place of another, or one that is
truncated, would be empty for a transaction that began before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.fault_points import FaultPoint, reach
from cascade.iceberg.sql_text import sql_name, sql_names
from cascade.marts.columns import MartColumn, columns_of
from cascade.marts.server import errors_named
from cascade.marts.staging import STAGED, check_key, stage
from cascade.marts.table import MartTable, add_key, create, drop_key, set_columns, set_comment, shape_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import duckdb

_LOCK_SECONDS = 60


@dataclass(frozen=True)
class Published:
    """What publishing a mart changed.

    Args:
        rows: number of rows of the mart now.
        inserted: rows that were added.
        updated: rows that have other values.
        removed: rows that are gone.
    """

    rows: int
    inserted: int = 0
    updated: int = 0
    removed: int = 0

    @property
    def changes(self) -> bool:
        """Whether any row changed."""
        return bool(self.inserted or self.updated or self.removed)


def publish(
    connection: Any,
    table: MartTable,
    rows: AbstractContextManager[duckdb.DuckDBPyRelation],
    say: Callable[[str], None] = lambda text: None,
) -> Published:
    """Give a mart the rows of a query.

    Args:
        connection: a connection of psycopg2, in which each statement is a transaction of its own.
        table: the mart.
        rows: opens the query. It is opened when no other process publishes this mart, so that older rows never replace
            newer ones, and closed as soon as its rows are copied.
        say: called with sentences about the progress.

    Returns:
        What changed.

    Raises:
        UsageError: a column has no type in PostgreSQL, or the table is not Cascade's.
        DataError: a key is null or not unique.
        CascadeError: PostgreSQL refused a statement. The mart is as it was.
    """
    name = table.full_name
    with errors_named(name), connection.cursor() as cursor:
        _take_turn(cursor, table, say)
        try:
            with rows as relation:
                columns = columns_of(relation, name)
                staged = stage(cursor, relation, columns, name, lambda rows: say(f"{name}: {rows:,} rows copied"))
            if table.key:
                check_key(cursor, table.key, name)
            reach(FaultPoint.WRITE, name)
            changed = _apply(connection, cursor, table, columns, staged)
            reach(FaultPoint.PUBLISH, name)
            if changed.changes:
                cursor.execute(f"ANALYZE {table.quoted}")
        finally:
            if not connection.closed:
                cursor.execute("SELECT pg_advisory_unlock(%s)", (table.lock,))
    return changed


def _take_turn(cursor: Any, table: MartTable, say: Callable[[str], None]) -> None:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", (table.lock,))
    if cursor.fetchone() == (False,):
        say(f"{table.full_name}: waiting for another process that publishes it")
        cursor.execute("SELECT pg_advisory_lock(%s)", (table.lock,))


def _apply(connection: Any, cursor: Any, table: MartTable, columns: tuple[MartColumn, ...], staged: int) -> Published:
    cursor.execute("BEGIN")
    try:
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        changed = _change(cursor, table, columns, staged)
        reach(FaultPoint.COMMIT, table.full_name)
        cursor.execute("COMMIT")
    except BaseException:
        if not connection.closed:
            cursor.execute("ROLLBACK")
        raise
    return changed


def _change(cursor: Any, table: MartTable, columns: tuple[MartColumn, ...], staged: int) -> Published:
    names = tuple(column.name for column in columns)
    shape = shape_of(cursor, table)
    if shape is None:
        create(cursor, table, columns)
        changed = Published(staged, inserted=_insert(cursor, table, names))
        add_key(cursor, table)
    else:
        # Readers go on; other writers wait.
        cursor.execute(f"LOCK TABLE {table.quoted} IN SHARE ROW EXCLUSIVE MODE")
        wanted = {column.name: column.type for column in columns}
        other_key = shape.key != table.key
        retyped = any(wanted.get(name, kind) != kind for name, kind in shape.columns.items())
        removed = _delete_all(cursor, table) if retyped else 0
        if other_key:
            drop_key(cursor, table, shape)
        set_columns(cursor, table, shape, columns)
        if retyped:
            changed = Published(staged, inserted=_insert(cursor, table, names), removed=removed)
        elif table.key and not other_key:
            changed = _merge(cursor, table, columns, staged)
        else:
            changed = _replace(cursor, table, columns, staged)
        if other_key:
            add_key(cursor, table)
    set_comment(cursor, table)
    return changed


def _replace(cursor: Any, table: MartTable, columns: tuple[MartColumn, ...], staged: int) -> Published:
    """Replace all rows, unless they are the same."""
    values = ", ".join(_exact(column) for column in columns)
    old, new = (f"SELECT {values} FROM {place}" for place in (table.quoted, STAGED))
    cursor.execute(f"SELECT 1 FROM (({old} EXCEPT ALL {new}) UNION ALL ({new} EXCEPT ALL {old})) AS changed LIMIT 1")
    if cursor.fetchone() is None:
        return Published(staged)
    removed = _delete_all(cursor, table)
    names = tuple(column.name for column in columns)
    return Published(staged, inserted=_insert(cursor, table, names), removed=removed)


def _merge(cursor: Any, table: MartTable, columns: tuple[MartColumn, ...], staged: int) -> Published:
    """Change the rows that differ."""
    same = " AND ".join(f"old.{sql_name(name)} = new.{sql_name(name)}" for name in table.key)
    cursor.execute(f"DELETE FROM {table.quoted} AS old WHERE NOT EXISTS (SELECT FROM {STAGED} AS new WHERE {same})")
    removed = cursor.rowcount
    values = [column for column in columns if column.name not in table.key]
    updated = 0
    if values:
        assigned = ", ".join(f"{sql_name(column.name)} = new.{sql_name(column.name)}" for column in values)
        differs = " OR ".join(f"old.{_exact(each)} IS DISTINCT FROM new.{_exact(each)}" for each in values)
        cursor.execute(f"UPDATE {table.quoted} AS old SET {assigned} FROM {STAGED} AS new WHERE {same} AND ({differs})")
        updated = cursor.rowcount
    names = sql_names([column.name for column in columns])
    cursor.execute(
        f"INSERT INTO {table.quoted} ({names}) SELECT {names} FROM {STAGED} AS new "
        f"WHERE NOT EXISTS (SELECT FROM {table.quoted} AS old WHERE {same})"
    )
    return Published(staged, inserted=cursor.rowcount, updated=updated, removed=removed)


def _exact(column: MartColumn) -> str:
    """Return a value to compare. PostgreSQL takes a month and 30 days for equal."""
    value = sql_name(column.name)
    return f"{value}::text" if column.type.startswith("interval") else value


def _delete_all(cursor: Any, table: MartTable) -> int:
    cursor.execute(f"DELETE FROM {table.quoted}")
    return int(cursor.rowcount)


def _insert(cursor: Any, table: MartTable, names: tuple[str, ...]) -> int:
    listed = sql_names(names)
    cursor.execute(f"INSERT INTO {table.quoted} ({listed}) SELECT {listed} FROM {STAGED}")
    return int(cursor.rowcount)
