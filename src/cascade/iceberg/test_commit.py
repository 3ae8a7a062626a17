from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import LongType, NestedField

from cascade.exceptions import CommitError
from cascade.iceberg import turns
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.changes import FileChange
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.conftest import Settings
from cascade.iceberg.merge import MergePlan, MergePlanner, merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "counts")
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "n", LongType(), required=False),
    identifier_field_ids=[1],
)


def batch(ids: range | list[int], n: int) -> pa.Table:
    return pa.table({"id": pa.array(list(ids), pa.int64()), "n": pa.array([n] * len(ids), pa.int64())})


def rows_of(lakehouse: Lakehouse) -> dict[int, int]:
    found = lakehouse.require(NAME).scan().to_arrow().to_pylist()
    rows = {row["id"]: row["n"] for row in found}
    assert len(rows) == len(found), "a key is there twice"
    return rows


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


class Racing(MergePlanner):
    """Plans a merge; before its first commit another writer merges a batch."""

    def race(self, lakehouse: Lakehouse, other: pa.Table) -> Racing:
        self.__dict__["racers"] = iter([lambda: merge_rows(lakehouse, NAME, other, ["id"], run_id="other")])
        self.__dict__["plans"] = 0
        return self

    def plan(self, table: Table) -> MergePlan:
        self.__dict__["plans"] += 1
        return super().plan(table)

    def write(self, table: Table, plan: MergePlan) -> FileChange:
        change = super().write(table, plan)
        for racer in self.__dict__["racers"]:
            racer()
        return change


def test_another_writers_keys_elsewhere_do_not_cost_a_plan(lakehouse: Lakehouse, table: Table) -> None:
    merge_rows(lakehouse, NAME, batch(range(10), 0), ["id"], run_id="0")
    racing = Racing(batch(range(5), 1), ("id",)).race(lakehouse, batch(range(100, 110), 2))
    committed = commit_planned(lakehouse, NAME, racing, summary={})
    assert (committed.attempts, racing.__dict__["plans"]) == (2, 1)
    assert rows_of(lakehouse) == {
        **dict.fromkeys(range(10), 0),
        **dict.fromkeys(range(5), 1),
        **dict.fromkeys(range(100, 110), 2),
    }


def test_times_of_snapshots_do_not_go_back_with_the_clock(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for n, clock in enumerate([now + 3600, now, now - 86400, now + 7200]):
        monkeypatch.setattr(time, "time", lambda clock=clock: clock)
        merge_rows(lakehouse, NAME, batch([n], n), ["id"], run_id=str(n))
    metadata = lakehouse.require(NAME).metadata
    logged = [entry.timestamp_ms for entry in metadata.snapshot_log]
    assert logged == sorted(logged) and len(logged) == 4
    assert metadata.last_updated_ms >= logged[-1] == int((now + 7200) * 1000)


def test_the_same_keys_are_planned_again(lakehouse: Lakehouse, table: Table) -> None:
    racing = Racing(batch(range(5), 1), ("id",)).race(lakehouse, batch(range(3, 8), 2))
    committed = commit_planned(lakehouse, NAME, racing, summary={})
    assert racing.__dict__["plans"] == 2
    assert (committed.plan.inserted, committed.plan.updated) == (3, 2)
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2}


def test_a_file_that_another_writer_replaced_is_planned_again(lakehouse: Lakehouse, table: Table) -> None:
    merge_rows(lakehouse, NAME, batch(range(10), 0), ["id"], run_id="0")
    racing = Racing(batch([1], 1), ("id",)).race(lakehouse, batch([8], 2))
    commit_planned(lakehouse, NAME, racing, summary={})
    assert rows_of(lakehouse) == {**dict.fromkeys(range(10), 0), 1: 1, 8: 2}


def test_a_lost_race_leaves_no_data_file_behind(lakehouse: Lakehouse, table: Table) -> None:
    racing = Racing(batch(range(5), 1), ("id",)).race(lakehouse, batch(range(3, 8), 2))
    commit_planned(lakehouse, NAME, racing, summary={})
    on_disk = {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}
    current = lakehouse.require(NAME)
    used = {
        entry["data_file"]["file_path"].removeprefix("file://")
        for snapshot in current.snapshots()
        for entry in current.inspect.entries(snapshot.snapshot_id).to_pylist()
    }
    assert on_disk == used


def test_a_commit_whose_response_was_lost_is_not_repeated(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = type(lakehouse.catalog).commit_table

    def lost(catalog: Any, *args: Any) -> None:
        answered(catalog, *args)
        raise CommitStateUnknownException("the connection broke")

    with monkeypatch.context() as patch:
        patch.setattr(type(lakehouse.catalog), "commit_table", lost)
        committed = merge_rows(lakehouse, NAME, batch(range(3), 1), ["id"], run_id="1")
    current = lakehouse.require(NAME)
    assert [snapshot.snapshot_id for snapshot in current.snapshots()] == [committed.snapshot_id]
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


def failing(errors: list[Exception]) -> Any:
    remaining: Iterator[Exception] = iter(errors)

    def commit_table(*args: Any) -> None:
        raise next(remaining)

    return commit_table


@pytest.mark.parametrize(
    "error",
    [
        CommitFailedException("Requirement failed"),
        CommitStateUnknownException("the connection broke"),
        ValueError("Cannot add snapshot with sequence number 1 older than last sequence number 1"),
        ConnectionResetError("reset"),
    ],
)
def test_a_commit_that_did_not_land_is_tried_again(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answered, remaining = type(lakehouse.catalog).commit_table, iter([error])

    def once(catalog: Any, *args: Any) -> Any:
        for problem in remaining:
            raise problem
        return answered(catalog, *args)

    monkeypatch.setattr(type(lakehouse.catalog), "commit_table", once)
    assert merge_rows(lakehouse, NAME, batch(range(3), 1), ["id"], run_id="1").attempts == 2
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


def test_an_unexpected_error_is_not_tried_again(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(lakehouse.catalog), "commit_table", failing([TypeError("a bug")]))
    with pytest.raises(TypeError, match="a bug"):
        merge_rows(lakehouse, NAME, batch(range(3), 1), ["id"], run_id="1")


def test_an_endless_race_is_an_error(lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    always = failing([CommitFailedException("no")] * 1000)
    monkeypatch.setattr(type(lakehouse.catalog), "commit_table", always)
    monkeypatch.setattr(turns, "_LONGEST_WAIT_SECONDS", 0.01)
    planner = MergePlanner(batch(range(3), 1), ("id",))
    with pytest.raises(CommitError, match="another writer committed first every time"):
        commit_planned(lakehouse, NAME, planner, summary={}, patience=0.1)


def test_a_table_with_its_own_retries_is_still_planned_again(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, NAME, SCHEMA, properties={"commit.retry.num-retries": "10"})
    racing = Racing(batch(range(5), 1), ("id",)).race(lakehouse, batch(range(3, 8), 2))
    commit_planned(lakehouse, NAME, racing, summary={})
    assert racing.__dict__["plans"] == 2
    assert lakehouse.require(NAME).properties["commit.retry.num-retries"] == "10"
    assert len(rows_of(lakehouse)) == 8


PROCESS = """
import sys
import time
from pathlib import Path
from cascade.iceberg.test_commit import NAME, SCHEMA, batch
from cascade.iceberg.conftest import Settings
from cascade.iceberg import ensure_table, merge_rows, open_lakehouse

directory, writer = Path(sys.argv[1]), int(sys.argv[2])
lakehouse = open_lakehouse(Settings(directory))
ensure_table(lakehouse, NAME, SCHEMA)
for turn in range(4):
    # Its own keys, and keys that all writers write.
    own = range(100 * (writer + 1) + 10 * turn, 100 * (writer + 1) + 10 * turn + 10)
    merge_rows(lakehouse, NAME, batch([*range(10), *own], writer), ["id"], run_id=f"{writer}-{turn}")
"""


def test_processes_that_start_at_the_same_time_all_land(tmp_path: Path) -> None:
    """G3: the catalog, the namespace and the table are created by the first writer, and no row is lost or doubled."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), str(writer)], env=environment)
        for writer in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    rows = rows_of(open_lakehouse(Settings(tmp_path)))
    assert len({rows.pop(key) for key in range(10)}) == 1, "the shared keys are a mix of several runs"
    assert rows == {100 * (writer + 1) + n: writer for writer in range(2) for n in range(40)}
