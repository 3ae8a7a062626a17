"""Plan and write merges of batches that do not fit in memory.

The batch is sorted by key on disk, and matched one chunk at a time with the files that can contain a key of the chunk.
A file that several chunks change is written anew once, or gets one position delete file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import DIGEST, Committed, run_summary
from cascade.iceberg.data_file_reader import Bounds
from cascade.iceberg.digest import differ, digest_of_parts
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.history import last_digest
from cascade.iceberg.large.bits import Bits
from cascade.iceberg.large.rows import LargeRows, no_rows
from cascade.iceberg.large.sorting import newest_rows
from cascade.iceberg.large.writing import removed_on_error, write_parts
from cascade.iceberg.merge.batch_keys import BatchKeys, file_bounds
from cascade.iceberg.merge.costs import DEFAULT_COSTS, Costs
from cascade.iceberg.merge.file_matching import FileMatching
from cascade.iceberg.merge.large_plan import FileChanges, LargeMergePlan
from cascade.iceberg.merge.plan import identity, layout_of
from cascade.iceberg.merge.versions import LAST_ROW_WINS, Versions
from cascade.iceberg.merge.writing import write_changes
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef

_CHUNKS_AT_ONCE = 4
"""A file is written anew with its new rows if these are in so many chunks. Otherwise they go to new files."""


def merge_large(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: LargeRows,
    unique_key: Sequence[str],
    *,
    run_id: str,
    partition: str | None = None,
    versions: Versions = LAST_ROW_WINS,
    costs: Costs = DEFAULT_COSTS,
    ledger: LedgerEntry | None = None,
    gate: Gate[LargeMergePlan] | None = None,
) -> Committed[LargeMergePlan]:
    """Merge rows into a table on its unique key, in bounded memory.

    The table has the same rows afterwards as with `merge_rows`, which explains the arguments, but not the same files.

    Raises:
        CascadeError: the disk is full.
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    newest = newest_rows(rows, unique_key, versions.dedup_sort)
    planner = LargeMergePlanner(newest, tuple(unique_key), partition, versions, costs)
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


@dataclass
class LargeMergePlanner:
    """Plans and writes merges of large batches; see `MergePlanner`.

    Args:
        rows: the batch, one row for each key, sorted by key.
        unique_key: the columns of the key.
        partition: key of the partition that was run; None for a table without partitions.
        versions: which version of a key wins, and which rows remove their key.
        costs: decides how old versions of rows disappear.
    """

    rows: LargeRows
    unique_key: tuple[str, ...]
    partition: str | None = None
    versions: Versions = LAST_ROW_WINS
    costs: Costs = DEFAULT_COSTS
    _digests: dict[int, str] = field(default_factory=dict, init=False)

    def plan(self, table: Table) -> LargeMergePlan:
        """Find what changes in each file, one chunk of the batch at a time."""
        rows = self.rows.conformed(arrow_schema(table))
        digest = self._digest(table, rows)
        last = last_digest(table, self.partition)
        compare = last is None or not differ(last, digest)
        tasks = self._with_bounds(table, data_files(table))
        changes: dict[str, FileChanges] = {}
        candidates = set()
        append, removes, outdated = Bits(), Bits(), Bits()
        updated = removed = 0
        for start, chunk in zip(rows.starts[:-1], rows.chunks(), strict=True):
            keys = BatchKeys.of(chunk, self.unique_key)
            matching = FileMatching(table, chunk, self.unique_key, self.costs, self.versions, compare=compare)
            for task, bounds in tasks:
                wanted = keys.within(bounds)
                if not len(wanted):
                    continue
                candidates.add(identity(task))
                if (change := matching.file_merge(task, wanted)) is not None:
                    changes.setdefault(task.file.file_path, FileChanges(task)).add(change, start, matching)
            append.add(~matching.found & ~matching.removes)
            removes.add(matching.removes)
            outdated.add(matching.outdated)
            updated += matching.updated
            removed += matching.removed
        snapshot = table.current_snapshot()
        can_delete = table.metadata.format_version == 2
        return LargeMergePlan(
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            layout=layout_of(table),
            rows=rows,
            digest=digest,
            seen=frozenset(identity(task) for task, _ in tasks),
            candidates=frozenset(candidates),
            files=tuple(change.merge(self.costs, can_delete=can_delete) for change in changes.values()),
            append=append,
            removes=removes,
            outdated=outdated,
            updated=updated,
            removed=removed,
        )

    def still_holds(self, plan: LargeMergePlan, table: Table) -> bool:
        """Return whether exactly the same files can contain a key of the batch."""
        if plan.layout != layout_of(table):
            return False
        tasks = data_files(table)
        if not plan.candidates <= frozenset(map(identity, tasks)):
            return False
        new = self._with_bounds(table, [task for task in tasks if identity(task) not in plan.seen])
        if not new:
            return True
        keys = (BatchKeys.of(chunk, self.unique_key) for chunk in plan.rows.chunks())
        return not any(len(chunk.within(bounds)) for chunk in keys for _, bounds in new)

    def write(self, table: Table, plan: LargeMergePlan) -> FileChange:
        """Write the new versions of files, one at a time, the deletes of others, and the new rows."""
        import numpy as np

        gone: list[DataFile] = []
        new: list[DataFile] = []
        none = no_rows(plan.rows.schema)
        moved = np.zeros(plan.rows.num_rows, dtype=bool)
        with removed_on_error(table, new):
            for change in plan.files:
                put = change.put
                together = change.rewrite and self._are_near(plan.rows, put)
                if not together:
                    moved[put] = True
                merge = change.with_put(put if together else put[:0])
                written = write_changes(table, [merge], plan.rows, none, {}, self.unique_key)
                gone += written.deleted
                new += written.added
            new += write_parts(table, _added(plan, moved))
        return FileChange(deleted=tuple(gone), added=tuple(new), summary={DIGEST: plan.digest})

    def _are_near(self, rows: LargeRows, put: np.ndarray[Any, Any]) -> bool:
        """Return whether rows are in few chunks, so that taking them does not read the whole batch."""
        if not len(put):
            return True
        first, last = (bisect_right(rows.starts, int(put[at])) for at in (0, -1))
        return last - first < _CHUNKS_AT_ONCE

    def _with_bounds(
        self, table: Table, tasks: Iterable[FileScanTask]
    ) -> list[tuple[FileScanTask, dict[str, Bounds | None]]]:
        schema = table.schema()
        return [(task, file_bounds(schema, task.file, self.unique_key)) for task in tasks]

    def _digest(self, table: Table, rows: LargeRows) -> str:
        """Return the digest of the batch in a table's schema."""
        schema = table.metadata.current_schema_id
        if schema not in self._digests:
            self._digests[schema] = digest_of_parts(rows.chunks(), rows.schema, rows.num_rows)
        return self._digests[schema]


def _added(plan: LargeMergePlan, moved: np.ndarray[Any, Any]) -> Iterator[pa.Table]:
    """Yield the rows that go to new files, a chunk at a time."""
    for number, start in enumerate(plan.rows.starts[:-1]):
        append = plan.append.chunk(number)
        added = append | moved[start : start + len(append)]
        if added.any():
            yield plan.rows.chunk(number).filter(pa.array(added))
