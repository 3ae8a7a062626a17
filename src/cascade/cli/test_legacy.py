"""Commands in a project in the layout from before version 1.0."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from legacy.project import LegacyProject

from cascade.cli.conftest import Cascade
from cascade.legacy.conftest import legacy
from cascade.legacy.old_imports import LegacyImportWarning
from cascade.legacy.project import LegacyProjectWarning
from cascade.terminal import waiting

__all__ = ["legacy"]

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::cascade.legacy.project.LegacyProjectWarning"
)

TOLD = r"has the layout from before version 1\.0, which Cascade 2\.0\.0 no longer runs\..*migrate --check"
DAY = "2025-01-02"


@pytest.fixture
def cascade(legacy: LegacyProject, monkeypatch: pytest.MonkeyPatch) -> Cascade:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 600)
    return Cascade()


def test_all_workflows_land_their_rows(legacy: LegacyProject, cascade: Cascade) -> None:
    result = cascade("materialize", *legacy.rows, "--partition", DAY)
    assert result.exit_code == 0, result.output

    assets = cascade.json("status")["workflows"]
    assert {asset["asset"]: asset["rows"] for asset in assets} == legacy.rows
    # ICEBERG_WAREHOUSE_PATH in .env, without the prefix.
    assert (legacy.root / "lake" / "warehouse" / "raw" / "orders").is_dir()


def test_definitions_of_before_are_listed_with_the_keys_of_now(legacy: LegacyProject, cascade: Cascade) -> None:
    document = cascade.json("list")

    assert document["failures"] == []
    assert {workflow["asset"] for workflow in document["workflows"]} == set(legacy.rows)
    assert {(other["kind"], other["name"]) for other in document["others"]} == {
        ("job", "nightly"),
        ("schedule", "nightly_schedule"),
        ("check", "weather_observations:weather_plausible"),
    }
    assert [node["name"] for node in document["dbt"]["nodes"]] == ["mrt_sales"]


def test_one_warning_says_what_to_do(legacy: LegacyProject, cascade: Cascade) -> None:
    with pytest.warns(LegacyProjectWarning, match=TOLD) as caught:
        cascade("list")

    assert len([each for each in caught if each.category is LegacyProjectWarning]) == 1
    # Child processes do not repeat it.
    assert os.environ["CASCADE_LEGACY_TOLD"] == str(legacy.root)


def test_validate_shows_each_line_with_an_old_import(legacy: LegacyProject, cascade: Cascade) -> None:
    with pytest.warns(LegacyImportWarning) as caught:
        result = cascade("validate", "src/cascade/defs/ingestion/finance")

    assert (result.exit_code, result.output) == (0, "No problems in 3 modules.\n")
    shown = {(Path(each.filename).name, each.lineno) for each in caught if each.category is LegacyImportWarning}
    assert shown == {("rates.py", 2)}


def test_an_error_of_a_module_names_the_line_of_the_user(legacy: LegacyProject, cascade: Cascade) -> None:
    file = legacy.package / "defs" / "ingestion" / "finance" / "rates.py"
    file.write_text("from cascade.defs.resources.trino import TrinoResource\n", encoding="utf-8")

    result = cascade("list")

    assert result.exit_code == 1
    assert f"{file}:1: The module cascade.defs.ingestion.finance.rates does not import" in result.stderr
    assert "was part of Cascade before version 1.0 and no longer exists" in result.stderr


def test_settings_come_from_variables_without_a_prefix(legacy: LegacyProject, cascade: Cascade) -> None:
    shown = json.loads(cascade("config", "show", "--json").stdout)
    settings = {setting["name"]: setting for setting in shown["settings"]}

    assert settings["workflows_path"]["value"] == "src/cascade"

    assert settings["postgres_db"]["value"] == "lakehouse"
    assert settings["postgres_db"]["origin"] == f"POSTGRES_DB in {legacy.root / '.env'}"
    assert settings["postgres_password"]["value"] == "**********"


def test_a_project_of_today_reads_none_of_it(
    legacy: LegacyProject, cascade: Cascade, recwarn: pytest.WarningsRecorder
) -> None:
    (legacy.root / "pyproject.toml").write_text("[tool.cascade]\n", encoding="utf-8")
    (legacy.root / "workflows").mkdir()

    shown = json.loads(cascade("config", "show", "--json").stdout)
    assert cascade.json("list")["workflows"] == []

    assert {setting["name"]: setting["value"] for setting in shown["settings"]}["postgres_db"] == "cascade"
    assert not [each for each in recwarn if each.category is LegacyProjectWarning]


def test_workspace_files_of_before_find_the_definitions(legacy: LegacyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    from cascade import definitions
    from cascade.framework import definitions as successor

    # Another test may have been in its project when this module was imported.
    monkeypatch.setattr(successor, "_FIRST_ON_PATH", str(legacy.root))
    for module in (definitions, successor):
        monkeypatch.setitem(vars(module), "defs", None)
        del vars(module)["defs"]

    with pytest.warns(
        LegacyImportWarning, match=r"cascade\.definitions is cascade\.framework\.definitions since"
    ) as caught:
        found = definitions.defs

    assert {"mrt_sales", *legacy.rows} == {key.to_user_string() for key in found.resolve_all_asset_keys()}
    assert [each.filename for each in caught if "since version 1.0" in str(each.message)] == [__file__]


def test_tests_of_before_import_the_workflows(legacy: LegacyProject, cascade: Cascade) -> None:
    result = cascade.json("test")

    assert (result["passed"], result["failed"]) == (2, 0)


CAMEL_CASE = """
from cascade.ingestion import cascade_ingestion
from pandera.pandas import DataFrameModel, Field


class RawEntries(DataFrameModel):
    entry_id: str = Field(unique=True)
    date_string: str
    device__name: str = Field(nullable=True)

    class Config:
        strict = False


@cascade_ingestion(table_name="entries", unique_key="entry_id", validation_schema=RawEntries, cron="0 */1 * * *")
def entries(partition_date: str):
    return [{"entryId": partition_date, "dateString": "x", "device": {"name": "pump"}, "utcOffset": 0}]
"""


def test_fields_have_the_names_that_dlt_gave_them(legacy: LegacyProject, cascade: Cascade) -> None:
    module = legacy.package / "defs" / "ingestion" / "nightscout" / "glucose.py"
    module.parent.mkdir()
    module.write_text(CAMEL_CASE, encoding="utf-8")

    result = cascade("materialize", "entries", "--partition", DAY)
    assert result.exit_code == 0, result.output

    (row,) = cascade.json("table", "query", "select * from raw.entries")["rows"]
    assert row == {"entry_id": DAY, "date_string": "x", "device__name": "pump"}


def test_all_workflows_have_the_partitions_of_the_jobs_of_before(legacy: LegacyProject, cascade: Cascade) -> None:
    # `weather_observations` has an hourly cron, with which its partitions would include the current day.
    schedules = legacy.package / "defs" / "schedules" / "nightly.py"
    text = schedules.read_text(encoding="utf-8")
    schedules.write_text(text.replace('groups("sales")', "all()"), encoding="utf-8")

    result = cascade("validate", "src/cascade")

    assert result.output.endswith("No problems in 33 modules and the dbt project.\n")


def test_create_workflow_writes_nothing_into_the_old_layout(legacy: LegacyProject, cascade: Cascade) -> None:
    result = cascade("create-workflow", "--domain", "air")

    assert result.exit_code == 2
    assert "Migrate the project first: " in result.stderr


SENSORS = """
import dagster as dg
from cascade.defs.schedules.nightly import nightly_job


@dg.asset_sensor(asset_key=dg.AssetKey(["dlt_orders"]), job=nightly_job)
def on_orders(context, event):
    yield dg.RunRequest(partition_key="2025-01-01")
"""


def test_a_sensor_of_an_old_key_is_told(legacy: LegacyProject, cascade: Cascade) -> None:
    sensors = legacy.package / "defs" / "sensors" / "sensors.py"
    sensors.parent.mkdir()
    sensors.write_text(SENSORS, encoding="utf-8")

    with pytest.warns(
        LegacyProjectWarning, match=r'on_orders waits for the asset "dlt_orders", which is "orders" since'
    ):
        cascade("list")
