"""The checks from before version 1.0, under their old names. Only projects in the old layout use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cascade.declarations.checks import Check
from cascade.exceptions import UsageError
from cascade.iceberg.sql_text import sql_name
from cascade.quality.counts import RowCount
from cascade.quality.freshness import Freshness
from cascade.quality.keys import Unique
from cascade.quality.kinds import RowCheck
from cascade.quality.row_checks import Range
from cascade.quality.schema_checks import MatchesSchema


@dataclass(frozen=True)
class _NoNulls(RowCheck):
    """Every row has a value in each of several columns, each of which has a `NotNull` of its own now.

    Args:
        columns: the columns.
        scope: defaults to `"partition"`.
        name: defaults to `not_null_<columns>`.
    """

    columns: tuple[str, ...]

    kind = "not_null"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not self.columns:
            yield "columns must be a list of names, not an empty one."

    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition of failing rows."""
        return " OR ".join(f"{sql_name(column)} IS NULL" for column in self.columns)

    def fault(self) -> str:
        """Return what is wrong with a failing row."""
        return f"{' or '.join(self.columns)} is null"


def null_check(columns: Sequence[str], allow_threshold: float = 0.0) -> Check:
    """Return what `NullCheck` was: no row is null in any of the columns."""
    _refuse_threshold("NullCheck", allow_threshold)
    return _NoNulls(tuple(columns))


def range_check(
    column: str, min_value: float | None = None, max_value: float | None = None, allow_threshold: float = 0.0
) -> Check:
    """Return what `RangeCheck` was: the values of a column lie between two values."""
    _refuse_threshold("RangeCheck", allow_threshold)
    return Range(column, min_value, max_value)


def unique_check(columns: Sequence[str], allow_threshold: float = 0.0) -> Check:
    """Return what `UniqueCheck` was: no two rows have the same values of the columns."""
    _refuse_threshold("UniqueCheck", allow_threshold)
    return Unique(tuple(columns))


def count_check(min_rows: int | None = None, max_rows: int | None = None) -> Check:
    """Return what `CountCheck` was: the number of rows lies between two numbers, of the whole table as it was."""
    return RowCount(min_rows, max_rows, scope="table")


def freshness_check(timestamp_column: str, max_age_hours: float) -> Check:
    """Return what `FreshnessCheck` was: the newest timestamp is not too old."""
    return Freshness(timestamp_column, max_age_hours)


def schema_check(schema: type, lazy: bool = True) -> Check:
    """Return what `SchemaCheck` was: every row passes a model. All failing rows are always counted."""
    return MatchesSchema(schema)


def _refuse_threshold(check: str, given: float) -> None:
    if given:
        raise UsageError(
            f"{check}: allow_threshold={given!r} has no effect since version 1.0, which has one threshold for all "
            "checks of a declaration.",
            hint=f"Remove it, and pass fail_threshold={given!r} to @cascade_quality.",
        )
