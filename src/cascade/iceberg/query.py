"""Query the tables of a lakehouse in SQL with DuckDB, which sees only what Cascade reads for it.

Each table is an Arrow stream of its current rows in its current schema, so that deletes and changes of the schema are
applied as everywhere else. Files are read one at a time, and only their columns that the query needs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.files import read_file
from cascade.iceberg.hidden import HIDDEN
from cascade.iceberg.overview import table_identifiers
from cascade.spelling import did_you_mean
from cascade.table_ref import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    import duckdb
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

_MEMORY = "1GiB"
_ROWS_PER_BATCH = 10_000
_NUMBERED = re.compile(r"\d+:\d+")
_MISSING = re.compile(r"Table with name (?P<name>\S+) does not exist")
# Nothing but the registered tables can be read, and the query cannot change that.
_LOCKS = (
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query, which are computed while they are read.

    Args:
        schema: the columns.
        batches: the rows.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def run_query(lakehouse: Lakehouse, sql: str) -> Iterator[QueryResult]:
    """Run a query.

    Args:
        lakehouse: the lakehouse. A table is called by its namespace and name; `raw` may be left out.
        sql: one `SELECT` statement in DuckDB's dialect.

    Yields:
        The result. Read it inside the block.

    Raises:
        UsageError: the statement is not a query, is wrong, or reads something other than a table of the lakehouse.
        CascadeError: the query fails while it runs.
    """
    import duckdb

    identifiers = table_identifiers(lakehouse.catalog)
    with tempfile.TemporaryDirectory(prefix="cascade-query-") as scratch, duckdb.connect(":memory:") as connection:
        try:
            query = _only_query(connection, sql)
            connection.execute(f"SET memory_limit = '{_MEMORY}'")
            connection.execute(f"SET temp_directory = {_literal(scratch)}")
            connection.execute("SET TimeZone = 'UTC'")
            sources = _register(connection, lakehouse, _named_in(query, identifiers), query)
            for lock in _LOCKS:
                connection.execute(lock)
            _choose_columns(connection, query, sources)
            reader = connection.sql(query).to_arrow_reader(_ROWS_PER_BATCH)
            yield QueryResult(reader.schema, iter(reader))
        except duckdb.Error as error:
            raise _explained(error, identifiers) from error


def _only_query(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    import duckdb

    statements = connection.extract_statements(sql)
    if not statements:
        raise UsageError("The query is empty.", hint='Give one SELECT statement, such as "select * from TABLE".')
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        given = ", ".join(statement.type.name for statement in statements)
        raise UsageError(
            f"Only one SELECT statement can be run, not {given}.",
            hint="Tables change only when a workflow is materialized.",
        )
    return str(statements[0].query).strip().rstrip(";")


def _named_in(sql: str, identifiers: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the tables whose names occur in a statement. Opening a table takes time, and a catalog may have many."""
    return [identifier for identifier in identifiers if identifier[-1].lower() in sql.lower()]


class _Source:
    """A table as DuckDB reads it: each scan starts a new stream.

    The columns are numbered, so that the plan of a query tells which columns of which table it needs. A stream has all
    columns, as DuckDB requires, but those that are not needed are null.

    Args:
        table: the table.
        number: its number among the tables of the query.
        query: the query, which has the hidden columns if it names them.
    """

    def __init__(self, table: Table, number: int, query: str) -> None:
        self._table = table
        schema = arrow_schema(table)
        self._schema = pa.schema(
            field for field in schema if field.name not in HIDDEN or field.name.lower() in query.lower()
        )
        self.needed = set(self._schema.names)
        self.columns = {f"{number}:{place}": name for place, name in enumerate(self._schema.names)}

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
        names = [name for name in self._schema.names if name in self.needed]
        for task in self._table.scan(selected_fields=tuple(names)).plan_files():
            for batch in read_file(self._table, task, names).to_batches():
                arrays = [
                    batch.column(name)
                    if name in self.needed
                    else pa.nulls(batch.num_rows, self._schema.field(name).type)
                    for name in self._schema.names
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _register(
    connection: duckdb.DuckDBPyConnection, lakehouse: Lakehouse, identifiers: Iterable[tuple[str, ...]], query: str
) -> list[_Source]:
    sources: list[_Source] = []
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_name(DEFAULT_NAMESPACE)}")
    for number, identifier in enumerate(identifiers):
        source = _Source(lakehouse.catalog.load_table(identifier), number, query)
        sources.append(source)
        internal = f"cascade:{number}"
        connection.register(internal, source)
        schema, table = _name(".".join(identifier[:-1])), _name(identifier[-1])
        columns = ", ".join(f"{_name(column)} AS {_name(name)}" for column, name in source.columns.items())
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(f"CREATE VIEW {schema}.{table} AS SELECT {columns} FROM {_name(internal)}")
    connection.execute(f"SET search_path = {_literal(DEFAULT_NAMESPACE)}")
    return sources


def _choose_columns(connection: duckdb.DuckDBPyConnection, query: str, sources: Iterable[_Source]) -> None:
    """Let each source read only the columns that the plan of a query needs."""
    # An error of the query shows its text, so it must be found before the text has a prefix.
    connection.sql(query)
    ((_, plan),) = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    # Any mention counts, in the columns of a scan or in its filters.
    mentioned = set(_NUMBERED.findall(plan))
    for source in sources:
        first, *_ = source.columns.values()
        source.needed = {name for column, name in source.columns.items() if column in mentioned} or {first}


def _explained(error: duckdb.Error, identifiers: Iterable[tuple[str, ...]]) -> CascadeError:
    import duckdb

    text = str(error).strip()
    missing = _MISSING.search(text)
    if isinstance(error, duckdb.CatalogException) and missing:
        known = [".".join(identifier) for identifier in identifiers]
        short = [name.removeprefix(f"{DEFAULT_NAMESPACE}.") for name in known]
        return UsageError(f'There is no table "{missing["name"]}".{did_you_mean(missing["name"], [*known, *short])}')
    if isinstance(error, duckdb.PermissionException):
        return UsageError(f"A query reads only tables of the lakehouse, not files or addresses. {text}")
    if isinstance(error, (duckdb.ProgrammingError, duckdb.NotSupportedError)):
        return UsageError(f"The query is wrong. {text}")
    return CascadeError(f"The query failed. {text}")


def _name(text: str) -> str:
    quoted = text.replace('"', '""')
    return f'"{quoted}"'


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
