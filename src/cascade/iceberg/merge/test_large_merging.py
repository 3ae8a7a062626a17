from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pyiceberg.schema import Schema
from pyiceberg.types import BooleanType, DoubleType, IntegerType, ListType, NestedField, StringType

from cascade.declarations import PartitionField
from cascade.exceptions import CascadeError
from cascade.iceberg import data_file_writer
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import Committed
from cascade.iceberg.conftest import MACHINE, Settings, on_disk
from cascade.iceberg.merge import MergePlan, merge_rows
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.merge.large_merging import LargeMergePlanner, merge_large
from cascade.iceberg.merge.large_plan import LargeMergePlan
from cascade.iceberg.merge.versions import LAST_ROW_WINS, Versions
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "orders")
SCHEMA = Schema(
    NestedField(1, "id", IntegerType(), required=True),
    NestedField(2, "shop", StringType(), required=True),
    NestedField(3, "updated", DoubleType(), required=False),
    NestedField(4, "deleted", BooleanType(), required=False),
    NestedField(5, "tags", ListType(6, StringType(), element_required=False), required=False),
    identifier_field_ids=[1, 2],
)
KEY = ("id", "shop")
# Files are written anew, or their rows deleted by position, and rows are compared, or not.
COSTS = [
    Costs(small_rows=0, deleted_share=0.99, compared_share=0.0),
    Costs(small_rows=0, deleted_share=0.99, compared_share=2.0),
    Costs(small_rows=0, deleted_share=0.3, compared_share=2.0),
    Costs(),
]
Row = Mapping[str, Any]


def order(id: int, updated: float | None = 1.0, shop: str = "a", **more: Any) -> Row:
    return {"id": id, "shop": shop, "updated": updated, "deleted": None, "tags": None, **more}


def given(lakehouse: Lakehouse, rows: list[Row], layout: list[PartitionField] | None = None) -> pa.Table:
    table = lakehouse.load(NAME) or ensure_table(lakehouse, NAME, SCHEMA, partition_spec=layout or [])
    return pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(table))


def in_memory(
    lakehouse: Lakehouse, rows: list[Row], versions: Versions = LAST_ROW_WINS, **more: Any
) -> Committed[MergePlan]:
    return merge_rows(lakehouse, NAME, given(lakehouse, rows), KEY, run_id="run", versions=versions, **more)


def streamed(
    lakehouse: Lakehouse, rows: list[Row], versions: Versions = LAST_ROW_WINS, **more: Any
) -> Committed[LargeMergePlan]:
    batch = on_disk(given(lakehouse, rows))
    return merge_large(lakehouse, NAME, batch, KEY, run_id="run", versions=versions, **more)


def in_table(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    rows = lakehouse.require(NAME).scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: (row["id"], row["shop"]))


def files_of(lakehouse: Lakehouse) -> set[str]:
    return {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}


def joined(parts: Any, column: str = "id") -> list[Any]:
    return [value for part in parts for value in part[column].to_pylist()]


def test_a_large_batch_lands_in_one_snapshot_and_its_repetition_changes_nothing(lakehouse: Lakehouse) -> None:
    rows = [order(id % 50, float(id)) for id in range(100)]
    first = streamed(lakehouse, rows, partition="day")
    assert (first.plan.inserted, first.plan.updated, first.plan.landed_rows) == (50, 0, 50)
    assert [row["updated"] for row in in_table(lakehouse)] == [50.0 + id for id in range(50)]
    before = files_of(lakehouse)
    for merge in (streamed, in_memory):
        again = merge(lakehouse, rows, partition="day")
        assert again.snapshot_id is None and again.plan.digest == first.plan.digest
    assert files_of(lakehouse) == before
    assert len(lakehouse.require(NAME).snapshots()) == 1


def test_the_counts_tell_what_a_large_merge_did(lakehouse: Lakehouse) -> None:
    both = Versions("updated", "deleted")
    streamed(lakehouse, [order(id, 5.0) for id in range(40)], both)
    batch = [
        order(0, 4.0),
        order(1, 6.0),
        order(2, 6.0, deleted=True),
        order(3, 4.0, deleted=True),
        order(50, 1.0),
        order(51, 1.0, deleted=True),
    ]
    plan = streamed(lakehouse, batch, both).plan
    assert (plan.inserted, plan.updated, plan.removed) == (1, 1, 1)
    assert (joined(plan.landed), plan.landed_rows) == ([1, 50], 2)
    assert (joined(plan.decided), plan.decided_rows) == ([1, 2, 50, 51], 4)
    assert [row["id"] for row in in_table(lakehouse)] == [0, 1, *range(3, 40), 50]


@pytest.mark.parametrize("costs", [Costs(small_rows=0, deleted_share=0.99), Costs(small_rows=0, deleted_share=0.1)])
def test_a_file_that_many_chunks_change_is_replaced_once_or_has_one_delete_file(
    lakehouse: Lakehouse, costs: Costs
) -> None:
    in_memory(lakehouse, [order(id) for id in range(100)])
    plan = streamed(lakehouse, [order(id, 2.0) for id in range(0, 100, 2)], costs=costs).plan
    assert len(plan.files) == 1 and len(plan.rows) > 5
    tasks = list(lakehouse.require(NAME).scan().plan_files())
    assert sum(len(task.delete_files) for task in tasks) == int(costs.deleted_share > 0.5)
    assert [row["updated"] for row in in_table(lakehouse)] == [2.0, 1.0] * 50
    assert live_rows(lakehouse.require(NAME).current_snapshot()) == 100


def test_rows_of_every_chunk_in_every_partition_of_the_layout_make_one_file_each(lakehouse: Lakehouse) -> None:
    rows = [order(id, shop="abc"[id % 3]) for id in range(60)]
    given(lakehouse, [], [PartitionField("shop", "identity")])
    streamed(lakehouse, rows)
    tasks = list(lakehouse.require(NAME).scan().plan_files())
    assert sorted(task.file.record_count for task in tasks) == [20, 20, 20]
    streamed(lakehouse, [order(id, 2.0, shop="abc"[id % 3]) for id in range(60)])
    assert {row["updated"] for row in in_table(lakehouse)} == {2.0} and len(in_table(lakehouse)) == 60


def test_another_writers_rows_are_merged_with(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = 0

    streamed(lakehouse, [order(id) for id in range(20)])
    write, others = LargeMergePlanner.write, [[order(5, 7.0), order(90, 7.0)], [order(200, 7.0)]]

    def beaten(self: Any, table: Any, plan: Any) -> Any:
        nonlocal writes
        writes += 1
        change = write(self, table, plan)
        if others:
            in_memory(lakehouse, list(others.pop(0)))
        return change

    monkeypatch.setattr(LargeMergePlanner, "write", beaten)
    streamed(lakehouse, [order(id, 2.0) for id in range(100)])
    found = in_table(lakehouse)
    assert [row["updated"] for row in found] == [2.0] * 100 + [7.0]
    # The second one concerns no key of the batch, so the plan is kept.
    assert writes == 2


def test_a_failed_write_leaves_no_files_and_no_snapshot(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory(lakehouse, [order(id) for id in range(20)])
    before = files_of(lakehouse)
    real, left = data_file_writer._write, [1]

    def full(*args: Any) -> Any:
        if not left:
            raise OSError(28, "No space left on device")
        left.pop()
        return real(*args)

    monkeypatch.setattr(data_file_writer, "_write", full)
    monkeypatch.setattr("cascade.iceberg.large.writing.ROWS_PER_FILE", 50)
    with pytest.raises(CascadeError, match=r"Could not write to .*: No space left on device"):
        streamed(lakehouse, [order(id, 2.0) for id in range(200)])
    assert files_of(lakehouse) == before and len(in_table(lakehouse)) == 20


ROWS = st.lists(
    st.builds(
        order,
        st.integers(0, 30),
        st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 2.0, float("nan")])),
        st.sampled_from(["a", "b", ""]),
        deleted=st.sampled_from([None, False, True]),
        tags=st.sampled_from([None, [], ["x", None]]),
    ),
    max_size=60,
)


class BothWays(RuleBasedStateMachine):
    """Merge the same batches in memory and from disk: two tables keep the same rows."""

    @initialize(
        versions=st.builds(Versions, st.sampled_from([None, "updated"]), st.sampled_from([None, "deleted"])),
        costs=st.sampled_from(COSTS),
        layout=st.sampled_from([[], [PartitionField("shop", "identity")]]),
        rows=st.sampled_from([3, 250_000]),
    )
    def open(self, versions: Versions, costs: Costs, layout: list[PartitionField], rows: int) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._patch = pytest.MonkeyPatch()
        for module in ("data_file_writer", "large.writing"):
            self._patch.setattr(f"cascade.iceberg.{module}.ROWS_PER_FILE", rows)
        homes = [Path(self._directory.name) / name for name in ("memory", "disk")]
        self.memory, self.disk = (open_lakehouse(Settings(home)) for home in homes)
        for one in (self.memory, self.disk):
            given(one, [], layout)
        self.options: dict[str, Any] = {"versions": versions, "costs": costs}

    def teardown(self) -> None:
        if hasattr(self, "_directory"):
            self._patch.undo()
            self._directory.cleanup()

    @rule(rows=ROWS, day=st.sampled_from(["monday", "tuesday"]), batch=st.integers(1, 9), chunk=st.integers(1, 20))
    def merge(self, rows: list[Row], day: str, batch: int, chunk: int) -> None:
        expected = in_memory(self.memory, rows, partition=day, **self.options)
        large = on_disk(given(self.disk, rows), batch, chunk)
        found = merge_large(self.disk, NAME, large, KEY, run_id="run", partition=day, **self.options)
        plan, other = found.plan, expected.plan
        assert plan.digest == other.digest
        assert (plan.inserted, plan.removed) == (other.inserted, other.removed)
        assert joined(plan.landed) == other.landed["id"].to_pylist() and plan.landed_rows == other.landed.num_rows
        assert joined(plan.decided) == other.decided["id"].to_pylist()
        files = files_of(self.disk)
        again = merge_large(self.disk, NAME, large, KEY, run_id="run", partition=day, **self.options)
        assert again.snapshot_id is None and files_of(self.disk) == files
        assert in_memory(self.disk, rows, partition=day, **self.options).snapshot_id is None

    @invariant()
    def both_tables_have_the_same_rows(self) -> None:
        if hasattr(self, "disk"):
            assert repr(in_table(self.disk)) == repr(in_table(self.memory))
            for task in self.disk.require(NAME).scan().plan_files():
                assert len(task.delete_files) <= 1


TestBothWays = BothWays.TestCase
TestBothWays.settings = settings(MACHINE, max_examples=8, stateful_step_count=4)
