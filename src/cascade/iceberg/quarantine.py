"""The table of a table's refused rows: `<table>__quarantine`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import Committed, commit_planned, run_summary
from cascade.iceberg.data_file_writer import write_files
from cascade.iceberg.files import read_file
from cascade.iceberg.hidden import REFUSED_AT_COLUMN, SINCE_COLUMN
from cascade.iceberg.tables import ensure_table

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask, Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef


class Refused(Protocol):
    """A refused row; `cascade.schemas.RefusedRow` is one."""

    @property
    def rule(self) -> str:
        """Name of the rule that refused it."""
        ...

    @property
    def field(self) -> str | None:
        """The field that broke the rule."""
        ...

    @property
    def message(self) -> str:
        """Why it was refused, in whole sentences."""
        ...

    @property
    def row_json(self) -> str:
        """The row as the source returned it, as JSON."""
        ...


@dataclass(frozen=True)
class _Layout:
    column: str = "partition"
    transform: str = "identity"


_COLUMNS = {
    "rule": (True, "Name of the first rule that refused the row."),
    "field": (False, "The field that broke it; null for a rule of the whole row."),
    "message": (True, "Every reason, in whole sentences."),
    "run_id": (True, "The run that refused the row first."),
    "partition": (False, "Key of the partition; null for a table without partitions."),
    "row": (True, "The row as the source returned it, as JSON."),
}
_REFUSED_AT_DOC = "When the run that refused the row first did so."
_SINCE_DOC = "For rows without a key: the state of the source from which that run started; null for the beginning."
# The columns in which equal refusals agree. The run is not among them, or an identical run would write again.
_CONTENT = ("rule", "field", "message", "row")

Keep: TypeAlias = Callable[[pa.Table], Sequence[bool]]
"""Decides, for each of some rows of a quarantine, whether it stays."""


def add_to_quarantine(
    lakehouse: Lakehouse,
    ref: TableRef,
    refused: Iterable[Refused],
    *,
    run_id: str,
    partition: str | None,
    since: str | None = None,
) -> Committed[QuarantinePlan] | None:
    """Add the refused rows of a run to a quarantine. A row that is in it for the same reason is not added again.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the quarantine table (see `TableRef.quarantine`). The first refused row creates it.
        refused: the refused rows of this run.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.
        since: of rows without a key, the state of the source from which the run started, if it continues there. Equal
            rows that a source returned in two runs are two rows.

    Returns:
        What was committed, or None if there are no refused rows.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
        UsageError: the branch does not exist.
    """
    rows = _rows(refused, run_id, partition, since)
    if not rows.num_rows:
        return None
    ensure_quarantine(lakehouse, ref)
    return commit_planned(
        lakehouse, ref, QuarantinePlanner(partition, add=rows), summary=run_summary(run_id, partition)
    )


def ensure_quarantine(lakehouse: Lakehouse, ref: TableRef) -> None:
    """Create a quarantine, or add the columns that an older version of Cascade did not write.

    Args:
        lakehouse: the lakehouse.
        ref: the quarantine table.
    """
    ensure_table(lakehouse, ref, _schema(), partition_spec=[_Layout()])


def clear_quarantine(
    lakehouse: Lakehouse, ref: TableRef, keep: Keep, *, run_id: str, partition: str | None
) -> Committed[QuarantinePlan] | None:
    """Remove refused rows of a partition that no longer matter.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the quarantine table.
        keep: decides which rows of the partition stay.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.

    Returns:
        What was committed, or None if there is no quarantine table.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
        UsageError: the branch does not exist.
    """
    if lakehouse.load(ref) is None:
        return None
    return commit_planned(
        lakehouse, ref, QuarantinePlanner(partition, keep=keep), summary=run_summary(run_id, partition)
    )


def contents(rows: pa.Table) -> list[bytes]:
    """Return a digest of each row of a quarantine, which is equal for rows that were refused for the same reason."""
    has_since = SINCE_COLUMN in rows.column_names
    since = rows.column(SINCE_COLUMN).to_pylist() if has_since else [None] * rows.num_rows
    columns = (rows.column(name).to_pylist() for name in _CONTENT)
    return [_digest(row, start) for *row, start in zip(*columns, since, strict=True)]


def content(refused: Refused, since: str | None = None) -> bytes:
    """Return the digest that a refused row has in a quarantine; see `contents`, and `add_to_quarantine` for `since`."""
    return _digest((refused.rule, refused.field, refused.message, refused.row_json), since)


@dataclass(frozen=True)
class QuarantinePlan:
    """What changes in a quarantine.

    Args:
        files: paths of the partition's files.
        rewrites: the files that lose rows, each with the rows that stay.
        add: the rows that are added.
    """

    files: frozenset[str]
    rewrites: tuple[tuple[FileScanTask, pa.Table], ...]
    add: pa.Table


@dataclass(frozen=True)
class QuarantinePlanner:
    """Plans a change of one partition's refused rows.

    Args:
        partition: key of the partition; None for a table without partitions.
        add: rows to add, unless they are there.
        keep: decides which rows stay; all if absent.
    """

    partition: str | None
    add: pa.Table | None = None
    keep: Keep | None = None

    def plan(self, table: Table) -> QuarantinePlan:
        """Read the files of the partition, and find the rows that go and those that are new."""
        schema, tasks = arrow_schema(table), self._files(table)
        present: set[bytes] = set()
        rewrites = []
        for task in tasks:
            rows = read_file(table, task)
            mine = self._mine(rows)
            if self.add is not None:
                present.update(contents(rows.filter(mine)))
            stays = self._stays(rows, mine)
            if not all(stays):
                rewrites.append((task, rows.filter(pa.array(stays, pa.bool_()))))
        add = conform(self.add, schema) if self.add is not None else schema.empty_table()
        new = [found not in present for found in contents(add)]
        return QuarantinePlan(_paths(tasks), tuple(rewrites), add.filter(pa.array(new, pa.bool_())))

    def still_holds(self, plan: QuarantinePlan, table: Table) -> bool:
        """Return whether the partition still has the same files."""
        return plan.files == _paths(self._files(table))

    def write(self, table: Table, plan: QuarantinePlan) -> FileChange:
        """Write the rows that stay in the changed files, and the new ones."""
        added = [file for _, rows in plan.rewrites for file in write_files(table, rows)]
        added += write_files(table, plan.add)
        return FileChange(deleted=tuple(task.file for task, _ in plan.rewrites), added=tuple(added))

    def _stays(self, rows: pa.Table, mine: pa.ChunkedArray) -> list[bool]:
        stays = [True] * rows.num_rows
        if self.keep is None:
            return stays
        positions = [position for position, is_mine in enumerate(mine.to_pylist()) if is_mine]
        for position, keeps in zip(positions, self.keep(rows.filter(mine)), strict=True):
            stays[position] = bool(keeps)
        return stays

    def _files(self, table: Table) -> list[FileScanTask]:
        from pyiceberg.expressions import BooleanExpression, EqualTo, IsNull, Reference
        from pyiceberg.expressions.literals import literal

        column = Reference("partition")
        wanted: BooleanExpression = IsNull(term=column)
        if self.partition is not None:
            wanted = EqualTo(term=column, value=literal(self.partition))
        return list(table.scan(row_filter=wanted).plan_files())

    def _mine(self, rows: pa.Table) -> pa.ChunkedArray:
        column = rows.column("partition")
        return pc.is_null(column) if self.partition is None else pc.fill_null(pc.equal(column, self.partition), False)


def _paths(tasks: Iterable[FileScanTask]) -> frozenset[str]:
    return frozenset(task.file.file_path for task in tasks)


def _digest(row: Iterable[str | None], since: str | None) -> bytes:
    text = repr((*row, *([since] if since is not None else [])))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _rows(refused: Iterable[Refused], run_id: str, partition: str | None, since: str | None) -> pa.Table:
    rows = [
        {
            "rule": item.rule,
            "field": item.field,
            "message": item.message,
            "run_id": run_id,
            "partition": partition,
            "row": item.row_json,
        }
        for item in {content(item): item for item in refused}.values()
    ]
    schema = pa.schema([pa.field(name, pa.string(), nullable=not required) for name, (required, _) in _COLUMNS.items()])
    now = pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC")), len(rows))
    start = pa.repeat(pa.scalar(since, pa.string()), len(rows))
    return (
        pa.Table.from_pylist(rows, schema=schema)
        .append_column(REFUSED_AT_COLUMN, now)
        .append_column(SINCE_COLUMN, start)
    )


def _schema() -> Schema:
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField, StringType, TimestamptzType

    texts = [
        NestedField(field_id=position, name=name, field_type=StringType(), required=required, doc=doc)
        for position, (name, (required, doc)) in enumerate(_COLUMNS.items(), start=1)
    ]
    time = NestedField(len(texts) + 1, REFUSED_AT_COLUMN, TimestamptzType(), required=False, doc=_REFUSED_AT_DOC)
    since = NestedField(len(texts) + 2, SINCE_COLUMN, StringType(), required=False, doc=_SINCE_DOC)
    return Schema(*texts, time, since)
