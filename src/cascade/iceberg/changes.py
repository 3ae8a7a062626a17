"""What a commit changes in a table, and who decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

P = TypeVar("P")


@dataclass(frozen=True)
class FileChange:
    """Files that leave a table and files that enter it, in one snapshot.

    Args:
        deleted: data files and position delete files that leave the table.
        added: data files and position delete files that enter it.
        summary: further properties of the snapshot's summary.
        keeps_rows: whether the table has the same rows afterwards, in other files.
        forgets: whether the snapshot names no file that has left the table, then or before. Manifests repeat the least
            and the largest values of the files that they name.
    """

    deleted: tuple[DataFile, ...] = ()
    added: tuple[DataFile, ...] = ()
    summary: Mapping[str, str] = field(default_factory=dict)
    keeps_rows: bool = False
    forgets: bool = False

    def __bool__(self) -> bool:
        return bool(self.deleted or self.added or self.forgets)


@dataclass(frozen=True)
class PropertyChange:
    """Properties of a table that change in the commit that adds a snapshot.

    Args:
        updates: the properties that are set.
        removals: names of present properties that are removed.
        summary: properties of the snapshot's summary.
    """

    updates: Mapping[str, str] = field(default_factory=dict)
    removals: Sequence[str] = ()
    summary: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.updates or self.removals)


class Planner(Protocol[P]):
    """Decides what changes in a table, from one of its snapshots."""

    def plan(self, table: Table) -> P:
        """Read the table and decide, without writing anything."""
        ...

    def still_holds(self, plan: P, table: Table) -> bool:
        """Return whether a plan for an earlier snapshot is also valid for this one."""
        ...

    def write(self, table: Table, plan: P) -> FileChange:
        """Write the plan's data files. Return an empty change to commit nothing."""
        ...


class Unchanged:
    """Plans to change no file, whatever is in the table."""

    def plan(self, table: Table) -> None:
        """Read nothing."""

    def still_holds(self, plan: None, table: Table) -> bool:
        """Return True: nothing was read."""
        return True

    def write(self, table: Table, plan: None) -> FileChange:
        """Write nothing."""
        return FileChange()


class Properties(Protocol):
    """Decides which properties of a table change with a commit; `LedgerEntry` does."""

    def with_snapshot(self, table: Table, branch: str, snapshot_id: int) -> PropertyChange:
        """Return what changes with a snapshot that is based on the head of a branch."""
        ...

    def alone(self, table: Table, branch: str) -> PropertyChange:
        """Return what changes if no file does. An empty change commits nothing."""
        ...
