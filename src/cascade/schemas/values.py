"""Conversion of Python values of a declared type to Arrow.

`pyarrow.array` alone is not strict enough: it turns 1.5 into the integer 1, reads a naive datetime as UTC, drops the
time of a datetime in a date column, and stops at the first value that does not fit. A `ValueType` therefore lists the
exact Python types that Arrow converts without loss. A column of only these types converts in one step. In any other
column, each value is checked, and those that do not fit are reported, so that only their rows are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

RULE_TYPE = "column_type"
RULE_RANGE = "column_range"
RULE_NULL = "column_null"
RULE_TEXT = "string_unicode"

_NUMBER_WITH_COMMA = re.compile(r"[-+]?\d[\d.'\s]*,[\d.,]+", re.ASCII)

CONVERSION_ERRORS = (pa.ArrowException, OverflowError, ValueError, TypeError)


class Unfit(Exception):
    """A value cannot be stored in its column.

    Args:
        rule: a short name for the reason, stable across versions.
        message: the reason.
        path: the position within a nested value.
    """

    def __init__(self, rule: str, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.path = path

    def under(self, step: str | int) -> Unfit:
        """Return the same reason for the value that contains this one at `step`."""
        return Unfit(self.rule, self.message, (step, *self.path))


@dataclass(frozen=True)
class ValueType:
    """A declared type: its Arrow type, and how Python values convert to it.

    Args:
        arrow: the Arrow type.
        annotation: the plain Python type, for conversions without the rules of a schema.
        store: converts one value, not None, to what `pyarrow.array` accepts, or raises `Unfit`.
        exact: Python types that `pyarrow.array` converts without loss and without `store`.
        suspect: returns whether a value of an exact type needs `store` after all.
        strict_from: converts what Arrow returns for this type to what a strict field expects (an Enum, a UUID).
    """

    arrow: pa.DataType
    annotation: Any
    store: Callable[[Any], Any]
    exact: frozenset[type] = frozenset()
    suspect: Callable[[Any], bool] | None = None
    strict_from: Callable[[Any], Any] | None = None


def to_arrow(values: Sequence[Any], value_type: ValueType) -> tuple[pa.Array, dict[int, Unfit]]:
    """Convert the values of one column to Arrow.

    Returns:
        The array, null where a value did not fit, and the reasons by position.
    """
    if value_type.exact and set(map(type, values)) <= value_type.exact | {type(None)}:
        suspect = value_type.suspect
        if suspect is None or not any(suspect(value) for value in values if value is not None):
            try:
                return pa.array(values, type=value_type.arrow), {}
            except CONVERSION_ERRORS:
                pass
    stored: list[Any] = []
    unfit: dict[int, Unfit] = {}
    for position, value in enumerate(values):
        try:
            stored.append(None if value is None else value_type.store(value))
        except Unfit as reason:
            unfit[position] = reason
            stored.append(None)
    try:
        return _array(stored, value_type.arrow), unfit
    except CONVERSION_ERRORS:
        for position, value in enumerate(stored):
            try:
                _array([value], value_type.arrow)
            except CONVERSION_ERRORS as error:
                unfit[position] = Unfit(RULE_RANGE, f"{shown(value)} does not fit {value_type.arrow}: {error}")
                stored[position] = None
        return _array(stored, value_type.arrow), unfit


def _array(stored: list[Any], arrow: pa.DataType) -> pa.Array:
    # Arrow cannot build extension arrays (UUIDs) inside other arrays, but it can cast to them.
    storage = _storage(arrow)
    array = pa.array(stored, type=storage)
    return array if storage is arrow else array.cast(arrow)


def _storage(arrow: pa.DataType) -> pa.DataType:
    """Return the type with bytes in place of UUIDs."""
    if isinstance(arrow, pa.BaseExtensionType):
        return arrow.storage_type
    if pa.types.is_struct(arrow):
        fields = [arrow.field(index) for index in range(arrow.num_fields)]
        inner = pa.struct([field.with_type(_storage(field.type)) for field in fields])
        return arrow if inner == arrow else inner
    if pa.types.is_list(arrow):
        element = _storage(arrow.value_type)
        return arrow if element == arrow.value_type else pa.list_(arrow.value_field.with_type(element))
    return arrow


def without_column_type(value: object) -> str:
    """Return what to do about a value that no column can hold, or no column of numbers, to add to a message.

    It is empty for any other value.
    """
    if isinstance(value, timedelta):
        return ". Iceberg has no durations; use a number with the unit in its name, such as value.total_seconds()"
    if isinstance(value, complex):
        return ". Keep the real and the imaginary part in two fields"
    if isinstance(value, str) and _NUMBER_WITH_COMMA.fullmatch(value.strip()):
        return '. A number has a point and no other separator; read_csv(..., decimal_commas=[...]) reads "1.234,5"'
    kind = type(value)
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("Period", "Interval"):
        ends = "value.start_time or str(value)" if kind.__name__ == "Period" else "value.left and value.right"
        return f". It has a start and an end; choose what to keep, such as {ends}"
    return ""


def shown(value: object) -> str:
    """Return a short form of a value, for messages."""
    try:
        text = repr(value)
    except Exception:  # a broken __repr__ must not hide the actual error
        text = unprintable(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def unprintable(value: object) -> str:
    """Return what stands for a value whose own code fails to print it."""
    return f"<{type(value).__name__}>"
