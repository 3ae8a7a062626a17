"""Reading a table for people and their checks."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from cascade.exceptions import UsageError

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse


def read_rows(lakehouse: Lakehouse, name: str, columns: Sequence[str] | None, where: str | None) -> pl.DataFrame:
    """Do what `Lakehouse.read` says.

    Args:
        lakehouse: where the table is.
        name: namespace and name of the table.
        columns: the columns to read, in this order; all if absent.
        where: a condition in the syntax of Iceberg's filters.

    Returns:
        The rows.

    Raises:
        UsageError: there is no such table or column, or the condition cannot be read.
    """
    import polars as pl

    table = _load(lakehouse, name)
    known = [field.name for field in table.schema().fields]
    wanted = known if columns is None else list(columns)
    for column in wanted:
        if column not in known:
            raise UsageError(f"The table {name} has no column {column!r}.{_meant(column, known)}")
    rows = table.scan(row_filter=_condition(table, name, where), selected_fields=tuple(wanted)).to_arrow()
    # Without columns it would give a series, says its type.
    return cast("pl.DataFrame", pl.from_arrow(rows)).select(wanted)


def _condition(table: Table, name: str, where: str | None) -> BooleanExpression:
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.expressions.parser import parse
    from pyiceberg.expressions.visitors import bind

    if where is None:
        return AlwaysTrue()
    try:
        condition = parse(where)
        # It would be bound at the scan, where an error could be one of the files.
        bind(table.schema(), condition, case_sensitive=True)
    except Exception as error:
        known = ", ".join(field.name for field in table.schema().fields)
        raise UsageError(
            f"The condition {where!r} on {name} cannot be read: {error}", hint=f"Its columns are {known}."
        ) from error
    return condition


def _load(lakehouse: Lakehouse, name: str) -> Table:
    namespace, separator, short = name.rpartition(".")
    if not separator:
        raise UsageError(f"{name!r} names a table without its namespace. Write 'raw.{name}', for instance.")
    table = lakehouse.load((namespace, short))
    if table is None:
        raise UsageError(
            f"There is no table {name} in the lakehouse at {lakehouse.warehouse or lakehouse.uri}.",
            hint="A table is there once its workflow has been materialized.",
        )
    return table


def _meant(column: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(column, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" It has {', '.join(known)}."
