"""`doctor --recover`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.iceberg import open_lakehouse
from cascade.table_ref import TableRef

THINGS_TABLE = TableRef("raw", "things")


@pytest.fixture
def published(project: SampleProject, cascade: Cascade) -> None:
    project.write("things.py", THINGS)
    for day in (1, 4):
        assert cascade("materialize", "things", "--partition", f"2024-01-0{day}").exit_code == 0


def lose_catalog() -> Path:
    file = CascadeConfig().state_directory / "catalog.db"
    file.unlink()
    return file


@pytest.mark.usefixtures("program", "published")
def test_tables_and_quarantines_come_back_and_the_project_is_up_to_date(cascade: Cascade) -> None:
    before = cascade.json("status")
    head = open_lakehouse(CascadeConfig()).require(THINGS_TABLE).metadata_location
    lose_catalog()
    preview = cascade("doctor", "--recover", "--dry-run")
    assert preview.stdout.splitlines()[-1] == "2 tables to register, 0 in the catalog already."
    assert open_lakehouse(CascadeConfig()).load(THINGS_TABLE) is None
    done = cascade("doctor", "--recover")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "2 tables registered, 0 in the catalog already."
    assert cascade.json("status") == before
    assert cascade("materialize", "things", "--partition", "2024-01-01").exit_code == 0
    assert open_lakehouse(CascadeConfig()).require(THINGS_TABLE).metadata_location == head
    tables = cascade.json("doctor", "--recover")["tables"]
    assert [(each["table"], each["outcome"]) for each in tables] == [
        ("raw.things", "kept"),
        ("raw.things__quarantine", "kept"),
    ]


@pytest.mark.usefixtures("program", "published")
def test_a_damaged_catalog_names_the_command_that_rebuilds_it(cascade: Cascade) -> None:
    lose_catalog().write_text("not a database, and long enough to be looked at as one" * 20)
    result = cascade("table", "list")
    assert result.exit_code == 2
    assert "move it away and rebuild it from the files of the warehouse: cascade doctor --recover" in result.output


@pytest.mark.usefixtures("program", "published")
def test_a_table_that_lost_its_files_is_an_error(cascade: Cascade) -> None:
    location = Path(open_lakehouse(CascadeConfig()).require(THINGS_TABLE).location())
    lose_catalog()
    for file in location.rglob("snap-*"):
        file.unlink()
    newest = sorted(location.rglob("*.metadata.json"))
    newest[0].unlink()
    result = cascade("doctor", "--recover")
    assert result.exit_code == 1
    assert "raw.things: every state that is left lacks files, such as " in result.stderr
    assert cascade("doctor", "--dry-run").exit_code == 2
