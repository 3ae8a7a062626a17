"""Snapshots of appends, overwrites and deletes, as pyiceberg and Polars read them."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
)
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from cascade.declarations import PartitionField
from cascade.exceptions import CommitRefusedError
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.data_file_writer import write_files
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.position_deletes import write_position_deletes
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch


@dataclass
class Changing:
    """Makes one change, whatever the table contains."""

    change: FileChange

    def plan(self, table: Table) -> None:
        return None

    def still_holds(self, plan: None, table: Table) -> bool:
        return True

    def write(self, table: Table, plan: None) -> FileChange:
        return self.change


def committed(
    lakehouse: Lakehouse, *, added: Sequence[DataFile] = (), deleted: Sequence[DataFile] = ()
) -> Committed[None]:
    change = FileChange(deleted=tuple(deleted), added=tuple(added))
    return commit_planned(lakehouse, NAME, Changing(change), summary={"by": "test"})


def written(table: Table, ids: Sequence[int], n: int = 0) -> list[DataFile]:
    return write_files(table, conform(batch(list(ids), n), arrow_schema(table)))


def position_deletes(table: Table, file: DataFile, positions: Sequence[int]) -> DataFile:
    """Write a file that deletes rows of one data file."""
    path = table.location_provider().new_data_location(f"{uuid.uuid4()}-deletes.parquet")
    columns = {"file_path": (pa.string(), 2147483546), "pos": (pa.int64(), 2147483545)}
    schema = pa.schema(
        [
            pa.field(name, kind, nullable=False, metadata={"PARQUET:field_id": str(field_id)})
            for name, (kind, field_id) in columns.items()
        ]
    )
    rows = pa.table([pa.array([file.file_path] * len(positions)), pa.array(positions, pa.int64())], schema=schema)
    with table.io.new_output(path).create() as stream:
        pq.write_table(rows, stream)
    bound = {2147483546: file.file_path.encode()}
    deletes: DataFile = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=len(positions),
        file_size_in_bytes=len(table.io.new_input(path)),
        lower_bounds=bound,
        upper_bounds=bound,
    )
    deletes.spec_id = table.metadata.default_spec_id
    return deletes


def ids_of(table: Table) -> list[int]:
    """Return the keys in order, which all readers must agree on."""
    found: list[int] = sorted(table.scan().to_arrow().column("id").to_pylist())
    polars = pl.scan_iceberg(table).select("id").collect()["id"].sort().to_list()
    assert polars == found
    return found


def summary_of(done: Committed[Any]) -> Mapping[str, str]:
    snapshot = done.table.current_snapshot()
    assert snapshot is not None and snapshot.summary is not None
    return {"operation": snapshot.summary.operation.value, **snapshot.summary.additional_properties}


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


def test_position_deletes_are_committed_with_rows_and_removed_again(lakehouse: Lakehouse, table: Table) -> None:
    (old,) = written(table, range(10))
    (kept,) = written(table, range(20, 23))
    committed(lakehouse, added=[old, kept])
    deletes = position_deletes(table, old, [1, 2, 3])
    done = committed(lakehouse, added=[deletes, *written(table, [1, 2])])
    assert ids_of(done.table) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 20, 21, 22]
    summary = summary_of(done)
    assert {name: summary[name] for name in summary if "delete" in name or "operation" in name} == {
        "operation": "overwrite",
        "added-delete-files": "1",
        "added-position-delete-files": "1",
        "added-position-deletes": "3",
        "total-delete-files": "1",
        "total-position-deletes": "3",
        "total-equality-deletes": "0",
    }
    assert (summary["total-records"], summary["total-data-files"], summary["by"]) == ("15", "3", "test")
    head = done.table.current_snapshot()
    assert head is not None
    contents = [manifest.content for manifest in head.manifests(table.io)]
    assert contents.count(ManifestContent.DELETES) == 1

    tasks = {task.file.file_path: task for task in done.table.scan().plan_files()}
    (found,) = tasks[old.file_path].delete_files
    assert not tasks[kept.file_path].delete_files
    whole = written(table, [0, 4, 5, 6, 7, 8, 9])
    done = committed(lakehouse, added=whole, deleted=[tasks[old.file_path].file, found])
    assert ids_of(done.table) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 20, 21, 22]
    summary = summary_of(done)
    assert (summary["removed-delete-files"], summary["removed-position-deletes"]) == ("1", "3")
    assert (summary["total-delete-files"], summary["total-position-deletes"]) == ("0", "0")
    assert (summary["total-records"], summary["total-data-files"]) == ("12", "3")
    assert not any(task.delete_files for task in done.table.scan().plan_files())


def test_deletes_alone_are_a_delete(lakehouse: Lakehouse, table: Table) -> None:
    (old,) = written(table, range(4))
    committed(lakehouse, added=[old])
    done = committed(lakehouse, added=[position_deletes(table, old, [0, 3])])
    assert summary_of(done)["operation"] == "delete"
    assert ids_of(done.table) == [1, 2]


def test_rows_of_a_file_in_an_older_layout_are_deleted_in_its_layout(lakehouse: Lakehouse, table: Table) -> None:
    committed(lakehouse, added=written(table, range(5)))
    partitioned = ensure_table(lakehouse, NAME, SCHEMA, partition_spec=[PartitionField("n", "identity")])
    (task,) = partitioned.scan().plan_files()
    deletes = write_position_deletes(partitioned, task.file, np.array([0, 4]))
    done = committed(lakehouse, added=[deletes, *written(partitioned, [7], n=3)])
    assert ids_of(done.table) == [1, 2, 3, 7]
    assert done.table.scan("n = 3").to_arrow()["id"].to_pylist() == [7]
    assert len(done.table.scan("n = 0").to_arrow()) == 3


def test_after_a_mix_of_changes_all_readers_and_totals_agree(lakehouse: Lakehouse, table: Table) -> None:
    random = Random(11)
    short = dataclasses.replace(lakehouse, retention=Retention(snapshots=5, days=0, least_age=0))
    expected: dict[int, list[int]] = {}
    live: dict[DataFile, tuple[list[int], list[DataFile]]] = {}
    for n in range(60):
        choice = random.choice(["append", "append", "overwrite", "delete rows", "both", "remove"]) if live else "append"
        added, deleted = list[DataFile](), list[DataFile]()
        if choice in ("append", "both"):
            ids = list(range(n * 100, n * 100 + random.randrange(1, 20)))
            (file,) = written(table, ids)
            added.append(file)
            created = {file: (ids, list[DataFile]())}
        else:
            created = {}
        if choice != "append":
            old = random.choice(list(live))
            ids, deletes = live[old]
        if choice in ("overwrite", "remove"):
            deleted += [old, *deletes]
            del live[old]
        if choice == "overwrite":
            (file,) = written(table, ids[1:] or ids)
            added.append(file)
            created = {file: (ids[1:] or ids, [])}
        if choice in ("delete rows", "both"):
            # Deletes of one file hold all its deleted positions, so they replace the deletes before.
            whole = old.record_count
            first = whole - len(ids) + 1
            added.append(position_deletes(table, old, range(first)))
            deleted += deletes
            live[old] = (ids[1:], [added[-1]])
        live |= created
        done = committed(short, added=added, deleted=deleted)
        head = done.table.current_snapshot()
        assert head is not None
        newest = head.snapshot_id
        expected[newest] = sorted(one for ids, _ in live.values() for one in ids)
    assert ids_of(done.table) == expected[newest]
    for snapshot in done.table.snapshots():
        rows = done.table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
        assert sorted(rows.column("id").to_pylist()) == expected[snapshot.snapshot_id]
    summary = summary_of(done)
    assert int(summary["total-data-files"]) == len(live)
    assert int(summary["total-records"]) == sum(file.record_count for file in live)
    assert int(summary["total-delete-files"]) == sum(len(deletes) for _, deletes in live.values())
    stock = lakehouse.require(NAME)
    stock.append(conform(batch([-1, -2], 0), arrow_schema(stock)))
    stock.delete("id = -1")
    done = committed(short, added=written(table, [-3]))
    assert ids_of(done.table) == sorted([-3, -2, *expected[newest]])


def test_a_format_that_pyiceberg_cannot_write_is_refused_before_anything_is_written(lakehouse: Lakehouse) -> None:
    table = ensure_table(lakehouse, NAME, SCHEMA)
    file = Path(table.metadata_location.removeprefix("file://"))
    file.write_text(json.dumps({**json.loads(file.read_text()), "format-version": 3, "next-row-id": 0}))
    with pytest.raises(CommitRefusedError, match=r"raw.counts has Iceberg's format version 3.*\n?.*version 2"):
        merge_rows(lakehouse, NAME, batch([1], 0), ["id"], run_id="1")
    assert not list(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet"))


def test_a_table_of_format_version_1_is_written(lakehouse: Lakehouse) -> None:
    lakehouse.catalog.create_namespace("raw")
    lakehouse.catalog.create_table(NAME.identifier, schema=SCHEMA, properties={"format-version": "1"})
    for n in range(3):
        merge_rows(lakehouse, NAME, batch(range(n, n + 3), n), ["id"], run_id=str(n))
    assert ids_of(lakehouse.require(NAME)) == [0, 1, 2, 3, 4]
    assert lakehouse.require(NAME).metadata.format_version == 1


def test_a_stock_client_reads_appends_and_deletes_after_this_commit(lakehouse: Lakehouse, table: Table) -> None:
    (old,) = written(table, range(10))
    committed(lakehouse, added=[old])
    committed(lakehouse, added=[position_deletes(table, old, [0])])
    stock = lakehouse.require(NAME)
    stock.append(conform(batch([50, 51], 0), arrow_schema(stock)))
    stock.delete("id = 50")
    assert ids_of(lakehouse.require(NAME)) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 51]
    done = committed(lakehouse, added=[position_deletes(table, old, [9]), *written(table, [60])])
    assert ids_of(done.table) == [1, 2, 3, 4, 5, 6, 7, 8, 51, 60]
