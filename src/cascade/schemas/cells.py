"""Convert source values to the declared column types, without the rules of a schema.

A cell converts if nothing is lost, as in pydantic's lax mode: 12, 12.0 and "12" become the integer 12, and
"2013-01-01T05:00:00Z" becomes an instant. A cell that does not convert (12.5, "abc", a naive datetime where an instant
is declared) is reported with the reason, so that its row can be refused. Integers that arrive as floats, because a
reader has no nullable integers, become integers again. Floating-point numbers are rounded to the declared width, and
times are truncated to microseconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from cascade.schemas.rows import python_values
from cascade.schemas.values import RULE_RANGE, RULE_TYPE, Unfit, ValueType, to_arrow, without_column_type

_MIN_YEAR = -62135596800
_MAX_YEAR = 253402300799
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def from_values(given: list[Any], value_type: ValueType) -> tuple[pa.Array, dict[int, Unfit]]:
    """Convert Python values to a column of the declared type.

    Returns:
        The column, null where a cell does not fit, and the reasons by position.
    """
    exact = value_type.exact | {type(None)}
    if value_type.exact and set(map(type, given)) <= exact:
        return to_arrow(given, value_type)
    convert = _converter(value_type.annotation)
    converted: list[Any] = []
    unfit: dict[int, Unfit] = {}
    for position, value in enumerate(given):
        if type(value) in exact:
            converted.append(value)
            continue
        try:
            converted.append(convert(value))
        except pydantic.ValidationError as error:
            detail = error.errors(include_url=False, include_context=False)[0]
            unfit[position] = Unfit(RULE_TYPE, detail["msg"] + without_column_type(detail["input"]), detail["loc"])
            converted.append(None)
    array, more = to_arrow(converted, value_type)
    return array, {**more, **unfit}


def from_column(column: pa.ChunkedArray, value_type: ValueType) -> tuple[pa.Array, dict[int, Unfit]]:
    """Convert an Arrow column to the declared type.

    It returns what `from_values` returns. If Arrow loses nothing, it casts the whole column in one step.
    """
    arrow = value_type.arrow
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if _casts(column.type, arrow):
        try:
            if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
                column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
            if _in_range(column):
                return _combined(column.cast(arrow)), {}
        except pa.ArrowException:
            pass  # a cell does not fit: the conversion below finds it
    given, unreadable = python_values(column)
    for position in unreadable:
        given[position] = None
    array, unfit = from_values(given, value_type)
    unfit.update({position: Unfit(RULE_RANGE, reason) for position, reason in unreadable.items()})
    return array, unfit


def _combined(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        # Combining copies even a single chunk.
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _casts(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Return whether Arrow's safe cast between two types has the same result as converting cell by cell."""
    is_ = pa.types
    if given == wanted or is_.is_null(given):
        return True
    if is_.is_list(wanted):
        return (is_.is_list(given) or is_.is_large_list(given)) and _casts(given.value_type, wanted.value_type)
    if is_.is_struct(wanted):
        names = [field.name for field in wanted]
        same = is_.is_struct(given) and [field.name for field in given] == names
        return same and all(_casts(given.field(name).type, wanted.field(name).type) for name in names)
    if is_.is_timestamp(wanted):
        return is_.is_timestamp(given) and bool(given.tz is None) == bool(wanted.tz is None)
    return any(
        matches(wanted) and any(source(given) for source in sources)
        for matches, sources in (
            (is_.is_integer, (is_.is_integer, is_.is_floating)),
            (is_.is_floating, (is_.is_integer, is_.is_floating)),
            (is_.is_decimal, (is_.is_integer, is_.is_decimal)),
            (is_.is_string, (is_.is_large_string, is_.is_string_view)),
            (is_.is_binary, (is_.is_large_binary, is_.is_binary_view, is_.is_fixed_size_binary)),
        )
    )


def _in_range(column: pa.ChunkedArray) -> bool:
    """Return whether all timestamps or dates of a column are within the years that Python can represent."""
    if pa.types.is_timestamp(column.type):
        per_second = _UNITS[column.type.unit]
        low, high = _MIN_YEAR * per_second, (_MAX_YEAR + 1) * per_second - 1
        ends = pc.min_max(column.cast(pa.int64()))
    elif pa.types.is_date32(column.type):
        low, high = _MIN_YEAR // 86400, _MAX_YEAR // 86400
        ends = pc.min_max(column.cast(pa.int32()))
    else:
        return True
    least, most = ends["min"].as_py(), ends["max"].as_py()
    return least is None or (low <= least and most <= high)


@lru_cache(maxsize=1024)
def _converter(annotation: Any) -> Any:
    return pydantic.TypeAdapter(annotation | None).validator.validate_python
