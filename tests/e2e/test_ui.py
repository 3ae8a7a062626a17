"""The UI shows the assets, picks up an edit, and leaves no process behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_ui import assets
from processes import assert_nothing_left_behind, free_port, left_behind, refuses_connections, started, stop, wait_until

if TYPE_CHECKING:
    from e2e.conftest import Repository

START_SECONDS = 180


def test_cascade_dev_shows_the_assets_reloads_an_edit_and_blocks_no_command(
    repository: Repository, tmp_path: Path
) -> None:
    port, marker = free_port(), f"e2e-{os.getpid()}-dev"
    command = ["./pants", "--no-pantsd", "cascade-dev", f"--port={port}", ":dev"]
    environment = repository.environment | {"E2E_MARKER": marker}
    with started(command, repository.root, environment, tmp_path / "log") as process:
        wait_until(lambda: "weather_observations" in assets(port), START_SECONDS, process)
        shown = assets(port)
        assert set(shown) == {"airlines", "airports", "flights", "planes", "weather_observations"}
        assert shown["weather_observations"]["partitionStats"]["numPartitions"] == 365
        assert shown["airlines"]["groupName"] == "nyc_flights"
        assert repository.pants("list", "src/workflows/nyc_weather").ok().seconds < 45
        edited = "Airlines, with an edit."
        repository.replace("src/workflows/nyc_flights/reference.py", "Airlines by their two-letter codes", edited)
        wait_until(lambda: edited in assets(port)["airlines"]["description"], 60, process)
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
