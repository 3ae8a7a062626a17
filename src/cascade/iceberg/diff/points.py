"""A state of a table that a user names: a branch, a tag, a snapshot or a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from cascade.exceptions import UsageError
from cascade.iceberg.branches import schema_of, table_with
from cascade.iceberg.history import counts_all_rows
from cascade.program import typed
from cascade.spelling import did_you_mean
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

_SNAPSHOT = re.compile(r"\d{6,19}")


@dataclass(frozen=True)
class Point:
    """A state of a table.

    Args:
        name: what the user called it.
        table: the table, whose current snapshot is the one meant; without one if the table was still empty.
    """

    name: str
    table: Table

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot; None if the table had no rows yet."""
        return self.table.current_snapshot()


def point_of(table: Table, text: str) -> Point:
    """Find the state of a table that a user means.

    Args:
        table: the table, on any branch.
        text: name of a branch or a tag, id of a snapshot, or a time in ISO 8601, such as `2024-01-15T08:00`. A time
            without a time zone is in UTC, and a date is its end; both mean the last snapshot of `main` until then.

    Raises:
        UsageError: there is no such state, or its snapshot has expired.
    """
    metadata = table.metadata
    ref = metadata.refs.get(text)
    if ref is not None:
        # Only a branch that stands for main in `working_branch` has a newer schema than the table.
        schema = max(table.metadata.current_schema_id, schema_of(table, ref.snapshot_id))
        return Point(text, table_with(table, current_snapshot_id=ref.snapshot_id, current_schema_id=schema))
    if text == MAIN_BRANCH:
        return Point(text, table_with(table, current_snapshot_id=None))
    if _SNAPSHOT.fullmatch(text):
        snapshot = table.snapshot_by_id(int(text))
        if snapshot is None:
            raise UsageError(
                f"The table {_name(table)} has no snapshot {text}, or it has expired.",
                hint=f"See its snapshots: {typed(f'table history {_name(table)}')}",
            )
        return Point(text, table_with(table, current_snapshot_id=snapshot.snapshot_id))
    moment = _moment(text)
    if moment is None:
        known = sorted({MAIN_BRANCH, *metadata.refs})
        raise UsageError(
            f'The table {_name(table)} has no branch or tag "{text}".{did_you_mean(text, known)}',
            hint="Give a branch, a tag, the id of a snapshot, or a time such as 2024-01-15T08:00.",
        )
    return Point(text, table_with(table, current_snapshot_id=_snapshot_at(table, moment, text)))


def _snapshot_at(table: Table, moment: datetime, text: str) -> int | None:
    """Return the snapshot that `main` was on at a time."""
    if table.metadata.refs.get(MAIN_BRANCH) is None:
        return None
    milliseconds = moment.timestamp() * 1000
    log = sorted(table.metadata.snapshot_log, key=lambda entry: entry.timestamp_ms)
    until = [table.snapshot_by_id(entry.snapshot_id) for entry in log if entry.timestamp_ms <= milliseconds]
    later = [table.snapshot_by_id(entry.snapshot_id) for entry in log if entry.timestamp_ms > milliseconds]
    found, following = until[-1] if until else None, later[0] if later else None
    if found is not None and (not later or _adjoin(table, found, following)):
        return found.snapshot_id
    oldest = min(table.metadata.snapshots, key=lambda snapshot: snapshot.timestamp_ms)
    if not until and _is_first(following or oldest):
        return None  # the table had no rows yet
    first = datetime.fromtimestamp(oldest.timestamp_ms / 1000, UTC)
    raise UsageError(
        f"The snapshot that {_name(table)} had at {text} has expired. The oldest one that is left is of "
        f"{first:%Y-%m-%d %H:%M:%S} UTC.",
        hint=f"See its snapshots: {typed(f'table history {_name(table)}')}. "
        "Keep more of them with the settings keep_snapshots and keep_snapshot_days.",
    )


def _adjoin(table: Table, snapshot: Snapshot, following: Snapshot | None) -> bool:
    """Return whether `main` went from one snapshot to the next one of the log.

    The log leaves out snapshots that have expired, and what follows them no longer has a parent.
    """
    from pyiceberg.table.snapshots import ancestors_of

    before, after = ({one.snapshot_id for one in ancestors_of(each, table.metadata)} for each in (snapshot, following))
    return not before.isdisjoint(after)


def _is_first(snapshot: Snapshot) -> bool:
    """Return whether there was no row before a snapshot."""
    return snapshot.sequence_number == 1 or (snapshot.parent_snapshot_id is None and counts_all_rows(snapshot))


def _moment(text: str) -> datetime | None:
    try:
        if len(text) == len("2024-01-15"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _name(table: Table) -> str:
    return ".".join(table.name())
