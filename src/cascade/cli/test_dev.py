"""`dev` as a process: however it stops, no process is left. `tests/standalone` checks what it serves and reloads."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject
from cascade.processes.children import child_environment
from cascade.processes.code_server import accepts_connections

START_SECONDS = 120


class Running:
    """A `dev` in its own process."""

    def __init__(self, root: Path, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_behind_if_it_is_stopped_early_or_killed(project: SampleProject, number: int) -> None:
    project.write("things.py", THINGS)
    with running(project.root, "--no-reload") as dev:
        dev.wait_for(lambda: len(dev.family()) >= 3)
        family = dev.family()
        os.kill(dev.process.pid, number)
        assert dev.process.wait(timeout=30) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        assert_nothing_is_left(dev, family)


def test_no_traceback_is_printed_if_it_is_stopped_during_housekeeping(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    with running(project.root) as dev:
        dev.wait_for(lambda: any("cascade.framework.stale" in child.cmdline() for child in dev.family()))
        # By now it is importing, and it has not ended.
        time.sleep(0.5)
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(timeout=30) == 0, dev.text()
        assert "Stopping" in dev.text()
        assert "Traceback" not in dev.text()


def test_a_child_that_dies_is_reported_and_stops_everything(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    with running(project.root, "--no-reload", "--with-code-server", 'other=["/bin/sh", "-c", "exit 9"]') as dev:
        dev.process.wait(timeout=START_SECONDS)
        assert dev.process.returncode == 1
        assert "The code server of other ended with exit code 9" in dev.text()


def test_a_malformed_code_server_is_invalid_usage(project: SampleProject, cascade: Cascade) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = cascade("dev", "--port", str(port), "--with-code-server", "other=python")
    assert result.exit_code == 2
    assert "NAME=JSON_ARGV" in result.stderr


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Return a directory for sockets, whose paths are limited to about a hundred bytes."""
    with TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


def test_a_code_server_in_the_background_of_a_script_can_be_stopped(
    project: SampleProject, short_directory: Path
) -> None:
    project.write("things.py", THINGS)
    path = short_directory / "s"
    command = f'"{sys.executable}" -m cascade code-server --socket "{path}" & echo $!; wait'
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as shell:
        assert shell.stdout is not None and shell.stderr is not None
        server = psutil.Process(int(shell.stdout.readline()))
        try:
            assert shell.stderr.readline() == f"Serving {project.root.name} on {path}.\n".encode()
            assert accepts_connections(path)
            family = [server, *server.children(recursive=True)]
            server.terminate()
            _, alive = psutil.wait_procs(family, timeout=30)
            assert not alive
        finally:
            if psutil.pid_exists(shell.pid):
                os.killpg(shell.pid, signal.SIGKILL)


def test_a_code_server_whose_port_is_taken_names_another(cascade: Cascade) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = cascade("code-server", "--port", str(port))
    assert result.exit_code == 1
    assert f"Port {port} on 127.0.0.1 is taken." in result.stderr
    assert "code-server --port" in result.stderr


def test_a_code_server_needs_one_of_port_and_socket(cascade: Cascade) -> None:
    result = cascade("code-server")
    assert result.exit_code == 2
    assert "Use either --port or --socket" in result.stderr
