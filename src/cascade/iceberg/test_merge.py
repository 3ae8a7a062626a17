from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

from cascade.declarations import PartitionField
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import Committed
from cascade.iceberg.conftest import MACHINE, Settings
from cascade.iceberg.merge import MergePlan, merge_rows, plan_merge
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.query import run_query
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "readings")
KEY = ("station", "hour")
SCHEMA = Schema(
    NestedField(1, "station", StringType(), required=True),
    NestedField(2, "hour", LongType(), required=True),
    NestedField(3, "celsius", DoubleType(), required=False),
    identifier_field_ids=[1, 2],
)
Row = tuple[str, int, float | None]


def merged(lakehouse: Lakehouse, *rows: Row, run_id: str = "run", partition: str | None = None) -> Committed[MergePlan]:
    ensure_table(lakehouse, NAME, SCHEMA)
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    table = pa.table(
        {
            "station": pa.array(columns[0], pa.string()),
            "hour": pa.array(columns[1], pa.int64()),
            "celsius": pa.array(columns[2], pa.float64()),
        }
    )
    return merge_rows(lakehouse, NAME, table, KEY, run_id=run_id, partition=partition)


def rows_of(lakehouse: Lakehouse) -> list[Row]:
    table = lakehouse.require(NAME).scan().to_arrow()
    return sorted(tuple(row.values()) for row in table.to_pylist())


def data_files(lakehouse: Lakehouse) -> set[str]:
    return {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}


def test_rows_are_inserted_and_updated_in_one_snapshot(lakehouse: Lakehouse) -> None:
    first = merged(lakehouse, ("a", 1, 1.0), ("b", 1, 2.0), run_id="one", partition="2013-01-15")
    assert (first.plan.inserted, first.plan.updated) == (2, 0)
    second = merged(lakehouse, ("b", 1, 3.0), ("b", 2, 4.0), run_id="two")
    assert (second.plan.inserted, second.plan.updated) == (1, 1)
    assert rows_of(lakehouse) == [("a", 1, 1.0), ("b", 1, 3.0), ("b", 2, 4.0)]
    snapshots = lakehouse.require(NAME).snapshots()
    assert [snapshot.snapshot_id for snapshot in snapshots] == [first.snapshot_id, second.snapshot_id]
    assert snapshots[0].summary is not None and snapshots[1].summary is not None
    assert snapshots[0].summary["cascade.run-id"] == "one"
    assert snapshots[0].summary["cascade.partition"] == "2013-01-15"
    assert snapshots[1].summary["cascade.run-id"] == "two"


def test_the_last_row_of_a_key_wins(lakehouse: Lakehouse) -> None:
    result = merged(lakehouse, ("a", 1, 1.0), ("b", 1, 5.0), ("a", 1, 2.0))
    assert result.plan.inserted == 2
    assert rows_of(lakehouse) == [("a", 1, 2.0), ("b", 1, 5.0)]


def test_an_identical_run_commits_nothing_and_writes_no_file(lakehouse: Lakehouse) -> None:
    rows: list[Row] = [("a", 1, float("nan")), ("b", 1, None), ("c", 1, 1.0)]
    merged(lakehouse, *rows)
    before, files = lakehouse.require(NAME).metadata_location, data_files(lakehouse)
    again = merged(lakehouse, *reversed(rows))
    assert again.snapshot_id is None
    assert (again.plan.inserted, again.plan.updated) == (0, 0)
    assert lakehouse.require(NAME).metadata_location == before
    assert data_files(lakehouse) == files


def test_no_rows_create_no_snapshot(lakehouse: Lakehouse) -> None:
    assert merged(lakehouse).snapshot_id is None
    assert lakehouse.require(NAME).current_snapshot() is None


def test_a_value_becomes_null_and_back(lakehouse: Lakehouse) -> None:
    merged(lakehouse, ("a", 1, 1.0))
    assert merged(lakehouse, ("a", 1, None)).plan.updated == 1
    assert rows_of(lakehouse) == [("a", 1, None)]
    assert merged(lakehouse, ("a", 1, 1.0)).plan.updated == 1
    assert rows_of(lakehouse) == [("a", 1, 1.0)]


def test_files_that_cannot_hold_a_key_are_not_read(lakehouse: Lakehouse) -> None:
    merged(lakehouse, *[("a", hour, 1.0) for hour in range(10)])
    merged(lakehouse, *[("a", hour, 1.0) for hour in range(10, 20)])
    plan = plan_merge(lakehouse.require(NAME), pa.table({"station": ["a"], "hour": [12], "celsius": [2.0]}), KEY)
    assert len(plan.candidates) == 1
    assert len(plan.files) == 1
    assert (plan.inserted, plan.updated) == (0, 1)


def test_only_files_with_a_change_are_rewritten(lakehouse: Lakehouse) -> None:
    merged(lakehouse, ("a", 1, 1.0), ("a", 9, 1.0))
    untouched = data_files(lakehouse)
    merged(lakehouse, ("a", 2, 1.0), ("a", 8, 1.0))
    merged(lakehouse, ("a", 1, 1.0), ("a", 2, 7.0))
    current = {task.file.file_path for task in lakehouse.require(NAME).scan().plan_files()}
    assert untouched <= {path.removeprefix("file://") for path in current}
    assert rows_of(lakehouse) == [("a", 1, 1.0), ("a", 2, 7.0), ("a", 8, 1.0), ("a", 9, 1.0)]


def test_a_key_that_another_writer_wrote_twice_is_reduced_to_one(lakehouse: Lakehouse) -> None:
    table = ensure_table(lakehouse, NAME, SCHEMA)
    twice = pa.table({"station": ["a", "a", "b"], "hour": [1, 1, 1], "celsius": [1.0, 2.0, 3.0]})
    for _ in range(2):
        table.append(twice.cast(arrow_schema(table)))
    merged(lakehouse, ("a", 1, 1.0))
    assert rows_of(lakehouse) == [("a", 1, 1.0), ("b", 1, 3.0), ("b", 1, 3.0)]


@pytest.mark.parametrize("transform", ["identity", "bucket[3]", "truncate[1]"])
def test_the_layout_does_not_matter(lakehouse: Lakehouse, transform: str) -> None:
    ensure_table(lakehouse, NAME, SCHEMA, partition_spec=[PartitionField("station", transform)])
    rows: list[Row] = [(station, hour, 1.0) for station in ("aa", "ab", "b") for hour in range(3)]
    columns = {"station": [row[0] for row in rows], "hour": [row[1] for row in rows], "celsius": [1.0] * len(rows)}
    merge_rows(lakehouse, NAME, pa.table(columns), KEY, run_id="1")
    columns["celsius"] = [2.0] * len(rows)
    result = merge_rows(lakehouse, NAME, pa.table(columns), KEY, run_id="2")
    assert result.plan.updated == 9
    assert rows_of(lakehouse) == sorted((station, hour, 2.0) for station, hour, _ in rows)


NAN = float("nan")
EPOCH = datetime(2013, 1, 15, tzinfo=UTC)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "celsius": st.sampled_from([None, NAN, 0.0, 1.5, -2.25]),
    "at": st.one_of(st.none(), st.integers(0, 3).map(lambda n: EPOCH + timedelta(microseconds=n))),
    "tags": st.one_of(st.none(), st.lists(st.sampled_from([None, "", "x"]), max_size=2)),
    "place": st.one_of(st.none(), st.fixed_dictionaries({"m": st.sampled_from([None, NAN, 1.0])})),
    "note": st.sampled_from([None, "", "note"]),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {"hour": st.integers(0, 3), "station": st.sampled_from(["", "a", "b"]), **VALUES},
    ),
    max_size=6,
)


def evolving_schema(wide: bool, extended: bool) -> Schema:
    hour: IcebergType = LongType() if wide else IntegerType()
    celsius: IcebergType = DoubleType() if wide else FloatType()
    floor = [NestedField(11, "floor", LongType(), required=False)] if extended else []
    fields = [
        NestedField(1, "hour", hour, required=True),
        NestedField(2, "station", StringType(), required=True),
        NestedField(3, "celsius", celsius, required=False),
        NestedField(4, "at", TimestamptzType(), required=False),
        NestedField(5, "tags", ListType(6, StringType(), element_required=False), required=False),
        NestedField(7, "place", StructType(*floor, NestedField(8, "m", DoubleType(), required=False)), required=False),
    ]
    note = [NestedField(9, "note", StringType(), required=False)] if extended else []
    return Schema(*note, *fields, identifier_field_ids=[1, 2])


# Position deletes wherever some rows of a file stay.
BY_POSITION = Costs(small_rows=0, deleted_share=0.99, compared_share=0.0)
UNCOMPARED = Costs(small_rows=0, deleted_share=0.99, compared_share=2.0)


class MergeMachine(RuleBasedStateMachine):
    """A table against a dict: whatever is merged, a reader sees the dict's rows."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.lakehouse = open_lakehouse(Settings(Path(self.directory.name)))
        self.model: dict[tuple[int, str], dict[str, Any]] = {}
        self.wide = self.extended = False
        self.last: list[dict[str, Any]] = []

    @initialize(costs=st.sampled_from([Costs(), BY_POSITION, UNCOMPARED]))
    def make(self, costs: Costs) -> None:
        self.costs = costs
        self.table = ensure_table(self.lakehouse, NAME, evolving_schema(False, False))

    def _merge(self, rows: list[dict[str, Any]]) -> Committed[MergePlan]:
        self.table = ensure_table(self.lakehouse, NAME, evolving_schema(self.wide, self.extended))
        batch = pa.Table.from_pylist(rows, schema=arrow_schema(self.table))
        return merge_rows(self.lakehouse, NAME, batch, ("hour", "station"), run_id="run", costs=self.costs)

    @rule(rows=ROWS)
    def run(self, rows: list[dict[str, Any]]) -> None:
        before = dict(self.model)
        for row in rows:
            place = row["place"] and {**row["place"], **({"floor": None} if self.extended else {})}
            known = {**row, "place": place, "note": row["note"] if self.extended else None}
            self.model[row["hour"], row["station"]] = known
        result = self._merge(rows)
        self.last = rows
        assert result.plan.inserted == len(self.model) - len(before)
        changed = sum(comparable(before[key]) != comparable(self.model[key]) for key in before)
        if self.costs is UNCOMPARED:
            # Equal rows may be written again, unless the whole batch is the last one.
            assert result.plan.updated >= changed
            return
        assert result.plan.updated == changed
        assert (result.snapshot_id is None) == (result.plan.inserted + changed == 0)

    @rule()
    def run_the_same_again(self) -> None:
        files, location = data_files(self.lakehouse), self.lakehouse.require(NAME).metadata_location
        assert self._merge(self.last).snapshot_id is None
        assert data_files(self.lakehouse) == files
        assert self.lakehouse.require(NAME).metadata_location == location

    @precondition(lambda self: not self.wide)
    @rule()
    def widen(self) -> None:
        self.wide = True
        self._merge([])

    @precondition(lambda self: not self.extended)
    @rule()
    def extend(self) -> None:
        self.extended = True
        for row in self.model.values():
            row["place"] = row["place"] and {**row["place"], "floor": None}
        self._merge([])
        # The last batch had no notes when it was merged: with them it would be another one.
        self.last = [{**row, "note": None} for row in self.last]

    @invariant()
    def a_reader_sees_the_model(self) -> None:
        found = self.lakehouse.require(NAME).scan().to_arrow().to_pylist()
        assert sorted(map(comparable, found)) == sorted(map(comparable, self.model.values()))
        table = self.lakehouse.require(NAME)
        for task in table.scan().plan_files():
            assert len(task.delete_files) <= 1
        snapshot = table.current_snapshot()
        assert live_rows(snapshot) == len(self.model)

    def teardown(self) -> None:
        self.directory.cleanup()


def comparable(row: dict[str, Any]) -> str:
    """NaN is equal to itself here, and a column that the table does not have yet is null."""
    place = row["place"] and {name: repr(value) for name, value in sorted(row["place"].items())}
    at = row["at"] and row["at"].isoformat()
    return repr((row["hour"], row["station"], row["celsius"], at, row["tags"], place, row.get("note")))


MergeMachine.TestCase.settings = MACHINE
TestMerge = MergeMachine.TestCase


def test_many_small_merges_leave_few_files(lakehouse: Lakehouse) -> None:
    for day in range(40):
        merged(lakehouse, *[("a", 10 * day + hour, 1.0) for hour in range(5)], partition=str(day))
    assert len(list(lakehouse.require(NAME).scan().plan_files())) <= 14
    assert rows_of(lakehouse) == [("a", 10 * day + hour, 1.0) for day in range(40) for hour in range(5)]


def test_small_files_are_folded_within_their_partition(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, NAME, SCHEMA, partition_spec=[PartitionField("station", "identity")])
    for day in range(12):
        rows = pa.table({"station": ["a", "b"], "hour": [day, day], "celsius": [1.0, 2.0]})
        merge_rows(lakehouse, NAME, rows, KEY, run_id="run")
    tasks = list(lakehouse.require(NAME).scan().plan_files())
    assert len(tasks) == 10
    assert {task.file.partition[0] for task in tasks} == {"a", "b"}
    assert rows_of(lakehouse) == sorted([("a", day, 1.0) for day in range(12)] + [("b", day, 2.0) for day in range(12)])


def test_a_row_that_another_partition_changed_is_restored_by_the_same_batch(lakehouse: Lakehouse) -> None:
    rows: list[Row] = [("a", hour, 1.0) for hour in range(5)]
    merged(lakehouse, *rows, partition="one")
    merged(lakehouse, ("a", 3, 9.0), partition="two")
    assert merged(lakehouse, *rows, partition="one").plan.updated == 1
    assert rows_of(lakehouse) == rows


@pytest.fixture
def many(lakehouse: Lakehouse) -> list[Row]:
    """One file of 100 rows, of which a merge deleted three by position."""
    rows: list[Row] = [("a", hour, float(hour)) for hour in range(100)]
    ensure_table(lakehouse, NAME, SCHEMA)
    position(lakehouse, *rows)
    position(lakehouse, ("a", 5, -1.0), ("a", 50, -1.0), ("a", 99, -1.0))
    return [("a", hour, -1.0 if hour in (5, 50, 99) else value) for _, hour, value in rows]


def position(lakehouse: Lakehouse, *rows: Row) -> Committed[MergePlan]:
    """Merge rows, and delete old versions by position unless half of a file is deleted."""
    columns = dict(zip(("station", "hour", "celsius"), zip(*rows, strict=True), strict=True))
    costs = Costs(small_rows=10, deleted_share=0.5)
    return merge_rows(lakehouse, NAME, pa.table(columns), KEY, run_id="run", costs=costs)


def test_every_reader_applies_position_deletes(lakehouse: Lakehouse, many: list[Row]) -> None:
    table = lakehouse.require(NAME)
    assert [len(task.delete_files) for task in table.scan().plan_files() if task.file.record_count == 100] == [1]
    assert rows_of(lakehouse) == many
    assert sorted(pl.scan_iceberg(table).collect().rows()) == many
    assert sorted(lakehouse.read("raw.readings").rows()) == many
    with run_query(lakehouse, "select * from readings order by hour") as result:
        assert [tuple(row.values()) for batch in result.batches for row in batch.to_pylist()] == many
    assert live_rows(table.current_snapshot()) == 100


def test_a_file_has_one_delete_file_however_often_rows_of_it_change(lakehouse: Lakehouse, many: list[Row]) -> None:
    position(lakehouse, ("a", 6, -1.0))
    (large,) = [task for task in lakehouse.require(NAME).scan().plan_files() if task.file.record_count == 100]
    (deletes,) = large.delete_files
    assert deletes.record_count == 4
    assert rows_of(lakehouse) == [(station, hour, -1.0 if hour == 6 else value) for station, hour, value in many]


def test_a_file_with_many_deletes_is_written_anew(lakehouse: Lakehouse, many: list[Row]) -> None:
    position(lakehouse, *[("a", hour, -2.0) for hour in range(40, 90)])
    tasks = list(lakehouse.require(NAME).scan().plan_files())
    assert not any(task.delete_files for task in tasks)
    expected = [(station, hour, -2.0 if 40 <= hour < 90 else value) for station, hour, value in many]
    assert rows_of(lakehouse) == expected
    assert live_rows(lakehouse.require(NAME).current_snapshot()) == 100


def test_an_identical_batch_is_recognised_among_deleted_rows(lakehouse: Lakehouse, many: list[Row]) -> None:
    before, files = lakehouse.require(NAME).metadata_location, data_files(lakehouse)
    assert position(lakehouse, ("a", 5, -1.0), ("a", 50, -1.0), ("a", 99, -1.0)).snapshot_id is None
    assert (lakehouse.require(NAME).metadata_location, data_files(lakehouse)) == (before, files)
