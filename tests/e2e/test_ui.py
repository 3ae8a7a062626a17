"""The UI shows the assets, picks up an edit, and leaves no process behind."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_ui import assets
from processes import assert_nothing_left_behind, free_port, left_behind, refuses_connections, started, stop, wait_until

if TYPE_CHECKING:
    from e2e.conftest import Repository

START_SECONDS = 600
RELOAD_SECONDS = 300
GATES = """
from pydantic import BaseModel

from cascade import cascade_ingestion


class Gate(BaseModel):
    id: int


@cascade_ingestion(table_name="gates", unique_key="id", validation_schema=Gate, partitions=None)
def gates() -> list[dict[str, int]]:
    return [{"id": 1}]
"""


def test_cascade_dev_shows_the_assets_reloads_an_edit_and_blocks_no_command(
    repository: Repository, tmp_path: Path
) -> None:
    port, marker = free_port(), f"e2e-{os.getpid()}-dev"
    command = ["./pants", "--no-pantsd", "cascade-dev", f"--port={port}", ":dev"]
    environment = repository.environment | {"E2E_MARKER": marker}
    with started(command, repository.root, environment, tmp_path / "log") as process:
        wait_until(lambda: "weather_observations" in assets(port), START_SECONDS, process)
        shown = assets(port)
        workflows = {"airlines", "airports", "flights", "planes", "weather_observations"}
        assert {name for name in shown if shown[name]["groupName"] in ("nyc_flights", "nyc_weather")} == workflows
        assert shown["gold_daily_delays"]["groupName"] == "gold"
        assert shown["weather_observations"]["partitionStats"]["numPartitions"] == 365
        assert shown["airlines"]["groupName"] == "nyc_flights"
        # This would wait for `dev` to end if `dev` blocked it.
        repository.pants("list", "src/workflows/nyc_weather").ok()
        edited = "Airlines, with an edit."
        repository.replace("src/workflows/nyc_flights/reference.py", "Airlines by their two-letter codes", edited)
        wait_until(lambda: edited in assets(port)["airlines"]["description"], RELOAD_SECONDS, process)
        # A new workflow and a moved one show up without a restart.
        repository.write("src/workflows/gates/BUILD", "cascade_workflow()\n")
        repository.write("src/workflows/gates/gates.py", GATES)
        wait_until(lambda: "gates" in assets(port), RELOAD_SECONDS, process)
        (repository.root / "src/workflows/gates").rename(repository.root / "src/workflows/doors")
        wait_until(
            lambda: (tmp_path / "log").read_text().count("Reloaded dev after the new list of workflows") == 2,
            RELOAD_SECONDS,
            process,
        )
        assert "gates" in assets(port)
        shutil.rmtree(repository.root / "src/workflows/doors")
        wait_until(lambda: "gates" not in assets(port), RELOAD_SECONDS, process)
        # At least the code server, the webserver and the daemon.
        assert len(left_behind(marker)) >= 3
        second = repository.pants("--no-pantsd", "cascade-dev", f"--port={port}", ":dev")
        assert second.code != 0
        assert str(port) in second.out + second.err
        assert "Traceback" not in second.out + second.err
        stop(process, signal.SIGINT)
    said = (tmp_path / "log").read_text()
    assert f"http://127.0.0.1:{port}" in said
    assert "automation" in said
    assert "warehouse" in said
    assert_nothing_left_behind(marker)
    assert refuses_connections(port)
