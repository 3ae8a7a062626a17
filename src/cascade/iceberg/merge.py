"""Merge a batch into a table on its unique key, in one snapshot.

The plan lists the files that can contain a key of the batch, by the key's statistics in the manifests, and what changes
in each. Writing rewrites files that contain an old version of a row (copy-on-write), and puts new rows in new files. A
row that equals the table's in every column is left alone: an identical batch changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.attempt import FileChange
from cascade.iceberg.commit import PARTITION, RUN_ID, Committed, commit_planned
from cascade.iceberg.files import arrow_schema, conform, read_file, write_files
from cascade.iceberg.keys import key_frame, key_names, last_of_each_key, sorted_by_key
from cascade.iceberg.same import same_rows

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

FileIdentity = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class Rewrite:
    """What changes in one data file.

    Args:
        task: the file.
        drop: positions of the rows that are removed from it.
        put: positions of the batch's rows that are added to it.
    """

    task: FileScanTask
    drop: pa.Array
    put: pa.Array


@dataclass(frozen=True)
class MergePlan:
    """The changes that merge a batch into a table.

    Args:
        snapshot_id: the snapshot that was read; None for an empty branch.
        layout: ids of the schema and of the partition spec that were read.
        rows: the batch in the table's schema, sorted by key, one row for each key.
        candidates: the files that can contain a key of the batch.
        rewrites: the changes in those files that change.
        append: positions of the batch's rows whose keys are in no file.
        updated: number of rows that replace an older version.
    """

    snapshot_id: int | None
    layout: tuple[int, int]
    rows: pa.Table
    candidates: frozenset[FileIdentity]
    rewrites: tuple[Rewrite, ...]
    append: pa.Array
    updated: int

    @property
    def inserted(self) -> int:
        """Number of rows whose keys are new."""
        return len(self.append)


def merge_rows(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: pa.Table,
    unique_key: Sequence[str],
    *,
    run_id: str,
    partition: str | None = None,
) -> Committed[MergePlan]:
    """Merge rows into a table on its unique key. The last row of a key wins.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch to merge into. Both must exist.
        rows: the rows, whose column names are the table's.
        unique_key: the columns of the key, without nulls.
        run_id: the run, for the snapshot's summary.
        partition: key of the partition that was run, for the summary.

    Returns:
        The plan that was carried out, and the new snapshot; no snapshot if the table already contains the same rows.

    Raises:
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    summary = {RUN_ID: run_id} | ({PARTITION: partition} if partition is not None else {})
    planner = MergePlanner(last_of_each_key(rows, unique_key), tuple(unique_key))
    return commit_planned(lakehouse, ref, planner, summary=summary)


def plan_merge(table: Table, rows: pa.Table, unique_key: Sequence[str]) -> MergePlan:
    """Plan the merge of rows into the current state of a table, without writing anything."""
    return MergePlanner(last_of_each_key(rows, unique_key), tuple(unique_key)).plan(table)


@dataclass(frozen=True)
class MergePlanner:
    """Plans and writes merges.

    Args:
        rows: the batch, one row for each key.
        unique_key: the columns of the key.
    """

    rows: pa.Table
    unique_key: tuple[str, ...]

    def plan(self, table: Table) -> MergePlan:
        """Find what changes in each file."""
        rows = conform(self.rows, arrow_schema(table))
        tasks = self._candidates(table)
        matching = _Matching(table, rows, self.unique_key)
        rewrites = tuple(rewrite for task in tasks if (rewrite := matching.rewrite(task)) is not None)
        snapshot = table.current_snapshot()
        return MergePlan(
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            layout=_layout(table),
            rows=rows,
            candidates=frozenset(map(_identity, tasks)),
            rewrites=rewrites,
            append=matching.unmatched(),
            updated=matching.updated,
        )

    def still_holds(self, plan: MergePlan, table: Table) -> bool:
        """Return whether exactly the same files can still contain a key of the batch."""
        return plan.layout == _layout(table) and plan.candidates == frozenset(map(_identity, self._candidates(table)))

    def write(self, table: Table, plan: MergePlan) -> FileChange:
        """Rewrite the changed files, one at a time, and write the new rows."""
        added = []
        for rewrite in plan.rewrites:
            added += write_files(table, self._rewritten(table, plan, rewrite))
        added += write_files(table, plan.rows.take(plan.append))
        return FileChange(deleted=tuple(rewrite.task.file for rewrite in plan.rewrites), added=tuple(added))

    def _rewritten(self, table: Table, plan: MergePlan, rewrite: Rewrite) -> pa.Table:
        old = read_file(table, rewrite.task)
        keep = pc.invert(pc.is_in(pa.arange(0, old.num_rows), value_set=rewrite.drop))
        return sorted_by_key(pa.concat_tables([old.filter(keep), plan.rows.take(rewrite.put)]), self.unique_key)

    def _candidates(self, table: Table) -> list[FileScanTask]:
        if self.rows.num_rows == 0:
            return []
        return list(table.scan(row_filter=_range(self.rows, self.unique_key)).plan_files())


@dataclass
class _Matching:
    """Finds the rows of a batch in the files of a table, one file at a time."""

    table: Table
    rows: pa.Table
    unique_key: tuple[str, ...]
    updated: int = 0
    _keys: pl.DataFrame = field(init=False)
    _found: Any = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        self._keys = key_frame(self.rows, self.unique_key, "row")
        self._found = np.zeros(self.rows.num_rows, dtype=bool)

    def rewrite(self, task: FileScanTask) -> Rewrite | None:
        """Return what changes in a file, or None if nothing does."""
        keys = key_frame(read_file(self.table, task, self.unique_key), self.unique_key, "at")
        both = keys.join(self._keys, on=key_names(self.unique_key), how="inner").sort("at")
        if both.is_empty():
            return None
        at, row = both["at"].to_numpy(), both["row"].to_numpy()
        # Another writer may have written a key twice. The first version counts, and the others are dropped.
        first = both["row"].is_first_distinct().to_numpy() & ~self._found[row]
        same = same_rows(
            read_file(self.table, task).take(pa.array(at[first])),
            self.rows.take(pa.array(row[first])),
        ).to_numpy(zero_copy_only=False)
        self._found[row] = True
        put = row[first][~same]
        drop = [*at[first][~same], *at[~first]]
        self.updated += len(put)
        return Rewrite(task, pa.array(drop, type=pa.int64()), pa.array(put, type=pa.int64())) if drop else None

    def unmatched(self) -> pa.Array:
        """Return the positions of the rows that are in no file."""
        import numpy as np

        return pa.array(np.flatnonzero(~self._found), type=pa.int64())


def _identity(task: FileScanTask) -> FileIdentity:
    return task.file.file_path, frozenset(file.file_path for file in task.delete_files)


def _layout(table: Table) -> tuple[int, int]:
    return table.metadata.current_schema_id, table.metadata.default_spec_id


def _range(rows: pa.Table, unique_key: Sequence[str]) -> BooleanExpression:
    """Build the range of each key column. A file whose statistics are outside a range contains no key of the batch."""
    from pyiceberg.expressions import AlwaysTrue, And, GreaterThanOrEqual, LessThanOrEqual, Reference
    from pyiceberg.expressions.literals import literal

    found: BooleanExpression = AlwaysTrue()
    for name in unique_key:
        column = rows.column(name)
        if _has_range(column.type):
            least, most = pc.min_max(column).values()
            found = And(
                found,
                GreaterThanOrEqual(term=Reference(name), value=literal(least.as_py())),
                LessThanOrEqual(term=Reference(name), value=literal(most.as_py())),
            )
    return found


def _has_range(arrow: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(arrow)
        or pa.types.is_string(arrow)
        or pa.types.is_large_string(arrow)
        or pa.types.is_date(arrow)
        or (pa.types.is_timestamp(arrow) and arrow.unit == "us")
        or pa.types.is_decimal(arrow)
    )
