"""Which version of a key wins, and which rows remove their key, as dlt's hints of the same names say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.keys import comparable, key_frame, key_names, last_of_each_key

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Versions:
    """The columns that say what a row does to its key.

    Args:
        dedup_sort: the column whose largest value marks the newest version of a key, in a batch and in the table. Null
            and NaN are older than every value. If two are equal, the row that was given last wins, which it always does
            if this is None.
        hard_delete: the column whose value removes the key: true, or anything but null in a column of another type.
            None: no row does.
    """

    dedup_sort: str | None = None
    hard_delete: str | None = None

    def newest(self, rows: pa.Table, unique_key: Sequence[str]) -> pa.Table:
        """Return the newest row of each key, sorted by key."""
        if self.dedup_sort is None:
            return last_of_each_key(rows, unique_key)
        import polars as pl

        version = pl.from_arrow(comparable(rows.column(self.dedup_sort)))
        assert isinstance(version, pl.Series)
        names = key_names(unique_key)
        positions = (
            key_frame(rows, unique_key, "at")
            .with_columns(version.alias("version"))
            .sort("version", nulls_last=False, maintain_order=True)
            .unique(subset=names, keep="last", maintain_order=True)
            .sort(names)["at"]
        )
        return rows.take(positions.to_arrow())

    def removes(self, rows: pa.Table) -> np.ndarray[Any, Any]:
        """Return a boolean for each row: whether it removes its key."""
        import numpy as np

        if self.hard_delete is None:
            return np.zeros(rows.num_rows, dtype=bool)
        column = rows.column(self.hard_delete)
        marked = pc.fill_null(column, False) if pa.types.is_boolean(column.type) else pc.is_valid(column)
        return np.asarray(marked.to_numpy())


LAST_ROW_WINS = Versions()


def newer(versions: pa.ChunkedArray, others: pa.ChunkedArray) -> pa.Array:
    """Return a boolean for each pair of values of `dedup_sort`: whether the first one is newer."""
    left, right = comparable(versions), comparable(others)
    larger = pc.fill_null(pc.greater(left, right), pc.and_(pc.is_valid(left), pc.is_null(right)))
    return larger.combine_chunks() if isinstance(larger, pa.ChunkedArray) else larger
