"""Dagster's own commands work in a project: `dagster`, with a module or a workspace file, and `dg`."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from processes import free_port, started, stop, wait_until
from standalone.conftest import COMMANDS, START_SECONDS, WORKSPACE, Project, Server

MODULE = "cascade.framework.definitions"


def test_dagster_materializes_into_the_same_table_and_run_history(project: Project, tmp_path: Path) -> None:
    partition = ("weather_observations", "--partition", "2024-01-15")
    project.types("cascade", "materialize", *partition).ok()
    home = str(project.root / ".cascade" / "dagster")
    done = project.types("dagster", "asset", "materialize", "-m", MODULE, "--select", *partition, DAGSTER_HOME=home)
    assert "RUN_SUCCESS" in done.ok().err
    assert [row["id"] for row in project.rows("weather_observations")] == [1500, 1501, 1502]
    # `cascade dev` lists its run too.
    with closing(sqlite3.connect(project.root / ".cascade/dagster/history/runs.db")) as runs:
        assert runs.execute("SELECT count(*) FROM runs WHERE status = 'SUCCESS'").fetchone() == (2,)


def test_a_workspace_loads_the_project_from_any_directory(project: Project, tmp_path: Path) -> None:
    assert "Validation successful for code location forecasts" in _validated(project, project.root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "workspace.yaml").write_text(WORKSPACE.format(directory=project.root))
    assert "Validation successful for code location forecasts" in _validated(project, elsewhere)
    assert not (elsewhere / ".cascade").exists()

    project.write("workflows/broken.py", "1 / 0\n")
    refused = project.types("dagster", "definitions", "validate", "-w", "workspace.yaml", directory=elsewhere)
    assert refused.code == 1
    assert (
        "workflows/broken.py:1: The module workflows.broken does not import: ZeroDivisionError"
        in refused.out + refused.err
    )


def _validated(project: Project, directory: Path) -> str:
    done = project.types("dagster", "definitions", "validate", "-w", "workspace.yaml", directory=directory).ok()
    return done.out + done.err


def test_dg_sees_the_workflows_and_what_it_scaffolds_itself(
    project: Project, tmp_path: Path, ends_later: set[str]
) -> None:
    project.types("dg", "scaffold", "defs", "dagster.asset", "native.py").ok()
    component = "type: dagster.DefsFolderComponent\n"
    project.write("workflows/defs/component/defs.yaml", component)
    project.write("workflows/defs/component/inner.py", "import dagster as dg\n\n\n@dg.asset\ndef inner(): ...\n")
    expected = {"inner", "native", "weather_observations"}

    listed = project.types("dg", "list", "defs", "--json").ok()
    assert {asset["asset_key"] for asset in json.loads(listed.out)["assets"]} == expected
    # No warnings, except for the one about telemetry that Dagster prints on its first run.
    assert "Warning" not in listed.err
    assert "All definitions loaded successfully." in project.types("dg", "check", "defs").ok().out

    port, marker = free_port(), f"dg-{os.getpid()}"
    command = [str(COMMANDS / "dg"), "dev", "--port", str(port)]
    with started(command, project.root, project.environment | {"E2E_MARKER": marker}, tmp_path / "log") as process:
        server = Server(process, port, tmp_path / "log", marker)
        wait_until(lambda: set(server.shown()) == expected, START_SECONDS, process)
        stop(process, signal.SIGINT)
    # Dagster does not wait for its code server, which ends by itself, at the latest after 45 seconds without a
    # heartbeat.
    ends_later.add(marker)
