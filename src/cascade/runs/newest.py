"""Find valid rows that are older than a refused row with the same key. The newest row of a key decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from cascade.iceberg.keys import key_frame, key_names

# Beside these are the columns of the key, whose names have no colon.
NUMBER = "cascade:number"
GOOD_BEFORE = "cascade:good_before"
REASON = "an older row with the same key is valid, but does not land either, because this row is newer"


@dataclass(frozen=True)
class Superseded:
    """Rows of keys whose newest row was refused.

    Args:
        good: positions of the valid rows of these keys.
        by: numbers of the refused rows that are newer than all of them.
    """

    good: pa.Array
    by: frozenset[int]


def superseded(good: pa.Table, refused: pa.Table, unique_key: Sequence[str]) -> Superseded:
    """Find the valid rows that must not land, because the newest row of their key was refused.

    Args:
        good: the valid rows in the source's order.
        refused: the keys of refused rows, with the number of each (`NUMBER`) and how many valid rows the source
            returned before it (`GOOD_BEFORE`).
        unique_key: the columns of the key.
    """
    import polars as pl

    names = key_names(unique_key)
    bad = key_frame(refused, unique_key, "row").with_columns(
        pl.Series(name, refused[name].to_numpy()) for name in (NUMBER, GOOD_BEFORE)
    )
    same = key_frame(good, unique_key, "at").join(bad.select(names).unique(), on=names, how="semi")
    last = same.group_by(names).agg(pl.col("at").max())
    newer = bad.join(last, on=names, how="inner").filter(pl.col(GOOD_BEFORE) > pl.col("at"))
    positions = same.join(newer.select(names).unique(), on=names, how="semi")["at"].sort()
    return Superseded(positions.to_arrow(), frozenset(newer[NUMBER].to_list()))
