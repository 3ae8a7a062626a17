"""A check that the values of a column are distributed as before.

The measure is the population stability index, PSI = sum over bins of (a - e) * ln(a / e), where `e` is the share of
the earlier rows in a bin and `a` that of the judged ones: N. Siddiqi, Credit Risk Scorecards (Wiley, 2006). It is the
divergence of H. Jeffreys (1946). For n and m rows of one distribution, its expected value is about
(bins - 1) * (1/n + 1/m): B. Yurdakul, Statistical Properties of Population Stability Index (2018). Usually, values up
to 0.1 are taken for no change, and values over 0.25 for a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.iceberg.sql_text import sql_name, sql_value
from cascade.quality.kinds import QueryCheck
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged

_LEAST_SHARE = 1e-4
"""Stands for the share of an empty bin, whose logarithm would be infinite."""

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_NULL, _REST = -1, -2


@dataclass(frozen=True)
class Drift(QueryCheck):
    """The values of a column are distributed as in the table before the run, by the population stability index (PSI).

    Numbers are put into bins that hold equal shares of the earlier rows. Strings and booleans are counted by value, the
    rare ones together. Nulls have a bin of their own. With fewer than `min_rows` rows on either side, the check passes,
    because the index of a few rows is mostly noise.

    Args:
        column: a column of numbers, strings or booleans.
        max_psi: the largest index that passes: 0.1 is a small change, 0.25 a large one.
        bins: the number of bins, or of values that are counted one by one.
        min_rows: the fewest rows to compare.
        scope: defaults to `"partition"`.
        name: defaults to `drift_<column>`.
    """

    column: str
    max_psi: float = 0.25
    bins: int = 10
    min_rows: int = 100

    kind = "drift"

    @property
    def read(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if isinstance(self.max_psi, bool) or not isinstance(self.max_psi, (int, float)) or not self.max_psi > 0:
            yield f"max_psi must be a number greater than 0, not {self.max_psi!r}."
        for name, value, least in (("bins", self.bins, 2), ("min_rows", self.min_rows, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                yield f"{name} must be a whole number of at least {least}, not {value!r}."

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        before = judged.before()
        earlier_rows = 0 if before is None else judged.one(f"SELECT count(*) FROM {before}")[0]
        numbers: dict[str, float] = {"rows": rows, "earlier_rows": earlier_rows}
        if before is None or min(rows, earlier_rows) < self.min_rows:
            message = f"{rows} rows and {earlier_rows} earlier ones are too few to compare."
            return CheckResult(passed=True, message=message, numbers=numbers)
        sql = self._binned(judged, before)
        if sql is None:
            kind = judged.types[self.column]
            return CheckResult(
                passed=False, message=f"{self.column} is {kind}, and only numbers, strings and booleans are compared."
            )
        counts = [(row["earlier"], row["found"]) for row in judged.session.rows(sql).to_pylist()]
        psi = stability_index(counts)
        passed = psi <= self.max_psi
        limit = "" if passed else f"; expected at most {self.max_psi:g}"
        return CheckResult(
            passed=passed,
            message=f"The stability index of {self.column} is {psi:.3g}{limit}.",
            numbers={**numbers, "psi": psi, "bins": len(counts)},
            # The statement names values of the column.
            sql=None if self.column in judged.subject.sensitive else sql,
        )

    def _binned(self, judged: Judged, before: str) -> str | None:
        name, kind = sql_name(self.column), judged.types[self.column]
        if kind.startswith(_NUMBERS):
            cuts = [number / self.bins for number in range(1, self.bins)]
            finite = f"{name}::DOUBLE"
            (edges,) = judged.one(
                f"SELECT quantile_cont({finite}, {cuts}) FROM {before} WHERE {name} IS NOT NULL AND isfinite({finite})"
            )
            distinct = sorted(set(edges or ()))
            arms = "".join(f" WHEN {finite} <= {sql_value(edge)} THEN {place}" for place, edge in enumerate(distinct))
            # NaN is greater than every edge.
            binned = f"CASE WHEN {name} IS NULL THEN {_NULL}{arms} ELSE {len(distinct)} END"
        elif kind in ("VARCHAR", "BOOLEAN"):
            common = judged.session.rows(
                f"SELECT {name} AS value FROM {before} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 "
                f"LIMIT {self.bins}"
            )
            values = common.column("value").to_pylist()
            arms = "".join(f" WHEN {name} = {sql_value(value)} THEN {place}" for place, value in enumerate(values))
            binned = f"CASE WHEN {name} IS NULL THEN {_NULL}{arms} ELSE {_REST} END"
        else:
            return None
        both = (
            f"SELECT {binned} AS bin, 1 AS earlier, 0 AS found FROM {before} "
            f"UNION ALL SELECT {binned} AS bin, 0 AS earlier, 1 AS found FROM {judged.source}"
        )
        return f"SELECT bin, sum(earlier)::BIGINT AS earlier, sum(found)::BIGINT AS found FROM ({both}) GROUP BY bin"


def stability_index(counts: Sequence[tuple[int, int]]) -> float:
    """Return the population stability index of two histograms with the same bins.

    Args:
        counts: for each bin, the number of earlier rows and of those that are compared with them.
    """
    earlier, found = (max(1, sum(column)) for column in zip(*counts, strict=True))
    index = 0.0
    for before, now in counts:
        expected, actual = max(before / earlier, _LEAST_SHARE), max(now / found, _LEAST_SHARE)
        index += (actual - expected) * math.log(actual / expected)
    return index
