"""Dates, timestamps and times of day.

Cleared are Arrow's own dates and times within the years that Python knows, and, in a lax field, text in ISO 8601 such
as `2013-01-01`, `2013-01-01T05:00:00Z` and `2013-01-01 05:00:00.25+02:00`. Other forms, and midnights in place of a
date, are left to pydantic.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.schemas.mask.bounds import NAMES, Range, range_of
from cascade.schemas.mask.numbers import is_text
from cascade.schemas.mask.plan import Constraints, Given, Plan, Rule, only

if TYPE_CHECKING:
    import polars as pl

_EPOCH = dt.datetime(1970, 1, 1)
_DAY = 86_400_000_000
_MICROSECOND = dt.timedelta(microseconds=1)
_FIRST_DAY, _LAST_DAY = ((day - _EPOCH.date()).days for day in (dt.date.min, dt.date.max))
_FIRST, _LAST = _FIRST_DAY * _DAY, (_LAST_DAY + 1) * _DAY - 1

_DATE_TEXT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_CLOCK_TEXT = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_NAIVE_TEXT = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK_TEXT}$"
_AWARE_TEXT = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK_TEXT}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"


def calendar_date(constraints: Constraints) -> Rule | None:
    """Return the rule of a date, or None if the mask cannot express it."""
    given = [constraints[name] for name in NAMES if name in constraints]
    if not only(constraints, *NAMES) or any(type(value) is not dt.date for value in given):
        return None
    allowed = range_of(constraints, _FIRST_DAY, _LAST_DAY, units=lambda day: (day - _EPOCH.date()).days)

    def plan(given: Given) -> Plan | None:
        import polars as pl

        if pa.types.is_date32(given.arrow):
            return Plan(allowed.holds, prepare=lambda column: column.cast(pa.int32()))
        if is_text(given.arrow) and not given.strict:
            # Polars reads the days of each month, and year 0, which is out of range.
            def days(value: pl.Expr) -> pl.Expr:
                return value.str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32)

            return Plan(lambda x: x.str.contains(_DATE_TEXT) & allowed.holds(days(x)), days)
        return None

    return Rule(plan, {dt.date: pa.date32(), str: pa.string()})


def timestamp(constraints: Constraints) -> Rule | None:
    """Return the rule of a datetime, or None if the mask cannot express it."""
    if not only(constraints, *NAMES, "tz_constraint", "microseconds_precision"):
        return None
    aware = constraints.get("tz_constraint") != "naive"
    given = [constraints[name] for name in NAMES if name in constraints]
    if constraints.get("tz_constraint") not in (None, "naive", "aware") or not all(
        type(value) is dt.datetime and (value.utcoffset() is not None) is aware for value in given
    ):
        return None
    allowed = range_of(constraints, _FIRST, _LAST, units=_microseconds)
    # A clock of another zone passes the ends of the years that Python knows up to a day before UTC does.
    elsewhere = allowed.within(_FIRST + _DAY, _LAST - _DAY)

    def plan(given: Given) -> Plan | None:
        arrow = given.arrow
        if pa.types.is_timestamp(arrow):
            if (arrow.tz is not None) is not aware or not _is_known(arrow.tz):
                return None
            in_zone = allowed if arrow.tz in (None, "UTC") else elsewhere
            return Plan(in_zone.holds, prepare=_in_microseconds)
        if is_text(arrow) and not given.strict:
            return _from_text(aware, elsewhere)
        return None

    return Rule(plan, {dt.datetime: pa.timestamp("us", "UTC" if aware else None), str: pa.string()})


def clock_time(constraints: Constraints) -> Rule | None:
    """Return the rule of a time of day, or None if the mask cannot express it."""
    if not only(constraints, "tz_constraint", "microseconds_precision") or constraints.get("tz_constraint") == "aware":
        return None

    def plan(given: Given) -> Plan | None:
        if not pa.types.is_time(given.arrow):
            return None
        wanted = pa.time64("us")
        return Plan(Range(0, _DAY - 1).holds, prepare=lambda column: column.cast(wanted, safe=False).cast(pa.int64()))

    return Rule(plan, {dt.time: pa.time64("us")})


def _from_text(aware: bool, allowed: Range) -> Plan:
    form, pattern = ("%Y-%m-%dT%H:%M:%S%.f%#z", _AWARE_TEXT) if aware else ("%Y-%m-%dT%H:%M:%S%.f", _NAIVE_TEXT)

    def microseconds(value: pl.Expr) -> pl.Expr:
        import polars as pl

        with_t = value.str.replace(" ", "T", literal=True)
        return with_t.str.to_datetime(form, time_unit="us", strict=False).cast(pl.Int64)

    return Plan(lambda x: x.str.contains(pattern) & allowed.holds(microseconds(x)), microseconds)


def _in_microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    zone = column.type.tz
    # Like the conversion to Python, this truncates nanoseconds, but it fails if coarser units overflow.
    return column.cast(pa.timestamp("us", zone), safe=column.type.unit != "ns").cast(pa.int64())


def _microseconds(moment: Any) -> Fraction | int:
    plain = moment if moment.tzinfo is None else (moment - moment.utcoffset()).replace(tzinfo=None)
    return int((plain - _EPOCH) // _MICROSECOND)


def _is_known(zone: str | None) -> bool:
    if zone is None:
        return True
    try:
        pa.lib.string_to_tzinfo(zone)
    except Exception:  # each library of time zones has its own error
        return False
    return True
