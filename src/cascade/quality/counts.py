"""Checks of how many rows there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cascade.iceberg.sql_text import sql_name, sql_value
from cascade.quality.kinds import QueryCheck, SummaryCheck
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.partitions import PartitionWindow
    from cascade.quality.judged import Judged


@dataclass(frozen=True)
class RowCount(SummaryCheck):
    """The number of rows lies between two numbers, both included.

    Args:
        min: the fewest rows; None for no limit.
        max: the most rows; None for no limit.
        scope: defaults to `"partition"`.
        name: defaults to `row_count`.
    """

    min: int | None = None
    max: int | None = None

    kind = "row_count"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if self.min is None and self.max is None:
            yield "it needs min, max or both."
        for name, value in (("min", self.min), ("max", self.max)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                yield f"{name} must be a whole number of at least 0, not {value!r}."
                return
        if self.min is not None and self.max is not None and self.min > self.max:
            yield f"min {self.min} is greater than max {self.max}."

    def aggregates(self, types: Mapping[str, str]) -> Sequence[str]:
        """Return nothing: every pass counts its rows."""
        return ()

    def outcome(self, measured: Sequence[Any], rows: int, judged: Judged) -> CheckResult:
        """Return the result."""
        if self.min is not None and rows < self.min:
            message = f"{rows} rows, expected at least {self.min}."
        elif self.max is not None and rows > self.max:
            message = f"{rows} rows, expected at most {self.max}."
        else:
            return CheckResult(passed=True, message=f"{rows} rows.", numbers={"rows": rows})
        return CheckResult(passed=False, message=message, numbers={"rows": rows})


@dataclass(frozen=True)
class RowCountChange(QueryCheck):
    """The number of rows is similar to that of earlier partitions, or of the table before the run.

    The rows of a partition are compared with the mean of the partitions before it that have rows, which a column tells
    apart: time ranges of the same length, or months for monthly partitions. A table without partitions is compared
    with what it was before the run. With nothing to compare, the check passes.

    Args:
        column: the timestamp or date that tells to which partition a row belongs. Not needed without partitions.
        min: the smallest ratio that passes, such as 0.5 for half of the rows; None for no limit.
        max: the largest ratio that passes; None for no limit.
        partitions: how many partitions before this one count.
        scope: only `"partition"`, the default.
        name: defaults to `row_count_change_<column>`.
    """

    column: str | None = None
    min: float | None = 0.5
    max: float | None = 2.0
    partitions: int = 7

    kind = "row_count_change"

    @property
    def read(self) -> tuple[str, ...]:
        """The column."""
        return () if self.column is None else (self.column,)

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if self.scope == "table":
            yield 'scope must be "partition": earlier partitions are in the same table.'
        if self.min is None and self.max is None:
            yield "it needs min, max or both."
        wrong = [
            f"{name} must be a ratio of at least 0, not {value!r}."
            for name, value in (("min", self.min), ("max", self.max))
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0)
        ]
        yield from wrong
        if not wrong and self.min is not None and self.max is not None and self.min > self.max:
            yield f"min {self.min:g} is greater than max {self.max:g}."
        if isinstance(self.partitions, bool) or not isinstance(self.partitions, int) or self.partitions < 1:
            yield f"partitions must be a whole number of at least 1, not {self.partitions!r}."

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        window = judged.subject.window
        if window is None:
            return self._of_table(judged)
        if self.column is None:
            return CheckResult(passed=False, message='The table has partitions, so the check needs column="...".')
        sql = _earlier_counts(judged.whole(), self.column, earlier_windows(window, self.partitions))
        counts = [row["rows"] for row in judged.session.rows(sql).to_pylist()]
        numbers = {"rows": rows, "earlier_partitions": len(counts)}
        if not counts:
            return CheckResult(passed=True, message=f"{rows} rows, and no earlier partition.", numbers=numbers, sql=sql)
        mean = sum(counts) / len(counts)
        return self._compared(rows, mean, f"{mean:.6g}, the mean of {len(counts)} earlier partitions", numbers, sql)

    def _of_table(self, judged: Judged) -> CheckResult:
        before = judged.before()
        sql = f"SELECT count(*) FROM {judged.whole()}"
        (now,) = judged.one(sql)
        (earlier,) = judged.one(f"SELECT count(*) FROM {before}") if before is not None else (0,)
        numbers = {"rows": now}
        if not earlier:
            return CheckResult(passed=True, message=f"{now} rows, and none before.", numbers=numbers, sql=sql)
        return self._compared(now, earlier, f"{earlier} before", numbers, sql)

    def _compared(
        self, rows: int, earlier: float, words: str, numbers: Mapping[str, float | int], sql: str
    ) -> CheckResult:
        ratio = rows / earlier
        found = {**numbers, "earlier": earlier, "ratio": ratio}
        message = f"{rows} rows are {ratio:.3g} times {words}"
        if self.min is not None and ratio < self.min:
            return CheckResult(
                passed=False, message=f"{message}; expected at least {self.min:g}.", numbers=found, sql=sql
            )
        if self.max is not None and ratio > self.max:
            return CheckResult(
                passed=False, message=f"{message}; expected at most {self.max:g}.", numbers=found, sql=sql
            )
        return CheckResult(passed=True, message=f"{message}.", numbers=found, sql=sql)


def earlier_windows(window: PartitionWindow, count: int) -> list[tuple[datetime, datetime]]:
    """Return the time ranges of the partitions before one, the nearest first.

    Args:
        window: the partition.
        count: how many to return.
    """
    length = window.end - window.start
    if timedelta(days=28) <= length < timedelta(days=32):
        starts = [_months_before(window.start, number) for number in range(count + 1)]
    else:
        starts = [window.start - number * length for number in range(count + 1)]
    return list(zip(starts[1:], starts, strict=False))


def _months_before(start: datetime, months: int) -> datetime:
    month = start.year * 12 + start.month - 1 - months
    return start.replace(year=month // 12, month=month % 12 + 1)


def _earlier_counts(table: str, column: str, windows: Sequence[tuple[datetime, datetime]]) -> str:
    # A local day of a date column begins where the window does.
    moment = f"{sql_name(column)}::TIMESTAMPTZ"
    ranges = ", ".join(
        f"({number}, {sql_value(start)}, {sql_value(end)})" for number, (start, end) in enumerate(windows)
    )
    first, last = sql_value(windows[-1][0]), sql_value(windows[0][1])
    return (
        f'SELECT number, count(*) AS "rows" FROM {table} JOIN (VALUES {ranges}) AS earlier(number, "start", "end") '
        f'ON {moment} >= "start" AND {moment} < "end" WHERE {moment} >= {first} AND {moment} < {last} GROUP BY number'
    )
