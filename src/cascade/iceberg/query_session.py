"""A DuckDB connection that reads tables of a lakehouse, rows in memory, and nothing else.

Each table is an Arrow stream of its current rows in its current schema, so that deletes and changes of the schema are
applied as everywhere else. Files are read one at a time, and only their columns that a query needs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import CascadeError
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.files import read_file
from cascade.iceberg.hidden import HIDDEN
from cascade.iceberg.sql_text import sql_name, sql_text
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.table_ref import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    import duckdb
    from pyiceberg.table import Table

_MEMORY = "1GiB"
_ROWS_PER_BATCH = 10_000
_NUMBERED = re.compile(r"\d+:\d+")
# Nothing but the registered tables can be read, and no query can change that.
_LOCKS = (
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class QuerySession:
    """An open connection.

    Args:
        connection: the connection of DuckDB, whose settings are locked.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._sources: list[_Source] = []
        self._registered = 0

    def add_table(self, table: Table, identifier: tuple[str, ...], *, shown: Iterable[str] = ()) -> None:
        """Let queries read a table.

        Args:
            table: the table, on the branch to read.
            identifier: the namespace and name that queries call it by.
            shown: the hidden columns that queries may read.
        """
        source = _Source(table, ".".join(identifier), self._registered, frozenset(shown))
        self._sources.append(source)
        self._add(source, identifier, source.columns)

    def add_rows(self, rows: pa.Table, identifier: tuple[str, ...]) -> None:
        """Let queries read rows in memory.

        Args:
            rows: the rows.
            identifier: the namespace and name that queries call them by.
        """
        self._add(rows, identifier, {name: name for name in rows.column_names})

    def _add(self, source: object, identifier: tuple[str, ...], columns: dict[str, str]) -> None:
        internal = f"cascade:{self._registered}"
        self._registered += 1
        self.connection.register(internal, source)
        schema, table = sql_name(".".join(identifier[:-1])), sql_name(identifier[-1])
        renamed = ", ".join(f"{sql_name(column)} AS {sql_name(name)}" for column, name in columns.items())
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self.connection.execute(f"CREATE VIEW {schema}.{table} AS SELECT {renamed} FROM {sql_name(internal)}")

    def relation(self, sql: str) -> duckdb.DuckDBPyRelation:
        """Return a query that can be extended, and so may come to need any column."""
        for source in self._sources:
            source.need_all()
        return self.connection.sql(sql)

    def reader(self, sql: str) -> pa.RecordBatchReader:
        """Run a query.

        Args:
            sql: one SELECT statement.

        Returns:
            Its rows, which are computed while they are read. Read them before the next query.

        Raises:
            duckdb.Error: the query is wrong or fails.
        """
        self._choose_columns(sql)
        return self.connection.sql(sql).to_arrow_reader(_ROWS_PER_BATCH)

    def rows(self, sql: str) -> pa.Table:
        """Run a query, and return all its rows; see `reader`."""
        return self.reader(sql).read_all()

    def raise_storage_error(self) -> None:
        """Raise the error of the disk or the store that stopped a query, if one did.

        DuckDB's own error shows it as a Python traceback.

        Raises:
            CascadeError: the files of a table cannot be read.
        """
        for source in self._sources:
            if source.storage_error is not None:
                raise source.storage_error

    def _choose_columns(self, query: str) -> None:
        """Let each source read only the columns that the plan of a query needs."""
        # An error of the query shows its text, so it must be found before the text has a prefix.
        self.connection.sql(query)
        if not self._sources:
            return
        ((_, plan),) = self.connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
        # Any mention counts, in the columns of a scan or in its filters.
        mentioned = set(_NUMBERED.findall(plan))
        for source in self._sources:
            source.need(mentioned)


@contextmanager
def query_session() -> Iterator[QuerySession]:
    """Open a session without tables.

    Yields:
        The session, which is closed afterwards.

    Raises:
        CascadeError: a query inside the block failed because the files of a table cannot be read.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="cascade-query-") as scratch, duckdb.connect(":memory:") as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {sql_text(scratch)}")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {sql_name(DEFAULT_NAMESPACE)}")
        connection.execute(f"SET search_path = {sql_text(DEFAULT_NAMESPACE)}")
        for lock in _LOCKS:
            connection.execute(lock)
        session = QuerySession(connection)
        try:
            yield session
        except Exception:
            session.raise_storage_error()
            raise


class _Source:
    """A table as DuckDB reads it: each scan starts a new stream.

    The columns are numbered, so that the plan of a query tells which columns of which table it needs. A stream has all
    columns, as DuckDB requires, but those that are not needed are null.

    Args:
        table: the table.
        name: its full name, for messages.
        number: its number among the tables of the session.
        shown: the hidden columns that it has.
    """

    def __init__(self, table: Table, name: str, number: int, shown: frozenset[str]) -> None:
        self._table = table
        self._name = name
        self.storage_error: CascadeError | None = None
        schema = arrow_schema(table)
        self._schema = pa.schema(field for field in schema if field.name not in HIDDEN or field.name in shown)
        self.columns = {f"{number}:{place}": name for place, name in enumerate(self._schema.names)}
        self._needed = set(self._schema.names)

    def need(self, columns: set[str]) -> None:
        """Read only some columns from now on.

        Args:
            columns: their numbered names, and any others.
        """
        first, *_ = self.columns.values()
        self._needed = {name for column, name in self.columns.items() if column in columns} or {first}

    def need_all(self) -> None:
        """Read all columns from now on."""
        self._needed = set(self._schema.names)

    @property
    def schema(self) -> pa.Schema:
        """The numbered columns."""
        return pa.schema([pa.field(column, self._schema.field(name).type) for column, name in self.columns.items()])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Start a stream of the current rows."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches()).__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Return the schema of the streams."""
        return self.schema.__arrow_c_schema__()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        needed = self._needed
        names = [name for name in self._schema.names if name in needed]
        self.storage_error = None
        try:
            with storage_errors_named(self._table.location(), self._name, "read"):
                yield from self._read(needed, names)
        except CascadeError as error:
            self.storage_error = error
            raise

    def _read(self, needed: set[str], names: list[str]) -> Iterator[pa.RecordBatch]:
        for task in self._table.scan(selected_fields=tuple(names)).plan_files():
            for batch in read_file(self._table, task, names).to_batches():
                arrays = [
                    batch.column(name) if name in needed else pa.nulls(batch.num_rows, self._schema.field(name).type)
                    for name in self._schema.names
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)
