"""Conversion between Arrow and pandas frames of the dtypes that a pandera schema declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cascade.schemas.columns import Column
from cascade.schemas.rows import Reason
from cascade.schemas.values import RULE_RANGE

RULE_NOT_NULLABLE = "not_nullable"


def allow_nulls(schema: Any) -> Any:
    """Return the schema with pandas' nullable dtypes in place of NumPy integers and booleans that may be null."""
    changes = {}
    for name, column in schema.columns.items():
        if column.nullable and _cannot_hold_null(column.dtype.type):
            changes[name] = {"dtype": _nullable(column.dtype.type)}
    return schema.update_columns(changes) if changes else schema


def to_frame(table: pa.Table, schema: Any) -> tuple[pd.DataFrame, dict[int, list[Reason]]]:
    """Convert a table to a pandas frame, with the arguments and the result of `frames_polars.to_frame`."""
    series: dict[str, pd.Series[Any]] = {}
    reasons: dict[int, list[Reason]] = {}
    for name in table.column_names:
        declared = schema.columns[name]
        array = table.column(name).combine_chunks()
        array = array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)
        dtype = declared.dtype.type
        if _cannot_hold_null(dtype) and array.null_count:
            array = _filled(array, name, declared.default, reasons)
        exchange = _exchange_type(dtype)
        if exchange is not None and array.type != exchange:
            array = _cast(array, exchange, name, dtype, reasons)
        if isinstance(dtype, pd.CategoricalDtype):
            array = _of_categories(array, name, dtype, reasons)
        series[name] = _series(array, dtype)
    return pd.DataFrame(series), reasons


def to_column(frame: pd.DataFrame, column: Column) -> pa.Array:
    """Return one column of a validated frame in its declared Arrow type. NaN is null if pandas has no other null."""
    series = frame[column.name]
    if series.dtype == object:
        return pa.Array.from_pandas(series, type=column.type)
    array = pa.Array.from_pandas(series)
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], type=array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(column.type, safe=not pa.types.is_timestamp(column.type))


def without(frame: pd.DataFrame, positions: Sequence[int]) -> pd.DataFrame:
    """Return the frame without some of its rows, with a new index."""
    keep = np.ones(len(frame), dtype=bool)
    keep[list(positions)] = False
    return frame[keep].reset_index(drop=True)


def failing_rows(frame: pd.DataFrame, error: Any) -> list[tuple[int, str | None, Any]] | None:
    """Return the rows that fail a pandera check, as position, column and value, or None if it blames no row."""
    cases = error.failure_cases
    if not isinstance(cases, pd.DataFrame) or "index" not in cases.columns or cases["index"].isna().any():
        return None
    if not cases["index"].isin(frame.index).all():
        return None
    names = cases["column"] if "column" in cases.columns else [error.schema.name] * len(cases)
    return [
        (int(position), name if name in frame.columns else None, value)
        for position, name, value in zip(cases["index"], names, cases["failure_case"], strict=True)
    ]


def _cannot_hold_null(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "iub"


def _nullable(dtype: Any) -> Any:
    if dtype.kind == "b":
        return pd.BooleanDtype()
    return pd.api.types.pandas_dtype(f"{'UInt' if dtype.kind == 'u' else 'Int'}{dtype.itemsize * 8}")


def _filled(array: pa.Array, name: str, default: Any, reasons: dict[int, list[Reason]]) -> pa.Array:
    """Replace nulls with the default, as pandera does, or refuse their rows."""
    if default is None:
        for position in np.flatnonzero(np.asarray(array.is_null())):
            reasons.setdefault(int(position), []).append((RULE_NOT_NULLABLE, name, f"{name} is null"))
        default = False if pa.types.is_boolean(array.type) else 0
    return array.fill_null(pa.scalar(default, type=array.type))


def _of_categories(array: pa.Array, name: str, dtype: Any, reasons: dict[int, list[Reason]]) -> pa.Array:
    known = pc.is_in(array, value_set=pa.array(dtype.categories.tolist(), type=array.type))
    outside = np.flatnonzero(~np.asarray(known) & ~np.asarray(array.is_null()))
    for position in outside.tolist():
        message = f"{array[position].as_py()!r} is not one of the categories"
        reasons.setdefault(position, []).append((RULE_RANGE, name, message))
    return pc.if_else(known, array, None) if len(outside) else array


def _exchange_type(dtype: Any) -> pa.DataType | None:
    """Return the Arrow type that pandas imports as `dtype` unchanged, if there is one."""
    if isinstance(dtype, pd.ArrowDtype):
        return dtype.pyarrow_dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pa.timestamp(dtype.unit, "UTC")
    numpy = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", None)
    if isinstance(dtype, pd.BooleanDtype):
        return pa.bool_()
    if numpy is not None and numpy.kind in "iufbM":
        return pa.from_numpy_dtype(numpy)
    return None


def _cast(array: pa.Array, exchange: pa.DataType, name: str, dtype: Any, reasons: dict[int, list[Reason]]) -> pa.Array:
    # Floats may be rounded, as in the whole conversion. Any other change to a value is refused.
    safe = not pa.types.is_floating(exchange)
    try:
        return array.cast(exchange, safe=safe)
    except pa.ArrowException:
        pass
    cells = []
    for position, cell in enumerate(array):
        try:
            cells.append(cell.cast(exchange, safe=safe))
        except pa.ArrowException:
            reasons.setdefault(position, []).append((RULE_RANGE, name, f"{cell} is not a value of {dtype}"))
            # The row is refused, so any placeholder will do.
            cells.append(pa.scalar(0 if _cannot_hold_null(dtype) else None, type=exchange))
    return pa.array(cells, type=exchange)


def _series(array: pa.Array, dtype: Any) -> pd.Series[Any]:
    if isinstance(dtype, pd.ArrowDtype):
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array])))
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return pd.Series(array.to_numpy(zero_copy_only=False), dtype=dtype)
    if hasattr(dtype, "numpy_dtype") or isinstance(dtype, pd.BooleanDtype):
        return pd.Series(dtype.__from_arrow__(array), dtype=dtype)
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "M"):
        return array.to_pandas().astype(dtype)
    return pd.Series(array.to_pylist(), dtype=object if isinstance(dtype, np.dtype) else dtype)
