"""The unique keys of rows, as frames that can be joined and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.columns import storage_of

if TYPE_CHECKING:
    import polars as pl


def key_names(unique_key: Sequence[str]) -> list[str]:
    """Return the names of the key columns in a frame of keys."""
    return [f"key{position}" for position in range(len(unique_key))]


def key_frame(rows: pa.Table, unique_key: Sequence[str], position: str) -> pl.DataFrame:
    """Return the key columns, renamed so that no user's name can clash with ours, with the position of each row."""
    import polars as pl

    columns = [storage_of(rows.column(name)) for name in unique_key]
    keys = pa.table([*columns, pa.arange(0, rows.num_rows)], names=[*key_names(unique_key), position])
    frame = pl.from_arrow(keys)
    assert isinstance(frame, pl.DataFrame)
    return frame


def last_of_each_key(rows: pa.Table, unique_key: Sequence[str]) -> pa.Table:
    """Return the last row of each key, sorted by key."""
    import polars as pl

    names = key_names(unique_key)
    if is_ascending(rows, unique_key):
        return rows
    keys = key_frame(rows, unique_key, "at")
    ordered = keys.sort(names, maintain_order=True)
    changes = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in names)
    # The last row has no successor, and null differs from every key.
    return rows.take(ordered.filter(changes)["at"].to_arrow())


def is_ascending(rows: pa.Table, unique_key: Sequence[str]) -> bool:
    """Return whether the key of each row is greater than the one before."""
    keys = key_frame(rows, unique_key, "at")
    return bool(keys.select(_ascending(key_names(unique_key))).to_series().slice(1).all())


def _ascending(names: Sequence[str]) -> pl.Expr:
    """Return an expression that tells whether each row's key is greater than the one before."""
    import polars as pl

    found = pl.lit(False)
    for name in reversed(names):
        before = pl.col(name).shift(1)
        found = (pl.col(name) > before) | ((pl.col(name) == before) & found)
    return found.alias("ascending")


def sorted_by_key(rows: pa.Table, unique_key: Sequence[str]) -> pa.Table:
    """Return rows sorted by key; rows with equal keys keep their order, and so do all rows without a key."""
    if not unique_key:
        return rows
    keys = key_frame(rows, unique_key, "at").sort(key_names(unique_key), maintain_order=True)
    return rows.take(keys["at"].to_arrow())


def matching(rows: pa.Table, others: pa.Table, unique_key: Sequence[str]) -> list[int]:
    """Return the positions of the rows whose key is among those of others."""
    names = key_names(unique_key)
    found = key_frame(rows, unique_key, "at").join(key_frame(others, unique_key, "at"), on=names, how="semi")
    return found["at"].to_list()


def comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values with null in place of NaN, which has no order."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column
