from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._loggers import colored_console_logger

from cascade.config import CascadeConfig
from cascade.framework.assembly import assemble
from cascade.framework.conftest import SampleProject
from cascade.framework.contents import load_contents
from cascade.framework.contributors import contribute
from cascade.framework.runs import run_partitions

LOGGED = """
    import logging
    from datetime import date
    from pydantic import BaseModel
    from cascade import cascade_ingestion

    class Thing(BaseModel):
        id: int

    @cascade_ingestion(
        table_name="things", unique_key="id", validation_schema=Thing, partition_start=date(2024, 1, 1), namespace="lab"
    )
    def things(context, partition_date: str):
        context.log.info("asking postgresql://me:hush@host")
        context.log.debug("a detail")
        logging.getLogger("dlt").warning("slow %s", "source")
        if partition_date == "2024-01-02":
            raise ValueError("the source is down")
        return [{"id": 1}, {"id": "one"}]
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    function, handlers = colored_console_logger.logger_fn, list(logging.getLogger("dlt").handlers)
    yield
    colored_console_logger._logger_fn = function
    logging.getLogger("dlt").handlers[:] = handlers


def lines_of(project: SampleProject, partition: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    project.write("things.py", LOGGED)
    config = CascadeConfig.from_user_config()
    contents = load_contents(None, config)
    definitions = assemble(contribute(contents.collected, contents.project(config, with_dbt=False)), config)
    with dg.DagsterInstance.ephemeral() as instance:
        list(run_partitions(definitions, dg.AssetKey(["lab", "things"]), [partition], instance=instance))
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line != "slow source"]


def test_every_line_of_a_run_has_the_run_and_its_partition(
    project: SampleProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_LOG_FORMAT", "json")
    lines = lines_of(project, "2024-01-01", capsys)
    assert len({line["run_id"] for line in lines}) == 1
    assert {line["partition"] for line in lines} == {"2024-01-01"}
    assert {line["level"] for line in lines} == {"INFO", "WARNING"}
    told = {line["message"]: line for line in lines}
    assert told["asking postgresql://me:**********@host"]["asset"] == "lab/things"
    assert told["slow source"]["logger"] == "dlt"
    assert any(message.startswith("Refused by int_parsing") for message in told)
    assert "a detail" not in told
    events = [line["event"] for line in lines if "event" in line]
    assert events[0] == "RUN_START" and events[-1] == "RUN_SUCCESS" and "ASSET_MATERIALIZATION" in events


def test_a_failure_is_one_line_with_its_traceback(
    project: SampleProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_LOG_FORMAT", "json")
    lines = lines_of(project, "2024-01-02", capsys)
    (failed,) = [line for line in lines if line.get("event") == "STEP_FAILURE"]
    assert "ValueError: the source is down" in failed["error"] and failed["level"] == "ERROR"
    assert failed["asset"] == "lab/things"


def test_without_the_setting_nothing_is_json(project: SampleProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines_of(project, "2024-01-01", capsys) == []
    assert colored_console_logger.logger_fn.__module__ == "dagster._loggers"
