from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.iceberg import merge_rows, open_lakehouse
from cascade.iceberg.maintenance.conftest import DAY, pass_time
from cascade.table_ref import TableRef

THINGS_TABLE = TableRef("raw", "things")


@pytest.fixture
def days(project: SampleProject, cascade: Cascade) -> None:
    """Fill a table with three small files, and leave a file of a killed run."""
    project.write("things.py", THINGS)
    for day in (1, 2, 5):
        assert cascade("materialize", "things", "--partition", f"2024-01-0{day}").exit_code == 0
    lakehouse = open_lakehouse(CascadeConfig())
    location = Path(lakehouse.require(THINGS_TABLE).location())
    (location / "data" / "left.parquet").write_bytes(b"x" * 1500)
    pass_time(lakehouse, 2 * DAY)


def ids() -> list[int]:
    return sorted(open_lakehouse(CascadeConfig()).require(THINGS_TABLE).scan().to_arrow()["id"].to_pylist())


@pytest.mark.usefixtures("days", "program")
def test_it_says_what_it_saved_and_then_has_nothing_to_do(cascade: Cascade) -> None:
    before = ids()
    preview = cascade("maintain", "--dry-run")
    done = cascade("maintain")
    assert (preview.exit_code, done.exit_code) == (0, 0), done.output
    columns = "table       rewritten files  expired snapshots  removed branches  removed files  freed"
    line = next(line for line in done.stdout.splitlines() if line.startswith("raw.things"))
    assert line.split() == ["raw.things", "3", "->", "1", "1", "1.5", "kB"]
    assert columns.split() == done.stdout.splitlines()[0].split()
    assert line in preview.stdout
    assert "Nothing was changed." in preview.stdout
    assert ids() == before
    assert cascade("maintain").stdout == "Nothing to do for 1 table.\n"


@pytest.mark.usefixtures("days")
def test_a_table_can_be_named_and_the_document_says_the_same(cascade: Cascade) -> None:
    [document] = cascade.json("maintain", "things", "--dry-run")["tables"]
    assert document == {
        "table": "raw.things",
        "files_before": 3,
        "files_after": 1,
        "expired_snapshots": 0,
        "removed_branches": [],
        "removed_files": 1,
        "freed_bytes": 1500,
        "files_kept_because": None,
        "problems": [],
    }
    assert cascade.json("maintain", "things")["tables"] == [document]


@pytest.mark.usefixtures("days")
def test_an_unknown_table_is_a_wrong_call(cascade: Cascade) -> None:
    result = cascade("maintain", "thing")
    assert result.exit_code == 2
    assert 'Did you mean "things"?' in result.stderr


@pytest.mark.usefixtures("days")
def test_what_cannot_be_done_is_named_and_the_rest_is_done(cascade: Cascade) -> None:
    table = open_lakehouse(CascadeConfig()).require(THINGS_TABLE)
    first = table.snapshots()[0]
    Path(first.manifest_list).write_bytes(b"broken")
    result = cascade("maintain")
    assert result.exit_code == 1
    assert f"Snapshot {first.snapshot_id} of raw.things cannot be read" in result.stderr
    assert "3 -> 1" in result.stdout


@pytest.mark.usefixtures("days")
def test_a_warehouse_that_cannot_be_written_is_not_called_full(
    cascade: Cascade, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(
            errno.EACCES, "Failed to open local file 'a.parquet'. Detail: [errno 13] Permission denied"
        )

    before = ids()
    monkeypatch.setattr("cascade.iceberg.maintenance.compaction.write_files", refused)
    # The first removes the file of the killed run.
    for _ in range(2):
        result = cascade("maintain")
        assert result.exit_code == 1
    assert ": Permission denied.\nMake it writable for the user who" in result.stderr
    assert result.stdout == ""
    assert ids() == before


@pytest.mark.usefixtures("days")
def test_tables_of_others_are_left_alone_unless_they_are_named(cascade: Cascade) -> None:
    lakehouse = open_lakehouse(CascadeConfig())
    things = lakehouse.require(THINGS_TABLE)
    other = TableRef("raw", "other")
    lakehouse.catalog.create_table(other.identifier, schema=things.schema())
    merge_rows(lakehouse, other, things.scan().to_arrow(), ["id"], run_id="other")
    assert [each["table"] for each in cascade.json("maintain")["tables"]] == ["raw.things"]
    assert [each["table"] for each in cascade.json("maintain", "other")["tables"]] == ["raw.other"]


def test_a_project_without_tables_has_nothing_to_do(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    assert cascade("maintain").stdout == "The workflows of the project have no tables yet.\n"


def test_a_module_that_does_not_load_is_reported(cascade: Cascade, project: SampleProject) -> None:
    project.write("broken.py", "import nothing_of_this_name")
    result = cascade("maintain")
    assert result.exit_code == 1
    assert "not loaded" in result.stderr
