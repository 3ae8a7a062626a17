"""The UI: what it shows, that an edit reaches it, and that its end leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from e2e.conftest import Repository

START_SECONDS = 180
ASSETS = "{ assetNodes { assetKey { path } description groupName partitionStats { numPartitions numMaterialized } } }"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(port: int, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Ask Dagster's GraphQL."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def assets(port: int) -> dict[str, Any]:
    """The assets that the UI shows, by name."""
    return {"/".join(node["assetKey"]["path"]): node for node in ask(port, ASSETS)["assetNodes"]}


def wait_until(ready: Callable[[], object], seconds: float, process: subprocess.Popen[str]) -> None:
    """Wait until something holds, while the process lives."""
    deadline = time.monotonic() + seconds
    while True:
        # Until it listens, it refuses connections.
        with contextlib.suppress(OSError):
            if ready():
                return
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.5)


@contextmanager
def started(
    command: list[str], directory: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a process group of its own, as a terminal does."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        except BaseException:
            print(log.read_text())
            raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(60)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal, to the whole group if it is Ctrl-C, and wait for the end."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait(60)


def left_behind(marker: str) -> list[str]:
    """The command lines of living processes that have a text in their environment."""
    found = []
    for directory in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if directory.name.isdigit() and marker.encode() in (directory / "environ").read_bytes():
                found.append((directory / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def refuses_connections(port: int) -> bool:
    """Whether nothing listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_cascade_dev_shows_the_assets_takes_an_edit_and_blocks_nobody(repository: Repository, tmp_path: Path) -> None:
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
        # The code server, the webserver and the daemon, at least.
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
    assert left_behind(marker) == []
    assert refuses_connections(port)


def test_the_ui_of_a_pex_ends_with_it(repository: Repository, tmp_path: Path) -> None:
    repository.pants("package", ":dev").ok()
    port, marker = free_port(), f"e2e-{os.getpid()}-pex"
    environment = repository.isolated_environment(tmp_path) | {"E2E_MARKER": marker}
    command = [str(repository.root / "dist" / "dev.pex"), "dev", "--port", str(port)]
    with started(command, tmp_path, environment, tmp_path / "log") as process:
        wait_until(lambda: "flights" in assets(port), START_SECONDS, process)
        assert len(left_behind(marker)) >= 3
        stop(process, signal.SIGTERM)
    assert left_behind(marker) == []
    assert refuses_connections(port)
