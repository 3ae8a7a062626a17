"""Turn a Polars frame into a batch."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import polars as pl
import pyarrow as pa

from cascade.runs.arrow_tables import unreadable
from cascade.runs.columns import Unreadable, Values, batch_of_columns
from cascade.schemas import Batch

# The smallest Polars that works, 1.30, has no UInt128.
_WIDE_INTEGERS: tuple[Any, ...] = tuple(getattr(pl, name) for name in ("Int128", "UInt128") if hasattr(pl, name))


def batch_of_frame(frame: pl.DataFrame, reads: Container[str]) -> Batch:
    """Return the rows of a Polars frame as a batch.

    Args:
        frame: the frame.
        reads: the names of the fields that the schema reads.

    Raises:
        ColumnError: a column that the schema reads has a type that cannot be read.
    """

    def read(position: int) -> Values | Unreadable:
        return _values(frame.to_series(position))

    return batch_of_columns(frame.columns, read, lambda position: frame.to_series(position).to_list(), reads)


def _values(series: pl.Series) -> Values | Unreadable:
    if _has_no_arrow_type(series.dtype):
        # Most 128-bit integers are small, and 64 bits keep the column in Arrow.
        if series.dtype in _WIDE_INTEGERS:
            small = series.cast(pl.Int64, strict=False)
            if small.null_count() == series.null_count():
                series = small
            else:
                return series.to_list()
        else:
            return series.to_list()
    array: pa.Array = series.to_arrow(compat_level=pl.CompatLevel.oldest())
    return unreadable(array.type) or array


def _has_no_arrow_type(dtype: Any) -> bool:
    """Return whether a dtype is or contains Python objects or 128-bit integers, which Arrow has no types for."""
    if dtype in (pl.Object, *_WIDE_INTEGERS):
        return True
    inner = [getattr(dtype, name, None) for name in ("inner", "key", "value")]
    fields = [field.dtype for field in getattr(dtype, "fields", ())]
    return any(_has_no_arrow_type(part) for part in (*inner, *fields) if part is not None)
