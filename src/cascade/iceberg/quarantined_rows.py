"""Read the rows of a quarantine, and change them after they were judged again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from cascade.iceberg.commit import Committed, commit_planned, run_summary
from cascade.iceberg.files import read_file
from cascade.iceberg.hidden import REFUSED_AT_COLUMN, SINCE_COLUMN
from cascade.iceberg.quarantine import QuarantinePlan, QuarantinePlanner, contents, ensure_quarantine
from cascade.iceberg.snapshot.tasks import data_files
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

_GROUPS = ("partition", "rule", "field")
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
    parts = [none, *_read_columns(table, none.schema.names)]
    rows = pa.concat_tables(parts)
    # Rows of one run are in the order of its source, which a stable sort keeps.
    times = rows[REFUSED_AT_COLUMN].to_pylist()
    order = sorted(range(len(times)), key=lambda at: (times[at] is not None, times[at] or 0))
    return rows.take(pa.array(order, pa.int64()))


def _read_columns(table: Table, names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield columns of a quarantine, file by file."""
    schema = pa.schema([no_quarantined_rows().schema.field(name) for name in names])
    # An older version of Cascade did not write all columns.
    columns = [name for name in schema.names if name in table.schema().column_names]
    for task in sorted(data_files(table), key=lambda task: task.file.file_path):
        part = read_file(table, task, columns)
        for name in set(schema.names).difference(columns):
            part = part.append_column(name, pa.nulls(part.num_rows, schema.field(name).type))
        yield part.select(schema.names).cast(schema)


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
    return _counted([rows], table)


def counted_quarantine(quarantine: Table, table: TableRef) -> list[Quarantined]:
    """Return what a quarantine has of each partition, without reading the refused rows themselves.

    Args:
        quarantine: the quarantine table.
        table: the table that refused its rows.
    """
    return _counted(_read_columns(quarantine, [*_GROUPS, REFUSED_AT_COLUMN]), table)


def _counted(parts: Iterable[pa.Table], table: TableRef) -> list[Quarantined]:
    found: dict[str | None, list[dict[str, Any]]] = {}
    for part in parts:
        # Threads would change the order.
        groups = part.group_by(list(_GROUPS), use_threads=False)
        for group in groups.aggregate([([], "count_all"), (REFUSED_AT_COLUMN, "max")]).to_pylist():
            found.setdefault(group["partition"], []).append(group)
    return [
        Quarantined(
            table,
            partition,
            sum(group["count_all"] for group in groups),
            _rules(groups),
            max(filter(None, (group[f"{REFUSED_AT_COLUMN}_max"] for group in groups)), default=None),
        )
        for partition, groups in sorted(found.items(), key=lambda item: item[0] or "")
    ]


def _rules(groups: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    rules: dict[str, int] = {}
    for group in groups:
        label = f"{group['rule']} in {group['field']}" if group["field"] else str(group["rule"])
        rules[label] = rules.get(label, 0) + group["count_all"]
    return dict(sorted(rules.items(), key=lambda item: -item[1]))


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
