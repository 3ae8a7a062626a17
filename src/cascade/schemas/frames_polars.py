"""Conversion between Arrow and Polars frames of the dtypes that a pandera schema declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from cascade.schemas.columns import Column
from cascade.schemas.rows import Reason
from cascade.schemas.values import RULE_RANGE

_CHECK_OUTPUT = "check_output"


def to_frame(table: pa.Table, schema: Any) -> tuple[pl.DataFrame, dict[int, list[Reason]]]:
    """Convert a table to a Polars frame of the declared dtypes.

    Args:
        table: columns of the declared Arrow types, with the names in `schema`.
        schema: pandera's schema.

    Returns:
        The frame, null where a value is outside its dtype, and the reasons by position.
    """
    frame = pl.DataFrame(pl.from_arrow(table))
    series = []
    reasons: dict[int, list[Reason]] = {}
    for name in frame.columns:
        dtype = schema.columns[name].dtype.type
        given = frame.get_column(name)
        cast = given.cast(dtype, strict=False)
        if cast.null_count() != given.null_count():
            for position in (cast.is_null() & given.is_not_null()).arg_true().to_list():
                reasons.setdefault(position, []).append(
                    (RULE_RANGE, name, f"{given[position]!r} is not a value of {dtype}")
                )
        series.append(cast)
    return pl.DataFrame(series), reasons


def to_column(frame: pl.DataFrame, column: Column) -> pa.Array:
    """Return one column of a validated frame in its declared Arrow type."""
    plain = pl.Series(pl.from_arrow(pa.array([], type=column.type))).dtype
    array: pa.Array = frame.get_column(column.name).cast(plain).to_arrow().cast(column.type)
    return array


def without_conversion(table: pa.Table, frame: pl.DataFrame) -> pa.Table | pl.DataFrame:
    """Return the table that a frame was made of, with the frame's values where a dtype may have changed them.

    Args:
        table: what `to_frame` was given.
        frame: what `to_frame` returned, of the same rows.

    Returns:
        The table, or the frame if none of its columns are as in the table.
    """
    given = pl.DataFrame(pl.from_arrow(table.slice(0, 0))).schema
    same = [name for name, dtype in frame.schema.items() if given[name] == dtype and not dtype.is_nested()]
    converted = frame.drop(same).to_arrow()
    return pa.table({name: (table if name in same else converted).column(name) for name in frame.columns})


def without(frame: pl.DataFrame, positions: Sequence[int]) -> pl.DataFrame:
    """Return the frame without some of its rows."""
    return frame.filter(~pl.int_range(pl.len()).is_in(list(positions)))


def failing_rows(frame: pl.DataFrame, error: Any) -> list[tuple[int, str | None, Any]] | None:
    """Return the rows that fail a pandera check, as position, column and value, or None if it blames no row."""
    output = error.check_output
    # A check of the whole frame has one result, which pandera would report as a failure of row 0. In a frame of one
    # row, the two are the same.
    if not isinstance(error.failure_cases, pl.DataFrame) or output is None or output.height != frame.height:
        return None
    if _CHECK_OUTPUT not in output.columns:
        return None
    positions = output.get_column(_CHECK_OUTPUT).fill_null(True).not_().arg_true().to_list()
    cases = error.failure_cases
    single = cases.width == 1 and cases.height == len(positions)
    found = cases.get_column(cases.columns[0]).to_list() if single else [None] * len(positions)
    name = error.schema.name if single and error.schema.name in frame.columns else None
    return [(position, name, value) for position, value in zip(positions, found, strict=True)]
