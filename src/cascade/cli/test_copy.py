"""`copy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.config.environments import config_named
from cascade.framework.conftest import THINGS, SampleProject
from cascade.iceberg import Lakehouse, open_lakehouse
from cascade.runs.dlt_session import states_of
from cascade.table_ref import TableRef

THINGS_TABLE = TableRef("raw", "things")
REFUSING = """
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Part(BaseModel):
        id: int

    @cascade_ingestion(table_name="parts", unique_key="id", validation_schema=Part, partitions=None, group="g")
    def parts():
        return [{"id": 1}, {"id": "one"}]
"""


@pytest.fixture
def staging(project: SampleProject, cascade: Cascade) -> Path:
    """Fill a table, and describe another lakehouse."""
    project.write("things.py", THINGS)
    for day in (1, 2):
        assert cascade("materialize", "things", "--partition", f"2024-01-0{day}").exit_code == 0
    place = project.root / "staging"
    (project.root / ".env.staging").write_text(
        f"CASCADE_ICEBERG_CATALOG=sqlite:///{place / 'catalog.db'}\nCASCADE_ICEBERG_WAREHOUSE={place / 'warehouse'}\n"
        f"CASCADE_DLT_DIRECTORY={place / 'dlt'}\n"
    )
    return place


def opened(name: str) -> Lakehouse:
    return open_lakehouse(config_named(name))


def ids(lakehouse: Lakehouse) -> list[int]:
    return sorted(lakehouse.require(THINGS_TABLE).scan().to_arrow()["id"].to_pylist())


def statuses(cascade: Cascade) -> list[dict[str, object]]:
    """Return the states of the workflows, without the time of the last run that wrote."""
    found: list[dict[str, object]] = cascade.json("status")["workflows"]
    return [{name: each[name] for name in each if "at" not in name.split("_")} for each in found]


@pytest.mark.usefixtures("program", "staging")
def test_a_copied_project_is_up_to_date_and_runs_on(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    preview = cascade("copy", "--from", "embedded", "--to", "staging", "--dry-run")
    assert preview.exit_code == 0, preview.output
    assert opened("staging").load(THINGS_TABLE) is None
    done = cascade("copy", "--from", "embedded", "--to", "staging")
    assert done.exit_code == 0, done.output
    assert "1 table, 14 rows to copy." in preview.stdout
    assert "1 table, 14 rows copied." in done.stdout
    assert ids(opened("staging")) == ids(opened("embedded"))
    again = cascade.json("copy", "--from", "embedded", "--to", "staging", "things")
    assert [(each["target"], each["copied"]) for each in again["tables"]] == [("same", False)]
    before = statuses(cascade)
    for line in (Path.cwd() / ".env.staging").read_text().splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    assert statuses(cascade) == before
    [snapshot] = opened("production").require(THINGS_TABLE).metadata.snapshots
    assert cascade("materialize", "things", "--partition", "2024-01-01").exit_code == 0
    assert [snapshot] == opened("production").require(THINGS_TABLE).metadata.snapshots


@pytest.mark.usefixtures("program", "staging")
def test_other_rows_are_refused_unless_they_may_be_replaced(cascade: Cascade) -> None:
    from cascade.iceberg import merge_rows

    assert cascade("copy", "--from", "embedded", "--to", "staging").exit_code == 0
    target = opened("staging")
    rows = target.require(THINGS_TABLE).scan().to_arrow().slice(0, 1)
    merge_rows(target, THINGS_TABLE, rows.set_column(0, "id", [[999]]).cast(rows.schema), ["id"], run_id="other")
    refused = cascade("copy", "--from", "embedded", "--to", "staging")
    assert refused.exit_code == 1
    assert "raw.things was not copied, because staging has other rows in it. Replace them: add --overwrite." in (
        refused.stderr
    )
    assert 999 in ids(opened("staging"))
    assert cascade("copy", "--from", "embedded", "--to", "staging", "--overwrite").exit_code == 0
    assert ids(opened("staging")) == ids(opened("embedded"))


def test_refused_rows_and_cursors_come_along(project: SampleProject, cascade: Cascade, staging: Path) -> None:
    project.write("parts.py", REFUSING)
    assert cascade("materialize", "parts").exit_code == 0
    state = states_of(CascadeConfig().dlt_directory, TableRef("raw", "parts")) / "x"
    (state / "kept-1").mkdir(parents=True)
    (state / "current").write_text("kept-1")
    found = cascade.json("copy", "--from", "embedded", "--to", "staging", "parts")
    assert [each["table"] for each in found["tables"]] == ["raw.parts", "raw.parts__quarantine"]
    assert (staging / "dlt" / "dlt_parts" / "x" / "current").read_text() == "kept-1"
    assert opened("staging").load(THINGS_TABLE) is None


@pytest.mark.usefixtures("program")
def test_a_warehouse_of_two_catalogs_is_refused(cascade: Cascade, staging: Path) -> None:
    file = Path.cwd() / ".env.staging"
    file.write_text(f"CASCADE_ICEBERG_CATALOG=sqlite:///{staging / 'catalog.db'}\n")
    result = cascade("copy", "--from", "embedded", "--to", "staging")
    assert result.exit_code == 2
    assert "embedded and staging have the same warehouse" in result.stderr
    assert opened("staging").load(THINGS_TABLE) is None


@pytest.mark.usefixtures("program", "staging")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "embedded", "--to", "stagin"), 'There is no environment "stagin". Did you mean "staging"?'),
        (("--from", "embedded", "--to", "../secret"), 'There is no environment "../secret".'),
        (("--from", "embedded", "--to", "production"), "The settings name no catalog"),
        (("--from", "staging", "--to", "staging"), "have the same catalog"),
        (("--from", "embedded", "--to", "staging", "thing"), 'no table "thing"'),
    ],
)
def test_what_cannot_be_copied_is_said(cascade: Cascade, arguments: tuple[str, ...], message: str) -> None:
    result = cascade("copy", *arguments)
    assert (result.exit_code, message in result.output) == (2, True), result.output
