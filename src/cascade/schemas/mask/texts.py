"""Strings, bytes, UUIDs, and the values of Literals and Enums.

A pattern is matched by the same library in pydantic and in Polars, but their versions can know different versions of
Unicode. Text with other characters than ASCII is therefore left to pydantic if the pattern names classes of characters
or ignores case.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa

from cascade.schemas.mask.numbers import is_text
from cascade.schemas.mask.plan import Constraints, Given, Plan, Rule, only

if TYPE_CHECKING:
    import polars as pl

_TEXT = ("pattern", "min_length", "max_length", "strip_whitespace", "to_lower", "to_upper", "regex_engine")
_UNICODE_CLASS = re.compile(r"\\[a-zA-Z]|\(\?|\[:")
_UUID_TEXT = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def text(constraints: Constraints) -> Rule | None:
    """Return the rule of a str, or None if the mask cannot express it."""
    pattern = constraints.get("pattern")
    given = {key for key, value in constraints.items() if value is not False}
    if not given <= {"type", "strict", *_TEXT, "coerce_numbers_to_str"}:
        return None
    if pattern is not None and (type(pattern) is not str or not _compiles(pattern)):
        return None
    if pattern is not None and constraints.get("regex_engine", "rust-regex") != "rust-regex":
        return None
    strips, lowers, uppers = (bool(constraints.get(key)) for key in ("strip_whitespace", "to_lower", "to_upper"))
    least, most = constraints.get("min_length"), constraints.get("max_length")
    needs_ascii = lowers or uppers or (pattern is not None and bool(_UNICODE_CLASS.search(pattern)))

    def stripped(value: pl.Expr) -> pl.Expr:
        return value.str.strip_chars() if strips else value

    def checks(given: pl.Expr) -> list[pl.Expr]:
        value = stripped(given)
        found = []
        if needs_ascii:
            found.append(value.str.len_bytes() == value.str.len_chars())
        if least is not None:
            # Characters are slower to count than bytes.
            found.append(value.str.len_bytes() > 0 if least == 1 else value.str.len_chars() >= least)
        if most is not None:
            found.append(value.str.len_chars() <= most)
        if pattern is not None:
            found.append(value.str.contains(pattern))
        return found

    def landed(given: pl.Expr) -> pl.Expr:
        value = stripped(given)
        if lowers:  # as in pydantic, even if `to_upper` is set as well
            return value.str.to_lowercase()
        return value.str.to_uppercase() if uppers else value

    changes = strips or lowers or uppers
    has_checks = needs_ascii or pattern is not None or least is not None or most is not None

    def plan(given: Given) -> Plan | None:
        if not is_text(given.arrow):
            return None
        return Plan(
            (lambda x: reduce(and_, checks(x))) if has_checks else None, landed if changes else None, prepare=_valid
        )

    return Rule(plan, {str: pa.string()})


def binary(constraints: Constraints) -> Rule | None:
    """Return the rule of bytes, or None if the mask cannot express it."""
    if not only(constraints, "min_length", "max_length"):
        return None
    least, most = constraints.get("min_length", 0), constraints.get("max_length")

    def ok(value: pl.Expr) -> pl.Expr:
        held: pl.Expr = value.bin.size() >= least
        return held if most is None else held & (value.bin.size() <= most)

    def plan(given: Given) -> Plan | None:
        if pa.types.is_binary(given.arrow) or pa.types.is_large_binary(given.arrow):
            return Plan(ok if least or most is not None else None)
        return None

    return Rule(plan, {bytes: pa.binary()})


def uuid(constraints: Constraints) -> Rule | None:
    """Return the rule of a UUID, or None if the mask cannot express it."""
    if not only(constraints):
        return None

    def plan(given: Given) -> Plan | None:
        if given.arrow == pa.uuid() or (given.arrow == pa.binary(16) and (given.restored or not given.strict)):
            return Plan(prepare=lambda column: column.cast(pa.binary(16)))
        if is_text(given.arrow) and (given.restored or not given.strict):
            return Plan(
                lambda x: x.str.contains(_UUID_TEXT),
                lambda x: x.str.replace_all("-", "", literal=True).str.decode("hex", strict=False),
                prepare=_valid,
            )
        return None

    return Rule(plan, {UUID: pa.binary(16), str: pa.string()})


def literal(constraints: Constraints) -> Rule | None:
    """Return the rule of a Literal, or None if the mask cannot express it."""
    if not only(constraints, "expected"):
        return None
    return _one_of([value for value in constraints["expected"] if value is not None], None)


def enumeration(constraints: Constraints) -> Rule | None:
    """Return the rule of an Enum, or None if the mask cannot express it."""
    if not only(constraints, "cls", "members", "sub_type", "missing") or constraints.get("sub_type") == "float":
        return None
    return _one_of([member.value for member in constraints["members"]], constraints["cls"])


def _one_of(values: list[Any], enum: type[Enum] | None) -> Rule | None:
    kinds = set(map(type, values))
    if kinds == {str}:
        arrow = pa.string()
    elif kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        arrow = pa.int64()
    else:
        return None

    def plan(given: Given) -> Plan | None:
        import polars as pl

        if enum is not None and given.strict and not given.restored:
            return None
        if kinds == {str} and is_text(given.arrow):
            known = pl.Series(values, dtype=pl.String)
            return Plan(lambda x: x.is_in(known.implode()), prepare=_valid)
        if kinds == {int} and pa.types.is_integer(given.arrow):
            numbers = pl.Series(values, dtype=pl.Int64)
            return Plan(
                lambda x: x.cast(pl.Int64, strict=False).is_in(numbers.implode()),
                lambda x: x.cast(pl.Int64, strict=False),
            )
        return None

    return Rule(plan, {str if arrow == pa.string() else int: arrow}, enum)


def _valid(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Arrow lets a text hold bytes that are not UTF-8, and Polars assumes that none does.
    column.validate(full=True)
    return column


def _compiles(pattern: str) -> bool:
    import polars as pl

    try:
        pl.Series(["x"]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True
