"""The ledger of a table that is a copy of another one: it says what the other one's says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyiceberg.table import Table

from cascade.iceberg.changes import PropertyChange
from cascade.iceberg.ledger.encoding import Claim, Stored
from cascade.iceberg.ledger.entry import LONGEST_COPY
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER, LedgerState, state_of

_CLAIM = f"{CLAIM_PREFIX}copy"


@dataclass(frozen=True)
class CopiedLedger:
    """Replaces the ledger of a table, and sets other properties in the same commit.

    Args:
        state: the ledger of the other table.
        properties: returns the other properties, given the snapshot that the table then has.
    """

    state: LedgerState
    properties: Callable[[int | None], Mapping[str, str]]

    def with_snapshot(self, table: Table, branch: str, snapshot_id: int) -> PropertyChange:
        """Return what changes in the commit that adds a snapshot.

        Args:
            table: the table that the snapshot is based on.
            branch: the branch, which is `main`.
            snapshot_id: id of the new snapshot.
        """
        state, head, also = state_of(table), table.current_snapshot(), dict(self.properties(snapshot_id))
        if not self.state.recorded:
            return PropertyChange(also, (*state.claims, *({LEDGER} & table.metadata.properties.keys())))
        text = Stored(self.state.contents, snapshot_id, head.snapshot_id if head else None, ()).text()
        return PropertyChange(also | {LEDGER: text}, state.claims, {LEDGER: text} if len(text) <= LONGEST_COPY else {})

    def alone(self, table: Table, branch: str) -> PropertyChange:
        """Return what changes in a commit without a snapshot, for a table without rows.

        Args:
            table: the table.
            branch: the branch, which is `main`.
        """
        head, state = table.current_snapshot(), state_of(table)
        snapshot = head.snapshot_id if head else None
        present = table.metadata.properties
        also = {name: text for name, text in self.properties(snapshot).items() if present.get(name) != text}
        if self.state.recorded and state.contents != self.state.contents:
            number = max(int(time.time() * 1000), state.number + 1)
            also[_CLAIM] = Claim(self.state.contents, snapshot, number).text()
        return PropertyChange(also)
