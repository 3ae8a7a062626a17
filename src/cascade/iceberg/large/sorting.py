"""Sort rows that do not fit in memory by their key, and keep the newest row of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import CascadeError
from cascade.iceberg.keys import comparable, is_ascending
from cascade.iceberg.large.plain import plain, restored
from cascade.iceberg.large.rows import LargeRows, no_rows
from cascade.iceberg.large.spool import ROWS_PER_BATCH, Spool, disk_error
from cascade.iceberg.large.work_directory import work_directory

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_MEMORY = "128MB"
_POSITION, _VERSION = "position", "version"


def newest_rows(rows: LargeRows, unique_key: Sequence[str], dedup_sort: str | None = None) -> LargeRows:
    """Return the newest row of each key, sorted by key, as `Versions.newest` does it in memory.

    Args:
        rows: the rows.
        unique_key: the columns of the key, without nulls.
        dedup_sort: the column whose largest value marks the newest version; the last row if absent.

    Raises:
        CascadeError: the disk is full.
    """
    if _is_ascending(rows, unique_key):
        return rows
    spool = Spool(rows.schema)
    for part in _without_older(_sorted(rows, unique_key, dedup_sort), _names(rows.schema, unique_key)):
        columns = [
            pa.chunked_array([restored(chunk, field.type) for chunk in part.column(place).chunks], type=field.type)
            for place, field in enumerate(rows.schema)
        ]
        spool.write(pa.Table.from_arrays(columns, schema=rows.schema))
    return LargeRows(spool, chunk_rows=rows.chunk_rows)


def _is_ascending(rows: LargeRows, unique_key: Sequence[str]) -> bool:
    """Return whether each key is greater than the one before."""
    last = no_rows(rows.schema).select(list(unique_key))
    for chunk in rows.chunks():
        keys = chunk.select(list(unique_key))
        if not is_ascending(pa.concat_tables([last, keys]), unique_key):
            return False
        last = keys.slice(keys.num_rows - 1) if keys.num_rows else last
    return True


def _names(schema: pa.Schema, columns: Sequence[str]) -> list[str]:
    """Return what columns are called while they are sorted, since a user's name could be any."""
    return [f"column{schema.get_field_index(column)}" for column in columns]


def _sorted(rows: LargeRows, unique_key: Sequence[str], dedup_sort: str | None) -> Iterator[pa.Table]:
    """Yield rows by key, version and position, a batch at a time, with the types of `plain`."""
    import duckdb

    order = [*_names(rows.schema, unique_key), *([f"{_VERSION} nulls first"] if dedup_sort else []), _POSITION]
    kept = ", ".join(_names(rows.schema, rows.schema.names))
    given = _numbered(rows, dedup_sort)
    first = next(given)
    batches = chain.from_iterable(part.to_batches() for part in chain([first], given))
    reader = pa.RecordBatchReader.from_batches(first.schema, batches)
    with work_directory() as directory, _connection(directory) as connection:
        try:
            connection.register("given", reader)
            query = f"select {kept} from given order by {', '.join(order)}"
            # `execute` would hold the result in memory.
            for batch in connection.sql(query).to_arrow_reader(ROWS_PER_BATCH):
                yield pa.Table.from_batches([batch])
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise disk_error(str(error).strip().splitlines()[0]) from error
        except duckdb.Error as error:
            raise CascadeError(f"The rows could not be sorted: {error}") from error


def _connection(directory: Path) -> DuckDBPyConnection:
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "memory_limit": _MEMORY,
            "temp_directory": str(directory),
            "preserve_insertion_order": False,
            # A second thread saves no CPU time, and holds as much memory again.
            "threads": 1,
        },
    )


def _numbered(rows: LargeRows, dedup_sort: str | None) -> Iterator[pa.Table]:
    """Yield rows in the types of `plain`, with their positions and versions."""
    names = _names(rows.schema, rows.schema.names)
    for number, chunk in enumerate(rows.chunks()):
        if not chunk.num_rows:
            continue
        columns = [_plain(column) for column in chunk.columns]
        extra = {_POSITION: pa.chunked_array([pa.arange(rows.starts[number], rows.starts[number] + chunk.num_rows)])}
        if dedup_sort is not None:
            version = chunk.column(dedup_sort)
            extra[_VERSION] = comparable(version) if pa.types.is_floating(version.type) else _plain(version)
        yield pa.table([*columns, *extra.values()], names=[*names, *extra])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([plain(chunk) for chunk in column.chunks])


def _without_older(parts: Iterator[pa.Table], names: list[str]) -> Iterator[pa.Table]:
    """Yield the last row of each key, of rows that are sorted."""
    import polars as pl

    held: pa.Table | None = None
    for part in parts:
        rows = part if held is None else pa.concat_tables([held, part])
        keys = pl.from_arrow(rows.select(names))
        assert isinstance(keys, pl.DataFrame)
        changes = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in names)
        is_last = keys.select(changes.alias("is_last")).to_series().to_arrow()
        # The row after the last one is in the next part.
        held = rows.slice(rows.num_rows - 1)
        yield rows.slice(0, rows.num_rows - 1).filter(is_last[:-1])
    if held is not None:
        yield held
