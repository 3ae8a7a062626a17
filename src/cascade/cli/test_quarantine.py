"""`quarantine list`, `show` and `replay`."""

from __future__ import annotations

import shutil
import sys

import pytest
from click.testing import CliRunner

from cascade.cli import quarantine_drop
from cascade.cli.conftest import Cascade
from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject
from cascade.iceberg import open_lakehouse

WEATHER = """
    from datetime import date
    from pydantic import BaseModel, Field
    from cascade import cascade_quality
    from cascade.ingestion import cascade_ingestion
    from cascade.quality import Range, RowCount

    class Weather(BaseModel):
        id: int
        celsius: float = Field(lt={limit})

    @cascade_ingestion(
        table_name="weather", unique_key="id", group="g", validation_schema=Weather, partition_start=date(2024, 1, 1),
    )
    def weather(partition_date: str):
        day = int(partition_date[-2:])
        return [{{"id": day * 10 + n, "celsius": 20.0 * n}} for n in range(5)]

    @cascade_quality(table=weather, checks=[RowCount(min=3), Range("celsius", max={most})])
    def sane():
        ...
"""


@pytest.fixture
def refused(project: SampleProject, cascade: Cascade) -> SampleProject:
    """Return a project whose table has two refused rows in each of two partitions."""
    project.write("weather.py", WEATHER.format(limit=50, most=1000))
    result = cascade("materialize", "weather", "--partition", "2024-01-01", "--partition", "2024-01-02")
    assert result.exit_code == 0, result.output
    return project


def fix(project: SampleProject, text: str) -> None:
    """Edit the workflow, as if in another process."""
    path = project.write("weather.py", text)
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    del sys.modules[f"{project.package}.weather"]


@pytest.mark.usefixtures("refused")
def test_refused_rows_are_listed_and_shown(cascade: Cascade) -> None:
    heading, first, second = cascade("quarantine", "list").stdout.splitlines()
    assert heading.split()[:4] == ["table", "partition", "rows", "rules"]
    assert first.split()[:6] == ["raw.weather", "2024-01-01", "2", "less_than", "in", "celsius"]
    assert second.split()[1] == "2024-01-02"
    found = cascade.json("quarantine", "list", "weather")["quarantine"]
    assert [each["rules"] for each in found] == [{"less_than in celsius": 2}] * 2
    shown = cascade("quarantine", "show", "weather", "--partition", "2024-01-02", "--limit", "1").stdout
    assert '"id": 23' in shown and "\n1 of 2 refused rows of raw.weather\n" in shown
    assert shown.endswith("See whole rows: add --json\n")
    assert cascade("quarantine", "show", "weather__quarantine", "--limit", "1").stdout.count("less_than") == 1
    none = cascade("quarantine", "show", "weather", "--rule", "other").stdout
    assert none.startswith("0 of 0 refused rows of raw.weather\n") and none.endswith("quarantine list raw.weather\n")
    rows = cascade.json("quarantine", "show", "weather", "--rule", "less_than")
    assert (rows["total_rows"], rows["rows"][0]["field"]) == (4, "celsius")
    assert cascade.json("quarantine", "show", "weather", "--rule", "other")["rows"] == []


def test_rows_are_replayed_after_a_fix(cascade: Cascade, refused: SampleProject) -> None:
    fix(refused, WEATHER.format(limit=70, most=1000))
    before = cascade.json("table", "show", "weather")["snapshot_id"]
    dry = cascade("quarantine", "replay", "weather", "--partition", "2024-01-02", "--dry-run")
    assert dry.stdout == "raw.weather of 2024-01-02: 1 of 2 refused rows would leave the quarantine.\n"
    assert cascade.json("table", "show", "weather")["snapshot_id"] == before
    result = cascade("quarantine", "replay", "weather", "--partition", "2024-01-02")
    assert result.exit_code == 0, result.output
    assert "raw.weather of 2024-01-02: 1 row left the quarantine (1 inserted, 0 updated), 1 stay." in result.stdout
    assert "1 row refused, now in raw.weather__quarantine" in result.stderr
    document = cascade.json("quarantine", "replay", "weather", "--partition", "2024-01-01")
    [run] = document["runs"]
    assert (document["success"], run["rows_in"], run["rows_good"], run["rows_refused"]) == (True, 2, 1, 1)
    # The other checks of the table have run; that of the number of rows cannot judge some of them.
    checks = {check["name"]: check["passed"] for check in run["checks"]}
    assert all(passed for name, passed in checks.items() if name != "validation") and len(checks) == 3
    assert cascade.json("table", "show", "weather")["total_rows"] == 8
    assert [each["rows"] for each in cascade.json("quarantine", "list")["quarantine"]] == [1, 1]


def test_a_blocking_check_counts_for_a_replay(cascade: Cascade, refused: SampleProject) -> None:
    fix(refused, WEATHER.format(limit=1000, most=70))
    result = cascade("quarantine", "replay", "weather", "--partition", "2024-01-01")
    assert result.exit_code == 1
    assert "1 blocking check failed, so its rows were not published" in result.stderr
    assert cascade.json("table", "show", "weather")["total_rows"] == 6
    assert [each["rows"] for each in cascade.json("quarantine", "list")["quarantine"]] == [2, 2]


def test_all_partitions_are_replayed_and_then_none_is_left(cascade: Cascade, refused: SampleProject) -> None:
    fix(refused, WEATHER.format(limit=1000, most=1000))
    assert cascade("quarantine", "replay", "weather").exit_code == 0
    assert cascade.json("table", "show", "weather")["total_rows"] == 10
    assert cascade("quarantine", "list").stdout == "No table has refused rows.\n"
    assert cascade("quarantine", "replay", "weather").stdout == "raw.weather has no refused rows.\n"
    again = cascade.json("materialize", "weather", "--partition", "2024-01-01")
    assert again["runs"][0]["committed"] is False


def test_what_cannot_be_replayed_is_explained(cascade: Cascade, refused: SampleProject) -> None:
    result = cascade("quarantine", "replay", "weather", "--partition", "2024-01-03")
    assert result.exit_code == 2
    assert 'The partition "2024-01-03" of raw.weather has no refused rows. Did you mean' in result.stderr
    again = cascade("quarantine", "replay", "weather", "--partition", "2024-01-01")
    assert again.exit_code == 1 and "none of 2 rows can leave raw.weather__quarantine" in again.stderr
    # Both rows have the same reason.
    assert again.stderr.count("less_than in celsius") == 1
    (refused.root / refused.package / "weather.py").unlink()
    result = cascade("quarantine", "replay", "weather")
    assert result.exit_code == 2 and "No workflow of the project fills raw.weather" in result.stderr


def test_a_rollback_gives_the_rows_of_a_replay_back_to_the_quarantine(cascade: Cascade, refused: SampleProject) -> None:
    before = cascade.json("table", "show", "weather")["snapshot_id"]
    shown = cascade.json("quarantine", "show", "weather")["rows"]
    # Of two rows, one leaves, and the other gets another rule.
    stricter = WEATHER.replace("Field(lt={limit})", "Field(le={limit})").format(limit=60, most=1000)
    fix(refused, stricter)
    assert cascade("quarantine", "replay", "weather", "--partition", "2024-01-01").exit_code == 0
    left = cascade.json("quarantine", "show", "weather", "--partition", "2024-01-01")["rows"]
    assert [(row["rule"], row["row"]) for row in left] == [("less_than_equal", '{"id": 14, "celsius": 80.0}')]
    result = cascade("table", "rollback", "weather", before, "--yes")
    assert result.exit_code == 0, result.output
    assert "1 row of replays is in the quarantine again." in result.stdout
    again = cascade.json("quarantine", "show", "weather")["rows"]
    assert sorted(row["row"] for row in again) == sorted(row["row"] for row in shown)
    document = cascade.json("quarantine", "replay", "weather", "--partition", "2024-01-01")
    assert (document["runs"][0]["rows_good"], document["runs"][0]["rows_inserted"]) == (1, 1)
    assert cascade.json("table", "show", "weather")["total_rows"] == 7


def test_rows_of_partitions_that_the_workflow_no_longer_has_stay(cascade: Cascade, refused: SampleProject) -> None:
    monthly = WEATHER.replace("partition_start=date(2024, 1, 1)", 'partitions="monthly", partition_start="2024-01-01"')
    fix(refused, monthly.format(limit=1000, most=1000))
    # The first of January is also the key of a month.
    result = cascade("quarantine", "replay", "weather")
    assert result.exit_code == 1 and "of 2024-01-01: 2 rows left the quarantine" in result.stdout
    for shown in (result, cascade("quarantine", "replay", "weather", "--dry-run")):
        assert shown.exit_code == 1 and "2024-01-02" not in shown.stdout
        assert (
            "raw.weather of 2024-01-02: 2 refused rows cannot be replayed: the workflow no longer has this partition. "
            "Run it again: "
        ) in shown.stderr
        assert "materialize weather --partition KEY" in shown.stderr
    [left] = cascade.json("quarantine", "list")["quarantine"]
    assert (left["partition"], left["rows"]) == ("2024-01-02", 2)


def test_dropped_rows_are_gone_after_a_question(
    cascade: Cascade, refused: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    dry = cascade("quarantine", "drop", "weather", "--partition", "2024-01-01", "--dry-run")
    assert dry.stdout == ("raw.weather of 2024-01-01: 2 refused rows would be removed (less_than in celsius 2).\n"), (
        dry.output
    )
    nobody = cascade("quarantine", "drop", "weather")
    assert nobody.exit_code == 2
    assert "nobody can answer here whether raw.weather__quarantine may lose them" in nobody.stderr
    assert "quarantine drop raw.weather --dry-run\nRemove them without a question: add --yes." in nobody.stderr
    unknown = cascade("quarantine", "drop", "weather", "--partition", "2024-01-03", "--yes")
    assert unknown.exit_code == 2 and 'The partition "2024-01-03" of raw.weather has no refused rows.' in unknown.stderr
    monkeypatch.setattr(quarantine_drop, "can_ask", lambda **_: True)
    asked = CliRunner().invoke(cli, ["quarantine", "drop", "weather"], obj=Invocation(), input="n\n")
    assert asked.exit_code == 1 and "Remove them for good? [y/N]" in asked.stderr
    assert [each["rows"] for each in cascade.json("quarantine", "list")["quarantine"]] == [2, 2]
    document = cascade.json("quarantine", "drop", "weather", "--partition", "2024-01-01", "--yes")
    assert document == {"table": "raw.weather", "dropped": [{"partition": "2024-01-01", "rows": 2}]}
    [left] = cascade.json("quarantine", "list")["quarantine"]
    assert (left["partition"], left["rows"]) == ("2024-01-02", 2)
    assert cascade("quarantine", "drop", "weather", "--yes").stdout == "2 refused rows of raw.weather removed.\n"
    assert cascade("quarantine", "drop", "weather", "--yes").stdout == "raw.weather has no refused rows.\n"
    assert cascade.json("table", "show", "weather")["total_rows"] == 6


@pytest.mark.usefixtures("refused")
def test_the_refused_rows_of_a_dropped_table_are_still_there(cascade: Cascade) -> None:
    open_lakehouse(CascadeConfig.from_user_config()).catalog.drop_table("raw.weather")
    for gone in (cascade("table", "show", "weather"), cascade("quarantine", "replay", "weather")):
        assert gone.exit_code == 2 and "does not exist yet" not in gone.stderr
        assert (
            "raw.weather does not exist: it was dropped, and raw.weather__quarantine still has its refused rows."
        ) in gone.stderr
        assert "Fill it again: " in gone.stderr
    assert len(cascade.json("quarantine", "list", "weather")["quarantine"]) == 2
    assert cascade.json("quarantine", "show", "weather")["total_rows"] == 4
    assert cascade("quarantine", "drop", "weather", "--yes").exit_code == 0
