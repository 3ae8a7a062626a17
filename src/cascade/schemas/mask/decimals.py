"""Decimals, which are cleared if Arrow's conversion to the column's precision and scale is exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.schemas.mask.bounds import NAMES, range_of
from cascade.schemas.mask.numbers import is_text
from cascade.schemas.mask.plan import Constraints, Given, Plan, Rule, only

if TYPE_CHECKING:
    import polars as pl


def decimal(constraints: Constraints) -> Rule | None:
    """Return the rule of a Decimal, or None if the mask cannot express it."""
    if not only(constraints, *NAMES, "max_digits", "decimal_places", "allow_inf_nan"):
        return None
    digits, places = constraints.get("max_digits"), constraints.get("decimal_places")
    given = [constraints[name] for name in NAMES if name in constraints]
    if digits is None or places is None or not all(_is_number(value) for value in given):
        return None
    most = 10**digits - 1
    allowed = range_of(constraints, -most, most, units=lambda bound: Fraction(bound) * 10**places)
    whole = digits - places
    wanted = pa.decimal128(digits, places)
    # pydantic counts a digit before the point of a zero, for which such a column has no room.
    refuses_zero = whole == 0
    is_free = allowed.low == -most and allowed.high == most and not refuses_zero

    def ok(value: pl.Expr) -> pl.Expr:
        import polars as pl

        held = allowed.holds(value, lambda units: pl.lit(_scaled(units, places), dtype=pl.Decimal(38, places)))
        return held & (value != 0) if refuses_zero else held

    text = _text(whole, places)

    def plan(given: Given) -> Plan | None:
        import polars as pl

        arrow = given.arrow
        if pa.types.is_decimal128(arrow) and arrow.scale >= 0:
            fits = arrow.scale <= places and arrow.precision - arrow.scale <= whole
            if fits:
                return Plan(None if is_free else ok, prepare=lambda column: column.cast(wanted))
            return None
        if given.strict:
            return None
        if pa.types.is_integer(arrow) and not pa.types.is_uint64(arrow) and whole > 0:
            edge = 10 ** min(whole, 18)

            def number(value: pl.Expr) -> pl.Expr:
                return value.cast(pl.Int64).cast(pl.Decimal(38, places), strict=False)

            return Plan(lambda x: (x.cast(pl.Int64) > -edge) & (x.cast(pl.Int64) < edge) & ok(number(x)), number)
        if is_text(arrow):

            def read(value: pl.Expr) -> pl.Expr:
                return value.cast(pl.Decimal(38, places), strict=False)

            return Plan(lambda x: x.str.contains(text) & ok(read(x)), read)
        return None

    return Rule(plan, {Decimal: wanted, int: pa.int64(), str: pa.string()})


def _text(whole: int, places: int) -> str:
    before = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    return f"^-?{before}(\\.[0-9]{{1,{places}}})?$" if places else f"^-?{before}$"


def _scaled(units: int, places: int) -> Decimal:
    return Decimal((units < 0, tuple(map(int, str(abs(units)))), -places))


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is Decimal and value.is_finite())
