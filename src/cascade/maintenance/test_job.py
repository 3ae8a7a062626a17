from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from pydantic import BaseModel

from cascade.config import CascadeConfig
from cascade.contributor import LoadedProject
from cascade.exceptions import CascadeError
from cascade.iceberg import Lakehouse, open_lakehouse
from cascade.iceberg import maintenance as iceberg_maintenance
from cascade.iceberg.snapshot.tasks import data_files
from cascade.ingestion import IngestionWorkflow, cascade_ingestion
from cascade.maintenance.contributor import MaintenanceContributor
from cascade.maintenance.project_tables import tasks_of
from cascade.table_ref import TableRef

THINGS = TableRef("raw", "things")


class Thing(BaseModel):
    id: int


@cascade_ingestion(
    table_name="things",
    validation_schema=Thing,
    unique_key="id",
    partitions="daily",
    partition_start="2024-01-01",
    group="g",
    max_runtime_seconds=200_000,
)
def things(partition_date: str) -> list[dict[str, int]]:
    return [{"id": int(partition_date[-2:])}]


@pytest.fixture
def config(tmp_path: Path) -> CascadeConfig:
    return CascadeConfig(project_root=tmp_path)


@pytest.fixture
def lakehouse(config: CascadeConfig) -> Lakehouse:
    found = open_lakehouse(config)
    for day in (1, 2, 3):
        assert dg.materialize([things.asset], partition_key=f"2024-01-0{day}", resources={"lakehouse": found}).success
    return found


def contributed(config: CascadeConfig, *workflows: IngestionWorkflow[..., object]) -> dg.Definitions:
    found = MaintenanceContributor().contribute(LoadedProject(config, workflows=workflows))
    return dg.Definitions(jobs=found.jobs, schedules=found.schedules, resources={"lakehouse": None})


def test_the_job_maintains_the_tables_of_the_project(config: CascadeConfig, lakehouse: Lakehouse) -> None:
    job = contributed(config, things).get_job_def("cascade_maintenance")
    result = job.execute_in_process(resources={"lakehouse": lakehouse})
    assert result.success
    assert len(data_files(lakehouse.require(THINGS))) == 1
    [output] = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    shown = output.step_output_data.metadata["cascade/maintained"]
    assert isinstance(shown, dg.TableMetadataValue)
    [row] = shown.records
    assert row.data["table"] == "raw.things"
    assert (row.data["files before"], row.data["files after"]) == (3, 1)


def test_the_run_fails_if_a_table_cannot_be_maintained(
    config: CascadeConfig, lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(lakehouse: Lakehouse) -> None:
        raise CascadeError("The table raw.other cannot be read.")

    monkeypatch.setattr(iceberg_maintenance, "table_locations", fails)
    job = contributed(config, things).get_job_def("cascade_maintenance")
    with pytest.raises(dg.Failure, match=r"Not everything could be done for raw.things"):
        job.execute_in_process(resources={"lakehouse": lakehouse})
    assert len(data_files(lakehouse.require(THINGS))) == 1


@pytest.mark.parametrize("automation", [True, False])
def test_it_runs_daily_only_where_automation_is_on(tmp_path: Path, automation: bool) -> None:
    config = CascadeConfig(project_root=tmp_path, automation=automation)
    schedule = contributed(config, things).get_schedule_def("cascade_maintenance_schedule")
    assert (schedule.default_status is dg.DefaultScheduleStatus.RUNNING) is automation
    assert schedule.cron_schedule == "15 3 * * *"


def test_a_project_without_workflows_gets_nothing(config: CascadeConfig) -> None:
    found = MaintenanceContributor().contribute(LoadedProject(config))
    assert (found.jobs, found.schedules) == ((), ())


def test_orphans_of_a_long_workflow_must_be_older() -> None:
    found = {task.ref.full_name: task.orphan_age for task in tasks_of([things.declaration], 24.0)}
    assert found == {"raw.things": 200_000.0, "raw.things__quarantine": 200_000.0}
