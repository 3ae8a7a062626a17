"""`cascade dev` from start to stop: saved, new and deleted files reach the running UI."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from pathlib import Path
from typing import Any

from dagster_ui import ask
from processes import left_behind_by_id, refuses_connections, stop
from standalone.conftest import Project, Server

LAUNCH = """
mutation Launch($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def launch(port: int, asset: str, partition: str) -> str:
    """Launch a run of one partition as the UI does, and return its id."""
    selector = {
        "repositoryLocationName": "forecasts",
        "repositoryName": "__repository__",
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]}],
    }
    tags = [{"key": "dagster/partition", "value": partition}]
    parameters = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}, "runConfigData": {}}
    answer = ask(port, LAUNCH, {"parameters": parameters})["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    run_id: str = answer["run"]["runId"]
    return run_id


def status(port: int, run_id: str) -> Any:
    """Return the status of a run."""
    return ask(port, STATUS, {"id": run_id})["runOrError"]["status"]


def _webservers(dev: Server) -> set[str]:
    return {pid for pid, command in left_behind_by_id(dev.marker).items() if " dagster_webserver " in command}


def test_a_day_with_the_ui(project: Project, tmp_path: Path) -> None:
    observations = project.root / "workflows/ingestion/weather/observations.py"
    # Start it in a subdirectory of the project.
    with project.dev(tmp_path / "log", f"standalone-{os.getpid()}", observations.parent) as dev:
        assert f"http://127.0.0.1:{dev.port}" in dev.said
        assert "weather_observations" in dev.said
        assert "automation   off" in dev.said
        assert str(project.root / ".cascade" / "catalog.db") in dev.said
        assert str(project.root / ".cascade" / "warehouse") in dev.said
        # `dev` itself, the guardian, the code server and its child, the webserver, the daemon.
        assert len(dev.processes) >= 6
        webservers = _webservers(dev)
        assert webservers
        with urllib.request.urlopen(f"http://127.0.0.1:{dev.port}/server_info") as response:
            assert "dagster_webserver_version" in json.load(response)
        assert set(dev.shown()) == {"weather_observations"}
        run_id = launch(dev.port, "weather_observations", "2024-01-15")

        # A workflow in a directory without __init__.py, whose module name is already in use, and an edit.
        project.write_workflow("workflows/ingestion/traffic/observations.py", "traffic_observations")
        project.write_workflow(str(observations), "weather_observations", "What was seen.")
        dev.wait_for(lambda: "traffic_observations" in dev.shown())
        dev.wait_for(lambda: dev.shown()["weather_observations"] == "What was seen.")
        # A reload does not restart the webserver.
        assert _webservers(dev) >= webservers

        dev.wait_for(lambda: status(dev.port, run_id) == "SUCCESS")
        assert [row["id"] for row in project.rows("weather_observations")] == [1500, 1501, 1502]
        again = project.types("cascade", "materialize", "weather_observations", "--partition", "2024-01-15", "--json")
        assert again.json()["runs"][0]["committed"] is False

        # A workflow that no longer loads stays in the UI, and the reason is printed.
        traffic = project.root / "workflows/ingestion/traffic/observations.py"
        traffic.write_text("raise RuntimeError('no luck')\n" + traffic.read_text())
        dev.wait_for(lambda: "; broken: traffic_observations." in dev.said)
        assert re.search(r"not loaded: \S*ingestion/traffic/observations\.py:1", dev.said), dev.said
        assert set(dev.shown()) == {"traffic_observations", "weather_observations"}

        # A module that fails to load is reported, and hides no other.
        project.write("workflows/ingestion/broken.py", "def f(:\n")
        dev.wait_for(lambda: "ingestion/broken.py:1" in dev.said)
        assert set(dev.shown()) == {"traffic_observations", "weather_observations"}
        project.write_workflow("workflows/ingestion/broken.py", "repaired")
        traffic.unlink()
        dev.wait_for(lambda: set(dev.shown()) == {"repaired", "weather_observations"})

        settings = (project.root / "pyproject.toml").read_text()
        project.write("pyproject.toml", settings + "[tool.cascade\n")
        dev.wait_for(lambda: "pyproject.toml is not valid TOML" in dev.said)
        project.write("pyproject.toml", settings)
        dev.wait_for(lambda: set(dev.shown()) == {"repaired", "weather_observations"})

        taken = project.types("cascade", "dev", "--port", str(dev.port))
        assert taken.code == 1
        assert f"Port {dev.port} on 127.0.0.1 is taken" in taken.err
        assert f"kill {dev.process.pid}" in taken.err

        stop(dev.process, signal.SIGINT)
        assert dev.process.returncode == 0
        assert dev.processes == []
        assert refuses_connections(dev.port)
        assert "Traceback" not in dev.said
