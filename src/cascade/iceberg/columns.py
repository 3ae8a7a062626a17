"""The columns of a table in Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyiceberg.table import Table


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema in which a table's rows are read, compared and written."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    return schema_to_pyarrow(table.schema(), include_field_ids=False)


def conform(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Convert rows to a table's schema: its column order and widths, with nulls for columns that the rows lack."""
    # `column_names` is built anew whenever it is asked, which thousands of columns cannot afford.
    given = dict(zip(rows.column_names, rows.columns, strict=True))
    columns = [
        given[field.name].cast(field.type)
        if field.name in given
        else pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def storage_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without its extension type. Arrow cannot sort, compare or cast UUIDs, but can their bytes."""
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    return pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
