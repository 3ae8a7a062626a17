"""`table rollback`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cascade.cli import table_rollback
from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.exceptions import CommitError
from cascade.fault_points import SimulatedCrash
from cascade.framework.conftest import THINGS, SampleProject
from cascade.iceberg import merge_rows, open_lakehouse, rollback
from cascade.iceberg.append import append_planner, append_rows
from cascade.iceberg.commit import commit_planned, run_summary
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.ledger import published_partitions
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.snapshot.retention import Retention
from cascade.runs.dlt_state import LOCK
from cascade.table_ref import TableRef

THINGS_TABLE = TableRef("raw", "things")
GROWING = """
    from pathlib import Path
    import dlt
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Event(BaseModel):
        id: int

    @cascade_ingestion(table_name="events", validation_schema=Event, partitions=None, group="g", {arguments})
    def events():
        rows = [{{"id": int(line)}} for line in Path("events.txt").read_text().split()]
        return dlt.resource(rows, name="events").apply_hints(incremental=dlt.sources.incremental("id"))
"""


@pytest.fixture
def published(project: SampleProject, cascade: Cascade) -> list[str]:
    """Return the snapshots of a table in which three partitions are published."""
    project.write("things.py", THINGS)
    for day in (1, 2, 5):
        assert cascade("materialize", "things", "--partition", f"2024-01-0{day}").exit_code == 0
    return snapshots(cascade)


def snapshots(cascade: Cascade) -> list[str]:
    found = cascade.json("table", "history", "things")["snapshots"]
    return [each["snapshot_id"] for each in reversed(found)]


def ids(table: str) -> list[int]:
    found = open_lakehouse(CascadeConfig()).require(TableRef("raw", table)).scan().to_arrow()
    return sorted(found["id"].to_pylist())


@pytest.mark.usefixtures("program")
def test_main_goes_back_with_its_ledger(cascade: Cascade, published: list[str]) -> None:
    result = cascade("table", "rollback", "things", published[0], "--yes")
    assert result.exit_code == 0, result.output
    assert f"raw.things, from main to {published[0]}: 0 rows added, 14 removed, 0 changed." in result.stdout
    lines = result.stdout.splitlines()
    assert f"main of raw.things is at snapshot {published[0]} again." in lines
    [missing] = [line for line in lines if line.startswith("Missing now: ")]
    assert missing == (
        "Missing now: 2024-01-02, 2024-01-05. Fill them again: "
        "cascade materialize things --partition 2024-01-02 --partition 2024-01-05"
    )
    table = open_lakehouse(CascadeConfig()).require(THINGS_TABLE)
    assert ids("things") == list(range(100, 107))
    assert list(published_partitions(table)) == ["2024-01-01"]
    command = missing.partition("again: cascade ")[2].split()
    assert cascade(*command).exit_code == 0
    assert len(ids("things")) == 21
    assert list(published_partitions(open_lakehouse(CascadeConfig()).require(THINGS_TABLE))) == [
        "2024-01-01",
        "2024-01-02",
        "2024-01-05",
    ]


def test_a_rollback_can_be_undone(cascade: Cascade, published: list[str]) -> None:
    first = cascade.json("table", "rollback", "things", published[0], "--yes")
    assert (first["missing"], first["from_snapshot_id"]) == (["2024-01-02", "2024-01-05"], published[2])
    assert first["diff"]["removed"] == 14 and first["commands"][0].endswith("--partition 2024-01-05")
    back = cascade.json("table", "rollback", "things", published[2], "--yes")
    assert (back["missing"], back["diff"]["added"]) == ([], 14)
    assert len(ids("things")) == 21


@pytest.mark.usefixtures("program")
def test_a_partition_that_ran_again_is_named_as_older(cascade: Cascade, published: list[str]) -> None:
    rows = pa.table({"id": pa.array([100], pa.int64()), "name": ["changed"]})
    merge_rows(open_lakehouse(CascadeConfig()), THINGS_TABLE, rows, ["id"], run_id="again", partition="2024-01-01")
    result = cascade("table", "rollback", "things", published[2], "--yes")
    assert "0 rows added, 0 removed, 1 changed" in result.stdout
    again = "As an earlier run left them: 2024-01-01. Run them again: cascade materialize things --partition 2024-01-01"
    assert again in result.stdout
    assert "Missing now" not in result.stdout


def test_it_asks_and_changes_nothing_unless_the_answer_is_yes(
    cascade: Cascade, published: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cascade("table", "rollback", "things", published[0])
    assert result.exit_code == 2
    assert "nobody can answer here" in result.stderr and "add --yes" in result.stderr
    assert snapshots(cascade) == published and len(ids("things")) == 21
    monkeypatch.setattr(table_rollback, "can_ask", lambda **_: True)
    for answer, rows in (("n", 21), ("y", 7)):
        monkeypatch.setattr("click.confirm", lambda text, answer=answer, **_: answer == "y")
        result = cascade("table", "rollback", "things", published[0])
        assert "14 removed" in result.stdout
        assert (result.exit_code, len(ids("things"))) == (int(answer == "n"), rows)


def test_states_that_main_never_had_are_refused(cascade: Cascade, published: list[str]) -> None:
    opened = open_lakehouse(CascadeConfig())
    planner = MergePlanner(pa.table({"id": pa.array([1], pa.int64()), "name": ["a"]}), ("id",))
    summary = run_summary("audited", "2024-01-02")
    commit_planned(opened, THINGS_TABLE, planner, summary=summary, audit=AuditBranch.of("audited", 7200))
    for state, message in {
        "audit_audited": "main of raw.things has never been at audit_audited, snapshot",
        published[2]: f"main of raw.things is at {published[2]} already.",
        "2001-01-01": "raw.things had no rows at 2001-01-01",
        "1234567": "no snapshot 1234567, or it has expired",
        "mian": 'Did you mean "main"?',
    }.items():
        result = cascade("table", "rollback", "things", state, "--yes")
        assert result.exit_code == 2 and message in result.stderr, result.output
    assert len(ids("things")) == 21


def test_a_writer_that_commits_meanwhile_is_not_undone(cascade: Cascade, published: list[str]) -> None:
    opened = open_lakehouse(CascadeConfig())
    planned = rollback.plan_rollback(opened.require(THINGS_TABLE), THINGS_TABLE, published[0])
    rows = pa.table({"id": pa.array([999], pa.int64()), "name": ["new"]})
    merge_rows(opened, THINGS_TABLE, rows, ["id"], run_id="other")
    with pytest.raises(CommitError, match="another writer committed"):
        rollback.roll_back(opened, planned)
    assert 999 in ids("things")


def grow(cascade: Cascade, *numbers: int) -> dict[str, Any]:
    with Path("events.txt").open("a") as file:
        file.writelines(f"{number}\n" for number in numbers)
    document = cascade.json("materialize", "events")
    assert document["success"], document
    return dict(document["runs"][0])


def test_a_cursor_does_not_stay_ahead_of_the_rows(project: SampleProject, cascade: Cascade) -> None:
    project.write("growing.py", GROWING.format(arguments='unique_key="id"'))
    first = grow(cascade, 1, 2)["snapshot_id"]
    assert grow(cascade, 3)["rows_in"] == 1
    result = cascade("table", "rollback", "events", first, "--yes")
    assert "1 cursor reset: the next run of each reads its source from the beginning." in result.stdout
    assert ids("events") == [1, 2]
    assert grow(cascade, 4)["rows_in"] == 4
    assert ids("events") == [1, 2, 3, 4]


def test_a_cursor_is_not_reset_under_a_run(project: SampleProject, cascade: Cascade) -> None:
    import fcntl

    project.write("growing.py", GROWING.format(arguments='unique_key="id"'))
    first = grow(cascade, 1)["snapshot_id"]
    grow(cascade, 2)
    [lock] = Path(".cascade").rglob(f"dlt_events/whole/{LOCK}")
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        result = cascade("table", "rollback", "events", first, "--yes")
    assert result.exit_code == 1 and "A run of raw.events is under way" in result.stderr
    assert ids("events") == [1, 2] and grow(cascade, 3)["rows_in"] == 1


def test_what_a_cursor_added_to_a_table_without_partitions_is_not_undone(
    project: SampleProject, cascade: Cascade
) -> None:
    project.write("growing.py", GROWING.format(arguments='write_disposition="append"'))
    first = grow(cascade, 1)["snapshot_id"]
    grow(cascade, 2)
    result = cascade("table", "rollback", "events", first, "--yes")
    assert result.exit_code == 2
    assert "Its cursor cannot go back with the rows" in result.stderr
    assert ids("events") == [1, 2] and grow(cascade, 3)["rows_in"] == 1


def test_what_a_cursor_added_in_snapshots_that_have_expired_is_not_undone(
    project: SampleProject, cascade: Cascade
) -> None:
    project.write("growing.py", GROWING.format(arguments='write_disposition="append"'))
    first = grow(cascade, 1)["snapshot_id"]
    ref = TableRef("raw", "events")
    with open_lakehouse(CascadeConfig()).require(ref).manage_snapshots() as manage:
        manage.create_tag(int(first), "kept")
    grow(cascade, 2)
    eager = replace(open_lakehouse(CascadeConfig()), retention=Retention(snapshots=1, days=0, least_age=0))
    for number in (3, 4):
        append_rows(eager, ref, pa.table({"id": pa.array([number], pa.int64())}), run_id=f"full {number}")
    assert len(eager.require(ref).snapshots()) == 3
    result = cascade("table", "rollback", "events", "kept", "--yes")
    assert result.exit_code == 2 and "Its cursor cannot go back with the rows" in result.stderr
    assert ids("events") == [1, 2, 3, 4]


def test_no_cursor_is_reset_if_no_run_is_undone(project: SampleProject, cascade: Cascade) -> None:
    project.write("growing.py", GROWING.format(arguments='write_disposition="append"'))
    first = grow(cascade, 1)["snapshot_id"]
    opened, ref = open_lakehouse(CascadeConfig()), TableRef("raw", "events")
    planner = append_planner(pa.table({"id": pa.array([7], pa.int64())}), "", None)
    commit_planned(opened, ref, planner, summary={})
    # A run that was under way keeps its cursor only now.
    [current] = Path(".cascade").rglob("dlt_events/whole/current")
    current.touch()
    result = cascade("table", "rollback", "events", first, "--yes")
    assert result.exit_code == 0 and "cursor" not in result.stdout
    assert grow(cascade, 2)["rows_in"] == 1 and ids("events") == [1, 2]


@pytest.mark.parametrize(
    "arguments", ['unique_key="id"', 'write_disposition="append", partitions="daily", partition_start="2024-01-01"']
)
def test_g9_a_rollback_that_is_killed_after_it_reset_a_cursor_leaves_rows_that_the_next_run_finds(
    project: SampleProject, cascade: Cascade, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    daily = "partitions" in arguments
    text = GROWING.replace("partitions=None, ", "" if daily else "partitions=None, ")
    text = text.replace("def events()", "def events(partition_date)" if daily else "def events()")
    project.write("growing.py", text.format(arguments=arguments))
    partition = ("--partition", "2024-01-01") if daily else ()

    def run(*numbers: int) -> dict[str, Any]:
        with Path("events.txt").open("a") as file:
            file.writelines(f"{number}\n" for number in numbers)
        return dict(cascade.json("materialize", "events", *partition)["runs"][0])

    first = run(1)["snapshot_id"]
    assert run(2)["rows_in"] == 1

    def killed(*_: object) -> None:
        raise SimulatedCrash

    with monkeypatch.context() as patched:
        patched.setattr(rollback, "roll_back", killed)
        with pytest.raises(SimulatedCrash):
            cascade("table", "rollback", "events", first, "--yes")
    assert run(3)["rows_in"] == 3
    assert ids("events") == [1, 2, 3]
    assert run(4)["rows_in"] == 1
    assert ids("events") == [1, 2, 3, 4]


def test_a_rollback_that_loses_a_race_leaves_the_cursor_with_its_rows(
    project: SampleProject, cascade: Cascade, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("growing.py", GROWING.format(arguments='write_disposition="append"'))
    for number in (1, 2, 3):
        last = grow(cascade, number)["snapshot_id"]
    assert cascade("maintain", "events").exit_code == 0

    def run_meanwhile(*_: object, **__: object) -> bool:
        grow(cascade, 4)
        return True

    monkeypatch.setattr(table_rollback, "can_ask", lambda **_: True)
    monkeypatch.setattr("click.confirm", run_meanwhile)
    result = cascade("table", "rollback", "events", last)
    assert result.exit_code == 1 and "another writer committed" in result.stderr
    assert grow(cascade, 5)["rows_in"] == 1
    assert ids("events") == [1, 2, 3, 4, 5]
