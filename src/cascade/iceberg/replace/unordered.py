"""Compare rows whose order does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.columns import storage_of
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


def order_now() -> str:
    """Return what identifies the order of `in_fixed_order`: Polars promises the same hashes within one version only."""
    import polars as pl

    return f"polars {pl.__version__}"


def _hashable_frame(rows: pa.Table) -> pl.DataFrame:
    import polars as pl

    plain = pa.table([_hashable(column) for column in rows.columns], names=[str(at) for at in range(rows.num_columns)])
    return cast("pl.DataFrame", pl.from_arrow(plain))


def _hashable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without its extension type, and the bits of floats: -0.0 and 0.0 would have the same hash."""
    if not pa.types.is_floating(column.type):
        return storage_of(column)
    bits = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[column.type.bit_width]
    same_nan = pc.if_else(pc.is_nan(column), pa.scalar(float("nan"), column.type), column)
    return pa.chunked_array([chunk.view(bits) for chunk in same_nan.chunks], type=bits)


def same_in_any_order(left: pa.Table, right: pa.Table, columns: Sequence[str]) -> bool:
    """Return whether two tables have the same rows, each as often, in the given columns."""
    if left.num_rows != right.num_rows:
        return False
    same = same_rows(in_fixed_order(left, columns), in_fixed_order(right, columns))
    return bool(pc.all(same, min_count=0).as_py())
