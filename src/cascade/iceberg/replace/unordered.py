"""Compare rows whose order does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.same import same_rows

if TYPE_CHECKING:
    import polars as pl


def in_fixed_order(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return columns of rows in an order that depends only on their values.

    Rows of which a hash is equal keep their order, so equal rows in another order can look different. They are then
    written again, which is not wrong.
    """
    chosen = rows.select(columns)
    if not columns:
        return chosen
    return chosen.take(_hashable_frame(chosen).hash_rows(seed=0).arg_sort().to_arrow())


def fingerprint(parts: Iterable[pa.Table], columns: Sequence[str]) -> str:
    """Return what identifies rows in any order, without putting them in one.

    Each row has two hashes, and each of them is summed up. A hash of all columns is not summed up as it is: Polars
    combines those of columns so that two rows that exchange a value often have the same sum.

    Args:
        parts: the rows.
        columns: the columns that count.
    """
    sums = [0, 0]
    for part in parts:
        frame = _hashable_frame(part.select(columns))
        for seed in (0, 1):
            mixed = frame.hash_rows(seed=seed).hash(seed=seed + 2)
            sums[seed] += int(mixed.to_numpy().sum(dtype="uint64"))
    return "".join(f"{found % 2**64:016x}" for found in sums)


def row_hashes(rows: pa.Table, columns: Sequence[str]) -> list[int]:
    """Return a hash of each row, which is equal for equal rows.

    Args:
        rows: the rows.
        columns: the columns that count.
    """
    return _hashable_frame(rows.select(columns)).hash_rows(seed=0).to_list() if rows.num_rows else []


def order_now() -> str:
    """Return what identifies the order of `in_fixed_order`: Polars promises the same hashes within one version only."""
    import polars as pl

    return f"bits of floats, polars {pl.__version__}"


def _hashable_frame(rows: pa.Table) -> pl.DataFrame:
    import polars as pl

    plain = pa.table([_hashable(column) for column in rows.columns], names=[str(at) for at in range(rows.num_columns)])
    return cast("pl.DataFrame", pl.from_arrow(plain))


def _hashable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [_with_bits(chunk) for chunk in column.chunks or [pa.nulls(0, column.type)]]
    return pa.chunked_array(chunks)


def _with_bits(values: pa.Array) -> pa.Array:
    """Return values without extension types, and with the bits of floats: -0.0 and 0.0 would have the same hash."""
    if isinstance(values, pa.ExtensionArray):
        return _with_bits(values.storage)
    kind = values.type
    if pa.types.is_floating(kind):
        same_nan = pc.if_else(pc.is_nan(values), pa.scalar(float("nan"), kind), values)
        return same_nan.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width])
    if pa.types.is_struct(kind) and kind.num_fields:
        fields = [_with_bits(pc.struct_field(values, [position])) for position in range(kind.num_fields)]
        names = [field.name for field in kind]
        return pa.StructArray.from_arrays(fields, names, mask=values.is_null())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        elements = _with_bits(values.values)
        made = pa.list_(elements.type) if pa.types.is_list(kind) else pa.large_list(elements.type)
        # The buffers of a slice are those of the whole, and so are `values`.
        own = values.buffers()[:2]
        return pa.Array.from_buffers(made, len(values), own, offset=values.offset, children=[elements])
    return values


def same_in_any_order(left: pa.Table, right: pa.Table, columns: Sequence[str]) -> bool:
    """Return whether two tables have the same rows, each as often, in the given columns."""
    if left.num_rows != right.num_rows:
        return False
    same = same_rows(in_fixed_order(left, columns), in_fixed_order(right, columns))
    return bool(pc.all(same, min_count=0).as_py())
