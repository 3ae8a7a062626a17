"""Blocking checks of the trials: one that fails, and one during which somebody else writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from cascade.exceptions import ChecksFailedError
from cascade.testing.trials.sites import Values, rows_of

if TYPE_CHECKING:
    from cascade.runs.candidate import Candidate


@dataclass
class Failing:
    """A blocking check that fails.

    Args:
        seen: the rows of the table that it judged.
        branch: the branch that they were on; None on a catalog without branches.
    """

    blocks: ClassVar[bool] = True
    seen: Values = field(default_factory=list)
    branch: str | None = None

    def judge(self, candidate: Candidate) -> None:
        """Fail."""
        self.seen, self.branch = rows_of(candidate.table), candidate.branch
        raise ChecksFailedError("the trial fails it", results=(), branch=candidate.branch)


@dataclass
class Overtaken:
    """A blocking check that passes, and during which another writer commits once.

    Args:
        write: commits something else.
        seen: the rows of the table that it judged, each time.
    """

    blocks: ClassVar[bool] = True
    write: Callable[[], object]
    seen: list[Values] = field(default_factory=list)

    def judge(self, candidate: Candidate) -> None:
        """Pass."""
        self.seen.append(rows_of(candidate.table))
        if len(self.seen) == 1:
            self.write()
