"""Write the data files of a table.

pyiceberg's own writer builds a dictionary of each column, which costs 45 % of the time of a write if the values are
unique. Here a sample of each column decides.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cascade.iceberg.columns import storage_of
from cascade.iceberg.files import remove_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionKey
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

ROWS_PER_FILE = 250_000

_SAMPLE = 1000
_DISTINCT_AT_MOST = 0.5
_INDEX = "cascade:row"


def write_files(table: Table, rows: pa.Table) -> list[DataFile]:
    """Write rows as data files that no snapshot refers to yet.

    Args:
        table: the table, for its schema and layout.
        rows: the rows, in the order to write them, in the schema of `arrow_schema`.

    Raises:
        OSError: the rows could not be written. No file is left.
    """
    files: list[DataFile] = []
    try:
        for partition, part in split_by_layout(table, rows):
            for start in range(0, part.num_rows, ROWS_PER_FILE):
                files.append(_write(table, part.slice(start, ROWS_PER_FILE), partition))
    except Exception:
        remove_files(table, files)
        raise
    return files


def split_by_layout(table: Table, rows: pa.Table) -> Iterator[tuple[PartitionKey | None, pa.Table]]:
    """Split rows by the table's layout.

    Args:
        table: the table.
        rows: the rows.

    Yields:
        Each partition of the layout that has rows, None for a table without layout, and its rows in their order.
    """
    if not rows.num_rows:
        return
    spec = table.spec()
    if spec.is_unpartitioned():
        yield None, rows
        return
    from pyiceberg.io.pyarrow import _determine_partitions

    sources = {str(table.schema().find_column_name(field.source_id)).split(".")[0] for field in spec.fields}
    named = rows.select([name for name in rows.column_names if name in sources])
    named = named.append_column(_INDEX, pa.arange(0, rows.num_rows))
    for partition in _determine_partitions(spec, table.schema(), named):
        yield partition.partition_key, rows.take(partition.arrow_table_partition[_INDEX])


def _write(table: Table, rows: pa.Table, partition: PartitionKey | None) -> DataFile:
    from pyiceberg.io.pyarrow import (
        _get_parquet_writer_kwargs,
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.schema import sanitize_column_names
    from pyiceberg.table import TableProperties
    from pyiceberg.table.locations import load_location_provider
    from pyiceberg.typedef import Record

    schema = sanitize_column_names(table.schema())
    stored = _stored(rows, table.schema(), schema)
    paths = parquet_path_to_id_mapping(schema)
    locations = load_location_provider(table.location(), table.properties)
    path = locations.new_data_location(f"{uuid.uuid4()}.parquet", partition)
    output = table.io.new_output(path)
    limit = table.properties.get(
        TableProperties.PARQUET_ROW_GROUP_LIMIT, TableProperties.PARQUET_ROW_GROUP_LIMIT_DEFAULT
    )
    try:
        with output.create() as stream:
            with pq.ParquetWriter(
                stream,
                stored.schema,
                store_decimal_as_integer=True,
                use_dictionary=_repeated(stored, list(paths)),
                **_get_parquet_writer_kwargs(table.properties),
            ) as writer:
                writer.write_table(stored, row_group_size=int(limit))
    except Exception:
        # A disk that is full keeps the beginning of the file.
        with suppress(Exception):
            table.io.delete(path)
        raise
    statistics = data_file_statistics_from_parquet_metadata(
        writer.writer.metadata, compute_statistics_plan(schema, table.properties), paths
    )
    written = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=partition.partition if partition is not None else Record(),
        file_size_in_bytes=len(output),
        sort_order_id=None,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
    # It is no field of the file's record, so pyiceberg does not take it as an argument.
    written.spec_id = table.metadata.default_spec_id
    return written


def _stored(rows: pa.Table, schema: Schema, sanitized: Schema) -> pa.Table:
    """Return rows with the field ids and the names that a file has."""
    from pyiceberg.io.fileformat import FileFormatFactory
    from pyiceberg.io.pyarrow import _to_requested_schema, schema_to_pyarrow
    from pyiceberg.manifest import FileFormat

    target = schema_to_pyarrow(sanitized, include_field_ids=True)
    if all(column.field_type.is_primitive for column in schema.fields):
        return pa.Table.from_arrays(rows.columns, schema=target)
    model = FileFormatFactory.get(FileFormat.PARQUET)
    batches = [
        _to_requested_schema(sanitized, schema, batch, include_field_ids=True, format_model=model)
        for batch in rows.to_batches()
    ]
    return pa.Table.from_batches(batches)


def _repeated(rows: pa.Table, paths: list[str]) -> list[str]:
    """Return the paths of the columns whose values repeat, so that a dictionary saves space."""
    step = max(1, rows.num_rows // _SAMPLE)
    sample = rows.take(pa.array(range(0, rows.num_rows, step), pa.int64()))
    unique = set()
    for name in sample.column_names:
        column = storage_of(sample.column(name))
        if not pa.types.is_nested(column.type) and pc.count_distinct(column).as_py() > _DISTINCT_AT_MOST * len(column):
            unique.add(name)
    return [path for path in paths if path not in unique]
