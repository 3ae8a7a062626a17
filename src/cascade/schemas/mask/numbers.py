"""Integers, floating-point numbers and booleans.

| column | cleared | left to pydantic |
|---|---|---|
| int | integers; in a lax field also whole floats up to 2**53, and text such as `-12` | booleans, `+1`, `1_000` |
| float | floats; integers up to 2**53; in a lax field also text such as `-1.5` | NaN under a bound, `1e3` |
| bool | booleans; in a lax field also 0 and 1, and `true`, `no` and the like | floats, spaces around text |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.schemas.mask.bounds import INT64, NAMES, range_of
from cascade.schemas.mask.plan import Constraints, Given, Plan, Rule, only

if TYPE_CHECKING:
    import polars as pl

_EXACT = 2**53
_INTEGER_TEXT = "^-?(0|[1-9][0-9]{0,17})$"
_FLOAT_TEXT = r"^-?[0-9]{1,12}(\.[0-9]{1,5})?$"
_TRUE = ["1", "on", "t", "true", "y", "yes"]
_FALSE = ["0", "off", "f", "false", "n", "no"]


def is_text(arrow: pa.DataType) -> bool:
    """Return whether an Arrow type is one of those of strings that Arrow computes with."""
    return arrow in (pa.string(), pa.large_string())


def integer(constraints: Constraints) -> Rule | None:
    """Return the rule of an int, or None if the mask cannot express it."""
    given = [constraints[name] for name in (*NAMES, "multiple_of") if name in constraints]
    if not only(constraints, *NAMES, "multiple_of") or any(type(value) is not int for value in given):
        return None
    step = constraints.get("multiple_of")
    if step is not None and not 0 < step <= INT64[1]:
        return None
    allowed = range_of(constraints, *INT64, units=lambda bound: bound)
    is_free = (allowed.low, allowed.high) == INT64 and step is None

    def ok(value: pl.Expr) -> pl.Expr:
        held = allowed.holds(value, always=INT64)
        return held if step is None else held & (value % step == 0)

    def plan(given: Given) -> Plan | None:
        import polars as pl

        arrow = given.arrow
        if pa.types.is_integer(arrow):
            if is_free and not pa.types.is_uint64(arrow):
                return Plan()
            # A large unsigned integer becomes null, which is not cleared.
            return Plan(
                lambda x: ok(x.cast(pl.Int64, strict=False)),
                (lambda x: x.cast(pl.Int64, strict=False)) if pa.types.is_uint64(arrow) else None,
            )
        if given.strict:
            return None
        if pa.types.is_float32(arrow) or pa.types.is_float64(arrow):
            return Plan(
                lambda x: (x == x.floor()) & (x.abs() <= _EXACT) & ok(x.cast(pl.Int64, strict=False)),
                lambda x: x.cast(pl.Int64, strict=False),
            )
        if is_text(arrow):
            return Plan(
                lambda x: x.str.contains(_INTEGER_TEXT) & ok(x.cast(pl.Int64, strict=False)),
                lambda x: x.cast(pl.Int64, strict=False),
            )
        return None

    return Rule(plan, {int: pa.int64(), float: pa.float64(), str: pa.string()})


def floating(constraints: Constraints) -> Rule | None:
    """Return the rule of a float, or None if the mask cannot express it."""
    given = [constraints[name] for name in NAMES if name in constraints]
    if not only(constraints, *NAMES, "allow_inf_nan") or any(type(value) not in (int, float) for value in given):
        return None
    if any(isinstance(value, float) and math.isnan(value) for value in given):
        return None
    try:
        limits = [(name, float(constraints[name])) for name in NAMES if name in constraints]
    except OverflowError:
        return None
    finite = constraints.get("allow_inf_nan", True) is False

    def ok(value: pl.Expr) -> list[pl.Expr]:
        # Polars orders NaN above every other number.
        held = [value.is_finite()] if finite else [value.is_not_nan()] if limits else []
        return held + [getattr(value, name)(limit) for name, limit in limits]

    def plan(given: Given) -> Plan | None:
        import polars as pl

        arrow = given.arrow
        if pa.types.is_float32(arrow) or pa.types.is_float64(arrow):
            return Plan(_all(lambda x: ok(x.cast(pl.Float64))) if finite or limits else None)
        if pa.types.is_integer(arrow):
            return Plan(
                _all(lambda x: [x.cast(pl.Float64).abs() <= _EXACT, *ok(x.cast(pl.Float64))]),
                lambda x: x.cast(pl.Float64),
            )
        if is_text(arrow) and not given.strict:
            return Plan(
                _all(lambda x: [x.str.contains(_FLOAT_TEXT), *ok(x.cast(pl.Float64, strict=False))]),
                lambda x: x.cast(pl.Float64, strict=False),
            )
        return None

    return Rule(plan, {float: pa.float64(), int: pa.int64(), str: pa.string()})


def boolean(constraints: Constraints) -> Rule | None:
    """Return the rule of a bool, or None if the mask cannot express it."""
    if not only(constraints):
        return None

    def plan(given: Given) -> Plan | None:
        import polars as pl

        if pa.types.is_boolean(given.arrow):
            return Plan()
        if given.strict:
            return None
        if pa.types.is_integer(given.arrow):
            return Plan(lambda x: x.is_in([0, 1]), lambda x: x == 1)
        if is_text(given.arrow):
            cases = {word: lower in _TRUE for lower in _TRUE + _FALSE for word in (lower, lower.title(), lower.upper())}
            known = pl.Series(list(cases))
            true = pl.Series([word for word, value in cases.items() if value])
            return Plan(lambda x: x.is_in(known.implode()), lambda x: x.is_in(true.implode()))
        return None

    return Rule(plan, {bool: pa.bool_(), int: pa.int64(), str: pa.string()})


def _all(expressions: Callable[[pl.Expr], list[pl.Expr]]) -> Callable[[pl.Expr], pl.Expr]:
    return lambda value: reduce(and_, expressions(value))
