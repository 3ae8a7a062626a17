"""Merge a batch into a table by a statement of Trino, and publish the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import CascadeError
from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import DIGEST, Committed, run_summary
from cascade.iceberg.digest import differ
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.history import last_digest
from cascade.iceberg.large import LargeRows, Spool
from cascade.iceberg.large.bits import Bits
from cascade.iceberg.large.sorting import newest_rows
from cascade.iceberg.merge.batch_keys import BatchKeys
from cascade.iceberg.merge.large_merging import LargeMergePlanner
from cascade.iceberg.merge.large_plan import LargeMergePlan
from cascade.iceberg.merge.plan import identity, layout_of
from cascade.iceberg.merge.versions import LAST_ROW_WINS
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.snapshot.tasks import data_files
from cascade.iceberg.sql_text import sql_name, sql_names
from cascade.iceberg.trino.hidden_tables import drop_abandoned, hidden_copy, hidden_rows
from cascade.iceberg.trino_server import TrinoServer

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.ledger import LedgerEntry
    from cascade.table_ref import TableRef

_FILE_SIZE = "128MB"
"""The size of a data file. The default of Trino is a gigabyte, of which Cascade would never write a new version."""


def merge_on_trino(
    lakehouse: Lakehouse,
    ref: TableRef,
    rows: pa.Table | LargeRows,
    unique_key: Sequence[str],
    *,
    server: TrinoServer,
    run_id: str,
    partition: str | None = None,
    ledger: LedgerEntry | None = None,
    gate: Gate[LargeMergePlan] | None = None,
) -> Committed[LargeMergePlan]:
    """Merge rows into a table on its unique key, by Trino.

    The table has the same rows afterwards as with `merge_rows`, which explains the other arguments. Of several rows
    with one key, the last one wins. If none of the files of the table can have a key of the batch, Trino is not asked,
    because there is nothing to merge with.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch.
        rows: the rows, whose column names are the table's.
        unique_key: the columns of the key, without nulls.
        server: the server.
        run_id: the run, for the snapshot's summary.
        partition: key of the partition that was run.
        ledger: what the ledger says afterwards.
        gate: the checks that must pass before the rows are visible.

    Raises:
        CascadeError: Trino cannot do it. The table is as it was.
        CommitError: other writers committed first, every time.
        UsageError: the table or its branch does not exist.
    """
    if isinstance(rows, pa.Table):
        rows = _on_disk(rows)
    planner = TrinoMergePlanner(
        newest_rows(rows, unique_key), tuple(unique_key), partition, LAST_ROW_WINS, lakehouse=lakehouse, server=server
    )
    summary = run_summary(run_id, partition)
    return commit_gated(lakehouse, ref, planner, summary=summary, properties=ledger, gate=gate)


@dataclass(frozen=True)
class TrinoMergePlan(LargeMergePlan):
    """A merge that Trino has carried out in a copy of the table.

    Args:
        change: the files that it wrote, and those that it left out.
        new: number of rows whose keys are new.
    """

    change: FileChange = field(default_factory=FileChange)
    new: int = 0

    @property
    def inserted(self) -> int:
        """Number of rows whose keys are new."""
        return self.new


@dataclass
class TrinoMergePlanner(LargeMergePlanner):
    """Plans merges by letting Trino carry them out in a copy of the table; see `LargeMergePlanner`.

    Args:
        lakehouse: the lakehouse that holds the table.
        server: the server.
    """

    lakehouse: Lakehouse = field(kw_only=True)
    server: TrinoServer = field(kw_only=True)

    def plan(self, table: Table) -> LargeMergePlan:
        """Let Trino merge into a copy of the table."""
        rows = self.rows.conformed(arrow_schema(table))
        tasks = self._with_bounds(table, data_files(table))
        candidates = set()
        for chunk in rows.chunks():
            keys = BatchKeys.of(chunk, self.unique_key)
            candidates |= {identity(task) for task, bounds in tasks if len(keys.within(bounds))}
        if not candidates or table.metadata.format_version != 2:
            return super().plan(table)
        digest = self._digest(table, rows)
        last = last_digest(table, self.partition)
        change, after, written = self._merged(table, rows, compare=last is None or not differ(last, digest))
        snapshot = table.current_snapshot()
        before = live_rows(snapshot)
        new = max(0, after - before) if before is not None and after is not None else 0
        return TrinoMergePlan(
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            layout=layout_of(table),
            rows=rows,
            digest=digest,
            seen=frozenset(identity(task) for task, _ in tasks),
            candidates=frozenset(candidates),
            files=(),
            append=Bits(),
            removes=_none_of(rows),
            outdated=_none_of(rows),
            updated=max(0, written - new),
            removed=0,
            change=change,
            new=new,
        )

    def write(self, table: Table, plan: LargeMergePlan) -> FileChange:
        """Return the files that Trino has written."""
        if not isinstance(plan, TrinoMergePlan):
            return super().write(table, plan)
        return replace(plan.change, summary={DIGEST: plan.digest}) if plan.change else plan.change

    def _merged(self, table: Table, rows: LargeRows, *, compare: bool) -> tuple[FileChange, int | None, int]:
        """Merge rows into a copy of a table.

        Returns:
            What that changes, the number of rows in the copy, and how many were inserted or updated.
        """
        catalog, namespace = self.lakehouse.catalog, table.name()[:-1]
        drop_abandoned(catalog, namespace)
        with hidden_rows(catalog, table, rows.chunks()) as batch, hidden_copy(catalog, table) as copy:
            into, using = self._named(copy), self._named(batch)
            statement = merge_statement(into, using, rows.schema.names, self.unique_key, compare=compare)
            session = {f"{self.server.catalog}.target_max_file_size": _FILE_SIZE}
            try:
                [[written]] = self.server.rows(statement, session=session)
            except CascadeError as error:
                raise CascadeError(
                    f"Trino could not merge into {'.'.join(table.name())}, which is as it was: {error.message}",
                    hint=f"{error.hint or ''} Or let Cascade merge itself: unset CASCADE_MERGE_ENGINE.".strip(),
                ) from error
            merged = catalog.load_table(copy.name())
            return change_since(table, merged), live_rows(merged.current_snapshot()), int(written)

    def _named(self, table: Table) -> str:
        *namespace, name = table.name()
        return ".".join(map(sql_name, (self.server.catalog, ".".join(namespace), name)))


def merge_statement(into: str, using: str, columns: Sequence[str], unique_key: Sequence[str], *, compare: bool) -> str:
    """Return the statement that merges one table into another, as `merge_rows` does with the last row of each key.

    Args:
        into: the quoted name of the table.
        using: the quoted name of the table of rows, one for each key.
        columns: the columns of both.
        unique_key: the columns of the key.
        compare: whether rows that are equal must be left alone. It takes time to read all columns of the table.
    """
    names = [sql_name(column) for column in columns]
    keys = [sql_name(column) for column in unique_key]
    rest = [name for name in names if name not in keys]
    on = " AND ".join(f"t.{key} = s.{key}" for key in keys)
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in rest)
    update = f"UPDATE SET {', '.join(f'{name} = s.{name}' for name in rest)}"
    matched = f"WHEN MATCHED{f' AND ({differs})' if compare else ''} THEN {update} " if rest else ""
    insert = f"INSERT ({sql_names(list(columns))}) VALUES ({', '.join(f's.{name}' for name in names)})"
    return f"MERGE INTO {into} AS t USING {using} AS s ON {on} {matched}WHEN NOT MATCHED THEN {insert}"


def change_since(table: Table, copy: Table) -> FileChange:
    """Return what a statement has changed in a copy of a table.

    Args:
        table: the table, at the snapshot of which the copy was made.
        copy: the copy afterwards.

    Raises:
        CascadeError: there is more than one new snapshot.
    """
    before, after = table.current_snapshot(), copy.current_snapshot()
    assert before is not None
    if after is None or after.snapshot_id == before.snapshot_id:
        return FileChange()
    if after.parent_snapshot_id != before.snapshot_id:
        raise CascadeError(f"The copy of {'.'.join(table.name())} for Trino was changed by somebody else.")
    from pyiceberg.manifest import ManifestEntryStatus, read_manifest_list

    added, deleted = [], []
    for manifest in read_manifest_list(copy.io.new_input(after.manifest_list)):
        if manifest.added_snapshot_id != after.snapshot_id:
            continue
        for entry in manifest.fetch_manifest_entry(copy.io, discard_deleted=False):
            if entry.status == ManifestEntryStatus.ADDED:
                added.append(entry.data_file)
            elif entry.status == ManifestEntryStatus.DELETED:
                deleted.append(entry.data_file)
    return FileChange(deleted=tuple(deleted), added=tuple(added))


def _on_disk(rows: pa.Table) -> LargeRows:
    spool = Spool(rows.schema)
    spool.write(rows)
    return LargeRows(spool)


def _none_of(rows: LargeRows) -> Bits:
    import numpy as np

    found = Bits()
    for chunk in rows.chunks():
        found.add(np.zeros(chunk.num_rows, dtype=bool))
    return found
