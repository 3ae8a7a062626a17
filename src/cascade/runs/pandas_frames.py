"""Turn a pandas frame into a batch.

A column of a dtype that says what it holds becomes an Arrow array, in which NaN, NaT and NA are null. A column of
Python objects keeps them: Arrow guesses one type for all, and so reads a datetime with a time zone as one without, or a
datetime as a date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cascade.runs.arrow_tables import unreadable
from cascade.runs.columns import ColumnError, Unreadable, Values, batch_of_columns
from cascade.runs.plain_rows import plain_value
from cascade.schemas import Batch

# What Arrow infers from a column of only this type has its values.
_OF_ONE_TYPE = frozenset({str, bytes, bool, int, float, Decimal, dt.date, dt.time})


def batch_of_frame(frame: pd.DataFrame, reads: Container[str]) -> Batch:
    """Return the rows of a pandas frame as a batch. Named levels of the index become columns.

    Args:
        frame: the frame.
        reads: the names of the fields that the schema reads.

    Raises:
        ColumnError: a column that the schema reads occurs twice or has a type that cannot be read, or the columns have
            several levels.
    """
    if frame.columns.nlevels > 1:
        raise ColumnError(
            f"the columns of the frame have {frame.columns.nlevels} levels, such as {frame.columns[0]!r}.",
            'Give each column one name: frame.columns = ["_".join(map(str, name)) for name in frame.columns].',
        )
    columns = [(str(name), frame.iloc[:, position]) for position, name in enumerate(frame.columns)]
    for level, name in enumerate(frame.index.names):
        if name is not None:
            _add_level(columns, str(name), frame.index.get_level_values(level).to_series(), reads)
    return batch_of_columns(
        [name for name, _ in columns],
        lambda position: _values(columns[position][1]),
        lambda position: (None if _is_missing(value) else value for value in columns[position][1].tolist()),
        reads,
    )


def _add_level(columns: list[tuple[str, Any]], name: str, level: Any, reads: Container[str]) -> None:
    """Add a level of the index before the columns, unless the column of its name has the same values."""
    same = next((column for other, column in columns if other == name), None)
    if same is None:
        columns.insert(0, (name, level))
        return
    left, right = level.reset_index(drop=True), same.reset_index(drop=True)
    if name in reads and not left.equals(right):
        raise ColumnError(
            f'the index and a column are both named "{name}", and their values differ.',
            "Drop one before you return the frame: frame.reset_index(drop=True).",
        )


def _values(series: Any) -> Values | Unreadable:
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        return _values(pd.Series(series.sparse.to_dense()))
    problem = _problem(dtype)
    if problem is not None:
        return problem
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _of_objects(series.tolist())
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize > 8:
        series = series.astype("float64")
    array: pa.Array | pa.ChunkedArray = pa.Array.from_pandas(series)
    return unreadable(array.type) or array


def _problem(dtype: Any) -> Unreadable | None:
    if isinstance(dtype, pd.CategoricalDtype):
        return _problem(dtype.categories.dtype)
    if isinstance(dtype, pd.PeriodDtype):
        return Unreadable(
            str(dtype),
            "a range of time with a start and an end",
            'Choose what to keep: frame["NAME"].dt.start_time, frame["NAME"].dt.end_time or frame["NAME"].astype(str).',
        )
    if isinstance(dtype, pd.IntervalDtype):
        return Unreadable(
            str(dtype),
            "which has a left and a right end",
            'Keep each end as a column: frame["NAME"].array.left and frame["NAME"].array.right.',
        )
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        return Unreadable(
            str(dtype),
            "which has a real and an imaginary part",
            'Keep each part as a column: frame["NAME"].to_numpy().real and frame["NAME"].to_numpy().imag.',
        )
    if isinstance(dtype, np.dtype) and dtype.kind == "V":
        return Unreadable(str(dtype), "which has no single value", 'Keep each field as a column: frame["NAME"].')
    return None


def _of_objects(values: list[Any]) -> Values:
    plain = [None if _is_missing(value) else plain_value(value) for value in values]
    found = {type(value) for value in plain if value is not None}
    if len(found) == 1 and found <= _OF_ONE_TYPE:
        try:
            return pa.array(plain)
        except (pa.ArrowException, ValueError, OverflowError):
            pass  # such as text with a lone surrogate, which validation reports with its row
    return plain


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)
