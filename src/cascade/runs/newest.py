"""Find valid rows that are older than a refused row with the same key. The newest row of a key decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.keys import comparable, key_frame, key_names

if TYPE_CHECKING:
    import polars as pl

# Beside these are the columns of the key, whose names have no colon.
NUMBER = "cascade:number"
GOOD_BEFORE = "cascade:good_before"
VERSION = "cascade:version"
REASON = "an older row with the same key is valid, but does not land either, because this row is newer"
OLDER = "a newer row with the same key is valid, and decides"


@dataclass(frozen=True)
class Superseded:
    """Rows of keys whose newest row was refused.

    Args:
        good: positions of the valid rows of these keys.
        by: numbers of the refused rows that are newer than all of them.
        older: numbers of the refused rows that are older than a valid row of their key.
    """

    good: pa.Array
    by: frozenset[int]
    older: frozenset[int] = frozenset()


def superseded(
    good: Iterable[pa.Table], refused: pa.Table, unique_key: Sequence[str], dedup_sort: str | None = None
) -> Superseded:
    """Find the valid rows that must not land, because the newest row of their key was refused.

    Args:
        good: the valid rows in the source's order, in parts. Only those with a key of a refused row are held.
        refused: the keys of refused rows, with the number of each (`NUMBER`), how many valid rows the source returned
            before it (`GOOD_BEFORE`), and its value of `dedup_sort`, if it has a valid one (`VERSION`).
        unique_key: the columns of the key.
        dedup_sort: the column whose largest value marks the newest row of a key; None if it is the last one. A refused
            row without a valid value is compared by its place.
    """
    import polars as pl

    names = key_names(unique_key)
    bad = _with_version(key_frame(refused, unique_key, "row"), refused, VERSION).with_columns(
        pl.Series(name, refused[name].to_numpy()) for name in (NUMBER, GOOD_BEFORE)
    )
    wanted, same_parts, start = bad.select(names).unique(), [], 0
    for part in good:
        found = _with_version(key_frame(part, unique_key, "at"), part, dedup_sort)
        same_parts.append(found.with_columns(pl.col("at") + start).join(wanted, on=names, how="semi"))
        start += part.num_rows
    same = pl.concat(same_parts)
    by_version = same.sort(VERSION, nulls_last=False, maintain_order=True)
    newest = by_version.unique(subset=names, keep="last", maintain_order=True)
    both = bad.join(newest, on=names, how="inner", suffix="_good")
    version, other = pl.col(VERSION), pl.col(f"{VERSION}_good")
    later = pl.col(GOOD_BEFORE) > pl.col("at")
    is_newer = pl.when(version.is_null() | version.eq_missing(other)).then(later)
    newer = both.filter(is_newer.otherwise(other.is_null() | (version > other)))
    positions = same.join(newer.select(names).unique(), on=names, how="semi")["at"].sort()
    numbers = frozenset(newer[NUMBER].to_list())
    return Superseded(positions.to_arrow(), numbers, frozenset(both[NUMBER].to_list()) - numbers)


def _with_version(frame: pl.DataFrame, rows: pa.Table, column: str | None) -> pl.DataFrame:
    import polars as pl

    if column is None or column not in rows.column_names:
        return frame.with_columns(pl.lit(None).alias(VERSION))
    version = pl.from_arrow(comparable(rows.column(column)))
    assert isinstance(version, pl.Series)
    return frame.with_columns(version.alias(VERSION))
