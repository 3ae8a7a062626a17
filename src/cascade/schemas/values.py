"""How Python values of a declared type become Arrow.

`pyarrow.array` alone is no judge: it turns 1.5 into the integer 1, takes a naive datetime for UTC, drops the time of a
datetime that is to be a date, and stops at the first value that does not fit. A `ValueType` therefore names the exact
Python types that Arrow converts without loss. A column of those is converted at once; in any other column each value
is looked at, and the ones that do not fit are given back so that only their rows are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

RULE_TYPE = "column_type"
RULE_RANGE = "column_range"
RULE_NULL = "column_null"
RULE_TEXT = "string_unicode"

CONVERSION_ERRORS = (pa.ArrowException, OverflowError, ValueError, TypeError)


class Unfit(Exception):
    """A value cannot be stored in its column.

    Args:
        rule: a short name of the reason, stable between versions.
        message: the reason, as a sentence.
        path: where in the value, for nested values.
    """

    def __init__(self, rule: str, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.path = path

    def under(self, step: str | int) -> Unfit:
        """The same reason, seen from the value that holds this one under `step`."""
        return Unfit(self.rule, self.message, (step, *self.path))


@dataclass(frozen=True)
class ValueType:
    """A declared type: its Arrow type and the way of its Python values into it.

    Args:
        arrow: the Arrow type.
        annotation: the plain Python type, for conversions without the rules of a schema.
        store: turns one value that is not None into what `pyarrow.array` takes; raises `Unfit`.
        exact: Python types that `pyarrow.array` converts without loss and without `store`.
        suspect: tells of a value of an exact type that it needs `store` all the same.
        strict_from: turns what Arrow gives for this type into what a strict field wants (an Enum, a UUID).
    """

    arrow: pa.DataType
    annotation: Any
    store: Callable[[Any], Any]
    exact: frozenset[type] = frozenset()
    suspect: Callable[[Any], bool] | None = None
    strict_from: Callable[[Any], Any] | None = None


def to_arrow(values: Sequence[Any], value_type: ValueType) -> tuple[pa.Array, dict[int, Unfit]]:
    """Turn the values of one column into Arrow.

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
    # Arrow cannot build extension arrays (UUIDs) inside others, and can cast to them.
    storage = _storage(arrow)
    array = pa.array(stored, type=storage)
    return array if storage is arrow else array.cast(arrow)


def _storage(arrow: pa.DataType) -> pa.DataType:
    """The type itself, or the same with bytes for UUIDs."""
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


def shown(value: object) -> str:
    """A short form of a value, for messages."""
    try:
        text = repr(value)
    except Exception:  # a broken __repr__ must not hide the reason that is being told
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."
