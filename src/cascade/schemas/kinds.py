"""The value types of columns: for each, the Arrow type and the values that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pyarrow as pa

from cascade.schemas.values import (
    CONVERSION_ERRORS,
    RULE_NULL,
    RULE_RANGE,
    RULE_TEXT,
    RULE_TYPE,
    Unfit,
    ValueType,
    shown,
)

# pydantic's own names and wording, for values of a plain `datetime` that pydantic does not refuse.
RULE_NEEDS_ZONE = "timezone_aware"
RULE_REFUSES_ZONE = "timezone_naive"
NEEDS_ZONE = "Input should have timezone info"
REFUSES_ZONE = "Input should not have timezone info"

_NO_OFFSET = timedelta(0)


def integer(bits: int = 64) -> ValueType:
    """Build the type of integers of 32 or 64 bits."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def store(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(value, "an integer")
        if not low <= value <= high:
            raise Unfit(RULE_RANGE, f"{shown(value)} does not fit in a {bits}-bit integer ({low} to {high})")
        return int(value)

    return ValueType(pa.int64() if bits == 64 else pa.int32(), int, store, frozenset({int}))


def floating(bits: int = 64) -> ValueType:
    """Build the type of floating-point numbers of 32 or 64 bits. NaN and infinity are valid values."""

    def store(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type(value, "a number")
        try:
            return float(value)
        except OverflowError:
            raise Unfit(RULE_RANGE, f"{shown(value)} does not fit in a floating-point number") from None

    return ValueType(pa.float64() if bits == 64 else pa.float32(), float, store, frozenset({float}))


def boolean() -> ValueType:
    """Build the type of booleans."""

    def store(value: Any) -> bool:
        if not isinstance(value, bool):
            raise _wrong_type(value, "a boolean")
        return value

    return ValueType(pa.bool_(), bool, store, frozenset({bool}))


def text(convert: Callable[[Any], str] | None = None) -> ValueType:
    """Build the type of Unicode strings. `convert` turns other values, such as URLs, into strings."""

    def store(value: Any) -> str:
        if convert is not None and not isinstance(value, str):
            value = convert(value)
        if not isinstance(value, str):
            raise _wrong_type(value, "a string")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit(RULE_TEXT, "Input should be a valid string, unable to write it as UTF-8") from None
        return str.__str__(value)

    return ValueType(pa.string(), str, store, frozenset({str}))


def binary() -> ValueType:
    """Build the type of bytes."""

    def store(value: Any) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise _wrong_type(value, "bytes")
        return bytes(value)

    return ValueType(pa.binary(), bytes, store, frozenset({bytes}))


def uuid() -> ValueType:
    """Build the type of UUIDs: Arrow's extension type, which pyiceberg reads and writes as Iceberg's `uuid`."""

    def store(value: Any) -> bytes:
        if not isinstance(value, UUID):
            raise _wrong_type(value, "a UUID")
        return value.bytes

    def strict_from(value: Any) -> Any:
        try:
            return UUID(bytes=value) if isinstance(value, bytes) else UUID(value) if isinstance(value, str) else value
        except ValueError:
            return value

    return ValueType(pa.uuid(), UUID, store, strict_from=strict_from)


def decimal(precision: int, scale: int) -> ValueType:
    """Build the type of decimals with `precision` digits in total, `scale` of them after the point."""

    def store(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (Decimal, int)):
            raise _wrong_type(value, "a decimal number")
        number = Decimal(value)
        if not number.is_finite():
            raise Unfit(RULE_RANGE, f"A decimal column cannot hold {number}")
        return number

    return ValueType(pa.decimal128(precision, scale), Decimal, store, frozenset({Decimal}))


def calendar_date() -> ValueType:
    """Build the type of dates."""

    def store(value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        raise _wrong_type(value, "a date")

    return ValueType(pa.date32(), date, store, frozenset({date}))


def clock_time() -> ValueType:
    """Build the type of times of day in microseconds. Iceberg stores no time zone, so times with one are refused."""

    def store(value: Any) -> time:
        if not isinstance(value, time):
            raise _wrong_type(value, "a time of day")
        if value.tzinfo is not None:
            raise Unfit(RULE_REFUSES_ZONE, f"{REFUSES_ZONE}: a time of day is stored without a time zone")
        return value

    return ValueType(pa.time64("us"), time, store, frozenset({time}), suspect=lambda value: value.tzinfo is not None)


def timestamp(*, aware: bool) -> ValueType:
    """Build the type of timestamps in microseconds: instants in UTC if `aware`, else local times without zone."""

    def store(value: Any) -> datetime:
        if not isinstance(value, datetime):
            raise _wrong_type(value, "a datetime")
        has_zone = value.utcoffset() is not None
        if aware and not has_zone:
            raise Unfit(RULE_NEEDS_ZONE, NEEDS_ZONE)
        if not aware and has_zone:
            raise Unfit(RULE_REFUSES_ZONE, REFUSES_ZONE)
        # This also drops the nanoseconds of a pandas Timestamp, which is a datetime too.
        plain = datetime(*value.timetuple()[:6], value.microsecond, value.tzinfo, fold=value.fold)
        try:
            return plain.astimezone(UTC) if aware else plain.replace(tzinfo=None)
        except OverflowError:
            raise Unfit(RULE_RANGE, f"{value.isoformat()} is outside the years 1 to 9999 in UTC") from None

    def suspect(value: datetime) -> bool:
        # Only UTC is safe: importing pandera sets PYARROW_IGNORE_TIMEZONE, and Arrow then reads the clock time of any
        # other zone as UTC.
        return value.utcoffset() != (_NO_OFFSET if aware else None)

    arrow = pa.timestamp("us", "UTC" if aware else None)
    return ValueType(arrow, datetime, store, frozenset({datetime}), suspect=suspect)


def enumeration(member_values: ValueType, enum: type[Enum] | None) -> ValueType:
    """Build the type of Enum members, which are stored as their values."""

    def store(value: Any) -> Any:
        return member_values.store(value.value if isinstance(value, Enum) else value)

    def strict_from(value: Any) -> Any:
        try:
            return enum(value) if enum is not None else value
        except ValueError:
            return value

    return ValueType(member_values.arrow, member_values.annotation, store, strict_from=strict_from)


def list_of(element: ValueType, *, nullable: bool, make: type = list) -> ValueType:
    """Build the type of lists with elements of one type. `make` is the Python type that a strict field expects."""

    def store(value: Any) -> list[Any]:
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise _wrong_type(value, "a list")
        return [_stored_inside(element, nullable, item, step) for step, item in enumerate(value)]

    def strict_from(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        inner = element.strict_from
        return make(value if inner is None else [None if item is None else inner(item) for item in value])

    annotation: Any = list[element.annotation | None] if nullable else list[element.annotation]  # type: ignore[name-defined]
    arrow = pa.list_(pa.field("element", element.arrow, nullable=nullable))
    needs_change = make is not list or element.strict_from is not None
    return ValueType(arrow, annotation, store, strict_from=strict_from if needs_change else None)


@dataclass(frozen=True)
class Member:
    """One field of a nested model.

    Args:
        name: name of the field in the struct.
        source_name: name of the field in the source.
        value_type: its type.
        nullable: whether the field may be None.
        doc: its documentation.
        attribute: the attribute that holds the value, if `name` is not a valid attribute name.
    """

    name: str
    source_name: str
    value_type: ValueType
    nullable: bool
    doc: str | None = None
    attribute: str | None = None

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field of the member."""
        metadata = {"doc": self.doc} if self.doc else None
        return pa.field(self.name, self.value_type.arrow, nullable=self.nullable, metadata=metadata)


def struct(members: Sequence[Member], annotation: Any) -> ValueType:
    """Build the type of nested models. `annotation` is a pydantic model with the members as attributes and no rules."""

    def store(value: Any) -> dict[str, Any]:
        given = getattr(value, "__dict__", None)
        if given is None or isinstance(value, type):
            raise _wrong_type(value, "a nested row")
        return {
            m.name: _stored_inside(m.value_type, m.nullable, given.get(m.attribute or m.name), m.name) for m in members
        }

    changes = {m.source_name: m.value_type.strict_from for m in members if m.value_type.strict_from is not None}

    def strict_from(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        changed = {k: change(value[k]) for k, change in changes.items() if value.get(k) is not None}
        return {**value, **changed}

    arrow = pa.struct([member.arrow for member in members])
    return ValueType(arrow, annotation, store, strict_from=strict_from if changes else None)


def _stored_inside(value_type: ValueType, nullable: bool, value: Any, step: str | int) -> Any:
    if value is None:
        if nullable:
            return None
        raise Unfit(RULE_NULL, "Input should not be null", (step,))
    try:
        stored = value_type.store(value)
    except Unfit as reason:
        raise reason.under(step) from None
    if isinstance(stored, Decimal):
        # Arrow's error would not mention the element or the member, so check the value here.
        try:
            pa.scalar(stored, type=value_type.arrow)
        except CONVERSION_ERRORS as error:
            raise Unfit(RULE_RANGE, f"{stored} does not fit {value_type.arrow}: {error}", (step,)) from None
    return stored


def _wrong_type(value: object, wanted: str) -> Unfit:
    return Unfit(
        RULE_TYPE, f"The schema returned {shown(value)} ({type(value).__name__}), but the column needs {wanted}"
    )
