"""Query the tables of a lakehouse in SQL with DuckDB, which sees only what Cascade reads for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.hidden import HIDDEN
from cascade.iceberg.overview import table_identifiers
from cascade.iceberg.query_session import QuerySession, query_session
from cascade.spelling import did_you_mean
from cascade.table_ref import DEFAULT_NAMESPACE, TableRef

if TYPE_CHECKING:
    import duckdb

    from cascade.iceberg.catalog import Lakehouse

_MISSING = re.compile(r"Table with name (?P<name>\S+) does not exist")


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
def run_query(lakehouse: Lakehouse, sql: str, refs: Iterable[TableRef] = ()) -> Iterator[QueryResult]:
    """Run a query.

    Args:
        lakehouse: the lakehouse. A table is called by its namespace and name; `raw` may be left out.
        sql: one `SELECT` statement in DuckDB's dialect.
        refs: tables to read on another branch. All others are read on `main`.

    Yields:
        The result. Read it inside the block.

    Raises:
        UsageError: the statement is not a query, is wrong, reads something other than a table of the lakehouse, or a
            branch does not exist.
        CascadeError: the query fails while it runs.
    """
    import duckdb

    identifiers = table_identifiers(lakehouse.catalog)
    with query_session() as session:
        try:
            query = only_query(session.connection, sql)
            add_named_tables(session, lakehouse, query, identifiers, refs)
            reader = session.reader(query)
            yield QueryResult(reader.schema, iter(reader))
        except duckdb.Error as error:
            raise explained(error, identifiers) from error


def only_query(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the one SELECT statement in a text.

    Raises:
        UsageError: it is anything else.
        duckdb.Error: it is not SQL.
    """
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


def add_named_tables(
    session: QuerySession,
    lakehouse: Lakehouse,
    query: str,
    identifiers: Iterable[tuple[str, ...]],
    refs: Iterable[TableRef] = (),
) -> None:
    """Let a session read the tables whose names occur in a statement. A catalog may have many others.

    Args:
        session: the session.
        lakehouse: the lakehouse that has the tables.
        query: the statement, which can read a table's hidden columns if it names them.
        identifiers: the tables of the lakehouse that the session does not have yet.
        refs: tables to read on another branch.
    """
    branches = {ref.identifier: ref for ref in refs}
    text = query.lower()
    shown = [name for name in HIDDEN if name.lower() in text]
    for identifier in identifiers:
        if identifier[-1].lower() not in text:
            continue
        ref = TableRef(".".join(identifier[:-1]), identifier[-1])
        table = lakehouse.at(lakehouse.catalog.load_table(identifier), branches.get(ref.identifier, ref))
        session.add_table(table, identifier, shown=shown)


def explained(error: duckdb.Error, identifiers: Iterable[tuple[str, ...]]) -> CascadeError:
    """Return what an error of DuckDB means to the author of a query.

    Args:
        error: the error.
        identifiers: the tables of the lakehouse.
    """
    import duckdb

    text = str(error).strip()
    missing = _MISSING.search(text)
    if isinstance(error, duckdb.CatalogException) and missing:
        known = [".".join(identifier) for identifier in identifiers]
        short = [name.removeprefix(f"{DEFAULT_NAMESPACE}.") for name in known]
        # DuckDB quotes the name if its schema does not exist either.
        name = missing["name"].strip('"')
        return UsageError(f'There is no table "{name}".{did_you_mean(name, [*known, *short])}')
    if isinstance(error, duckdb.PermissionException):
        return UsageError(f"A query reads only tables of the lakehouse, not files or addresses. {text}")
    if isinstance(error, (duckdb.ProgrammingError, duckdb.NotSupportedError)):
        return UsageError(f"The query is wrong. {text}")
    return CascadeError(f"The query failed. {text}")
