"""What a run writes into the ledger: with its rows, or alone if it changes none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from cascade.iceberg.changes import PropertyChange
from cascade.iceberg.ledger.contents import UNKNOWN, Contents
from cascade.iceberg.ledger.encoding import Claim, Stored
from cascade.iceberg.ledger.schemes import Scheme
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER, state_of
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from pyiceberg.table import Table

# With so many claims, the next one takes in the others: each is a line of the metadata, which every commit rewrites.
_MOST_CLAIMS = 32
LONGEST_COPY = 1000
"""Characters of the longest ledger that is copied to the summaries of snapshots, of which a table keeps dozens."""


@dataclass(frozen=True)
class LedgerEntry:
    """That a run published a partition.

    Args:
        run_id: the run.
        scheme: how the workflow's partitions are divided.
        partition: key of the partition; None for a table without partitions.
        code_version: the version of the workflow's code; empty if it is not known.
    """

    run_id: str
    scheme: Scheme
    partition: str | None
    code_version: str = UNKNOWN

    def with_snapshot(self, table: Table, branch: str, snapshot_id: int) -> PropertyChange:
        """Return what changes in the commit that adds a snapshot.

        Args:
            table: the table that the snapshot is based on, on its branch.
            branch: the branch. Only a commit to `main` publishes, so any other changes no property of the table; the
                summary of its snapshot says what will be published once it is the head of `main`.
            snapshot_id: id of the new snapshot.
        """
        state, head = state_of(table), table.current_snapshot()
        contents = state.contents.published(self.scheme, self.partition, self.code_version)
        parent = head.snapshot_id if head else None
        text = Stored(contents, snapshot_id, parent, (self.partition,)).text()
        # A branch that is published by hand has nothing but the copy.
        copy = {LEDGER: text} if len(text) <= LONGEST_COPY or branch != MAIN_BRANCH else {}
        if branch != MAIN_BRANCH:
            return PropertyChange(summary=copy)
        return PropertyChange({LEDGER: text}, state.claims, copy)

    def alone(self, table: Table, branch: str) -> PropertyChange:
        """Return what changes in a commit without a snapshot; nothing if the ledger already says so.

        Args:
            table: the table, on its branch. The commit must require that its head stays the same.
            branch: the branch. Nothing is published on any but `main`.
        """
        if branch != MAIN_BRANCH:
            return PropertyChange()
        state, head = state_of(table), table.current_snapshot()
        if state.contents.says(self.scheme, self.partition, self.code_version):
            return PropertyChange()
        takes_in = len(state.claims) >= _MOST_CLAIMS
        before = state.claimed if takes_in else Contents()
        number = max(int(time.time() * 1000), state.number + 1)
        contents = before.published(self.scheme, self.partition, self.code_version)
        found = Claim(contents, head.snapshot_id if head else None, number)
        name = CLAIM_PREFIX + ".".join(quote(each, safe="") for each in (self.partition or "", self.run_id))
        removals = tuple(each for each in state.claims if each != name) if takes_in else ()
        return PropertyChange({name: found.text()}, removals)
