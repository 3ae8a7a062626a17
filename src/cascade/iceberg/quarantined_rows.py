"""Read the rows of a quarantine, and change them after they were judged again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.commit import Committed, commit_planned, run_summary
from cascade.iceberg.files import read_file
from cascade.iceberg.hidden import REFUSED_AT_COLUMN, SINCE_COLUMN
from cascade.iceberg.quarantine import QuarantinePlan, QuarantinePlanner, contents, ensure_quarantine
from cascade.iceberg.snapshot.tasks import data_files
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

_COLUMNS = ("rule", "field", "message", "run_id", "partition", "row")


@dataclass(frozen=True)
class Quarantined:
    """The refused rows of one partition of a table.

    Args:
        table: the table that refused them.
        partition: key of the partition; None for a table without partitions.
        rows: number of rows.
        rules: number of rows by rule and field, such as `less_than in celsius`, most first.
        refused_at: when the newest of them was refused; None if it is not known.
    """

    table: TableRef
    partition: str | None
    rows: int
    rules: dict[str, int] = field(default_factory=dict)
    refused_at: datetime | None = None

    def document(self) -> dict[str, object]:
        """Return the counts for a JSON document."""
        return {
            "table": self.table.full_name,
            "partition": self.partition,
            "rows": self.rows,
            "rules": self.rules,
            "refused_at": self.refused_at,
        }


def quarantined_rows(lakehouse: Lakehouse, ref: TableRef) -> pa.Table | None:
    """Return the rows of a quarantine, the oldest first; None if there is no quarantine.

    Args:
        lakehouse: the lakehouse.
        ref: the quarantine table.
    """
    table = lakehouse.load(ref)
    return None if table is None else rows_of_quarantine(table)


def rows_of_quarantine(table: Table) -> pa.Table:
    """Return the rows of a quarantine at the current snapshot of a table; see `quarantined_rows`."""
    none = no_quarantined_rows()
    schema, parts = none.schema, [none]
    # An older version of Cascade did not write all columns.
    columns = [name for name in schema.names if name in table.schema().column_names]
    for task in sorted(data_files(table), key=lambda task: task.file.file_path):
        part = read_file(table, task, columns)
        for name in set(schema.names).difference(columns):
            part = part.append_column(name, pa.nulls(part.num_rows, schema.field(name).type))
        parts.append(part.select(schema.names).cast(schema))
    rows = pa.concat_tables(parts)
    # Rows of one run are in the order of its source, which a stable sort keeps.
    times = rows[REFUSED_AT_COLUMN].to_pylist()
    order = sorted(range(len(times)), key=lambda at: (times[at] is not None, times[at] or 0))
    return rows.take(pa.array(order, pa.int64()))


def no_quarantined_rows() -> pa.Table:
    """Return what `quarantined_rows` returns for a quarantine without rows."""
    columns = [(name, pa.string()) for name in _COLUMNS]
    hidden = [(REFUSED_AT_COLUMN, pa.timestamp("us", "UTC")), (SINCE_COLUMN, pa.string())]
    return pa.schema([*columns, *hidden]).empty_table()


def of_partition(rows: pa.Table, partition: str | None) -> pa.Table:
    """Return the rows of one partition.

    Args:
        rows: rows of a quarantine.
        partition: key of the partition; None for a table without partitions.
    """
    return rows.take(pa.array(places_of_partition(rows, partition), pa.int64()))


def places_of_partition(rows: pa.Table, partition: str | None) -> list[int]:
    """Return the positions of the rows of one partition; see `of_partition`."""
    return [place for place, key in enumerate(rows["partition"].to_pylist()) if key == partition]


def quarantined_partitions(rows: pa.Table, table: TableRef) -> list[Quarantined]:
    """Return what a quarantine has of each partition, in the order of their keys.

    Args:
        rows: the rows of the quarantine.
        table: the table that refused them.
    """
    keys = sorted(set(rows["partition"].to_pylist()), key=lambda key: key or "")
    found = []
    for key in keys:
        mine = of_partition(rows, key)
        rules: dict[str, int] = {}
        for rule, name in zip(mine["rule"].to_pylist(), mine["field"].to_pylist(), strict=True):
            label = f"{rule} in {name}" if name else rule
            rules[label] = rules.get(label, 0) + 1
        most_first = dict(sorted(rules.items(), key=lambda item: -item[1]))
        found.append(Quarantined(table, key, mine.num_rows, most_first, pc.max(mine[REFUSED_AT_COLUMN]).as_py()))
    return found


def quarantines(lakehouse: Lakehouse) -> Iterator[TableRef]:
    """Yield the tables that have a quarantine, in the order of their names."""
    from cascade.iceberg.overview import table_identifiers

    for identifier in table_identifiers(lakehouse.catalog):
        found = TableRef.parse(".".join(identifier))
        if found.name.endswith(QUARANTINE_SUFFIX):
            yield TableRef(found.namespace, found.name.removesuffix(QUARANTINE_SUFFIX))


def settle_replayed(
    lakehouse: Lakehouse,
    ref: TableRef,
    *,
    gone: Collection[bytes],
    add: pa.Table,
    run_id: str,
    partition: str | None,
) -> Committed[QuarantinePlan]:
    """Remove rows of a partition from its quarantine, and add those that another rule refused, in one commit.

    Args:
        lakehouse: the lakehouse.
        ref: the quarantine table.
        gone: the digests of the rows that leave; see `contents`.
        add: the rows that come, as `quarantined_rows` returns them.
        run_id: the run.
        partition: key of the partition; None for a table without partitions.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """

    def keep(rows: pa.Table) -> list[bool]:
        return [digest not in gone for digest in contents(rows)]

    ensure_quarantine(lakehouse, ref)
    planner = QuarantinePlanner(partition, add=add, keep=keep)
    return commit_planned(lakehouse, ref, planner, summary=run_summary(run_id, partition))


def drop_quarantined(lakehouse: Lakehouse, ref: TableRef, rows: pa.Table, partition: str | None) -> None:
    """Remove rows of a partition from its quarantine, in one commit. Those that come meanwhile stay.

    Args:
        lakehouse: the lakehouse.
        ref: the quarantine table.
        rows: rows of the quarantine, of any partition.
        partition: key of the partition; None for a table without partitions.

    Raises:
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """
    gone = set(contents(of_partition(rows, partition)))
    settle_replayed(lakehouse, ref, gone=gone, add=no_quarantined_rows(), run_id=f"drop {uuid4()}", partition=partition)
