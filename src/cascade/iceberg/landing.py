"""Whether a snapshot that was sent to a catalog landed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from cascade.exceptions import CommitError
from cascade.iceberg.snapshot.retention import LONGEST_COMMIT_SECONDS

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.table_ref import TableRef

P = TypeVar("P")


@dataclass
class Sent(Generic[P]):
    """A plan and the snapshot that was sent for it.

    Args:
        snapshot_id: id of the snapshot.
        parent_id: the snapshot that it is based on; None for an empty branch.
        plan: the plan.
        settled: whether it is known that it never landed and never will.
    """

    snapshot_id: int
    parent_id: int | None
    plan: P
    settled: bool = False
    _clocks: tuple[float, float] = field(default_factory=lambda: (time.time(), time.monotonic()))

    @property
    def age(self) -> float:
        """Seconds since it was sent. The monotonic clock stands still while a machine sleeps."""
        return max(time.time() - self._clocks[0], time.monotonic() - self._clocks[1])


def landed(table: Table, ref: TableRef, sent: Sequence[Sent[P]]) -> Sent[P] | None:
    """Return which of the snapshots that were sent is in a table.

    Args:
        table: the table as loaded just now, on its branch.
        ref: the table and the branch that they were sent to.
        sent: the snapshots.

    Raises:
        CommitError: none is there, but one may have landed and expired since.
    """
    for one in sent:
        if table.snapshot_by_id(one.snapshot_id) is not None:
            return one
    head = table.current_snapshot()
    for one in sent:
        if one.settled:
            continue
        if one.age >= LONGEST_COMMIT_SECONDS and not _is_succeeded_by_another(table, one):
            raise CommitError(
                f"A commit to {ref} was answered only after {one.age / 60:.0f} minutes, so it is not known whether it "
                "landed: snapshots that are as old may have expired.",
                hint="Run it again: rows that have arrived are not written twice.",
            )
        one.settled = head is not None and head.snapshot_id != one.parent_id
    return None


def _is_succeeded_by_another(table: Table, sent: Sent[P]) -> bool:
    """Return whether another snapshot follows its parent, or none does yet: then it never landed."""
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.snapshot_id == sent.parent_id:
        return True
    while snapshot.parent_snapshot_id is not None:
        if snapshot.parent_snapshot_id == sent.parent_id:
            return True
        parent = table.snapshot_by_id(snapshot.parent_snapshot_id)
        if parent is None:
            return False
        snapshot = parent
    return sent.parent_id is None and snapshot.sequence_number == 1
