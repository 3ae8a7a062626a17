"""Read and write the data files of a table, one file at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

ROWS_PER_FILE = 250_000


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema in which a table's rows are read, compared and written."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    return schema_to_pyarrow(table.schema(), include_field_ids=False)


def conform(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Convert rows to a table's schema: its column order and widths, with nulls for columns that the rows lack."""
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def read_file(table: Table, task: FileScanTask, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one data file, without the rows that delete files remove, in file order.

    Args:
        table: the table, for its schema.
        task: the file.
        columns: names of the columns to read; all if absent.
    """
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow

    projected = table.schema() if columns is None else table.schema().select(*columns)
    scan = ArrowScan(table.metadata, table.io, projected, AlwaysTrue())
    return conform(scan.to_table([task]), schema_to_pyarrow(projected, include_field_ids=False))


def write_files(table: Table, rows: pa.Table) -> list[DataFile]:
    """Write rows as data files that no snapshot refers to yet.

    Args:
        table: the table, for its schema and layout.
        rows: the rows, in the order to write them.
    """
    from pyiceberg.io.pyarrow import _dataframe_to_data_files

    files: list[DataFile] = []
    for start in range(0, rows.num_rows, ROWS_PER_FILE):
        part = rows.slice(start, ROWS_PER_FILE)
        files += _dataframe_to_data_files(table.metadata, part, table.io, write_uuid=uuid.uuid4())
    return files


def remove_files(table: Table, files: Iterable[DataFile]) -> None:
    """Remove data files that no snapshot refers to. Maintenance removes those that remain."""
    for file in files:
        try:
            table.io.delete(file.file_path)
        except Exception:
            continue
