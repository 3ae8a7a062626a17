"""What a command prints while something takes long."""

from __future__ import annotations

import json

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import SampleProject
from cascade.terminal import waiting

SLOW = """
    import time

    from cascade import cascade_ingestion
    from pydantic import BaseModel

    time.sleep(0.3)

    class Thing(BaseModel):
        id: int

    @cascade_ingestion(table_name="slow", unique_key="id", group="g", validation_schema=Thing, partitions=None)
    def slow():
        time.sleep(0.3)
        return [{"id": 1}]
"""


@pytest.fixture(autouse=True)
def _impatient(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.05)


def test_validate_names_the_module_that_takes_long(cascade: Cascade, project: SampleProject) -> None:
    project.write("slow.py", SLOW)
    result = cascade("validate", "--json")
    assert f"checking {project.module('slow')} … " in result.stderr
    assert json.loads(result.stdout)["problems"] == []


def test_a_check_of_pants_prints_nothing_but_its_problems(cascade: Cascade, project: SampleProject) -> None:
    project.write("slow.py", SLOW)
    result = cascade("validate", "--module", project.module("slow"))
    assert result.exit_code == 0, result.output
    assert result.stderr == ""


def test_materialize_says_what_is_under_way(cascade: Cascade, project: SampleProject) -> None:
    project.write("slow.py", SLOW)
    result = cascade("materialize", "slow", "--json")
    assert "loading the project … " in result.stderr
    assert "materialize slow … " in result.stderr
    assert json.loads(result.stdout)["success"] is True


RETRYING = """
    from cascade import cascade_ingestion
    from dlt.sources.helpers.requests import Client
    from pydantic import BaseModel

    class Thing(BaseModel):
        id: int

    @cascade_ingestion(table_name="down", unique_key="id", group="g", validation_schema=Thing, partitions=None)
    def down():
        # Nothing listens on the port "discard".
        client = Client(request_backoff_factor=0.001, request_max_attempts=2)
        return client.get("http://127.0.0.1:9/rows").json()
"""


def test_a_run_says_that_it_tries_a_request_again(
    cascade: Cascade, project: SampleProject, capfd: pytest.CaptureFixture[str]
) -> None:
    project.write("down.py", RETRYING)
    result = cascade("materialize", "down")
    said = result.stderr + capfd.readouterr().err
    assert result.exit_code == 1
    assert "retry: GET http://127.0.0.1:9/rows failed (ConnectionError). Attempt 2 of 2 in 0 s." in said


FAILING = """
    from cascade import cascade_ingestion
    from pydantic import BaseModel

    class Thing(BaseModel):
        id: int

    @cascade_ingestion(
        table_name="down", unique_key="id", group="g", validation_schema=Thing, partitions=None,
        max_retries=2, retry_delay_seconds=0,
    )
    def down():
        raise ValueError("no luck, token=hunter2")
"""


def test_a_workflow_that_starts_again_says_so_and_fails_with_its_own_error(
    cascade: Cascade, project: SampleProject, capfd: pytest.CaptureFixture[str]
) -> None:
    path = project.write("down.py", FAILING)
    result = cascade("materialize", "down")
    assert result.exit_code == 1
    said = result.stderr + capfd.readouterr().err
    for attempt in (2, 3):
        assert f"retry: raw.down failed (ValueError: no luck, token=**********). Attempt {attempt} of 3 in 0 s." in said
    assert "Attempt 4" not in said
    assert f"error: down failed: {path}:12: ValueError: no luck, token=**********" in said
