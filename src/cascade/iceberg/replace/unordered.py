"""Compare rows whose order does not matter."""

from __future__ import annotations

from collections.abc import Sequence
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
    import polars as pl

    chosen = rows.select(columns)
    if not columns:
        return chosen
    plain = pa.table([storage_of(column) for column in chosen.columns], names=[str(at) for at in range(len(columns))])
    frame = cast("pl.DataFrame", pl.from_arrow(plain))
    return chosen.take(frame.hash_rows(seed=0).arg_sort().to_arrow())


def same_in_any_order(left: pa.Table, right: pa.Table, columns: Sequence[str]) -> bool:
    """Return whether two tables have the same rows, each as often, in the given columns."""
    if left.num_rows != right.num_rows:
        return False
    same = same_rows(in_fixed_order(left, columns), in_fixed_order(right, columns))
    return bool(pc.all(same, min_count=0).as_py())
