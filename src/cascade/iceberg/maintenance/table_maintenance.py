"""Maintain a table: compact it, let old snapshots expire, and remove orphans."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.iceberg.commit_outcomes import described
from cascade.iceberg.data_file_writer import ROWS_PER_FILE
from cascade.iceberg.expiry_support import SUPPORT
from cascade.iceberg.maintenance.compaction import compact, compactions
from cascade.iceberg.maintenance.expiring import Expired, expirable, expire
from cascade.iceberg.maintenance.grouping import live_rows_of
from cascade.iceberg.maintenance.orphans import FilesKept, Locations, orphans_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef


@dataclass
class Maintained:
    """What maintenance did to a table, or would do.

    Args:
        table: full name of the table.
        files_before: number of data and delete files that were written anew, or removed because they had no effect.
        files_after: number of data files in their place.
        branches: audit branches that were kept long enough.
        snapshots: number of snapshots that expired.
        orphans: number of files that were removed because no state of the table needs them.
        orphan_bytes: their size in bytes.
        kept: why no file may be removed; empty if files may be.
        problems: what could not be done, and why.
    """

    table: str
    files_before: int = 0
    files_after: int = 0
    branches: tuple[str, ...] = ()
    snapshots: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    kept: str = ""
    problems: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.files_before or self.branches or self.snapshots or self.orphans)


def maintain_table(
    lakehouse: Lakehouse,
    ref: TableRef,
    locations: Locations | None,
    *,
    orphan_age: float,
    dry_run: bool = False,
) -> Maintained:
    """Compact a table, let its old snapshots expire, and remove its orphans. Writers and readers may be at work (G7).

    A step that fails does not keep the others from running.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table.
        locations: where all tables of the catalog are; None to leave orphans alone.
        orphan_age: seconds that an orphan must be old.
        dry_run: whether to find out only what would be done.

    Returns:
        What was done, or would be.
    """
    now, found = time.time(), Maintained(ref.full_name)

    def compaction() -> None:
        if dry_run:
            _preview_compaction(lakehouse.require(ref), found)
        else:
            done = compact(lakehouse, ref)
            found.files_before, found.files_after = done.removed, done.added

    def expiry() -> None:
        expired = _expirable(lakehouse, ref, now) if dry_run else expire(lakehouse, ref, now)
        found.branches, found.snapshots = expired.branches, expired.snapshots

    def orphans() -> None:
        if locations is None:
            return
        try:
            unneeded = orphans_of(lakehouse, ref, locations, age=orphan_age, now=now)
        except FilesKept as error:
            found.kept = error.message
            return
        for one in unneeded:
            if not dry_run:
                one.remove()
            found.orphans += 1
            found.orphan_bytes += one.size

    steps: tuple[Callable[[], None], ...] = (compaction, expiry, orphans)
    for step in steps:
        try:
            step()
        except Exception as error:
            problem = str(error) if isinstance(error, CascadeError) else described(error)
            found.problems = (*found.problems, problem)
    return found


def _expirable(lakehouse: Lakehouse, ref: TableRef, now: float) -> Expired:
    found = expirable(lakehouse.require(ref), lakehouse.retention, now)
    return found if SUPPORT.is_possible(lakehouse.uri) else Expired(found.branches)


def _preview_compaction(table: Table, found: Maintained) -> None:
    for compaction in compactions(table):
        plan = compaction.plan(table)
        found.files_before += len(plan.dangling)
        for group in plan.groups:
            found.files_before += len(group) + len({file.file_path for task in group for file in task.delete_files})
            found.files_after += -(-sum(map(live_rows_of, group)) // ROWS_PER_FILE)
