from __future__ import annotations

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Operation
from pyiceberg.types import LongType, NestedField

from cascade.declarations import PartitionField
from cascade.exceptions import CascadeError
from cascade.iceberg import merge_rows
from cascade.iceberg.append import append_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.changes import FileChange
from cascade.iceberg.hidden import hidden_properties, with_hidden
from cascade.iceberg.history import last_run
from cascade.iceberg.ledger import UNPARTITIONED, LedgerEntry, published_partitions
from cascade.iceberg.maintenance import compaction, grouping
from cascade.iceberg.maintenance.compaction import Compaction, CompactionPlan, compact
from cascade.iceberg.maintenance.conftest import maintained
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.snapshot.tasks import data_files
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.table_ref import TableRef

# Every file is large, so that deletes are written.
DELETES = Costs(small_rows=0, deleted_share=1.0)


def days(lakehouse: Lakehouse, number: int) -> None:
    """Merge some small batches, each with a file of its own."""
    for day in range(number):
        entry = LedgerEntry(f"run {day}", UNPARTITIONED, None, "v1")
        merge_rows(
            lakehouse, NAME, batch(range(day * 10, day * 10 + 10), day), ["id"], run_id=f"run {day}", ledger=entry
        )


def test_small_files_become_one_and_no_row_changes(lakehouse: Lakehouse) -> None:
    days(lakehouse, 5)
    before = rows_of(lakehouse)
    assert len(data_files(lakehouse.require(NAME))) == 5
    preview = maintained(lakehouse, dry_run=True)
    assert len(data_files(lakehouse.require(NAME))) == 5
    done = maintained(lakehouse)
    assert (done.files_before, done.files_after, done.problems) == (5, 1, ())
    assert (preview.files_before, preview.files_after) == (5, 1)
    [task] = data_files(lakehouse.require(NAME))
    stored = pa.parquet.read_table(task.file.file_path)["id"].to_pylist()
    assert rows_of(lakehouse) == before
    assert stored == sorted(stored)


def test_other_readers_see_the_same_rows(lakehouse: Lakehouse) -> None:
    days(lakehouse, 3)
    merge_rows(lakehouse, NAME, batch([3, 14], 9), ["id"], run_id="late", costs=DELETES)
    compact(lakehouse, NAME)
    table, expected = lakehouse.require(NAME), rows_of(lakehouse)
    assert dict(pl.scan_iceberg(table).collect().iter_rows()) == expected
    paths = [task.file.file_path for task in data_files(table)]
    assert dict(duckdb.read_parquet(paths).fetchall()) == expected


def test_the_snapshot_says_what_it_is_and_hides_no_run(lakehouse: Lakehouse) -> None:
    days(lakehouse, 3)
    before = lakehouse.require(NAME)
    maintained(lakehouse)
    after = lakehouse.require(NAME)
    snapshot = after.current_snapshot()
    assert snapshot is not None and snapshot.summary is not None
    assert snapshot.summary["operation"] == Operation.REPLACE
    assert snapshot.summary["total-records"] == "30"
    assert snapshot.summary["total-data-files"] == "1"
    assert last_run(after, None) == last_run(before, None)
    assert published_partitions(after).code_version(None) == "v1"
    assert merge_rows(lakehouse, NAME, batch(range(20, 30), 2), ["id"], run_id="again").snapshot_id is None


def test_deleted_rows_leave_their_file(lakehouse: Lakehouse) -> None:
    merge_rows(lakehouse, NAME, batch(range(200), 0), ["id"], run_id="1")
    merge_rows(lakehouse, NAME, batch([5, 6], 1), ["id"], run_id="2", costs=DELETES)
    before = rows_of(lakehouse)
    assert [len(task.delete_files) for task in data_files(lakehouse.require(NAME))].count(1) == 1
    done = maintained(lakehouse)
    assert [task.delete_files for task in data_files(lakehouse.require(NAME))] == [set()]
    assert (done.files_before, done.files_after) == (3, 1)
    assert rows_of(lakehouse) == before


def test_a_second_time_there_is_nothing_to_do(lakehouse: Lakehouse) -> None:
    days(lakehouse, 5)
    maintained(lakehouse)
    head = lakehouse.require(NAME).current_snapshot()
    assert maintained(lakehouse).files_before == 0
    assert lakehouse.require(NAME).current_snapshot() == head


def test_a_large_file_is_not_written_again_for_a_small_one(lakehouse: Lakehouse) -> None:
    merge_rows(lakehouse, NAME, batch(range(1000), 0), ["id"], run_id="1")
    merge_rows(lakehouse, NAME, batch(range(2000, 2010), 0), ["id"], run_id="2")
    assert maintained(lakehouse).files_before == 0
    for n in range(3):
        merge_rows(lakehouse, NAME, batch(range(3000 + n * 100, 3100 + n * 100), 0), ["id"], run_id=f"more {n}")
    assert maintained(lakehouse).files_before == 5


def test_a_group_that_a_writer_changes_meanwhile_is_left_alone(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(lakehouse, 3)
    write = Compaction.write

    def raced(self: Compaction, table: object, plan: CompactionPlan) -> FileChange:
        change = write(self, table, plan)  # type: ignore[arg-type]
        if plan.groups:
            merge_rows(lakehouse, NAME, batch([4, 14], 100), ["id"], run_id="other")
        return change

    monkeypatch.setattr(compaction.Compaction, "write", raced)
    expected = {**rows_of(lakehouse), 4: 100, 14: 100}
    assert maintained(lakehouse).problems == ()
    assert rows_of(lakehouse) == expected


def test_a_writer_elsewhere_does_not_keep_a_group_from_becoming_one_file(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(lakehouse, 3)
    write = Compaction.write

    def raced(self: Compaction, table: object, plan: CompactionPlan) -> FileChange:
        change = write(self, table, plan)  # type: ignore[arg-type]
        merge_rows(lakehouse, NAME, batch([1000], 1), ["id"], run_id="other")
        return change

    monkeypatch.setattr(compaction.Compaction, "write", raced)
    expected = {**rows_of(lakehouse), 1000: 1}
    assert maintained(lakehouse).files_before == 3
    assert rows_of(lakehouse) == expected
    assert len(data_files(lakehouse.require(NAME))) == 2


def test_each_partition_of_a_layout_gets_its_own_file(lakehouse: Lakehouse) -> None:
    ref = TableRef("raw", "parts")
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "n", LongType(), required=False),
        identifier_field_ids=[1],
    )
    ensure_table(lakehouse, ref, schema, partition_spec=[PartitionField("n", "identity")])
    for day in range(3):
        rows = pa.concat_tables([batch([day * 2], 0), batch([day * 2 + 1], 1)])
        merge_rows(lakehouse, ref, rows, ["id"], run_id=str(day))
    compact(lakehouse, ref)
    table = lakehouse.require(ref)
    assert sorted((task.file.partition[0], task.file.record_count) for task in data_files(table)) == [(0, 3), (1, 3)]
    assert table.scan(row_filter="n = 1").to_arrow()["id"].to_pylist() == [1, 3, 5]


def test_rows_of_appended_partitions_stay_together(lakehouse: Lakehouse) -> None:
    ref = TableRef("raw", "events")
    ensure_table(lakehouse, ref, with_hidden(SCHEMA), properties=hidden_properties())
    for partition in ("2", "1", "3"):
        append_rows(lakehouse, ref, batch([1, 2], int(partition)), run_id=f"run {partition}", partition=partition)
    compact(lakehouse, ref)
    assert len(data_files(lakehouse.require(ref))) == 1
    append_rows(lakehouse, ref, batch([7], 2), run_id="again", partition="2")
    rows = lakehouse.require(ref).scan().to_arrow().select(["id", "n"]).to_pylist()
    assert sorted((row["n"], row["id"]) for row in rows) == [(1, 1), (1, 2), (2, 7), (3, 1), (3, 2)]


def test_equality_deletes_are_reported_and_nothing_changes(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(lakehouse, 3)

    def fails(table: object) -> None:
        raise CascadeError("The table raw.counts has equality deletes, which pyiceberg cannot apply: x.parquet")

    monkeypatch.setattr(compaction, "data_files", fails)
    head = lakehouse.require(NAME).current_snapshot()
    done = maintained(lakehouse)
    assert "equality deletes" in done.problems[0]
    assert lakehouse.require(NAME).current_snapshot() == head


def test_a_few_deleted_rows_leave_their_file_as_far_as_that_is_cheap(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in (0, 1_000, 2_000):
        merge_rows(lakehouse, NAME, batch(range(start, start + 1_000), 1), ["id"], run_id=f"{start}", costs=DELETES)
    for run, ids in enumerate(([1, 2], [1_001], [2_001, 2_002, 2_003])):
        merge_rows(lakehouse, NAME, batch(ids, 2), ["id"], run_id=f"late {run}", costs=DELETES)
    before = rows_of(lakehouse)

    def most_deleted() -> list[int]:
        tasks = data_files(lakehouse.require(NAME))
        return sorted(sum(file.record_count for file in task.delete_files) for task in tasks if task.delete_files)

    # Nothing is small here, so that only deletes are a reason to write a file anew.
    monkeypatch.setattr(grouping, "_SMALL_ROWS", 0)
    monkeypatch.setattr(grouping, "_ROWS_FOR_FEW_DELETES", 2_500)
    assert most_deleted() == [1, 2, 3]
    compact(lakehouse, NAME)
    assert most_deleted() == [1]
    compact(lakehouse, NAME)
    assert most_deleted() == []
    assert rows_of(lakehouse) == before
