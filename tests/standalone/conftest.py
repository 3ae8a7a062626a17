"""A standalone project in a temporary directory, and the commands that a user runs in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from dagster_ui import assets
from processes import Finished, free_port, left_behind, run, started, wait_until

from cascade.scaffold.conftest import python_in

SOURCES = Path(__file__).resolve().parent.parent.parent / "src"
COMMANDS = Path(sys.executable).parent
FOREIGN_VARIABLES = ("CASCADE_", "DAGSTER_", "PYTHON", "PYTEST_")
START_SECONDS = 600
RELOAD_SECONDS = 300

PYPROJECT = """
    [project]
    name = "forecasts"
    version = "0.1.0"
    requires-python = ">=3.11"

    [tool.cascade]
    workflows_path = "workflows"

    [tool.dg]
    directory_type = "project"

    [tool.dg.project]
    root_module = "workflows"
    code_location_target_module = "cascade.framework.definitions"
"""

WORKSPACE = """
    load_from:
      - python_module:
          module_name: cascade.framework.definitions
          working_directory: {directory}
          location_name: forecasts
"""

SCHEMA = """
    from pydantic import BaseModel


    class Observation(BaseModel):
        id: int
        temperature: float
"""

WORKFLOW = """
    from datetime import date

    from cascade import cascade_ingestion
    from workflows.schemas.weather import Observation


    @cascade_ingestion(
        table_name="{table}",
        unique_key="id",
        group="weather",
        validation_schema=Observation,
        partition_start=date(2024, 1, 1),
        description="{description}",
    )
    def observations(partition_date: str) -> list[dict[str, object]]:
        day = int(partition_date[-2:])
        return [{{"id": day * 100 + hour, "temperature": 0.5 * hour}} for hour in range(3)]
"""


@dataclass(frozen=True)
class Project:
    """A standalone project.

    Args:
        root: its directory.
    """

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment, with the sources of Cascade in place of an installed package."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
        path = f"{COMMANDS}{os.pathsep}{kept['PATH']}"
        return {**kept, "PYTHONPATH": str(SOURCES), "PATH": path, "HOME": str(self.root.parent)}

    def types(self, *words: str, directory: Path | None = None, **variables: str) -> Finished:
        """Run a command, by default in the project's directory."""
        place, environment = directory or self.root, {**self.environment, **variables}
        if words[0] != "cascade":
            return run([str(COMMANDS / words[0]), *words[1:]], place, environment)
        # Cascade is not installed here, so `cascade` is `python -m cascade`.
        start = time.monotonic()
        done = python_in(place, ["-m", *words], environment)
        return Finished(" ".join(words), done.returncode, done.stdout, done.stderr, time.monotonic() - start)

    def write(self, path: str, text: str) -> Path:
        """Write a file and return its path."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text).lstrip())
        return target

    def write_workflow(self, path: str, table: str, description: str = "What the stations saw.") -> Path:
        """Write a workflow with daily partitions from 2024, each with three rows."""
        return self.write(path, WORKFLOW.format(table=table, description=description))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, read through the command line, in the order of their ids."""
        shown: list[dict[str, Any]] = self.types("cascade", "table", "show", table, "--json").json()["rows"]
        return sorted(shown, key=lambda row: row["id"])

    @contextmanager
    def dev(self, log: Path, marker: str, directory: Path | None = None) -> Iterator[Server]:
        """Start `cascade dev`, and wait until it reports that it is ready."""
        port = free_port()
        command = [sys.executable, "-m", "cascade", "dev", "--port", str(port)]
        environment = self.environment | {"E2E_MARKER": marker}
        with started(command, directory or self.root, environment, log) as process:
            server = Server(process, port, log, marker)
            server.wait_for(lambda: "Press Ctrl-C to stop." in server.said, START_SECONDS)
            yield server


@dataclass(frozen=True)
class Server:
    """A running UI.

    Args:
        process: the process of `cascade dev`.
        port: the port it listens on.
        log: the file with its output.
        marker: a string in the environment of all its processes.
    """

    process: subprocess.Popen[str]
    port: int
    log: Path
    marker: str

    @property
    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text()

    @property
    def processes(self) -> list[str]:
        """The command lines of its running processes."""
        return left_behind(self.marker)

    def shown(self) -> dict[str, str]:
        """Return the descriptions of the assets in the UI, by name."""
        return {name: node["description"] for name, node in assets(self.port).items()}

    def wait_for(self, ready: Any, seconds: float = RELOAD_SECONDS) -> None:
        """Wait until a condition holds."""
        wait_until(ready, seconds, self.process)


@pytest.fixture(scope="session")
def ends_later() -> Iterator[set[str]]:
    """Return a set of markers whose processes must have ended when all tests have, or two minutes later."""
    markers: set[str] = set()
    yield markers
    wait_until(lambda: not [process for marker in markers for process in left_behind(marker)], 120)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Create a project with one workflow, whose asset is `weather_observations`."""
    made = Project(tmp_path / "forecasts")
    made.write("pyproject.toml", PYPROJECT)
    made.write("workspace.yaml", WORKSPACE.format(directory="."))
    for package in ("", "schemas/", "ingestion/", "ingestion/weather/", "defs/"):
        made.write(f"workflows/{package}__init__.py", "")
    made.write("workflows/schemas/weather.py", SCHEMA)
    made.write_workflow("workflows/ingestion/weather/observations.py", "weather_observations")
    return made
