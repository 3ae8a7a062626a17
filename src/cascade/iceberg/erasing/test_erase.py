from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cascade.exceptions import CascadeError, UsageError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.erasing import Condition, Erased, condition_of, erase, preview, refused_condition_of, removal
from cascade.iceberg.erasing.removal import ERASING
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.ledger import LedgerEntry, Scheme, published_partitions
from cascade.iceberg.maintenance.conftest import DAY, pass_time
from cascade.iceberg.merge import MergePlanner, merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.iceberg.trino.hidden_tables import hidden_copy, hidden_rows
from cascade.table_ref import TableRef

SECRET = 777_777_777
LEGIBLE = {"write.avro.compression-codec": "null"}
DAILY = Scheme.parse("daily UTC")


@pytest.fixture
def filled(lakehouse: Lakehouse) -> Lakehouse:
    """Return a lakehouse whose table has had a person's rows in several snapshots, and still has some."""
    ensure_table(lakehouse, NAME, SCHEMA, properties=LEGIBLE)
    publish(lakehouse, [0], 1)
    publish(lakehouse, [1, 2, SECRET], 1)
    publish(lakehouse, [3, SECRET], 2)
    publish(lakehouse, range(10, 500), 3)
    return lakehouse


def publish(lakehouse: Lakehouse, ids: Any, n: int, run: str = "a run") -> None:
    entry = LedgerEntry(run, DAILY, f"2024-01-0{n}", "v1")
    merge_rows(lakehouse, NAME, batch(list(ids), n), ["id"], run_id=run, partition=f"2024-01-0{n}", ledger=entry)


def secret(lakehouse: Lakehouse) -> Condition:
    return condition_of(lakehouse.require(NAME), NAME, f"id = {SECRET}")


def erased(lakehouse: Lakehouse, **how: Any) -> Erased:
    return erase(lakehouse, NAME, secret(lakehouse), orphan_age=DAY, **how)


def traces(lakehouse: Lakehouse) -> list[str]:
    """Return the files that hold the person's number, as a value or as the bound of a column."""
    needle = SECRET.to_bytes(8, "little")
    found = []
    for path in Path(lakehouse.warehouse).rglob("*"):
        if path.suffix == ".parquet":
            rows = pq.read_table(path)
            if "id" in rows.column_names and SECRET in rows["id"].to_pylist():
                found.append(path.name)
        elif path.is_file() and (needle in (text := path.read_bytes()) or str(SECRET).encode() in text):
            found.append(path.name)
    return found


def test_rows_leave_the_table_its_snapshots_and_its_files(filled: Lakehouse) -> None:
    assert traces(filled)
    before = filled.require(NAME)
    others = {number: n for number, n in rows_of(filled).items() if number != SECRET}
    expected = preview(filled, NAME, secret(filled), orphan_age=DAY)
    assert (expected.rows, expected.snapshots) == (1, 3)
    assert filled.require(NAME).metadata_location == before.metadata_location
    found = erased(filled)
    assert (found.rows, found.snapshots, found.left) == (1, 3, [])
    assert found.read >= 1
    assert rows_of(filled) == others
    assert traces(filled) == []
    after = filled.require(NAME)
    assert published_partitions(after).ranges == published_partitions(before).ranges
    assert ERASING not in after.properties
    assert not erased(filled)
    assert filled.require(NAME).metadata_location == after.metadata_location


def test_rows_that_only_old_snapshots_have_are_erased_and_other_snapshots_stay(filled: Lakehouse) -> None:
    clean = filled.require(NAME).metadata.snapshots[0].snapshot_id
    filled.require(NAME).delete(f"id = {SECRET}")
    assert SECRET not in rows_of(filled)
    assert traces(filled)
    found = erased(filled)
    assert (found.rows, found.branches, found.left) == (0, {"main": 0}, [])
    assert traces(filled) == []
    assert clean in {one.snapshot_id for one in filled.require(NAME).metadata.snapshots}


def test_a_run_of_the_same_partition_stays_as_it_is_unless_the_source_has_the_rows(filled: Lakehouse) -> None:
    erased(filled)
    before = filled.require(NAME).metadata_location
    publish(filled, range(10, 500), 3)
    assert filled.require(NAME).metadata_location == before
    publish(filled, [3, SECRET], 2)
    assert SECRET in rows_of(filled)


def test_the_ledger_of_a_table_that_was_rolled_back_stays(filled: Lakehouse) -> None:
    from cascade.iceberg.rollback import plan_rollback, roll_back

    before = filled.require(NAME)
    publish(filled, [SECRET, 4], 4)
    roll_back(filled, plan_rollback(filled.require(NAME), NAME, str(before.metadata.current_snapshot_id)))
    erased(filled)
    # Neither the snapshot that was rolled back nor the one that main went back to is left.
    assert len(filled.require(NAME).metadata.snapshots) == 2
    assert published_partitions(filled.require(NAME)).ranges == published_partitions(before).ranges


def test_branches_are_rewritten_and_tags_and_waiting_rows_go(filled: Lakehouse) -> None:
    head = filled.require(NAME).metadata.current_snapshot_id
    assert head is not None
    filled.require(NAME).manage_snapshots().create_tag(head, "monthly").commit()
    mine = replace(filled, branch="mine")
    publish(mine, [5, 6], 4)
    commit_planned(
        filled, NAME, MergePlanner(batch([SECRET, 8], 5), ("id",)), summary={}, audit=AuditBranch("audit_x", None)
    )
    found = erased(filled)
    assert sorted(found.removed_refs) == ["audit_x", "monthly"]
    assert found.branches == {"main": 1, "mine": 1}
    assert set(filled.require(NAME).metadata.refs) == {"main", "mine"}
    assert {5, 6} <= rows_of(mine).keys()
    assert SECRET not in rows_of(mine)
    assert traces(filled) == []


def test_rows_that_a_killed_merge_of_trino_has_left_are_erased(
    filled: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased(filled)
    other = replace(NAME, name="other")
    ensure_table(filled, other, SCHEMA)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    def leave(name: TableRef, process: int) -> None:
        table = filled.require(name)
        rows = batch([7, SECRET], 1).cast(arrow_schema(table))
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: process)
            patch.setattr("cascade.iceberg.trino.hidden_tables.drop_hidden", lambda catalog, table: None)
            with hidden_rows(filled.catalog, table, [rows]), hidden_copy(filled.catalog, filled.require(NAME)):
                pass

    leave(other, gone.pid)
    assert not preview(filled, NAME, secret(filled), orphan_age=DAY)
    leave(NAME, gone.pid)
    leave(NAME, os.getppid())
    expected = preview(filled, NAME, secret(filled), orphan_age=DAY)
    assert (expected.strays, [one.named for one in expected.left]) == (1, [False])
    found = erased(filled)
    # A merge that is under way may still publish the rows, and those of another table are not its own.
    assert (found.strays, found.left) == (1, expected.left)
    assert len(traces(filled)) == 2
    monkeypatch.setattr("cascade.iceberg.trino.hidden_tables.ABANDONED_SECONDS", -1.0)
    assert erased(filled).left == []
    assert len(traces(filled)) == 1


def test_rows_that_a_delete_file_hides_are_erased_too(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, NAME, SCHEMA, properties=LEGIBLE)
    merge_rows(lakehouse, NAME, batch([*range(200_000), SECRET], 1), ["id"], run_id="large")
    merge_rows(lakehouse, NAME, batch([SECRET], 2), ["id"], run_id="one")
    assert any(task.delete_files for task in lakehouse.require(NAME).scan().plan_files())
    assert erased(lakehouse).left == []
    assert len(rows_of(lakehouse)) == 200_000
    assert traces(lakehouse) == []


@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH])
def test_an_interrupted_erasure_goes_on(filled: Lakehouse, point: FaultPoint) -> None:
    with pytest.raises(SimulatedCrash), fault_point_armed(point):
        erased(filled)
    pass_time(filled, 2 * DAY)
    assert erased(filled).left == []
    assert SECRET not in rows_of(filled)
    assert traces(filled) == []


def test_an_erasure_that_was_cut_off_while_it_removed_files_goes_on(
    filled: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(lakehouse: Lakehouse, ref: Any) -> None:
        if ERASING in lakehouse.require(ref).properties:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(removal, "finish", cut)
        with pytest.raises(KeyboardInterrupt):
            erased(filled)
    assert traces(filled)
    assert preview(filled, NAME, secret(filled), orphan_age=DAY).unfinished
    assert erased(filled).left == []
    assert traces(filled) == []


def test_files_of_no_snapshot_are_found_and_young_ones_are_told(filled: Lakehouse) -> None:
    data = Path(filled.require(NAME).location()) / "data"
    task, *_ = filled.require(NAME).scan(f"id = {SECRET}").plan_files()
    (data / "old.parquet").write_bytes(Path(task.file.file_path).read_bytes())
    pass_time(filled, 2 * DAY)
    (data / "young.parquet").write_bytes(Path(task.file.file_path).read_bytes())
    (data / "cut.parquet").write_bytes(b"PAR1")
    found = erased(filled)
    assert [Path(one.file.location).name for one in found.left] == ["young.parquet"]
    assert (found.strays, (data / "old.parquet").exists(), (data / "young.parquet").exists()) == (1, False, True)


def test_a_run_that_comes_meanwhile_is_kept_and_does_not_bring_rows_back(
    filled: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cascade.iceberg.erasing.rewriting import RewritingPlanner

    original = RewritingPlanner.write
    racers: Iterator[int] = iter([1])

    def write(self: RewritingPlanner, table: Any, plan: Any) -> FileChange:
        change = original(self, table, plan)
        if next(racers, None):
            publish(filled, [2, 900], 4)
        return change

    monkeypatch.setattr(RewritingPlanner, "write", write)
    assert erased(filled).left == []
    rows = rows_of(filled)
    assert (rows[900], rows[2], SECRET in rows) == (4, 4, False)
    assert traces(filled) == []


@pytest.mark.parametrize(
    "where", ["id = ", "id = 1; drop table x", "nothing = 1", "true", "1 = 1", "id = 'x' or", "id = 1) or (id = 2"]
)
def test_filters_that_make_no_sense_are_refused(filled: Lakehouse, where: str) -> None:
    with pytest.raises(UsageError):
        condition_of(filled.require(NAME), NAME, where)


@pytest.mark.parametrize(("where", "said"), [("id is null", "No row of"), ("id is not null", "Every row of")])
def test_filters_of_no_row_and_of_every_row_are_told_apart(filled: Lakehouse, where: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        condition_of(filled.require(NAME), NAME, where)


def test_a_table_whose_files_may_not_be_removed_is_left_alone(filled: Lakehouse) -> None:
    with filled.require(NAME).transaction() as transaction:
        transaction.set_properties({"gc.enabled": "false"})
    before = filled.require(NAME).metadata_location
    with pytest.raises(CascadeError, match=r"gc\.enabled"):
        erased(filled)
    assert filled.require(NAME).metadata_location == before


def test_refused_rows_are_judged_by_the_names_of_their_source(filled: Lakehouse) -> None:
    found = refused_condition_of(filled.require(NAME), NAME, "id = 7", {"id": ("the id",)})
    rows = [{"the id": 7}, {"the id": "7"}, {"id": 7.0}, {"the id": 8}, {"the id": "seven"}, {"n": 7}, {"the id": None}]
    texts = [*map(json.dumps, rows), "not json"]
    assert found.matches(pa.table({"row": texts})).to_pylist() == [0, 1, 2]
    assert found.unclear == {json.dumps(rows[4]), json.dumps(rows[5]), "not json"}
