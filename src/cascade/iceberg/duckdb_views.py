"""Views of a lakehouse's tables in a DuckDB file, where dbt and other clients of DuckDB read them without Cascade.

A view names the data files of the current snapshot. DuckDB reads their columns by field id, so that renamed, added and
widened columns are as in Iceberg, and leaves out the rows that position delete files list. The few tables that DuckDB
cannot read in this way are copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.duckdb_types import duckdb_type, has_renamed_inner_fields
from cascade.iceberg.files import read_file
from cascade.iceberg.hidden import HIDDEN, visible
from cascade.iceberg.overview import table_identifiers
from cascade.iceberg.sql_text import sql_name, sql_names, sql_text
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    import duckdb
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.catalog import Lakehouse

MARK = "Cascade keeps this up to date. It shows "
_LOCAL = "file://"
_VIRTUAL = frozenset({"filename", "file_row_number"})
_GLOB = {character: f"[{character}]" for character in "*?["}


@dataclass(frozen=True)
class _Existing:
    is_view: bool
    comment: str


class _NotReadableByDuckDB(Exception):
    """DuckDB cannot read the files of a table; the message says why."""


def update_views(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    warn: Callable[[str], None] = lambda text: None,
    declared: Mapping[tuple[str, str], Callable[[], Schema]] = MappingProxyType({}),
) -> None:
    """Let a DuckDB file show the current rows of every table, each as `<namespace>.<table>`.

    What already shows the current snapshot is left alone. Views of tables that no longer exist are dropped. A table
    that cannot be shown has no view, so that nobody reads old rows.

    Args:
        connection: a connection that can write to the file.
        lakehouse: the lakehouse.
        warn: called with a sentence for each table that has no view of its files.
        declared: the tables that workflows fill, by namespace and name, each with a function that returns its schema.
            Those that the lakehouse lacks are shown without rows. A function that raises is warned about.
    """
    ours, taken = _existing(connection)
    seen = set()
    for identifier in table_identifiers(lakehouse.catalog):
        place = (".".join(identifier[:-1]), identifier[-1])
        name = ".".join(place)
        if place in taken:
            warn(f"{name} of the lakehouse is hidden by an object of that name, which Cascade did not create.")
            continue
        existing = ours.pop(place, None)
        try:
            table = lakehouse.at(lakehouse.catalog.load_table(identifier), TableRef(*place))
            comment = _comment(table)
            if existing is None or existing.comment != comment:
                _drop(connection, place, existing)
                existing = None
                _show(connection, place, table, comment, warn)
        except Exception as error:
            _drop(connection, place, existing)
            warn(f"{name} cannot be read in DuckDB. {type(error).__name__}: {error}")
        seen.add(place)
    for place, schema in declared.items():
        if place not in seen | taken:
            _show_empty(connection, place, ours.pop(place, None), schema, warn)
    for place, existing in ours.items():
        _drop(connection, place, existing)


def _show_empty(
    connection: duckdb.DuckDBPyConnection,
    place: tuple[str, str],
    existing: _Existing | None,
    schema: Callable[[], Schema],
    warn: Callable[[str], None],
) -> None:
    """Show a table that does not exist yet. Nothing is created in the catalog."""
    try:
        query = _without_rows(_types(schema()))
        comment = f"{MARK}a table without a run as {query}"
        if existing is None or existing.comment != comment:
            _drop(connection, place, existing)
            existing = None
            namespace, name = map(sql_name, place)
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {namespace}")
            connection.execute(f"CREATE VIEW {namespace}.{name} AS {query}")
            connection.execute(f"COMMENT ON VIEW {namespace}.{name} IS {sql_text(comment)}")
    except Exception as error:
        _drop(connection, place, existing)
        warn(f"{'.'.join(place)} does not exist, and its columns are unknown. {error}")


def show_table(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    ref: TableRef,
    warn: Callable[[str], None] = lambda text: None,
) -> None:
    """Let a DuckDB file show the current rows of one table, in place of whatever has its name there.

    Args:
        connection: a connection that can write to the file, without a transaction.
        lakehouse: the lakehouse.
        ref: the table.
        warn: called with a sentence if the table has no view of its files.
    """
    table = lakehouse.require(ref)
    comment = _comment(table)
    connection.begin()
    try:
        existing = _objects(connection).get(ref.identifier)
        if existing is None or existing.comment != comment:
            _drop(connection, ref.identifier, existing)
            _show(connection, ref.identifier, table, comment, warn)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def view_query(table: Table) -> str:
    """Return the query that reads the current rows of a table with DuckDB alone, in the order of the table's columns.

    Args:
        table: the table, on the branch to read.

    Raises:
        ValueError: DuckDB cannot read the table's files; the message says why.
    """
    try:
        return _query(table, list(table.scan().plan_files()))
    except _NotReadableByDuckDB as error:
        raise ValueError(str(error)) from None


def _show(
    connection: duckdb.DuckDBPyConnection,
    place: tuple[str, str],
    table: Table,
    comment: str,
    warn: Callable[[str], None],
) -> None:
    schema, name = map(sql_name, place)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    try:
        query = view_query(table)
    except ValueError as error:
        warn(f"{'.'.join(place)} is copied into the DuckDB file, because {error}.")
        _copy(connection, f"{schema}.{name}", table)
        kind = "TABLE"
    else:
        connection.execute(f"CREATE VIEW {schema}.{name} AS {query}")
        kind = "VIEW"
    connection.execute(f"COMMENT ON {kind} {schema}.{name} IS {sql_text(comment)}")


def _existing(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[dict[tuple[str, str], _Existing], set[tuple[str, str]]]:
    """Return the views and copies that Cascade made, and the names that something else has."""
    found = _objects(connection)
    ours = {place: each for place, each in found.items() if each.comment.startswith(MARK)}
    return ours, found.keys() - ours.keys()


def _objects(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], _Existing]:
    """Return all views and tables of the file."""
    rows = connection.execute(
        "SELECT schema_name, view_name, true, comment FROM duckdb_views() "
        "WHERE NOT internal AND database_name = current_database() UNION ALL "
        "SELECT schema_name, table_name, false, comment FROM duckdb_tables() "
        "WHERE NOT internal AND database_name = current_database()"
    )
    return {(schema, name): _Existing(is_view, comment or "") for schema, name, is_view, comment in rows.fetchall()}


def _drop(connection: duckdb.DuckDBPyConnection, place: tuple[str, str], existing: _Existing | None) -> None:
    if existing is not None:
        connection.execute(f"DROP {'VIEW' if existing.is_view else 'TABLE'} {'.'.join(map(sql_name, place))}")


def _comment(table: Table) -> str:
    # A table that was dropped and created again has other files, whatever the numbers of its snapshots.
    snapshot = table.metadata.current_snapshot_id
    return f"{MARK}snapshot {snapshot} of {table.metadata.table_uuid} in schema {table.metadata.current_schema_id}."


def _copy(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    import pyarrow as pa

    columns = visible(field.name for field in table.schema().fields)
    schema = pa.schema(field for field in arrow_schema(table) if field.name not in HIDDEN)
    batches = (
        batch.select(columns).cast(schema)
        for task in table.scan(selected_fields=tuple(columns)).plan_files()
        for batch in read_file(table, task, columns).to_batches()
    )
    connection.register("cascade:copied", pa.RecordBatchReader.from_batches(schema, batches))
    try:
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {sql_name('cascade:copied')}")
    finally:
        connection.unregister("cascade:copied")


def _query(table: Table, tasks: Iterable[FileScanTask]) -> str:
    fields = {field.field_id: field for field in table.schema().fields if field.name not in HIDDEN}
    types = _types(table.schema())
    tasks = list(tasks)
    if not tasks:
        return _without_rows(types)
    if has_renamed_inner_fields(table):
        raise _NotReadableByDuckDB("a field inside one of its columns was renamed")
    named = ", ".join(
        f"{number}: {{name: {sql_text(field.name)}, type: {sql_text(types[field.name])}, default_value: NULL}}"
        for number, field in fields.items()
    )
    schema = f"MAP {{{named}}}"
    whole = [task.file for task in tasks if not task.delete_files]
    changed = [task for task in tasks if task.delete_files]
    columns = sql_names(list(types))
    parts = [f"SELECT {columns} FROM {_read(whole, schema)}"] if whole else []
    if changed:
        parts.append(_without_deleted(changed, columns, schema, types))
    return " UNION ALL ".join(parts)


def _types(schema: Schema) -> dict[str, str]:
    return {field.name: duckdb_type(field.field_type) for field in schema.fields if field.name not in HIDDEN}


def _without_rows(types: Mapping[str, str]) -> str:
    columns = ", ".join(f"NULL::{kind} AS {sql_name(name)}" for name, kind in types.items())
    return f"SELECT {columns} WHERE false"


def _without_deleted(tasks: list[FileScanTask], columns: str, schema: str, types: Mapping[str, str]) -> str:
    if any(name.lower() in _VIRTUAL for name in types):
        raise _NotReadableByDuckDB("it has deleted rows, and a column named filename or file_row_number")
    deletes = {file.file_path: file for task in tasks for file in task.delete_files}
    listed = ", ".join(sql_text(_path(file)) for file in deletes.values())
    # Delete files name data files by their location, and DuckDB by their path.
    prefixes = {task.file.file_path.removesuffix(_local(task.file)) for task in tasks}
    if len(prefixes) > 1:
        raise _NotReadableByDuckDB("its locations are written in several ways")
    (prefix,) = prefixes
    file = f"{sql_text(prefix)} || data.filename" if prefix else "data.filename"
    return (
        f"SELECT {columns} FROM {_read([task.file for task in tasks], schema)} AS data WHERE NOT EXISTS (SELECT 1 "
        f"FROM read_parquet([{listed}], hive_partitioning = false) AS deleted "
        f"WHERE deleted.file_path = {file} AND deleted.pos = data.file_row_number)"
    )


def _read(files: Iterable[DataFile], schema: str) -> str:
    paths = ", ".join(sql_text(_path(file)) for file in files)
    return f"read_parquet([{paths}], schema = {schema}, hive_partitioning = false)"


def _path(file: DataFile) -> str:
    return "".join(_GLOB.get(character, character) for character in _local(file))


def _local(file: DataFile) -> str:
    from pyiceberg.manifest import DataFileContent, FileFormat

    if file.file_format != FileFormat.PARQUET or file.content == DataFileContent.EQUALITY_DELETES:
        raise _NotReadableByDuckDB("another program wrote files to it that are not Parquet, or equality deletes")
    path = str(file.file_path).removeprefix(_LOCAL)
    if "://" in path or not path.startswith("/"):
        raise _NotReadableByDuckDB(
            f"its files are in {path.split('/')[0]}//, which DuckDB reads only with an extension"
        )
    return path
