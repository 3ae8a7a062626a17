"""Which snapshots of a table expire with the next commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot

LONGEST_COMMIT_SECONDS = 600.0
"""A snapshot stays at least as long, because a writer that got no answer looks for its own."""

_MOST_AT_ONCE = 200
_DAY = 86_400_000
_MAIN = "main"


@dataclass(frozen=True)
class Retention:
    """The snapshots that a table keeps. A branch or a tag always keeps its own.

    Args:
        snapshots: number of snapshots of each branch; 0 keeps all.
        days: number of past days (UTC) of which the last snapshot is kept.
        least_age: seconds for which every snapshot is kept. Only measurements set less than the longest commit takes.
    """

    snapshots: int = 20
    days: int = 7
    least_age: float = LONGEST_COMMIT_SECONDS


DEFAULT_RETENTION = Retention()


def expired_snapshots(metadata: TableMetadata, branch: str, retention: Retention, now: int) -> list[int]:
    """Return the snapshots that expire with the next commit, oldest first.

    Args:
        metadata: the table's metadata before that commit.
        branch: the branch that gets the next snapshot.
        retention: what to keep. The table's and its branches' own settings can only keep more.
        now: the current time, in milliseconds.
    """
    settings = _Settings.of(metadata)
    if not retention.snapshots or settings is None:
        return []
    by_id = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    chains = {
        name: list(_chain(by_id, ref.snapshot_id))
        for name, ref in metadata.refs.items()
        if ref.snapshot_ref_type == "branch"
    }
    kept = {ref.snapshot_id for ref in metadata.refs.values()}
    for name, chain in chains.items():
        count = max(retention.snapshots, settings.count, metadata.refs[name].min_snapshots_to_keep or 0)
        count -= name == branch
        kept.update(chain[:count])
        if name == _MAIN:
            # A rollback takes snapshots out of the chain, and only they can undo it.
            kept.update(_logged(metadata)[:count])
    # The clock of one writer may be fast. The newest snapshot has the time of another writer.
    newest = max((by_id[chain[0]].timestamp_ms for chain in chains.values() if chain), default=now)
    reference = min(now, newest)
    ages = [int(retention.least_age * 1000), settings.age]
    ages += [ref.max_snapshot_age_ms or 0 for ref in metadata.refs.values()]
    kept.update(one.snapshot_id for one in metadata.snapshots if reference - one.timestamp_ms < max(ages))
    kept.update(_last_of_each_day(metadata, chains, reference // _DAY - retention.days))
    dead = [one for one in metadata.snapshots if one.snapshot_id not in kept]
    dead.sort(key=lambda one: (one.sequence_number or 0, one.timestamp_ms))
    # pyiceberg compares each with all others.
    return [snapshot.snapshot_id for snapshot in dead[:_MOST_AT_ONCE]]


def _last_of_each_day(metadata: TableMetadata, chains: Mapping[str, list[int]], first_day: int) -> list[int]:
    """Return the last snapshot of main on each day.

    Expired snapshots interrupt the chain of parents, so that older snapshots of main can be told from those of other
    branches only by the log.
    """
    main = {entry.snapshot_id for entry in metadata.snapshot_log} | set(chains.get(_MAIN, ()))
    others = {one for chain in chains.values() for one in chain} - main
    last: dict[int, Snapshot] = {}
    for snapshot in metadata.snapshots:
        day = snapshot.timestamp_ms // _DAY
        known = last.get(day)
        newer = known is None or snapshot.timestamp_ms >= known.timestamp_ms
        # A snapshot of a branch that is gone is in neither, unless other tools wrote no log.
        of_main = snapshot.snapshot_id in main if metadata.snapshot_log else snapshot.snapshot_id not in others
        if day >= first_day and newer and of_main:
            last[day] = snapshot
    return [snapshot.snapshot_id for snapshot in last.values()]


def _logged(metadata: TableMetadata) -> list[int]:
    """Return the snapshots that main has been at, the latest first."""
    return list(dict.fromkeys(entry.snapshot_id for entry in reversed(metadata.snapshot_log)))


def _chain(by_id: Mapping[int, Snapshot], head: int | None) -> Iterator[int]:
    while head is not None and head in by_id:
        yield head
        head = by_id[head].parent_snapshot_id


@dataclass(frozen=True)
class _Settings:
    """What the properties of a table ask for."""

    count: int
    age: int

    @classmethod
    def of(cls, metadata: TableMetadata) -> _Settings | None:
        """Return None if nothing may expire, or if a property cannot be understood."""
        properties = metadata.properties
        if properties.get("gc.enabled", "true").strip().lower() == "false":
            return None
        try:
            return cls(
                count=int(properties.get("history.expire.min-snapshots-to-keep", 0)),
                age=int(properties.get("history.expire.max-snapshot-age-ms", 0)),
            )
        except ValueError:
            return None
