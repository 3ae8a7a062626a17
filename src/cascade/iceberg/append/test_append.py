from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, ListType, LongType, NestedField

from cascade.iceberg.append import append_planner, append_rows
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.commit import PARTITION, RUN_ID, Committed, commit_planned
from cascade.iceberg.conftest import MACHINE, Settings
from cascade.iceberg.hidden import hidden_properties, with_hidden
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.query import run_query
from cascade.iceberg.replace import ReplacePlan
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "clicks")
ID = NestedField(1, "id", LongType(), required=True)
SCHEMA = with_hidden(Schema(ID, NestedField(2, "value", DoubleType(), required=False)))
BY_POSITION = Costs(small_rows=0, deleted_share=0.99)
Row = tuple[int, float | None]


def batch(rows: Sequence[Row]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([id for id, _ in rows], pa.int64()),
            "value": pa.array([value for _, value in rows], pa.float64()),
        }
    )


def appended(lakehouse: Lakehouse, *rows: Row, run_id: str, **arguments: Any) -> Committed[ReplacePlan[pa.Table]]:
    ensure_table(lakehouse, NAME, SCHEMA, properties=hidden_properties())
    return append_rows(lakehouse, NAME, batch(rows), run_id=run_id, **{"costs": BY_POSITION, **arguments})


def in_table(lakehouse: Lakehouse) -> list[str]:
    return sorted(map(repr, lakehouse.read("raw.clicks").rows()))


def shown(*rows: Row) -> list[str]:
    return sorted(map(repr, rows))


A, B, C = (1, 1.0), (2, None), (3, float("nan"))


def test_a_full_run_replaces_the_rows_of_its_partition_alone(lakehouse: Lakehouse) -> None:
    appended(lakehouse, A, A, B, run_id="1", partition="monday")
    appended(lakehouse, A, C, run_id="2", partition="tuesday")
    result = appended(lakehouse, B, run_id="3", partition="monday")
    assert (len(result.plan.gone), result.plan.files, result.plan.removed) == (1, (), 3)
    assert in_table(lakehouse) == shown(A, B, C)
    appended(lakehouse, run_id="4", partition="tuesday")
    assert in_table(lakehouse) == shown(B)


def test_an_identical_run_adds_nothing(lakehouse: Lakehouse) -> None:
    for partition in ("monday", None):
        first = appended(lakehouse, A, A, C, run_id="1", partition=partition)
        again = appended(lakehouse, C, A, A, run_id="2", partition=partition)
        assert (first.snapshot_id is None, again.snapshot_id) == (False, None)
    assert in_table(lakehouse) == shown(A, A, C, A, A, C)


@pytest.mark.parametrize("partition", ["monday", None])
def test_nested_zeros_of_both_signs_in_another_order_add_nothing(lakehouse: Lakehouse, partition: str | None) -> None:
    floats = ListType(3, DoubleType(), element_required=False)
    ensure_table(lakehouse, NAME, with_hidden(Schema(NestedField(2, "values", floats, required=False))))
    rows = pa.table({"values": pa.array([[0.0], [-0.0], [1.0, -0.0]], pa.list_(pa.float64()))})
    assert append_rows(lakehouse, NAME, rows, run_id="1", partition=partition).snapshot_id is not None
    assert append_rows(lakehouse, NAME, rows.take([2, 1, 0]), run_id="2", partition=partition).snapshot_id is None
    other = rows.take([0, 0, 2])
    assert append_rows(lakehouse, NAME, other, run_id="3", partition=partition).snapshot_id is not None


def test_a_full_run_without_partitions_adds_rows_that_differ(lakehouse: Lakehouse) -> None:
    batches: list[list[Row]] = [[A], [A, B], [], [A, B], [A]]
    for run, rows in enumerate(batches):
        appended(lakehouse, *rows, run_id=str(run))
    assert in_table(lakehouse) == shown(A, A, B, A)


@pytest.mark.parametrize("condition", ["id = 2", "id > 0"])
def test_rows_that_another_tool_removed_come_back_with_the_same_run(lakehouse: Lakehouse, condition: str) -> None:
    appended(lakehouse, C, run_id="0", partition=None)
    appended(lakehouse, A, B, run_id="1", partition=None)
    lakehouse.require(NAME).delete(condition)
    appended(lakehouse, A, B, run_id="2", partition=None)
    kept = [C] if condition == "id = 2" else []
    assert in_table(lakehouse) == shown(A, B, *kept)
    assert appended(lakehouse, A, B, run_id="3", partition=None).snapshot_id is None
    if kept:
        lakehouse.require(NAME).delete("id = 3")
    assert appended(lakehouse, A, B, run_id="4", partition=None).snapshot_id is None


def test_the_same_rows_are_recognised_after_the_table_has_another_column(lakehouse: Lakehouse) -> None:
    appended(lakehouse, A, B, run_id="1")
    wider = Schema(ID, NestedField(2, "value", DoubleType()), NestedField(3, "note", LongType()))
    ensure_table(lakehouse, NAME, with_hidden(wider))
    assert append_rows(lakehouse, NAME, batch([A, B]), run_id="2").snapshot_id is None
    assert append_rows(lakehouse, NAME, batch([A]), run_id="3").snapshot_id is not None


def test_the_same_rows_are_recognised_by_another_version_of_polars(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Row] = [(number, float(number)) for number in range(50)]
    appended(lakehouse, *rows, run_id="1")
    hash_rows = pl.DataFrame.hash_rows
    monkeypatch.setattr(pl, "__version__", "99.0")
    monkeypatch.setattr(pl.DataFrame, "hash_rows", lambda frame, seed: hash_rows(frame, seed=seed + 1))
    assert appended(lakehouse, *rows, run_id="2").snapshot_id is None
    assert appended(lakehouse, A, run_id="3").snapshot_id is not None


@pytest.mark.parametrize("partition", ["monday", None])
def test_an_incremental_run_adds_even_equal_rows(lakehouse: Lakehouse, partition: str | None) -> None:
    appended(lakehouse, A, run_id="1", partition=partition, since="the beginning")
    for run in ("2", "3"):
        appended(lakehouse, A, run_id=run, partition=partition, incremental=True, since=f"after {run}")
    assert in_table(lakehouse) == shown(A, A, A)


@pytest.mark.parametrize("partition", ["monday", None])
def test_a_run_from_the_same_state_replaces_the_interrupted_one(lakehouse: Lakehouse, partition: str | None) -> None:
    more: dict[str, Any] = {"partition": partition}
    appended(lakehouse, A, run_id="1", since="the beginning", **more)
    appended(lakehouse, A, B, run_id="2", since="the beginning", **more)
    assert in_table(lakehouse) == shown(A, B)
    appended(lakehouse, C, run_id="3", incremental=True, since="second", **more)
    appended(lakehouse, C, C, run_id="4", incremental=True, since="second", **more)
    assert in_table(lakehouse) == shown(A, B, C, C)
    assert appended(lakehouse, C, C, run_id="5", incremental=True, since="second", **more).snapshot_id is None


@pytest.mark.parametrize("partition", ["monday", None])
def test_an_interrupted_run_is_recognised_after_its_snapshot_has_expired(
    lakehouse: Lakehouse, partition: str | None
) -> None:
    more: dict[str, Any] = {"incremental": True, "partition": partition}
    appended(lakehouse, A, run_id="1", since="first", **more)
    appended(lakehouse, B, run_id="2", since="second", **more)
    for run in ("3", "4"):
        appended(lakehouse, C, run_id=run, partition="another", incremental=True, since=f"before {run}")
    table = lakehouse.require(NAME)
    head = table.current_snapshot()
    assert head is not None
    old = [snapshot.snapshot_id for snapshot in table.snapshots() if snapshot.snapshot_id != head.snapshot_id]
    table.maintenance.expire_snapshots().by_ids(old).commit()
    appended(lakehouse, B, B, run_id="5", since="second", **more)
    assert in_table(lakehouse) == shown(A, B, B, C, C)


def test_a_table_that_lost_its_partitions_keeps_the_rows_of_its_partitions(lakehouse: Lakehouse) -> None:
    for partition in ("monday", "tuesday"):
        appended(lakehouse, A, run_id=partition, partition=partition, since="the beginning")
    appended(lakehouse, B, run_id="1", since="the beginning")
    assert in_table(lakehouse) == shown(A, A, B)
    appended(lakehouse, B, C, run_id="2", since="the beginning")
    assert in_table(lakehouse) == shown(A, A, B, C)


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("partition", ["monday", None])
def test_of_two_runs_at_once_from_one_state_the_rows_of_one_are_left(
    lakehouse: Lakehouse, partition: str | None, incremental: bool
) -> None:
    appended(lakehouse, C, run_id="0", partition="sunday")
    more: dict[str, Any] = {"incremental": incremental, "since": "here"}
    planner = append_planner(batch([A]), "1", partition, **more)
    write = planner.write
    other = iter([lambda: appended(lakehouse, B, B, run_id="2", partition=partition, **more)])

    def writing(table: Any, plan: ReplacePlan[pa.Table]) -> Any:
        change = write(table, plan)
        next(other, lambda: None)()
        return change

    planner.write = writing  # type: ignore[method-assign]
    summary = {RUN_ID: "1"} | ({PARTITION: partition} if partition else {})
    assert commit_planned(lakehouse, NAME, planner, summary=summary).attempts == 2
    assert in_table(lakehouse) == shown(A, C)


def test_hidden_columns_are_shown_only_if_they_are_named(lakehouse: Lakehouse) -> None:
    appended(lakehouse, A, run_id="7", partition="monday")
    assert lakehouse.read("raw.clicks").columns == ["id", "value"]
    assert lakehouse.read("raw.clicks", columns=["_cascade_run"]).rows() == [("7",)]
    assert lakehouse.read("raw.clicks", where="_cascade_partition = 'sunday'").rows() == []
    with run_query(lakehouse, "select * from clicks") as result:
        assert result.schema.names == ["id", "value"]
    with run_query(lakehouse, "select id, _CASCADE_run from clicks where _cascade_partition = 'monday'") as result:
        assert [row for found in result.batches for row in found.to_pylist()] == [{"id": 1, "_cascade_run": "7"}]


ROWS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, float("nan"), 1.0])), max_size=5)


class AppendMachine(RuleBasedStateMachine):
    """A table against a list of rows for each run, with runs that lose their state."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.lakehouse = open_lakehouse(Settings(Path(self.directory.name)))
        self.numbers = count()
        # The rows of each run of a partition that are in the table, and the state from which it started.
        self.runs: dict[str | None, list[tuple[list[Row], str | None]]] = {None: [], "a": [], "b": []}
        self.state: dict[str | None, int] = {None: 0, "a": 0, "b": 0}

    @initialize(costs=st.sampled_from([Costs(), BY_POSITION]))
    def make(self, costs: Costs) -> None:
        self.costs = costs
        ensure_table(self.lakehouse, NAME, SCHEMA, properties=hidden_properties())

    @rule(partition=st.sampled_from([None, "a", "b"]), rows=ROWS)
    def run_fully(self, partition: str | None, rows: list[Row]) -> None:
        runs = self.runs[partition]
        if partition is not None:
            runs[:] = [(rows, None)]
        elif rows and (not runs or shown(*runs[-1][0]) != shown(*rows)):
            runs.append((rows, None))
        for _ in range(2):
            self.append(partition, rows)
        # A full run of a source that continues has lost its state, and a lost state does not come back.
        self.state[partition] += 1

    @rule(partition=st.sampled_from([None, "a", "b"]), rows=ROWS, interrupted=st.booleans())
    def run_incrementally(self, partition: str | None, rows: list[Row], interrupted: bool) -> None:
        runs, since = self.runs[partition], f"state {self.state[partition]}"
        if runs and runs[-1][1] == since:
            runs[-1] = (rows, since)
        elif rows:
            runs.append((rows, since))
        self.append(partition, rows, incremental=True, since=since)
        self.state[partition] += not interrupted

    def append(self, partition: str | None, rows: list[Row], **more: Any) -> None:
        run_id = f"run {next(self.numbers)}"
        appended(self.lakehouse, *rows, run_id=run_id, partition=partition, costs=self.costs, **more)

    @invariant()
    def a_reader_sees_the_rows_of_the_runs(self) -> None:
        if self.lakehouse.load(NAME) is None:
            return
        rows = [row for runs in self.runs.values() for found, _ in runs for row in found]
        assert in_table(self.lakehouse) == shown(*rows)
        assert live_rows(self.lakehouse.require(NAME).current_snapshot()) == len(rows)

    def teardown(self) -> None:
        self.directory.cleanup()


AppendMachine.TestCase.settings = settings(MACHINE, stateful_step_count=8)
TestAppend = AppendMachine.TestCase
