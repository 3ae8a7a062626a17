"""Erase rows from a table: from its branches, from the snapshots that hold them, and from its files.

Branches are rewritten, tags and the branches of runs under way are removed, and all other snapshots that hold such rows
expire at once with their files. The hidden tables of a merge by Trino that was killed are dropped. At the end every
file that is stored for the table is read, which proves that no such row is left. Each step can be repeated, so an
erasure that was interrupted is run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cascade.iceberg.commit import commit_planned
from cascade.iceberg.erasing.condition import Condition
from cascade.iceberg.erasing.hidden import hidden_tables_with_rows
from cascade.iceberg.erasing.removal import ERASING, drop_refs, finish, let_go
from cascade.iceberg.erasing.rewriting import RewritingPlanner
from cascade.iceberg.erasing.survey import Holding, Survey, holding, survey
from cascade.iceberg.heads import is_audit_branch
from cascade.iceberg.ledger.copied import CopiedLedger
from cascade.iceberg.ledger.state import state_of
from cascade.iceberg.maintenance.orphans import check_removable, table_locations
from cascade.iceberg.snapshot.retention import LONGEST_COMMIT_SECONDS
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.trino.hidden_tables import drop_hidden
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

# A run that is under way may bring rows back meanwhile.
_ROUNDS = 3


@dataclass
class Erased:
    """What was erased from a table, or would be.

    Args:
        table: full name of the table.
        branches: the number of rows that readers of each branch saw.
        removed_refs: tags, and branches of runs that waited for their checks, that were removed.
        snapshots: number of snapshots that expired at once.
        files: number of data files of these states that held rows.
        strays: number of files of no state that held rows and were old enough to be removed.
        read: number of files that were read at the end; 0 if nothing was erased yet.
        left: files that still hold rows.
        unclear: number of refused rows of which it could not be decided.
        unfinished: whether an erasure was interrupted that has not removed all files of expired snapshots.
    """

    table: str
    branches: dict[str, int] = field(default_factory=dict)
    removed_refs: list[str] = field(default_factory=list)
    snapshots: int = 0
    files: int = 0
    strays: int = 0
    read: int = 0
    left: list[Holding] = field(default_factory=list)
    unclear: int = 0
    unfinished: bool = False

    @property
    def rows(self) -> int:
        """The number of rows that readers of `main` saw."""
        return self.branches.get(MAIN_BRANCH, 0)

    def __bool__(self) -> bool:
        return bool(self.branches or self.removed_refs or self.snapshots or self.strays or self.left or self.unfinished)


def preview(lakehouse: Lakehouse, ref: TableRef, condition: Condition, *, orphan_age: float) -> Erased:
    """Find out what would be erased.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        condition: tells the rows.
        orphan_age: seconds that a file of no state must be old to be removed; a run may still publish a younger one.

    Raises:
        CascadeError: files of the table may not be removed, or cannot be read.
    """
    found = Erased(ref.full_name)
    with storage_errors_named(lakehouse, ref, "read"):
        table = lakehouse.require(ref)
        check_removable(lakehouse, table, ref, table_locations(lakehouse))
        found.unfinished = ERASING in table.metadata.properties
        _add(found, survey(table, condition))
        files, _ = holding(table, condition)
        hidden = list(hidden_tables_with_rows(lakehouse, ref, condition))
    strays = [one for one in files if not one.named]
    found.left = [one for one in strays if not _is_old(one, orphan_age)]
    found.strays = len(strays) - len(found.left)
    for each in hidden:
        if each.abandoned:
            found.strays += len(each.files)
        else:
            found.left += each.files
    found.unclear = len(condition.unclear)
    return found


def erase(
    lakehouse: Lakehouse,
    ref: TableRef,
    condition: Condition,
    *,
    orphan_age: float,
    begin: Callable[[str], None] = lambda step: None,
) -> Erased:
    """Erase rows, and prove that no file of the table holds one.

    Args:
        lakehouse: the lakehouse, on `main`.
        ref: the table.
        condition: tells the rows.
        orphan_age: see `preview`.
        begin: called with a few words before each step.

    Returns:
        What was erased. `left` is empty if no file holds such a row any more.

    Raises:
        CommitError: other writers committed first every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused a commit, or lets no snapshot expire.
        CascadeError: files of the table may not be removed, or cannot be read or written.
    """
    found = Erased(ref.full_name)
    with storage_errors_named(lakehouse, ref):
        check_removable(lakehouse, lakehouse.require(ref), ref, table_locations(lakehouse))
        finish(lakehouse, ref)
        for _ in range(_ROUNDS):
            begin("looking for rows")
            states = survey(lakehouse.require(ref), condition)
            if states:
                _erase_states(lakehouse, ref, condition, states, begin)
                _add(found, states)
            begin("reading every file")
            files, found.read = holding(lakehouse.require(ref), condition)
            found.left = [one for one in files if one.named or not _is_old(one, orphan_age)]
            for one in files:
                if one not in found.left:
                    one.file.remove()
                    found.strays += 1
            for each in hidden_tables_with_rows(lakehouse, ref, condition):
                found.read += each.read
                if each.abandoned:
                    drop_hidden(lakehouse.catalog, each.table)
                    found.strays += len(each.files)
                else:
                    found.left += each.files
            if not any(one.named for one in found.left):
                break
    found.unclear = len(condition.unclear)
    return found


def _erase_states(
    lakehouse: Lakehouse, ref: TableRef, condition: Condition, states: Survey, begin: Callable[[str], None]
) -> None:
    planner = RewritingPlanner(condition, states.files)
    # The snapshots that say what is published may all go.
    ledger = CopiedLedger(state_of)
    # The rows of runs that wait for their checks are published onto what the rewritten branch no longer is.
    drop_refs(lakehouse, ref, _dropped(states))
    for branch in dict.fromkeys([MAIN_BRANCH, *states.branches]):
        if is_audit_branch(branch):
            continue
        begin(f"rewriting {branch}")
        commit_planned(replace(lakehouse, branch=branch), ref, planner, summary={}, properties=ledger)
    begin("removing old files")
    let_go(lakehouse, ref, survey(lakehouse.require(ref), condition).snapshots)


def _dropped(states: Survey) -> list[str]:
    return [*states.tags, *filter(is_audit_branch, states.branches)]


def _add(found: Erased, states: Survey) -> None:
    for branch, rows in states.branches.items():
        if not is_audit_branch(branch):
            found.branches[branch] = found.branches.get(branch, 0) + rows
    found.removed_refs += _dropped(states)
    found.snapshots += len(states.snapshots)
    found.files += len(states.files)


def _is_old(one: Holding, age: float) -> bool:
    return one.file.written < time.time() - max(age, LONGEST_COMMIT_SECONDS)
