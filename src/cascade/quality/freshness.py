"""A check of how old the newest row is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cascade.iceberg.sql_text import sql_name
from cascade.quality.kinds import SummaryCheck
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged


@dataclass(frozen=True)
class Freshness(SummaryCheck):
    """The newest value of a column is not too old, from now. Values without a time zone are taken as UTC.

    Args:
        column: a timestamp or a date, which counts from its first moment.
        hours: how old the newest value may be.
        scope: defaults to `"table"`, so that a rerun of an old partition passes.
        name: defaults to `freshness_<column>`.
    """

    column: str
    hours: float

    kind = "freshness"
    default_scope = "table"

    @property
    def read(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if isinstance(self.hours, bool) or not isinstance(self.hours, (int, float)) or not 0 < self.hours < 1e6:
            yield f"hours must be a number greater than 0, not {self.hours!r}."

    def aggregates(self, types: Mapping[str, str]) -> Sequence[str]:
        """Return the newest value."""
        return (f"max({sql_name(self.column)})::TIMESTAMPTZ",)

    def outcome(self, measured: Sequence[Any], rows: int, judged: Judged) -> CheckResult:
        """Return the result."""
        (newest,) = measured
        if newest is None:
            return CheckResult(passed=False, message=f"No row has a value of {self.column}.")
        age = (judged.subject.now - newest) / timedelta(hours=1)
        numbers = {"age_hours": age}
        if self.column in judged.subject.sensitive:
            what = "The newest value"
        else:
            what = f"The newest value, {newest.isoformat(sep=' ', timespec='seconds')},"
            numbers["newest"] = newest.isoformat()
        passed = age <= self.hours
        limit = "" if passed else f"; expected at most {self.hours:g}"
        return CheckResult(passed=passed, message=f"{what} is {age:.3g} hours old{limit}.", numbers=numbers)
