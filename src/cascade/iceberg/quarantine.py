"""The table of a table's refused rows: `<table>__quarantine`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.attempt import FileChange
from cascade.iceberg.commit import PARTITION, RUN_ID, Committed, commit_planned
from cascade.iceberg.files import arrow_schema, conform, read_file, write_files
from cascade.iceberg.tables import ensure_table

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
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
# The columns in which equal refusals agree. The run is not among them, or an identical run would write again.
_CONTENT = ("rule", "field", "message", "row")


def replace_quarantine(
    lakehouse: Lakehouse,
    ref: TableRef,
    refused: Iterable[Refused],
    *,
    run_id: str,
    partition: str | None,
) -> Committed[QuarantinePlan] | None:
    """Replace the refused rows of a partition with those of this run.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the quarantine table (see `TableRef.quarantine`). The first refused row creates it.
        refused: the refused rows of this run.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.

    Returns:
        What was committed, or None if there are no refused rows and no quarantine table.

    Raises:
        CommitError: other writers committed first, every time.
        UsageError: the branch does not exist.
    """
    rows = _rows(refused, run_id, partition)
    if rows.num_rows:
        ensure_table(lakehouse, ref, _schema(), partition_spec=[_Layout()])
    elif lakehouse.load(ref) is None:
        return None
    summary = {RUN_ID: run_id} | ({PARTITION: partition} if partition is not None else {})
    planner = QuarantinePlanner(rows, partition)
    return commit_planned(lakehouse, ref, planner, summary=summary)


@dataclass(frozen=True)
class QuarantinePlan:
    """The files that are removed from the quarantine, and the rows that are added to it."""

    files: tuple[FileScanTask, ...]
    rows: pa.Table
    changed: bool


@dataclass(frozen=True)
class QuarantinePlanner:
    """Plans the replacement of one partition's refused rows."""

    rows: pa.Table
    partition: str | None

    def plan(self, table: Table) -> QuarantinePlan:
        """Find the files of the partition, and whether they already contain the same refused rows."""
        tasks = self._files(table)
        rows = conform(self.rows, arrow_schema(table))
        present = pa.concat_tables([arrow_schema(table).empty_table(), *(read_file(table, task) for task in tasks)])
        mine = self._mine(present)
        others = present.filter(pc.invert(mine))
        changed = _content(present.filter(mine)) != _content(rows)
        return QuarantinePlan(tuple(tasks), pa.concat_tables([others, rows]), changed)

    def still_holds(self, plan: QuarantinePlan, table: Table) -> bool:
        """Return whether the partition still has the same files."""
        return {task.file.file_path for task in plan.files} == {task.file.file_path for task in self._files(table)}

    def write(self, table: Table, plan: QuarantinePlan) -> FileChange:
        """Write the new rows, unless nothing changed."""
        if not plan.changed:
            return FileChange()
        deleted: tuple[DataFile, ...] = tuple(task.file for task in plan.files)
        return FileChange(deleted=deleted, added=tuple(write_files(table, plan.rows)))

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


def _content(rows: pa.Table) -> list[tuple[str, ...]]:
    columns = (rows.column(name).to_pylist() for name in _CONTENT)
    return sorted(tuple("" if value is None else value for value in row) for row in zip(*columns, strict=True))


def _rows(refused: Iterable[Refused], run_id: str, partition: str | None) -> pa.Table:
    rows = [
        {
            "rule": item.rule,
            "field": item.field,
            "message": item.message,
            "run_id": run_id,
            "partition": partition,
            "row": item.row_json,
        }
        for item in refused
    ]
    schema = pa.schema([pa.field(name, pa.string(), nullable=not required) for name, (required, _) in _COLUMNS.items()])
    return pa.Table.from_pylist(rows, schema=schema)


def _schema() -> Schema:
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField, StringType

    return Schema(
        *(
            NestedField(field_id=position, name=name, field_type=StringType(), required=required, doc=doc)
            for position, (name, (required, doc)) in enumerate(_COLUMNS.items(), start=1)
        )
    )
