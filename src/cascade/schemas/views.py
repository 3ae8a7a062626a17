"""Arrow's view types, which Arrow cannot filter, as the types that they are views of."""

from __future__ import annotations

import pyarrow as pa


def without_views(table: pa.Table) -> pa.Table:
    """Return a table in which no column is of a view type, or contains one.

    Args:
        table: the table. It is returned unchanged if it has no view types.
    """
    fields = [_plain_field(field) for field in table.schema]
    wanted = pa.schema(fields, table.schema.metadata)
    if wanted.equals(table.schema):
        return table
    columns = [_cast(column, field.type) for column, field in zip(table.columns, fields, strict=True)]
    return pa.Table.from_arrays(columns, schema=wanted)


def _cast(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if column.type == wanted:
        return column
    if not _has_list_view(column.type):
        return column.cast(wanted)
    # Arrow 26 makes arrays with wrong offsets of list views.
    return pa.chunked_array([pa.array(chunk.to_pylist(), wanted) for chunk in column.chunks], wanted)


def _has_list_view(arrow: pa.DataType) -> bool:
    if pa.types.is_list_view(arrow) or pa.types.is_large_list_view(arrow):
        return True
    return any(_has_list_view(arrow.field(place).type) for place in range(arrow.num_fields))


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain(field.type))


def _plain(arrow: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(arrow):
        return pa.large_string()
    if pa.types.is_binary_view(arrow):
        return pa.large_binary()
    if pa.types.is_list_view(arrow) or pa.types.is_large_list_view(arrow):
        return pa.large_list(_plain_field(arrow.value_field))
    if pa.types.is_list(arrow):
        return pa.list_(_plain_field(arrow.value_field))
    if pa.types.is_large_list(arrow):
        return pa.large_list(_plain_field(arrow.value_field))
    if pa.types.is_fixed_size_list(arrow):
        return pa.list_(_plain_field(arrow.value_field), arrow.list_size)
    if pa.types.is_struct(arrow):
        return pa.struct([_plain_field(arrow.field(place)) for place in range(arrow.num_fields)])
    if pa.types.is_map(arrow):
        return pa.map_(_plain_field(arrow.key_field), _plain_field(arrow.item_field), arrow.keys_sorted)
    if pa.types.is_dictionary(arrow):
        return pa.dictionary(arrow.index_type, _plain(arrow.value_type), arrow.ordered)
    return arrow
