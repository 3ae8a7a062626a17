from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pyiceberg.schema import Schema
from pyiceberg.types import DateType, DoubleType, ListType, NestedField, StringType, TimestamptzType

from cascade.declarations import PartitionField
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.conftest import MACHINE, Settings
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.replace import ReplacePlan, ReplacePlanner, Scope, WholeTable, Window, replace_rows
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "events")
SCHEMA = Schema(
    NestedField(1, "at", TimestamptzType(), required=True),
    NestedField(2, "day", DateType(), required=True),
    NestedField(3, "value", DoubleType(), required=False),
    NestedField(4, "tags", ListType(5, StringType(), element_required=False), required=False),
)
START = datetime(2024, 1, 1, tzinfo=UTC)
BY_POSITION = Costs(small_rows=0, deleted_share=0.99)
Row = dict[str, Any]


def event(hour: int, value: float | None = 1.0, tags: list[str | None] | None = None) -> Row:
    at = START + timedelta(hours=hour)
    return {"at": at, "day": at.date(), "value": value, "tags": tags}


def of_day(number: int, column: str = "at") -> Window:
    days = (date(2024, 1, 1) - date(1970, 1, 1)).days + number
    scale = 86_400_000_000 if column == "at" else 1
    return Window(column, days * scale, (days + 1) * scale)


def replaced(
    lakehouse: Lakehouse,
    rows: Sequence[Row],
    scope: Scope,
    *,
    costs: Costs = BY_POSITION,
    layout: Sequence[PartitionField] = (),
    **more: Any,
) -> Committed[ReplacePlan[pa.Table]]:
    table = ensure_table(lakehouse, NAME, SCHEMA, partition_spec=layout)
    batch = pa.Table.from_pylist(list(rows), schema=arrow_schema(table))
    return replace_rows(lakehouse, NAME, batch, scope, **{"run_id": "run", **more}, costs=costs)


def in_table(lakehouse: Lakehouse) -> list[str]:
    return shown(lakehouse.require(NAME).scan().to_arrow().to_pylist())


def shown(rows: Sequence[Row]) -> list[str]:
    return sorted(repr({**row, "at": row["at"].isoformat()}) for row in rows)


def data_files(lakehouse: Lakehouse) -> set[str]:
    return {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}


@pytest.mark.parametrize("column", ["at", "day"])
def test_only_the_rows_of_the_window_are_replaced(lakehouse: Lakehouse, column: str) -> None:
    rows = [event(hour) for hour in range(20, 60)]
    replaced(lakehouse, rows, WholeTable())
    result = replaced(lakehouse, [event(24, 7.0), event(24, 7.0)], of_day(1, column))
    assert in_table(lakehouse) == shown([*rows[:4], event(24, 7.0), event(24, 7.0), *rows[28:]])
    assert (result.plan.removed, len(result.plan.files), result.plan.files[0].rewrite) == (24, 1, False)
    assert live_rows(lakehouse.require(NAME).current_snapshot()) == 18


def test_a_file_whose_rows_are_all_in_the_window_leaves_unread(lakehouse: Lakehouse) -> None:
    for day in range(3):
        replaced(lakehouse, [event(24 * day + hour) for hour in range(24)], of_day(day))
    files = {task.file.file_path for task in lakehouse.require(NAME).scan().plan_files()}
    (middle,) = [path for path in data_files(lakehouse) if path.endswith(sorted_by_day(lakehouse)[1])]
    Path(middle).unlink()
    plan = replaced(lakehouse, [event(30)], of_day(1)).plan
    assert (len(plan.gone), plan.files, plan.removed) == (1, (), 24)
    left = {task.file.file_path for task in lakehouse.require(NAME).scan().plan_files()}
    assert len(files & left) == 2


def sorted_by_day(lakehouse: Lakehouse) -> list[str]:
    files = [task.file for task in lakehouse.require(NAME).scan().plan_files()]
    return [file.file_path.rsplit("/", 1)[1] for file in sorted(files, key=lambda file: file.lower_bounds[1])]


def test_the_same_rows_in_another_order_change_nothing(lakehouse: Lakehouse) -> None:
    rows = [event(1, float("nan"), ["a", None]), event(1, None), event(1, -0.0), event(1, 0.0), event(1, None)]
    replaced(lakehouse, rows, of_day(0), partition="2024-01-01")
    location, files = lakehouse.require(NAME).metadata_location, data_files(lakehouse)
    again = replaced(lakehouse, [rows[1], rows[0], *rows[2:]], of_day(0), partition="2024-01-01", run_id="another")
    assert again.snapshot_id is None
    zeros = [rows[0], rows[1], rows[3], rows[2], rows[4]]
    assert replaced(lakehouse, zeros, of_day(0), partition="2024-01-01").snapshot_id is None
    assert (lakehouse.require(NAME).metadata_location, data_files(lakehouse)) == (location, files)
    assert replaced(lakehouse, rows[:-1], of_day(0), partition="2024-01-01").plan.removed == 5


def test_no_rows_empty_the_scope(lakehouse: Lakehouse) -> None:
    assert replaced(lakehouse, [], WholeTable()).snapshot_id is None
    replaced(lakehouse, [event(1), event(30)], WholeTable())
    replaced(lakehouse, [], of_day(1))
    assert in_table(lakehouse) == shown([event(1)])
    replaced(lakehouse, [], WholeTable())
    assert list(lakehouse.require(NAME).scan().plan_files()) == []
    assert replaced(lakehouse, [], WholeTable()).snapshot_id is None


def test_the_last_row_of_a_key_lands(lakehouse: Lakehouse) -> None:
    replaced(lakehouse, [event(2, 2.0), event(1, 1.0), event(2, 3.0)], WholeTable(), unique_key=["at"])
    assert in_table(lakehouse) == shown([event(1, 1.0), event(2, 3.0)])


def test_a_window_does_not_follow_the_layout(lakehouse: Lakehouse) -> None:
    layout = [PartitionField("at", "month")]
    rows = [event(24 * day) for day in range(40)]
    replaced(lakehouse, rows, WholeTable(), layout=layout)
    replaced(lakehouse, [], Window("at", of_day(20).start, of_day(35).end), layout=layout)
    assert in_table(lakehouse) == shown([*rows[:20], *rows[36:]])


class Racing(ReplacePlanner):
    """Lets another run commit between the plan and the commit of this one."""

    other: Any = None

    def write(self, table: Any, plan: ReplacePlan[pa.Table]) -> Any:
        change = super().write(table, plan)
        if self.other is not None:
            other, self.other = self.other, None
            other()
        return change


@pytest.mark.parametrize("before", [[], [event(1), event(2), event(30)]], ids=["empty", "with rows"])
def test_of_two_runs_of_a_partition_at_once_the_rows_of_one_are_left(lakehouse: Lakehouse, before: list[Row]) -> None:
    replaced(lakehouse, before, WholeTable())
    table = ensure_table(lakehouse, NAME, SCHEMA)
    mine = [event(3, 3.0), event(4, 3.0)]
    planner = Racing(pa.Table.from_pylist(mine, schema=arrow_schema(table)), of_day(0))
    planner.other = lambda: replaced(lakehouse, [event(5, 5.0)], of_day(0))
    result = commit_planned(lakehouse, NAME, planner, summary={})
    assert result.attempts == 2
    assert in_table(lakehouse) == shown([*mine, *before[2:]])


def test_another_partition_does_not_make_a_run_plan_again(lakehouse: Lakehouse) -> None:
    replaced(lakehouse, [event(1)], of_day(0))
    table = lakehouse.require(NAME)
    planner = Racing(pa.Table.from_pylist([event(2)], schema=arrow_schema(table)), of_day(0))
    planner.other = lambda: replaced(lakehouse, [event(30)], of_day(1))
    files = len(data_files(lakehouse))
    commit_planned(lakehouse, NAME, planner, summary={})
    assert in_table(lakehouse) == shown([event(2), event(30)])
    assert len(data_files(lakehouse)) == files + 2


ROWS = st.lists(
    st.builds(
        event,
        st.integers(0, 23),
        st.sampled_from([None, float("nan"), 0.0, -0.0, 1.5]),
        st.one_of(st.none(), st.lists(st.sampled_from([None, "", "x"]), max_size=2)),
    ),
    max_size=6,
)


class ReplaceMachine(RuleBasedStateMachine):
    """A table against a list of rows for each of three days."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.lakehouse = open_lakehouse(Settings(Path(self.directory.name)))
        self.model: dict[int, list[Row]] = {day: [] for day in range(3)}

    @initialize(
        costs=st.sampled_from([Costs(), BY_POSITION]),
        column=st.sampled_from(["at", "day"]),
        layout=st.sampled_from([[], [PartitionField("at", "month")], [PartitionField("day", "identity")]]),
    )
    def make(self, costs: Costs, column: str, layout: list[PartitionField]) -> None:
        self.costs, self.column, self.layout = costs, column, layout
        self.replace(list(range(3)), [], WholeTable(), None)

    def replace(self, days: list[int], rows: list[Row], scope: Scope, partition: str | None) -> None:
        same = shown(rows) == shown([row for day in days for row in self.model[day]])
        for day in days:
            self.model[day] = [row for row in rows if row["day"] == date(2024, 1, 1 + day)]
        result = replaced(self.lakehouse, rows, scope, costs=self.costs, layout=self.layout, partition=partition)
        if same and not result.plan.changes:
            assert result.snapshot_id is None
        location = self.lakehouse.require(NAME).metadata_location
        again = replaced(self.lakehouse, rows[::-1], scope, costs=self.costs, layout=self.layout, partition=partition)
        assert again.snapshot_id is None
        assert self.lakehouse.require(NAME).metadata_location == location

    @rule(day=st.integers(0, 2), rows=ROWS)
    def run_a_day(self, day: int, rows: list[Row]) -> None:
        moved = [{**row, "at": row["at"] + timedelta(days=day), "day": date(2024, 1, 1 + day)} for row in rows]
        self.replace([day], moved, of_day(day, self.column), str(day))

    @rule(rows=ROWS)
    def run_everything(self, rows: list[Row]) -> None:
        self.replace(list(range(3)), rows, WholeTable(), None)

    @invariant()
    def a_reader_sees_the_model(self) -> None:
        if self.lakehouse.load(NAME) is None:
            return
        rows = [row for day in self.model.values() for row in day]
        assert in_table(self.lakehouse) == shown(rows)
        assert live_rows(self.lakehouse.require(NAME).current_snapshot()) == len(rows)

    def teardown(self) -> None:
        self.directory.cleanup()


ReplaceMachine.TestCase.settings = settings(MACHINE, stateful_step_count=8)
TestReplace = ReplaceMachine.TestCase
