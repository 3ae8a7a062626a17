"""Write small files, and files with many deleted rows, anew. No row changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.data_file_writer import write_files
from cascade.iceberg.files import read_file
from cascade.iceberg.keys import sorted_by_key
from cascade.iceberg.large.writing import removed_on_error
from cascade.iceberg.maintenance.grouping import Group, groups_to_rewrite, live_rows_of, sort_key
from cascade.iceberg.merge.plan import FileIdentity, identity, layout_of
from cascade.iceberg.position_deletes import own_delete_files
from cascade.iceberg.snapshot.cache import live_entries, manifests_in
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

MAINTENANCE = "cascade.maintenance"
"""In the summary of a snapshot: what made it."""

_PATIENCE_SECONDS = 60.0
# Each commit is a snapshot, and a table keeps a number of them. What is written for one that lost its race is lost.
_ROWS_PER_COMMIT = 2_000_000


@dataclass
class Compacted:
    """What a compaction did.

    Args:
        removed: number of data files and delete files that left the table.
        added: number of data files that came in their place.
    """

    removed: int = 0
    added: int = 0


@dataclass(frozen=True)
class CompactionPlan:
    """What one commit of a compaction changes.

    Args:
        layout: the schema and the layout of the table.
        groups: files that are written as one.
        dangling: delete files that concern no file of the table.
    """

    layout: tuple[int, int]
    groups: tuple[Group, ...]
    dangling: tuple[DataFile, ...] = ()

    @property
    def tasks(self) -> Iterator[FileScanTask]:
        """The files that are written anew."""
        return (task for group in self.groups for task in group)


@dataclass(frozen=True)
class Compaction:
    """Plans and writes one commit of a compaction.

    A group of which another writer has changed a file is left to the next compaction, so that writers that are faster
    do not keep this one from coming to an end.

    Args:
        groups: the files of each group.
        dangling: paths of the delete files that leave the table.
    """

    groups: tuple[frozenset[FileIdentity], ...]
    dangling: frozenset[str] = field(default_factory=frozenset)

    def plan(self, table: Table) -> CompactionPlan:
        """Find the groups whose files are still there."""
        tasks = data_files(table)
        present = {identity(task): task for task in tasks}
        groups = tuple(
            tuple(task for name, task in present.items() if name in group)
            for group in self.groups
            if group <= present.keys()
        )
        dangling = tuple(file for file in dangling_deletes(table, tasks) if file.file_path in self.dangling)
        return CompactionPlan(layout_of(table), groups, dangling)

    def still_holds(self, plan: CompactionPlan, table: Table) -> bool:
        """Return whether the files are in the table, with the same delete files."""
        if plan.layout != layout_of(table):
            return False
        tasks = data_files(table)
        there = {file.file_path for file in dangling_deletes(table, tasks)} if plan.dangling else set()
        wanted = {file.file_path for file in plan.dangling}
        return frozenset(map(identity, plan.tasks)) <= frozenset(map(identity, tasks)) and wanted <= there

    def write(self, table: Table, plan: CompactionPlan) -> FileChange:
        """Write one group after the other."""
        gone: list[DataFile] = list(plan.dangling)
        new: list[DataFile] = []
        key = sort_key(table)
        with removed_on_error(table, new):
            for group in plan.groups:
                rows = pa.concat_tables([read_file(table, task) for task in group])
                new += write_files(table, sorted_by_key(rows, key))
                for task in group:
                    gone += [task.file, *own_delete_files(task)]
        return FileChange(deleted=tuple(gone), added=tuple(new), keeps_rows=True)


def compactions(table: Table) -> list[Compaction]:
    """Return what a compaction of a table would commit, one after the other.

    Args:
        table: the table.

    Raises:
        CascadeError: the table has equality deletes, which pyiceberg cannot apply.
    """
    tasks = data_files(table)
    dangling = frozenset(file.file_path for file in dangling_deletes(table, tasks))
    commits = [Compaction(tuple(map(_identities, part))) for part in _commits(groups_to_rewrite(table, tasks))]
    if not commits:
        return [Compaction((), dangling)] if dangling else []
    return [Compaction(commits[0].groups, dangling), *commits[1:]]


def compact(lakehouse: Lakehouse, ref: TableRef) -> Compacted:
    """Write small files of a table, and files with many deleted rows, anew.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and its branch.

    Raises:
        CommitError: other writers committed first, every time.
        CascadeError: the table has equality deletes, or its storage cannot be written.
    """
    found = Compacted()
    for compaction in compactions(lakehouse.require(ref)):
        committed = commit_planned(
            lakehouse, ref, compaction, summary={MAINTENANCE: "compaction"}, patience=_PATIENCE_SECONDS
        )
        snapshot = committed.table.snapshot_by_id(committed.snapshot_id) if committed.snapshot_id else None
        if snapshot is not None and snapshot.summary is not None:
            found.added += int(snapshot.summary.get("added-data-files") or 0)
            for name in ("deleted-data-files", "removed-delete-files"):
                found.removed += int(snapshot.summary.get(name) or 0)
    return found


def dangling_deletes(table: Table, tasks: Iterable[FileScanTask]) -> list[DataFile]:
    """Return the position delete files that apply to no data file.

    Args:
        table: the table.
        tasks: its data files, each with its delete files.
    """
    from pyiceberg.manifest import ManifestContent

    head = table.current_snapshot()
    applied = {file.file_path for task in tasks for file in task.delete_files}
    return [
        entry.data_file
        for manifest in (manifests_in(table.io, head.manifest_list) if head else ())
        if manifest.content == ManifestContent.DELETES
        for entry in live_entries(table.io, manifest)
        if entry.data_file.file_path not in applied
    ]


def _commits(groups: Iterable[Group]) -> Iterator[list[Group]]:
    held: list[Group] = []
    rows = 0
    for group in groups:
        size = sum(map(live_rows_of, group))
        if held and rows + size > _ROWS_PER_COMMIT:
            yield held
            held, rows = [], 0
        held.append(group)
        rows += size
    if held:
        yield held


def _identities(group: Group) -> frozenset[FileIdentity]:
    return frozenset(map(identity, group))
