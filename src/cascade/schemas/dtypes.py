"""The column types of Polars, pandas, NumPy and Arrow dtypes.

Integers become 32 or 64 bits wide, whichever fits. Timestamps become microseconds, in UTC or without a time zone.
Categories and enums become the type of their values. The error for any other dtype states what to use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pyarrow as pa
import pydantic

from cascade.schemas import kinds
from cascade.schemas.kinds import Member
from cascade.schemas.pydantic_fields import bare_model
from cascade.schemas.values import ValueType

_UNSIGNED = "Iceberg has no unsigned 64-bit integers; use Int64"
_DURATION = "Iceberg has no duration type; use Int64 or Float64 with the unit in the name, such as delay_seconds"


class UnsupportedDtypeError(Exception):
    """A dtype cannot become a column type.

    Args:
        reason: why, and what to use instead.
        path: the position within a nested dtype.
    """

    def __init__(self, reason: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def from_polars(dtype: Any) -> ValueType:
    """Return the column type of a Polars dtype.

    Raises:
        UnsupportedDtypeError: the dtype cannot become a column type.
    """
    import polars as pl

    base = dtype.base_type()
    if base in (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16):
        return kinds.integer(32)
    if base in (pl.Int64, pl.UInt32):
        return kinds.integer(64)
    if base is pl.Datetime:
        return kinds.timestamp(aware=getattr(dtype, "time_zone", None) is not None)
    if base is pl.Decimal:
        return _decimal(getattr(dtype, "precision", None), getattr(dtype, "scale", None), "pl.Decimal(18, 4)")
    if base in (pl.List, pl.Array):
        inner = getattr(dtype, "inner", None)
        if inner is None:
            raise UnsupportedDtypeError(
                f"{base.__name__} does not specify the type of its elements; write pl.List(pl.Int64), for example"
            )
        return _list(inner, from_polars)
    if base is pl.Struct:
        fields = getattr(dtype, "fields", None)
        if not fields:
            raise UnsupportedDtypeError(
                'Struct does not list its fields; write pl.Struct({"x": pl.Int64}), for example'
            )
        return _struct([(field.name, field.dtype) for field in fields], from_polars)
    plain: dict[Any, Callable[[], ValueType]] = {
        pl.Float32: lambda: kinds.floating(32),
        pl.Float64: kinds.floating,
        pl.Boolean: kinds.boolean,
        pl.String: kinds.text,
        pl.Enum: kinds.text,
        pl.Categorical: kinds.text,
        pl.Binary: kinds.binary,
        pl.Date: kinds.calendar_date,
        pl.Time: kinds.clock_time,
    }
    if base in plain:
        return plain[base]()
    if base is pl.UInt64:
        raise UnsupportedDtypeError(_UNSIGNED)
    if base is pl.Duration:
        raise UnsupportedDtypeError(_DURATION)
    raise UnsupportedDtypeError(
        f"{dtype} is not a supported column type; use pl.String, pl.Int64, pl.Float64 or another plain dtype"
    )


def from_pandas(dtype: Any) -> ValueType:
    """Return the column type of a pandas extension dtype or a NumPy dtype.

    Raises:
        UnsupportedDtypeError: the dtype cannot become a column type.
    """
    import numpy as np
    import pandas as pd

    if isinstance(dtype, pd.ArrowDtype):
        return from_arrow(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        if dtype.categories is None:
            raise UnsupportedDtypeError(
                "the categories are not listed; write Annotated[pd.CategoricalDtype, [...], False]"
            )
        return from_arrow(pa.array(dtype.categories.tolist()).type)
    if isinstance(dtype, pd.StringDtype):
        return kinds.text()
    if isinstance(dtype, pd.DatetimeTZDtype):
        return kinds.timestamp(aware=True)
    if isinstance(dtype, pd.BooleanDtype):
        return kinds.boolean()
    numpy = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", None)
    if numpy is None or isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)):
        raise UnsupportedDtypeError(
            f"{dtype} is not a supported column type; use pd.StringDtype, pd.Int64Dtype, float or pd.ArrowDtype"
        )
    if numpy.kind == "M":
        return kinds.timestamp(aware=False)
    if numpy.kind == "m":
        raise UnsupportedDtypeError(_DURATION)
    if numpy.kind == "U":
        return kinds.text()
    if numpy.kind in "iufb" and numpy.itemsize <= 8:
        return from_arrow(pa.from_numpy_dtype(numpy))
    raise UnsupportedDtypeError(
        f"{numpy} does not specify a type; use str, or a type such as Annotated[pd.ArrowDtype, pyarrow.list_(...)]"
    )


def from_arrow(arrow: pa.DataType) -> ValueType:
    """Return the column type of an Arrow type.

    Raises:
        UnsupportedDtypeError: the dtype cannot become a column type.
    """
    is_ = pa.types
    if is_.is_uint64(arrow):
        raise UnsupportedDtypeError(_UNSIGNED)
    if is_.is_integer(arrow):
        return kinds.integer(64 if is_.is_int64(arrow) or is_.is_uint32(arrow) else 32)
    if is_.is_floating(arrow):
        return kinds.floating(64 if is_.is_float64(arrow) else 32)
    if is_.is_boolean(arrow):
        return kinds.boolean()
    if is_.is_string(arrow) or is_.is_large_string(arrow) or is_.is_string_view(arrow):
        return kinds.text()
    if (
        is_.is_binary(arrow)
        or is_.is_large_binary(arrow)
        or is_.is_fixed_size_binary(arrow)
        or is_.is_binary_view(arrow)
    ):
        return kinds.binary()
    if is_.is_timestamp(arrow):
        return kinds.timestamp(aware=arrow.tz is not None)
    if is_.is_date(arrow):
        return kinds.calendar_date()
    if is_.is_time(arrow):
        return kinds.clock_time()
    if is_.is_decimal(arrow):
        return _decimal(arrow.precision, arrow.scale, "pyarrow.decimal128(18, 4)")
    if is_.is_dictionary(arrow):
        return from_arrow(arrow.value_type)
    if is_.is_list(arrow) or is_.is_large_list(arrow) or is_.is_fixed_size_list(arrow):
        return _list(arrow.value_type, from_arrow)
    if is_.is_struct(arrow) and arrow.num_fields:
        return _struct([(arrow.field(i).name, arrow.field(i).type) for i in range(arrow.num_fields)], from_arrow)
    if is_.is_duration(arrow):
        raise UnsupportedDtypeError(_DURATION)
    raise UnsupportedDtypeError(
        f"{arrow} is not a supported column type; use a string, number, date, timestamp, list or struct"
    )


def coerced(value_type: ValueType) -> ValueType:
    """Return the type as a schema with `coerce` reads it: in a string column, numbers become strings."""
    if not pa.types.is_string(value_type.arrow):
        return value_type
    annotation = Annotated[str, pydantic.Field(coerce_numbers_to_str=True)]
    return ValueType(value_type.arrow, annotation, value_type.store, value_type.exact)


def _decimal(precision: int | None, scale: int | None, example: str) -> ValueType:
    if precision is None or scale is None:
        raise UnsupportedDtypeError(f"a decimal column needs a fixed size; write {example}, for example")
    if not 1 <= precision <= 38 or not 0 <= scale <= precision:
        raise UnsupportedDtypeError(
            f"precision {precision} and scale {scale} are out of range: Iceberg decimals have 1 to 38 digits, "
            "including the scale"
        )
    return kinds.decimal(precision, scale)


def _list(inner: Any, read: Any) -> ValueType:
    try:
        return kinds.list_of(read(inner), nullable=True)
    except UnsupportedDtypeError as error:
        raise UnsupportedDtypeError(error.reason, ("element", *error.path)) from None


def _struct(fields: list[tuple[str, Any]], read: Any) -> ValueType:
    members = []
    for position, (name, dtype) in enumerate(fields):
        try:
            member = Member(name, name, read(dtype), nullable=True, attribute=f"member_{position}")
        except UnsupportedDtypeError as error:
            raise UnsupportedDtypeError(error.reason, (name, *error.path)) from None
        members.append(member)
    return kinds.struct(members, bare_model("Struct", members))
