"""Find out what the ledger of a table says at the head of a branch.

A commit to `main` writes the ledger to a property of the table, and the summary of its snapshot has a copy, unless it
is long. So a snapshot that became the head in any way, such as a rollback or a branch that another tool published,
still says what is published: what stands at the nearest snapshot counts.

A run that changed no row sets a property of its own, a claim, on exactly the head that it found: two runs that changed
one property would both pass this requirement, and one would erase what the other said. The next commit to `main` adds
the claims that it read to the ledger, and removes them. It has read all of them, but for those that landed on the head
that it replaced while it was under way. They are told by the head that they name, and count, except for the partition
that the commit itself published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cascade.iceberg.ledger.contents import Contents
from cascade.iceberg.ledger.encoding import Claim, Stored, claim, stored

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

LEDGER = "cascade.ledger"
CLAIM_PREFIX = f"{LEDGER}.run."


@dataclass(frozen=True)
class LedgerState:
    """What a ledger says at the head of a branch.

    Args:
        contents: what is published.
        claimed: the part of it that only claims say.
        claims: names of the properties that hold claims, also of those that no longer count.
        number: the highest number of a claim.
        recorded: whether there is a ledger at all.
    """

    contents: Contents = field(default_factory=Contents)
    claimed: Contents = field(default_factory=Contents)
    claims: tuple[str, ...] = ()
    number: int = 0
    recorded: bool = False


def state_of(table: Table) -> LedgerState:
    """Return what the ledger of a table says.

    Args:
        table: the table, on its branch.
    """
    properties = table.metadata.properties
    claims = {name: claim(text) for name, text in properties.items() if name.startswith(CLAIM_PREFIX)}
    base, heads = _base(table, stored(properties.get(LEDGER)))
    claimed = Contents()
    for _, found in sorted(claims.items(), key=lambda item: (item[1].number if item[1] else 0, item[0])):
        if found is not None:
            claimed = _counting(found, base, heads).after(claimed)
    before = base.contents if base else Contents()
    return LedgerState(
        contents=claimed.after(before),
        claimed=claimed,
        claims=tuple(claims),
        number=max((found.number for found in claims.values() if found), default=0),
        recorded=base is not None or bool(claimed),
    )


def _counting(found: Claim, base: Stored | None, heads: set[int | None]) -> Contents:
    """Return the part of a claim that still counts."""
    if found.snapshot_id in heads:
        return found.contents
    if base is not None and found.snapshot_id == base.parent_id:
        # The commit did not read the claim, and what it published itself is newer.
        return found.contents.without(base.contents.scheme, base.keys)
    return Contents()


def _base(table: Table, last: Stored | None) -> tuple[Stored | None, set[int | None]]:
    """Return the ledger of the nearest snapshot, and the heads that the branch has had since."""
    heads: set[int | None] = set()
    end: Snapshot | None = None
    for snapshot in _ancestors(table):
        end = snapshot
        heads.add(snapshot.snapshot_id)
        if last is not None and snapshot.snapshot_id == last.snapshot_id:
            return last, heads
        copy = stored(snapshot.summary.get(LEDGER)) if snapshot.summary else None
        if copy is not None:
            return copy, heads
    # A snapshot whose parent has expired has none either.
    if end is None or end.sequence_number == 1:
        return None, {*heads, None}
    # The rest of the history has expired. A ledger whose snapshot is still there belongs to another history.
    if last is None or table.snapshot_by_id(last.snapshot_id) is not None:
        return None, heads
    return last, {*heads, last.snapshot_id}


def _ancestors(table: Table) -> Iterator[Snapshot]:
    snapshot = table.current_snapshot()
    if snapshot is None:
        return
    yield snapshot
    # pyiceberg searches the list of all snapshots for each.
    known = {each.snapshot_id: each for each in table.metadata.snapshots}
    while (snapshot := known.get(snapshot.parent_snapshot_id or 0)) is not None:
        yield snapshot
