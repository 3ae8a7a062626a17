"""Rows on their way to a mart: a temporary table of the connection, which the server drops when that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.exceptions import DataError
from cascade.iceberg.sql_text import sql_name, sql_names
from cascade.marts.columns import MartColumn, line_of

if TYPE_CHECKING:
    import duckdb

STAGED = 'pg_temp."cascade_mart"'
_ROWS_PER_BATCH = 4096
_BYTES_PER_MESSAGE = 1 << 18
_ROWS_PER_MESSAGE = 250_000


def stage(
    cursor: Any,
    relation: duckdb.DuckDBPyRelation,
    columns: tuple[MartColumn, ...],
    mart: str,
    tell: Callable[[int], None],
) -> int:
    """Copy the rows of a query to a temporary table.

    Args:
        cursor: a cursor of psycopg2.
        relation: the query, which is read in batches.
        columns: its columns.
        mart: what errors call it.
        tell: called now and then with the number of rows so far.

    Returns:
        The number of rows.

    Raises:
        DataError: the query fails.
    """
    listed = ", ".join(f"{sql_name(column.name)} {column.type}" for column in columns)
    cursor.execute(f"DROP TABLE IF EXISTS {STAGED}")
    cursor.execute(f"CREATE TEMPORARY TABLE {STAGED.partition('.')[2]} ({listed})")
    # PostgreSQL reads the default escapes of COPY, whatever the settings of the server.
    lines = _Lines(relation.project(f"{line_of(columns)} AS line"), tell)
    try:
        cursor.copy_expert(f"COPY {STAGED} FROM STDIN", lines, size=_BYTES_PER_MESSAGE)
    except Exception:
        # psycopg2 raises an error of its own for that of a file.
        if isinstance(lines.error, Exception):
            raise DataError(
                f"{mart} was not published, because its rows cannot be read: {lines.error}"
            ) from lines.error
        if lines.error is not None:
            raise lines.error from None
        raise
    cursor.execute(f"ANALYZE {STAGED}")
    return lines.rows


def check_key(cursor: Any, key: tuple[str, ...], mart: str) -> None:
    """Raise if a key of the staged rows is null, or if two rows have the same.

    Args:
        cursor: a cursor of psycopg2.
        key: the columns of the key.
        mart: what errors call it.

    Raises:
        DataError: a key is null or not unique. The message shows one.
    """
    names = sql_names(key)
    nulls = " OR ".join(f"{sql_name(name)} IS NULL" for name in key)
    cursor.execute(f"SELECT count(*) FROM {STAGED} WHERE {nulls}")
    ((without,),) = cursor.fetchall()
    if without:
        raise DataError(
            f"{mart} was not published: {without} rows have no {' and '.join(key)}, which is its unique_key.",
            hint="The mart is as it was. Leave these rows out of the model, or choose another unique_key.",
        )
    cursor.execute(f"SELECT {names}, count(*) FROM {STAGED} GROUP BY {names} HAVING count(*) > 1 LIMIT 1")
    for *values, rows in cursor.fetchall():
        shown = ", ".join(f"{name}={value}" for name, value in zip(key, values, strict=True))
        raise DataError(
            f"{mart} was not published: {rows} rows have the unique_key {shown}.",
            hint="The mart is as it was. Let the model return one row for each key, or choose another unique_key.",
        )


class _Lines:
    """The rows of a query as a file, of which psycopg2 reads one part after the other."""

    def __init__(self, lines: duckdb.DuckDBPyRelation, tell: Callable[[int], None]) -> None:
        self.rows = 0
        self.error: BaseException | None = None
        self._tell = tell
        self._parts = self._read(lines)
        self._part = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, and none at the end."""
        while not self._part:
            try:
                self._part = next(self._parts)
            except StopIteration:
                return b""
            except BaseException as error:
                self.error = error
                raise
        found, self._part = self._part[:size], self._part[size:]
        return bytes(found)

    def _read(self, lines: duckdb.DuckDBPyRelation) -> Iterator[memoryview]:
        told = 0
        for batch in lines.to_arrow_reader(_ROWS_PER_BATCH):
            yield _bytes_of(batch.column(0))
            self.rows += batch.num_rows
            if self.rows - told >= _ROWS_PER_MESSAGE:
                told = self.rows
                self._tell(told)


def _bytes_of(lines: pa.Array) -> memoryview:
    """Return the lines one after the other. Arrow stores them like this, so nothing is copied."""
    import numpy as np

    lines = lines.cast(pa.large_binary())
    _, ends, data = lines.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[offsets[0] : offsets[-1]] if data is not None else memoryview(b"")
