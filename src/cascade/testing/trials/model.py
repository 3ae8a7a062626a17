"""What the runs of a case must leave: a model without files, catalogs and processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cascade.testing.trials.cases import DAYS, REFUSED, Case, Row

Placed = tuple[str | None, Row]
"""A row, and the partition whose run returned it."""


@dataclass(frozen=True)
class Model:
    """What is in a table and in its quarantine.

    Args:
        case: the workflow.
        good: the rows of the table.
        refused: the rows of the quarantine.
        last: the good rows of the last run that had some, if the workflow has no partitions.
    """

    case: Case
    good: tuple[Placed, ...] = ()
    refused: frozenset[Placed] = frozenset()
    last: Counter[Row] | None = None

    def after(self, partition: str | None, rows: Sequence[Row]) -> Model:
        """Return the model after a run.

        Args:
            partition: the partition.
            rows: all rows that its source has.
        """
        good = [(partition, row) for row in rows if row.value < REFUSED]
        refused = [(partition, row) for row in rows if row.value >= REFUSED]
        others = [placed for placed in self.good if placed[0] != partition]
        kept = {placed for placed in self.refused if placed[0] != partition}
        left = replace(self, refused=frozenset([*kept, *refused]))
        if self.case.disposition == "merge":
            versions = {(placed[0], placed[1].id): placed for placed in [*self.good, *good]}
            return replace(left, good=tuple(versions.values()))
        if self.case.disposition == "append" and partition is None and not self.case.incremental:
            counted = Counter(row for _, row in good)
            if not good or counted == self.last:
                return left
            return replace(left, good=(*self.good, *good), last=counted)
        return replace(left, good=(*others, *good))

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of the table, as `rows_in` returns them."""
        return sorted((partition or DAYS[0], *row) for partition, row in self.good)

    def quarantined(self) -> Counter[tuple[str | None, int]]:
        """Return the partition and the place in the source of each row in the quarantine."""
        return Counter((partition, row.seq) for partition, row in self.refused)
