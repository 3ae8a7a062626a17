"""The ways in which a check can judge rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cascade.declarations.checks import Check
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged


class RowCheck(Check, ABC):
    """A check of each row by itself. All of these are counted in one pass."""

    @abstractmethod
    def failing(self, types: Mapping[str, str]) -> str:
        """Return the SQL condition that is true for failing rows.

        Args:
            types: DuckDB's type of each column.
        """

    @abstractmethod
    def fault(self) -> str:
        """Return what is wrong with a failing row, such as `celsius is null`."""


class SummaryCheck(Check, ABC):
    """A check of aggregates over the rows, which are measured in the same pass as the row checks."""

    @abstractmethod
    def aggregates(self, types: Mapping[str, str]) -> Sequence[str]:
        """Return the SQL of what to measure.

        Args:
            types: DuckDB's type of each column.
        """

    @abstractmethod
    def outcome(self, measured: Sequence[Any], rows: int, judged: Judged) -> CheckResult:
        """Return the result.

        Args:
            measured: the values of `aggregates`.
            rows: number of judged rows.
            judged: the rows.
        """


class QueryCheck(Check, ABC):
    """A check that asks its own questions."""

    @abstractmethod
    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result.

        Args:
            judged: the rows.
            rows: how many they are.
        """


def counted_rows(failing: int, rows: int, fault: str, **found: Any) -> CheckResult:
    """Return the result of a check that counts failing rows. `judge` applies the thresholds to its share.

    Args:
        failing: number of failing rows.
        rows: number of judged rows.
        fault: what is wrong with them.
        found: further fields of the result.
    """
    share = min(1.0, failing / rows) if rows else float(bool(failing))
    if not failing:
        message = f"0 of {rows} rows fail." if rows else "There are no rows."
    else:
        message = f"{failing} of {rows} rows fail ({_percent(share)}): {fault}."
    return CheckResult(passed=not failing, message=message, failing=failing, share=share, **found)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
