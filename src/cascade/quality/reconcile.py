"""A check that a table agrees with another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.iceberg.sql_text import sql_name, sql_names
from cascade.quality.keys import as_names
from cascade.quality.kinds import QueryCheck
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged


@dataclass(frozen=True)
class Reconcile(QueryCheck):
    """The number of rows, and sums of columns, agree with another table, as a whole or for each group of rows.

    Args:
        table: the other table, such as `"orders"` or `"raw.orders"`, which is read on `main`.
        sums: the columns whose sums must agree. Both tables have them.
        by: the columns that make the groups. Both tables have them. None to compare the tables as a whole.
        tolerance: how far two numbers may lie apart, as a share of the larger one.
        count_rows: whether the numbers of rows must agree too.
        scope: defaults to `"table"`. `"partition"` compares the groups that the run landed, and needs `by`.
        name: defaults to `reconcile_<table>`.
    """

    table: str
    sums: str | tuple[str, ...] | list[str] = ()
    by: str | tuple[str, ...] | list[str] = ()
    tolerance: float = 0.0
    count_rows: bool = True

    kind = "reconcile"
    default_scope = "table"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the judged table."""
        return (*as_names(self.by), *as_names(self.sums))

    @property
    def label(self) -> str:
        """The name of the check among those of one declaration."""
        return self.name or f"{self.kind}_{self.table.replace('.', '_')}"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not isinstance(self.table, str) or not self.table.strip("."):
            yield f"table must be the name of a table, not {self.table!r}."
        if not self.count_rows and not as_names(self.sums):
            yield "it compares nothing: pass sums, or leave count_rows True."
        if (
            isinstance(self.tolerance, bool)
            or not isinstance(self.tolerance, (int, float))
            or not 0 <= self.tolerance <= 1
        ):
            yield f"tolerance must be a share from 0 to 1, not {self.tolerance!r}."
        if self.scope == "partition" and not as_names(self.by):
            yield 'scope="partition" needs by, because the other table has the rows of all partitions.'

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        by = as_names(self.by)
        sums = as_names(self.sums)
        measures = {"row_count" if "rows" in sums else "rows": "count(*)"} if self.count_rows else {}
        measures |= {column: f"sum({sql_name(column)})" for column in sums}
        compared = self._compared(judged, by, measures)
        differ = " OR ".join(self._differ(name) for name in measures)
        failing = f"SELECT * FROM ({compared}) WHERE {differ}"
        groups, count = judged.one(f"SELECT count(*), count(*) FILTER (WHERE {differ}) FROM ({compared})")
        if by:
            numbers: dict[str, float | int | None] = {"groups": groups, "differing_groups": count}
            message = f"{count} of {groups} groups differ from {self.table}."
        else:
            (row,) = judged.session.rows(compared).to_pylist()
            told = [name for name in measures if name not in judged.subject.sensitive]
            pairs = [(name, row[_here(name)], row[_there(name)]) for name in told]
            numbers = {named(name): _number(row[named(name)]) for name in told for named in (_here, _there)}
            found = "; ".join(f"{name}: {here} here, {there} in {self.table}" for name, here, there in pairs)
            message = f"{'Differs' if count else 'Agrees'}: {found}."
        # A group may be missing in the judged rows, so a share of groups is not one of rows.
        return CheckResult(
            passed=not count,
            message=message,
            numbers=numbers,
            sql=failing,
            sample=judged.sample(failing, count if by else 0),
        )

    def _compared(self, judged: Judged, by: tuple[str, ...], measures: dict[str, str]) -> str:
        def grouped(table: str) -> str:
            listed = ", ".join(f"{sql} AS {sql_name(f'= {name}')}" for name, sql in measures.items())
            keys = f"{sql_names(by)}, " if by else ""
            return f"SELECT {keys}{listed} FROM {table}{f' GROUP BY {sql_names(by)}' if by else ''}"

        values = ", ".join(
            f"{side}.{sql_name(f'= {name}')} AS {sql_name(named(name))}"
            for name in measures
            for side, named in (("here", _here), ("there", _there))
        )
        keys = "".join(f"coalesce(here.{sql_name(key)}, there.{sql_name(key)}) AS {sql_name(key)}, " for key in by)
        join = "LEFT" if judged.scope == "partition" else "FULL"
        same = " AND ".join(f"here.{sql_name(key)} IS NOT DISTINCT FROM there.{sql_name(key)}" for key in by) or "true"
        kind = f"{join} JOIN" if by else "JOIN"
        ours, theirs = grouped(judged.source), grouped(judged.other(self.table))
        return f"SELECT {keys}{values} FROM ({ours}) AS here {kind} ({theirs}) AS there ON {same}"

    def _differ(self, name: str) -> str:
        here, there = sql_name(_here(name)), sql_name(_there(name))
        if not self.tolerance:
            return f"{here} IS DISTINCT FROM {there}"
        ours, theirs = f"coalesce({here}, 0)", f"coalesce({there}, 0)"
        return f"abs({ours} - {theirs}) > {self.tolerance!r} * greatest(abs({ours}), abs({theirs}))"


def _here(name: str) -> str:
    return f"{name}_here"


def _there(name: str) -> str:
    return f"{name}_there"


def _number(value: Any) -> float | int | None:
    return value if value is None or isinstance(value, int) else float(value)
