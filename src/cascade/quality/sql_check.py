"""A check in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.quality.kinds import QueryCheck, counted_rows
from cascade.quality.result import CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged


@dataclass(frozen=True)
class Sql(QueryCheck):
    """A query returns no rows. Those that it returns are failing rows.

    The table is called by its name and stands for the rows that are judged: those on the branch of the run. Other
    tables are read on `main`; `raw` may be left out.

    Args:
        query: one SELECT statement in DuckDB's dialect.
        scope: defaults to `"table"`.
        name: defaults to `sql`.
    """

    query: str

    kind = "sql"
    default_scope = "table"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not isinstance(self.query, str) or not self.query.strip():
            yield f"query must be a SELECT statement, not {self.query!r}."

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        query = judged.query(self.query)
        # A line comment at the end of the query would hide the bracket.
        (failing,) = judged.one(f"SELECT count(*) FROM (\n{query}\n)")
        return counted_rows(
            failing,
            rows,
            "the query returns them",
            sql=query,
            sample=judged.sample(f"\n{query}\n", failing),
        )
