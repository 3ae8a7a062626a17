"""Compare two Arrow tables row by row, as a merge needs it: null equals null, and NaN equals NaN."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def same_rows(left: pa.Table, right: pa.Table) -> pa.Array:
    """Compare two tables of the same schema and length, row by row.

    Args:
        left: a table.
        right: the table to compare it with.

    Returns:
        A boolean for each row, never null: whether all columns are equal. Negative zero differs from zero.
    """
    same = pa.array([True] * left.num_rows, type=pa.bool_())
    for name in left.column_names:
        same = pc.and_(same, _same(_plain(left.column(name)), _plain(right.column(name))))
    return same


def _plain(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 0:
        return pa.nulls(0, column.type)
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _same(left: pa.Array, right: pa.Array) -> pa.Array:
    if isinstance(left, pa.ExtensionArray):
        left, right = left.storage, right.storage
    both_null = pc.and_(pc.is_null(left), pc.is_null(right))
    both_there = pc.and_(pc.is_valid(left), pc.is_valid(right))
    return pc.or_(both_null, pc.and_(both_there, pc.fill_null(_equal(left, right), False)))


def _equal(left: pa.Array, right: pa.Array) -> pa.Array:
    """Compare values. If either is null, the result does not matter."""
    if pa.types.is_struct(left.type):
        return _equal_structs(left, right)
    if pa.types.is_list(left.type) or pa.types.is_large_list(left.type):
        return _equal_lists(left, right)
    if pa.types.is_floating(left.type):
        both_nan = pc.and_(pc.is_nan(left), pc.is_nan(right))
        return pc.or_(both_nan, pc.equal(_bits(left), _bits(right)))
    return pc.equal(left, right)


def _bits(values: pa.Array) -> pa.Array:
    return values.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[values.type.bit_width])


def _equal_structs(left: pa.Array, right: pa.Array) -> pa.Array:
    same = pa.array([True] * len(left), type=pa.bool_())
    for position in range(left.type.num_fields):
        # `struct_field` carries the struct's own nulls down, which `field` does not.
        same = pc.and_(same, _same(pc.struct_field(left, [position]), pc.struct_field(right, [position])))
    return same


def _equal_lists(left: pa.Array, right: pa.Array) -> pa.Array:
    long_enough = pc.fill_null(pc.equal(pc.list_value_length(left), pc.list_value_length(right)), False)
    rows = pc.indices_nonzero(long_enough)
    chosen_left, chosen_right = left.take(rows), right.take(rows)
    elements = _same(pc.list_flatten(chosen_left), pc.list_flatten(chosen_right))
    parents = pc.list_parent_indices(chosen_left)
    unequal = pc.unique(parents.filter(pc.invert(elements)))
    differing = rows.take(unequal)
    return pc.and_(long_enough, pc.invert(pc.is_in(pa.arange(0, len(left)), value_set=differing.cast(pa.int64()))))
