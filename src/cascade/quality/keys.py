"""Checks of keys: that they are unique, and that another table has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.iceberg.sql_text import sql_name, sql_names
from cascade.quality.kinds import QueryCheck, counted_rows
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged


def as_names(columns: object) -> tuple[str, ...]:
    """Return one name or several as a tuple; empty for anything else."""
    if isinstance(columns, str):
        return (columns,)
    return tuple(columns) if isinstance(columns, (list, tuple)) else ()


@dataclass(frozen=True)
class Unique(QueryCheck):
    """No two rows have the same value of a column, or of several columns together. Rows with a null in one pass.

    Args:
        columns: the column or columns.
        scope: defaults to `"table"`, which reads these columns of all rows.
        name: defaults to `unique_<columns>`.
    """

    columns: str | tuple[str, ...] | list[str]

    kind = "unique"
    default_scope = "table"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns."""
        return as_names(self.columns)

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not self.read:
            yield f"columns must be the name of a column or a list of names, not {self.columns!r}."

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        names = sql_names(self.read)
        present = " AND ".join(f"{sql_name(column)} IS NOT NULL" for column in self.read)
        counted = (
            f"SELECT {names}, count(*) AS same FROM {judged.source} WHERE {present} GROUP BY {names} HAVING same > 1"
        )
        failing, keys = judged.one(f"SELECT coalesce(sum(same), 0)::BIGINT, count(*) FROM ({counted})")
        shown = (
            f"SELECT * FROM {judged.source} WHERE ({names}) IN (SELECT ({names}) FROM ({counted})) ORDER BY {names}"
            if len(self.read) > 1
            else f"SELECT * FROM {judged.source} WHERE {names} IN (SELECT {names} FROM ({counted})) ORDER BY {names}"
        )
        return counted_rows(
            failing,
            rows,
            f"they share {', '.join(self.read)} with another row",
            numbers={"repeated_keys": keys},
            sql=shown,
            sample=judged.sample(shown, failing),
        )


@dataclass(frozen=True)
class ForeignKey(QueryCheck):
    """Every value of a column, or of several columns together, occurs in another table. Rows with a null pass.

    Args:
        columns: the column or columns.
        table: the other table, such as `"stations"` or `"raw.stations"`, which is read on `main`.
        references: its columns, in the same order; the same names if absent.
        scope: defaults to `"partition"`.
        name: defaults to `foreign_key_<columns>`.
    """

    columns: str | tuple[str, ...] | list[str]
    table: str
    references: str | tuple[str, ...] | list[str] | None = None

    kind = "foreign_key"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the judged table."""
        return as_names(self.columns)

    @property
    def _referenced(self) -> tuple[str, ...]:
        return self.read if self.references is None else as_names(self.references)

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not self.read:
            yield f"columns must be the name of a column or a list of names, not {self.columns!r}."
        if not isinstance(self.table, str) or not self.table.strip("."):
            yield f"table must be the name of a table, not {self.table!r}."
        if len(self._referenced) != len(self.read):
            yield f"references must have as many columns as columns, {len(self.read)}, not {self.references!r}."

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        other = judged.other(self.table)
        pairs = list(zip(self.read, self._referenced, strict=True))
        present = " AND ".join(f"here.{sql_name(column)} IS NOT NULL" for column in self.read)
        same = " AND ".join(f"there.{sql_name(theirs)} = here.{sql_name(ours)}" for ours, theirs in pairs)
        failing = (
            f"SELECT here.* FROM {judged.source} AS here WHERE {present} "
            f"AND NOT EXISTS (SELECT 1 FROM {other} AS there WHERE {same})"
        )
        (count,) = judged.one(f"SELECT count(*) FROM ({failing})")
        return counted_rows(
            count,
            rows,
            f"{self.table} has no row with their {', '.join(self.read)}",
            sql=failing,
            sample=judged.sample(failing, count),
        )
