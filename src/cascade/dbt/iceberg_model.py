"""Publish the rows of a dbt model to a table of the lakehouse, as a run of a workflow does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.dbt.iceberg_types import cast_query, iceberg_schema
from cascade.exceptions import DataError, UsageError
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.duckdb_views import show_table
from cascade.iceberg.large import LARGE_BYTES, LargeRows
from cascade.iceberg.large.spool import Spool
from cascade.iceberg.replace import WholeTable
from cascade.iceberg.sql_text import sql_name, sql_names
from cascade.iceberg.tables import ensure_table
from cascade.runs.dispositions import Destination, Disposition, Merge, Replace, Written

if TYPE_CHECKING:
    import duckdb
    from pyiceberg.table import Table

    from cascade.iceberg import Lakehouse
    from cascade.table_ref import TableRef

MODEL_PROPERTY = "cascade.dbt-model"
"""The property of a table that says which model fills it. A table without it belongs to somebody else."""

_ROWS_PER_BATCH = 10_000
# The threads of dbt share a catalog and a DuckDB file.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class IcebergModel:
    """A model whose rows wait in a DuckDB table.

    Args:
        unique_id: the model, as dbt identifies it.
        ref: the table of the lakehouse.
        staged: the DuckDB table.
        key: the columns of its key; none if all rows are replaced.
        full_refresh: whether all rows are replaced although there is a key.
        run_id: the run of dbt.
    """

    unique_id: str
    ref: TableRef
    staged: str
    key: tuple[str, ...] = ()
    full_refresh: bool = False
    run_id: str = ""


def publish_model(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    model: IcebergModel,
    warn: Callable[[str], None] = lambda text: None,
) -> Written:
    """Publish the rows of a model in one snapshot, and let the DuckDB file show them in place of the model.

    Args:
        connection: a connection to the DuckDB file that nobody else uses.
        lakehouse: the lakehouse.
        model: the model.
        warn: called with a sentence if the table has no view of its files.

    Returns:
        What changed. If the table had these rows already, nothing is committed.

    Raises:
        UsageError: a column has no type in Iceberg, the key is not a column, or the table is not the model's.
        DataError: a key is null or not unique.
        SchemaDriftError: the columns of the model change in a way that loses data.
        CommitError: other writers committed first, every time.
    """
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET arrow_lossless_conversion = true")
    source = f"{sql_name(model.ref.namespace)}.{sql_name(model.staged)}"
    name = f"The model {model.ref.full_name}"
    schema = iceberg_schema(connection.sql(f"SELECT * FROM {source}"), model.key, name)
    _check_key(connection, source, model.key, name)
    with _one_at_a_time:
        _check_owner(lakehouse.load(model.ref), model)
        table = ensure_table(lakehouse, model.ref, schema, properties={MODEL_PROPERTY: model.unique_id})
        reader = connection.sql(cast_query(schema, source)).to_arrow_reader(_ROWS_PER_BATCH)
        with closing(Spool(arrow_schema(table))) as spool:
            for batch in reader:
                spool.write(conform(pa.Table.from_batches([batch]), spool.schema))
            written = _disposition(model).write(
                Destination(lakehouse, model.ref, model.run_id, None),
                LargeRows(spool) if spool.bytes >= LARGE_BYTES else spool.read(),
                _WHOLE,
            )
        show_table(connection, lakehouse, model.ref, warn)
    return written


class _Whole:
    """A source that returned all its rows."""

    is_incremental = False
    since = None


_WHOLE = _Whole()


def _disposition(model: IcebergModel) -> Disposition:
    return Merge(model.key) if model.key and not model.full_refresh else Replace(WholeTable(), model.key)


def _check_owner(table: Table | None, model: IcebergModel) -> None:
    owner = table.properties.get(MODEL_PROPERTY) if table is not None else model.unique_id
    if owner != model.unique_id:
        whose = f"the model {owner} fills it" if owner else "no dbt model of Cascade filled it so far"
        raise UsageError(
            f"The table {model.ref.full_name} exists in the lakehouse, and {whose}. Nothing was written.",
            hint="Choose another schema or alias for the model.",
        )


def _check_key(connection: Any, source: str, key: tuple[str, ...], name: str) -> None:
    if not key:
        return
    names = sql_names(key)
    found = connection.execute(
        f"SELECT {names}, count(*) FROM {source} GROUP BY {names} "
        f"HAVING count(*) > 1 OR {' OR '.join(f'{sql_name(each)} IS NULL' for each in key)} LIMIT 1"
    ).fetchone()
    if found is not None:
        *values, rows = found
        shown = ", ".join(f"{column}={value}" for column, value in zip(key, values, strict=True))
        problem = "a row has" if None in values else f"{rows} rows have"
        raise DataError(
            f"{name} was not published: {problem} the unique_key {shown}.",
            hint="The table is as it was. Let the model return one row for each key, and no key that is null.",
        )
