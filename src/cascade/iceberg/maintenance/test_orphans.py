from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cascade.exceptions import CascadeError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import merge_rows, stored_files
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.maintenance.conftest import DAY, HOUR, files, maintained, pass_time, short_lived
from cascade.iceberg.maintenance.orphans import orphans_of, table_locations
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.publishing import commit_audited
from cascade.iceberg.stored_files import canonical
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.table_ref import TableRef


@pytest.fixture
def lakehouse(tmp_path: Path, request: pytest.FixtureRequest) -> Lakehouse:
    """Return a lakehouse with a table of three snapshots."""
    found = short_lived(tmp_path / getattr(request, "param", "plain"))
    ensure_table(found, NAME, SCHEMA)
    for n in range(3):
        merge_rows(found, NAME, batch(range(1000), n), ["id"], run_id=str(n))
    return found


def crash(lakehouse: Lakehouse, point: FaultPoint) -> set[Path]:
    """Stop a run, and return the files that it leaves."""
    before = files(lakehouse)
    with pytest.raises(SimulatedCrash), fault_point_armed(point):
        merge_rows(lakehouse, NAME, batch(range(5), 50), ["id"], run_id="killed")
    return files(lakehouse) - before


@pytest.mark.parametrize("lakehouse", ["plain", "a b%20c#d?e=ö"], indirect=True)
@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.COMMIT])
def test_what_a_killed_run_left_goes_once_it_is_old(lakehouse: Lakehouse, point: FaultPoint) -> None:
    left, expected = crash(lakehouse, point), rows_of(lakehouse)
    assert left
    pass_time(lakehouse, 23 * HOUR)
    assert maintained(lakehouse).orphans == 0
    pass_time(lakehouse, 2 * HOUR)
    preview = maintained(lakehouse, dry_run=True)
    assert left <= files(lakehouse)
    done = maintained(lakehouse)
    assert not left & files(lakehouse)
    assert (done.orphans, done.orphan_bytes, done.problems) == (preview.orphans, preview.orphan_bytes, ())
    assert done.orphans >= len(left)
    assert done.orphan_bytes > 0
    assert rows_of(lakehouse) == expected


def test_nothing_younger_than_the_longest_commit_goes_whatever_the_setting_says(lakehouse: Lakehouse) -> None:
    left = crash(lakehouse, FaultPoint.WRITE)
    maintained(lakehouse, age=0.0)
    assert left <= files(lakehouse)


def test_a_reader_of_an_expired_snapshot_reads_on(lakehouse: Lakehouse) -> None:
    reader, expected = lakehouse.require(NAME), rows_of(lakehouse)
    # The reader begins long after its snapshot was written.
    pass_time(lakehouse, 5 * DAY)
    for n in range(5):
        merge_rows(lakehouse, NAME, batch(range(1000), 100 + n), ["id"], run_id=f"later {n}")
    head = reader.current_snapshot()
    assert head is not None
    assert lakehouse.require(NAME).snapshot_by_id(head.snapshot_id) is None
    maintained(lakehouse)
    found = {row["id"]: row["n"] for row in reader.scan().to_arrow().to_pylist()}
    assert found == expected
    pass_time(lakehouse, 2 * DAY)
    for n in range(9):
        merge_rows(lakehouse, NAME, batch(range(1000), 200 + n), ["id"], run_id=f"much later {n}")
    gone = {Path(task.file.file_path) for task in reader.scan().plan_files()}
    maintained(lakehouse)
    assert not gone & files(lakehouse)


def test_rows_on_a_branch_stay(lakehouse: Lakehouse) -> None:
    def fails(committed: object) -> None:
        raise CascadeError("bad")

    planner = MergePlanner(batch([1, 2000], 7), ("id",))
    with pytest.raises(CascadeError, match="bad"):
        commit_audited(lakehouse, NAME, planner, fails, audit=AuditBranch.of("bad", 30 * DAY), summary={})
    expected = lakehouse.read("raw.counts", branch="audit_bad")
    for n in range(4):
        merge_rows(lakehouse, NAME, batch(range(1000), 100 + n), ["id"], run_id=f"later {n}")
    pass_time(lakehouse, 5 * DAY)
    assert maintained(lakehouse).orphans > 0
    assert lakehouse.read("raw.counts", branch="audit_bad").equals(expected)


def test_files_of_others_stay(lakehouse: Lakehouse) -> None:
    place = Path(lakehouse.require(NAME).location())
    inner = TableRef("raw", "inner")
    lakehouse.catalog.create_table(inner.identifier, schema=SCHEMA, location=str(place / "data" / "inner"))
    merge_rows(lakehouse, inner, batch(range(5), 0), ["id"], run_id="inner")
    (place / "notes.txt").write_text("by hand")
    (place.parent / "else.parquet").write_text("another table's")
    pass_time(lakehouse, 5 * DAY)
    kept = {path for path in files(lakehouse) if "inner" in path.parts}
    kept |= {place / "notes.txt", place.parent / "else.parquet"}
    maintained(lakehouse)
    assert kept <= files(lakehouse)
    assert lakehouse.read("raw.inner").height == 5


def test_two_tables_in_one_place_keep_all_files(lakehouse: Lakehouse) -> None:
    crash(lakehouse, FaultPoint.WRITE)
    table = lakehouse.require(NAME)
    lakehouse.catalog.register_table(("raw", "twin"), table.metadata_location)
    pass_time(lakehouse, 5 * DAY)
    before = files(lakehouse)
    done = maintained(lakehouse)
    assert "raw.counts and raw.twin have their files in the same place" in done.problems[0]
    assert before <= files(lakehouse)


def test_an_unreadable_manifest_keeps_all_files_and_is_named(lakehouse: Lakehouse) -> None:
    crash(lakehouse, FaultPoint.WRITE)
    head = lakehouse.require(NAME).current_snapshot()
    assert head is not None
    pass_time(lakehouse, 5 * DAY)
    Path(head.manifest_list).write_bytes(b"broken")
    pass_time(lakehouse, 5 * DAY)
    before = files(lakehouse)
    with pytest.raises(CascadeError, match=rf"Snapshot {head.snapshot_id} of raw.counts cannot be read"):
        orphans_of(lakehouse, NAME, table_locations(lakehouse), age=DAY, now=time.time())
    assert files(lakehouse) == before


def test_a_table_whose_owner_forbids_it_keeps_all_files(lakehouse: Lakehouse) -> None:
    crash(lakehouse, FaultPoint.WRITE)
    with lakehouse.require(NAME).transaction() as change:
        change.set_properties({"gc.enabled": "false"})
    pass_time(lakehouse, 5 * DAY)
    before = files(lakehouse)
    done = maintained(lakehouse)
    assert "gc.enabled=false" in done.kept and done.problems == ()
    assert before <= files(lakehouse)


def test_a_maintenance_that_was_killed_is_finished_by_the_next(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, expected = crash(lakehouse, FaultPoint.COMMIT), rows_of(lakehouse)
    pass_time(lakehouse, 2 * DAY)
    remove, removed = stored_files.StoredFile.remove, list[Path]()

    def stop(self: stored_files.StoredFile) -> None:
        if removed:
            raise SimulatedCrash
        remove(self)
        removed.append(Path(self.location))

    with monkeypatch.context() as patch, pytest.raises(SimulatedCrash):
        patch.setattr(stored_files.StoredFile, "remove", stop)
        maintained(lakehouse)
    maintained(lakehouse)
    assert not left & files(lakehouse)
    assert rows_of(lakehouse) == expected


@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH])
def test_a_compaction_that_was_killed_loses_nothing(lakehouse: Lakehouse, point: FaultPoint) -> None:
    for n in range(3):
        merge_rows(lakehouse, NAME, batch(range(2000 + n * 900, 2900 + n * 900), n), ["id"], run_id=f"more {n}")
    expected = rows_of(lakehouse)
    with pytest.raises(SimulatedCrash), fault_point_armed(point):
        maintained(lakehouse)
    assert rows_of(lakehouse) == expected
    pass_time(lakehouse, 2 * DAY)
    maintained(lakehouse)
    assert rows_of(lakehouse) == expected
    assert maintained(lakehouse).files_before == 0


def test_metadata_files_that_left_the_log_go(lakehouse: Lakehouse) -> None:
    with lakehouse.require(NAME).transaction() as change:
        change.set_properties({"write.metadata.delete-after-commit.enabled": "false"})
        change.set_properties({"write.metadata.previous-versions-max": "2"})
    for n in range(4):
        merge_rows(lakehouse, NAME, batch([n], 500 + n), ["id"], run_id=f"more {n}")
    pass_time(lakehouse, 2 * DAY)
    assert sum(path.name.endswith(".metadata.json") for path in files(lakehouse)) > 3
    maintained(lakehouse)
    assert sum(path.name.endswith(".metadata.json") for path in files(lakehouse)) == 3


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("/a/b", "file:///a/b", True),
        ("/a/b", "file:/a/b", True),
        ("file:///a%20b", "/a b", False),
        ("s3://x/y", "s3a://x/y", True),
        ("s3://x/y", "s3://x/y#1", False),
        ("s3://x/y", "gs://x/y", False),
    ],
)
def test_names_of_one_file_are_equal(left: str, right: str, same: bool) -> None:
    assert (canonical(left) == canonical(right)) is same


def test_names_are_relative_to_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert canonical("a/b") == canonical(os.path.join(tmp_path, "a/b"))
