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
from pyiceberg.types import BooleanType, DoubleType, IntegerType, NestedField, StringType

from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import Committed
from cascade.iceberg.conftest import MACHINE, Settings
from cascade.iceberg.merge import MergePlan, merge_rows
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "orders")
SCHEMA = Schema(
    NestedField(1, "id", IntegerType(), required=True),
    NestedField(2, "updated", DoubleType(), required=False),
    NestedField(3, "deleted", BooleanType(), required=False),
    NestedField(4, "gone_at", StringType(), required=False),
    identifier_field_ids=[1],
)
Row = Mapping[str, Any]
BY_POSITION = Costs(small_rows=0, deleted_share=0.99, compared_share=0.0)
UNCOMPARED = Costs(small_rows=0, deleted_share=0.99, compared_share=2.0)


def merged(
    lakehouse: Lakehouse, rows: list[Row], versions: Versions, costs: Costs = BY_POSITION
) -> Committed[MergePlan]:
    table = ensure_table(lakehouse, NAME, SCHEMA)
    batch = pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(table))
    return merge_rows(lakehouse, NAME, batch, ("id",), run_id="run", versions=versions, costs=costs)


def in_table(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    rows = lakehouse.require(NAME).scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: row["id"])


def version(id: int, updated: float | None, **more: Any) -> Row:
    return {"id": id, "updated": updated, "deleted": None, "gone_at": None, **more}


def test_the_counts_tell_what_a_merge_did(lakehouse: Lakehouse) -> None:
    both = Versions("updated", "deleted")
    merged(lakehouse, [version(id, 5.0) for id in range(40)], both)
    batch = [
        version(0, 4.0),
        version(1, 6.0),
        version(2, 6.0, deleted=True),
        version(3, 4.0, deleted=True),
        version(50, 1.0),
        version(51, 1.0, deleted=True),
    ]
    plan = merged(lakehouse, batch, both).plan
    assert (plan.inserted, plan.updated, plan.removed) == (1, 1, 1)
    assert plan.landed["id"].to_pylist() == [1, 50]
    assert plan.decided["id"].to_pylist() == [1, 2, 50, 51]
    assert [row["id"] for row in in_table(lakehouse)] == [0, 1, *range(3, 40), 50]


def test_a_batch_that_removes_every_row_leaves_no_file(lakehouse: Lakehouse) -> None:
    merged(lakehouse, [version(id, None) for id in range(3)], Versions())
    merged(lakehouse, [version(id, None, deleted=True) for id in range(3)], Versions(hard_delete="deleted"))
    assert list(lakehouse.require(NAME).scan().plan_files()) == []
    assert live_rows(lakehouse.require(NAME).current_snapshot()) == 0


@pytest.mark.parametrize("updated", [None, float("nan")])
def test_a_version_without_a_value_is_the_oldest(lakehouse: Lakehouse, updated: float | None) -> None:
    by_time = Versions("updated")
    merged(lakehouse, [version(1, 1.0, gone_at="new"), version(1, updated)], by_time)
    merged(lakehouse, [version(1, updated)], by_time)
    assert [row["gone_at"] for row in in_table(lakehouse)] == ["new"]


def test_a_newer_row_that_another_writer_wrote_twice_is_not_lost(lakehouse: Lakehouse) -> None:
    table = ensure_table(lakehouse, NAME, SCHEMA)
    rows = [dict(version(1, updated)) for updated in (1.0, 9.0)]
    table.append(pa.Table.from_pylist(rows, schema=arrow_schema(table)))
    assert merged(lakehouse, [version(1, 5.0)], Versions("updated")).plan.inserted == 0
    assert [row["updated"] for row in in_table(lakehouse)] == [9.0]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(0, 5),
            "updated": st.sampled_from([None, float("nan"), 1.0, 2.0, 3.0]),
            "deleted": st.sampled_from([None, False, True]),
            "gone_at": st.sampled_from([None, "", "now"]),
        }
    ),
    max_size=8,
)


class VersionsMachine(RuleBasedStateMachine):
    """A table against a dict, with a newest version for each key and rows that remove keys."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.lakehouse = open_lakehouse(Settings(Path(self.directory.name)))
        self.model: dict[int, dict[str, Any]] = {}
        self.last: list[Row] = []

    @initialize(
        costs=st.sampled_from([Costs(), BY_POSITION, UNCOMPARED]),
        dedup_sort=st.sampled_from([None, "updated", "gone_at"]),
        hard_delete=st.sampled_from([None, "deleted", "gone_at"]),
    )
    def make(self, costs: Costs, dedup_sort: str | None, hard_delete: str | None) -> None:
        self.costs, self.versions = costs, Versions(dedup_sort, hard_delete)
        ensure_table(self.lakehouse, NAME, SCHEMA)

    @rule(rows=ROWS)
    def run(self, rows: list[Row]) -> None:
        before = dict(self.model)
        newest: dict[int, Row] = {}
        for row in rows:
            if row["id"] not in newest or not self._newer(newest[row["id"]], row):
                newest[row["id"]] = row
        for id, row in newest.items():
            if id in self.model and self._newer(self.model[id], row):
                continue
            if self._removes(row):
                self.model.pop(id, None)
            else:
                self.model[id] = dict(row)
        result = merged(self.lakehouse, rows, self.versions, self.costs)
        self.last = rows
        assert result.plan.inserted == len(self.model.keys() - before.keys())
        assert result.plan.removed == len(before.keys() - self.model.keys())

    @rule()
    def run_the_same_again(self) -> None:
        location = self.lakehouse.require(NAME).metadata_location
        assert merged(self.lakehouse, self.last, self.versions, self.costs).snapshot_id is None
        assert self.lakehouse.require(NAME).metadata_location == location

    @invariant()
    def a_reader_sees_the_model(self) -> None:
        if self.lakehouse.load(NAME) is None:
            return
        assert list(map(repr, in_table(self.lakehouse))) == [
            repr({name: self.model[id][name] for name in SCHEMA.column_names}) for id in sorted(self.model)
        ]
        assert live_rows(self.lakehouse.require(NAME).current_snapshot()) == len(self.model)

    def teardown(self) -> None:
        self.directory.cleanup()

    def _newer(self, left: Row, right: Row) -> bool:
        if self.versions.dedup_sort is None:
            return False
        first, second = left[self.versions.dedup_sort], right[self.versions.dedup_sort]
        known, other = (value is not None and value == value for value in (first, second))
        return known and (not other or first > second)

    def _removes(self, row: Row) -> bool:
        column = self.versions.hard_delete
        return column is not None and (row[column] is True if column == "deleted" else row[column] is not None)


VersionsMachine.TestCase.settings = settings(MACHINE, max_examples=25, stateful_step_count=8)
TestVersions = VersionsMachine.TestCase
