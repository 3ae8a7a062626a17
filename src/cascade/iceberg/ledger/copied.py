"""A ledger that is written as a whole: that of a copy, and that of a table whose snapshots go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyiceberg.table import Table

from cascade.iceberg.changes import PropertyChange
from cascade.iceberg.ledger.encoding import Claim, Stored
from cascade.iceberg.ledger.entry import LONGEST_COPY
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER, LedgerState, state_of
from cascade.table_ref import MAIN_BRANCH

_CLAIM = f"{CLAIM_PREFIX}copy"


def _nothing(snapshot: int | None) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class CopiedLedger:
    """Replaces the ledger of a table, and sets other properties in the same commit.

    Args:
        state: returns what the ledger says from then on, given the table as it is: `state_of` to keep what it says.
        properties: returns the other properties, given the snapshot that the table then has.
    """

    state: Callable[[Table], LedgerState]
    properties: Callable[[int | None], Mapping[str, str]] = _nothing

    def with_snapshot(self, table: Table, branch: str, snapshot_id: int) -> PropertyChange:
        """Return what changes in the commit that adds a snapshot.

        Args:
            table: the table that the snapshot is based on, on its branch.
            branch: the branch. On any but `main`, only the summary of the snapshot has the ledger.
            snapshot_id: id of the new snapshot.
        """
        before, after, head = state_of(table), self.state(table), table.current_snapshot()
        text = Stored(after.contents, snapshot_id, head.snapshot_id if head else None, ()).text()
        if branch != MAIN_BRANCH:
            return PropertyChange(summary={LEDGER: text} if after.recorded else {})
        also = dict(self.properties(snapshot_id))
        if not after.recorded:
            return PropertyChange(also, (*before.claims, *({LEDGER} & table.metadata.properties.keys())))
        return PropertyChange(also | {LEDGER: text}, before.claims, {LEDGER: text} if len(text) <= LONGEST_COPY else {})

    def alone(self, table: Table, branch: str) -> PropertyChange:
        """Return what changes in a commit without a snapshot.

        Args:
            table: the table, on its branch.
            branch: the branch. Nothing changes on any but `main`.
        """
        if branch != MAIN_BRANCH:
            return PropertyChange()
        before, after, head = state_of(table), self.state(table), table.current_snapshot()
        snapshot, present = head.snapshot_id if head else None, table.metadata.properties
        also = {name: text for name, text in self.properties(snapshot).items() if present.get(name) != text}
        if after.recorded and before.contents != after.contents:
            number = max(int(time.time() * 1000), before.number + 1)
            also[_CLAIM] = Claim(after.contents, snapshot, number).text()
        return PropertyChange(also)
