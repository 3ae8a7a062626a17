"""`dev` for real: the UI answers, edits arrive in it, and nothing is left afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from cascade.cli.conftest import Cascade
from cascade.cli.dev import _accepts, _is_worth_showing
from cascade.framework.conftest import THINGS, SampleProject
from cascade.processes.children import child_environment
from cascade.processes.ui import UserInterface

START_SECONDS = 120


class Running:
    """A `dev` in a process of its own."""

    def __init__(self, root: Path, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.ui = UserInterface("127.0.0.1", self.port)
        self.log = root.parent / "dev.log"
        command = [sys.executable, "-m", "cascade", "dev", "--port", str(self.port), *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=root, env=child_environment(), stdout=log, stderr=log)

    def wait_for(self, condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.2)

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def family(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def assets(self) -> set[str]:
        return {asset.key for location in self.ui.locations() for asset in location.assets}


@contextmanager
def running(root: Path, *arguments: str) -> Iterator[Running]:
    dev = Running(root, *arguments)
    try:
        yield dev
    finally:
        if dev.process.poll() is None:
            dev.process.kill()
            dev.process.wait()


def assert_nothing_is_left(dev: Running, family: list[psutil.Process]) -> None:
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert not alive, alive
    assert len(gone) == len(family)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", dev.port))


def test_it_serves_reloads_and_leaves_nothing_behind(project: SampleProject, cascade: Cascade) -> None:
    project.write("things.py", THINGS)
    with running(project.root) as dev:
        dev.wait_for(lambda: "Ctrl-C ends it." in dev.text())
        with urllib.request.urlopen(f"{dev.ui.address}/server_info") as response:
            assert "dagster_webserver_version" in json.load(response)
        text = dev.text()
        assert dev.ui.address in text
        assert "things" in text
        assert "automation   off" in text
        assert str(project.root / ".cascade" / "catalog.db") in text
        assert str(project.root / ".cascade" / "warehouse") in text
        family = dev.family()
        # The guardian, the code server and the server behind it, the webserver, the daemon.
        assert len(family) >= 5

        webserver = next(process.pid for process in family if "dagster_webserver" in process.cmdline())
        project.write("more.py", THINGS.replace('"things"', '"more"'))
        dev.wait_for(lambda: "more" in dev.assets())
        assert psutil.Process(webserver).is_running()
        bad = project.write("bad.py", "raise RuntimeError('no luck')\n")
        dev.wait_for(lambda: f"not loaded: {bad}:1" in dev.text())
        assert dev.assets() == {"things", "more"}

        second = cascade("dev", "--port", str(dev.port))
        assert second.exit_code == 1
        assert f"kill {dev.process.pid}" in second.stderr

        family = dev.family()
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(timeout=30) == 0, dev.text()
        assert_nothing_is_left(dev, family)
        assert "Traceback" not in dev.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_early_or_killed_outright_it_leaves_nothing_either(project: SampleProject, number: int) -> None:
    project.write("things.py", THINGS)
    with running(project.root, "--no-reload") as dev:
        dev.wait_for(lambda: len(dev.family()) >= 3)
        family = dev.family()
        os.kill(dev.process.pid, number)
        assert dev.process.wait(timeout=30) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        assert_nothing_is_left(dev, family)


def test_ended_while_it_still_tidies_up_it_shows_no_traceback(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    with running(project.root) as dev:
        dev.wait_for(lambda: any("cascade.framework.stale" in child.cmdline() for child in dev.family()))
        # Long enough to be importing, and not to have ended.
        time.sleep(0.5)
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(timeout=30) == 0, dev.text()
        assert "Stopping" in dev.text()
        assert "Traceback" not in dev.text()


def test_a_child_that_dies_is_named_and_ends_all(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    with running(project.root, "--no-reload", "--with-code-server", 'other=["/bin/sh", "-c", "exit 9"]') as dev:
        dev.process.wait(timeout=START_SECONDS)
        assert dev.process.returncode == 1
        assert "The code server of other ended with exit code 9" in dev.text()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "2026-11-24 22:42:37 +0000 - dagster - DEBUG - __ASSET_JOB - 87 - 13 - dlt_x - STEP_START - Started.\n",
            False,
        ),
        ("2026-11-24 22:42:37 +0000 - dagster - DEBUG - __ASSET_JOB - 87 - 13 - RUN_SUCCESS - Finished.\n", True),
        ("2026-11-24 22:42:37 +0000 - dagster - ERROR - __ASSET_JOB - 87 - 13 - dlt_x - STEP_FAILURE - No.\n", True),
        ("2026-11-24 22:42:37 +0000 - dagster - WARNING - __ASSET_JOB - 87 - Refused by rule.\n", True),
        ("a line of the workflow\n", True),
    ],
)
def test_the_log_of_each_step_stays_off_the_terminal(line: str, expected: bool) -> None:
    assert _is_worth_showing(line) is expected


def test_a_malformed_code_server_is_wrong_use(project: SampleProject, cascade: Cascade) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = cascade("dev", "--port", str(port), "--with-code-server", "other=python")
    assert result.exit_code == 2
    assert "NAME=JSON_ARGV" in result.stderr


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A directory for sockets, whose paths may not be longer than about a hundred bytes."""
    with TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


def test_a_code_server_in_the_background_of_a_script_ends_on_request(
    project: SampleProject, short_directory: Path
) -> None:
    project.write("things.py", THINGS)
    path = short_directory / "s"
    command = f'"{sys.executable}" -m cascade code-server --socket "{path}" & echo $!; wait'
    with subprocess.Popen(
        ["/bin/sh", "-c", command], env=child_environment(), stdout=subprocess.PIPE, start_new_session=True
    ) as shell:
        assert shell.stdout is not None
        server = psutil.Process(int(shell.stdout.readline()))
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _accepts(path):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            family = [server, *server.children(recursive=True)]
            server.terminate()
            _, alive = psutil.wait_procs(family, timeout=30)
            assert not alive
        finally:
            if psutil.pid_exists(shell.pid):
                os.killpg(shell.pid, signal.SIGKILL)


def test_a_code_server_listens_in_one_place(cascade: Cascade) -> None:
    result = cascade("code-server")
    assert result.exit_code == 2
    assert "Give one of --port and --socket" in result.stderr
