"""The result of one check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from cascade.declarations.quality import check_key

if TYPE_CHECKING:
    from cascade.runs.report import Preview

Severity = Literal["warn", "error"]
SHOWN_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found. A function with `@cascade_check` can return one, of which it needs only `passed`.

    Args:
        passed: whether the rows are good. A result that only warns has not passed.
        message: what was found, in a sentence.
        severity: what a failure means: `"warn"`, or `"error"`, which blocks if the declaration does.
        failing: number of failing rows; None for a check that does not count rows.
        share: the failing rows, from 0 to 1; None for a check that does not count rows.
        numbers: what was measured, by name.
        sql: the statement that selects the failing rows, or that measures.
        sample: some of the failing rows, without sensitive columns.
        rows: number of rows that were judged.
        name: name of the declaration. `judge` sets this and what follows.
        check: name of the check in its declaration; empty for a function.
        table: full name of the table.
        scope: whether the rows of the run were judged, or the whole table.
        blocking: whether a failure keeps the rows of a run from being published.
        seconds: how long the check took. Checks that share one pass over the rows have equal shares of it.
    """

    passed: bool
    message: str = ""
    severity: Severity = "error"
    failing: int | None = None
    share: float | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)
    sql: str | None = None
    sample: Preview = field(default_factory=lambda: _preview((), ()))
    rows: int | None = None
    name: str = ""
    check: str = ""
    table: str = ""
    scope: str = "table"
    blocking: bool = True
    seconds: float = 0.0

    @property
    def blocks(self) -> bool:
        """Whether the rows must not be published."""
        return self.blocking and not self.passed and self.severity == "error"

    @property
    def key(self) -> str:
        """The name of the check in Dagster, which is unique for the table."""
        return check_key(self.name, self.check)

    def within(self, columns: frozenset[str] | None) -> CheckResult:
        """Return the result with only some columns in its sample.

        Args:
            columns: the columns to keep; None to keep all.
        """
        if columns is None:
            return self
        kept = tuple(column for column in self.sample.columns if column[0] in columns)
        rows = tuple({name: row[name] for name, _ in kept} for row in self.sample.rows) if kept else ()
        return replace(self, sample=_preview(kept, rows))


def _preview(columns: tuple[tuple[str, str], ...], rows: tuple[Mapping[str, Any], ...]) -> Preview:
    # It takes Arrow, which the module of a project must not need to declare checks.
    from cascade.runs.report import Preview

    return Preview(columns, rows)
