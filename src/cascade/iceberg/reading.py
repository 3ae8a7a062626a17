"""Read rows of a table, for users and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, cast

from cascade.exceptions import UsageError
from cascade.iceberg.hidden import visible
from cascade.spelling import nearest

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table

    from cascade.table_ref import TableRef


def read_rows(table: Table, ref: TableRef, columns: Sequence[str] | None, where: str | None) -> pl.DataFrame:
    """Read rows of a loaded table; see `Lakehouse.read`.

    Args:
        table: the table, on the branch to read.
        ref: its name, for errors.
        columns: the columns to read, in this order; all if absent.
        where: an Iceberg filter expression; None for all rows.

    Returns:
        The rows.

    Raises:
        UsageError: a column does not exist, or the filter is invalid.
    """
    import polars as pl

    known = [field.name for field in table.schema().fields]
    wanted = visible(known) if columns is None else list(columns)
    for column in wanted:
        if column not in known:
            raise UsageError(f"The table {ref} has no column {column!r}.{_meant(column, known)}")
    rows = table.scan(row_filter=condition(table, ref, where), selected_fields=tuple(wanted)).to_arrow()
    # The return type of `from_arrow` includes Series, which it never returns for a table.
    return cast("pl.DataFrame", pl.from_arrow(rows)).select(wanted)


def condition(table: Table, ref: TableRef, where: str | None) -> BooleanExpression:
    """Read an Iceberg filter expression.

    Args:
        table: the table.
        ref: its name, for errors.
        where: the expression; None for all rows.

    Raises:
        UsageError: the expression is invalid.
    """
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.expressions.parser import parse
    from pyiceberg.expressions.visitors import bind

    if where is None:
        return AlwaysTrue()
    try:
        parsed = _with_decimal_places(table, parse(where))
        # The scan binds it too, but reports an error as if it had failed to read files.
        bind(table.schema(), parsed, case_sensitive=True)
        _check_whole_numbers(table, parsed)
    except Exception as error:
        known = ", ".join(field.name for field in table.schema().fields)
        raise UsageError(
            f"The filter {where!r} on {ref} is invalid: {_fault(where, error)}", hint=f"The columns are {known}."
        ) from error
    return parsed


def _with_decimal_places(table: Table, parsed: BooleanExpression) -> BooleanExpression:
    """Write the decimals of an expression with as many places as their columns have, which is all pyiceberg takes."""
    from pyiceberg.expressions import And, LiteralPredicate, Not, Or, Reference, SetPredicate
    from pyiceberg.types import DecimalType

    if isinstance(parsed, And | Or):
        return type(parsed)(_with_decimal_places(table, parsed.left), _with_decimal_places(table, parsed.right))
    if isinstance(parsed, Not):
        return Not(_with_decimal_places(table, parsed.child))
    if isinstance(parsed, LiteralPredicate | SetPredicate) and isinstance(parsed.term, Reference):
        name = parsed.term.name
        kind = table.schema().find_type(name)
        if isinstance(kind, DecimalType):
            if isinstance(parsed, SetPredicate):
                return type(parsed)(name, {_decimal(name, kind.scale, each.value) for each in parsed.literals})
            return type(parsed)(name, _decimal(name, kind.scale, parsed.literal.value))
    return parsed


def _decimal(column: str, places: int, value: object) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{column} has numbers, and {value!r} is not one") from None
    if not found.is_finite() or found != round(found, places):
        raise ValueError(f"{column} has numbers of {places} decimal places, and {value} is not one")
    return round(found, places)


def _check_whole_numbers(table: Table, parsed: BooleanExpression) -> None:
    """Raise an error for a fraction that is compared with whole numbers: pyiceberg rounds it, and finds other rows."""
    from pyiceberg.expressions import And, LiteralPredicate, Not, Or, Reference, SetPredicate
    from pyiceberg.types import IntegerType, LongType

    if isinstance(parsed, And | Or):
        _check_whole_numbers(table, parsed.left)
        _check_whole_numbers(table, parsed.right)
    elif isinstance(parsed, Not):
        _check_whole_numbers(table, parsed.child)
    elif isinstance(parsed, LiteralPredicate | SetPredicate) and isinstance(parsed.term, Reference):
        kind = table.schema().find_type(parsed.term.name)
        literals = parsed.literals if isinstance(parsed, SetPredicate) else [parsed.literal]
        for each in literals if isinstance(kind, IntegerType | LongType) else ():
            if Decimal(each.value) % 1:
                raise ValueError(f"{parsed.term.name} has whole numbers, and {each.value} is not one")


def _fault(where: str, error: Exception) -> str:
    """Return what is wrong with an expression. What the parser itself says is its whole grammar."""
    place_in_text = getattr(error, "loc", None)  # Only errors of the parser, which is pyparsing, have one.
    if place_in_text is None:
        return f"{str(error).rstrip('.')}."
    place = f" from {rest!r} on" if place_in_text and (rest := where[place_in_text:]) else ""
    return f"it cannot be read{place}. Filters look like \"city = 'Oslo' and day >= '2024-01-01'\"."


def _meant(column: str, known: Sequence[str]) -> str:
    close = nearest(column, known)
    return f" Did you mean {close!r}?" if close else f" Its columns are {', '.join(known)}."
