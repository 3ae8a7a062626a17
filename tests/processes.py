"""Start commands and servers in tests, and find the processes they leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 900


@dataclass(frozen=True)
class Finished:
    """A finished command.

    Args:
        command: what was run, for messages.
        code: its exit code.
        out: what it wrote to standard output.
        err: what it wrote to standard error.
        seconds: how long it took.
    """

    command: str
    code: int
    out: str
    err: str
    seconds: float

    def ok(self) -> Finished:
        """Return this result if the command succeeded.

        Raises:
            AssertionError: the command failed; the message shows all of its output.
        """
        assert self.code == 0, str(self)
        return self

    def json(self) -> Any:
        """Return the one JSON document on standard output of a command that succeeded."""
        return self.ok().json_document()

    def json_document(self) -> Any:
        """Return the one JSON document on standard output, even if the command failed."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"$ {self.command}\nexit {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


def run(command: list[str], directory: Path, environment: Mapping[str, str]) -> Finished:
    """Run a command to its end."""
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    finished = Finished(" ".join(command), done.returncode, done.stdout, done.stderr, time.monotonic() - start)
    if command[0] != "git":
        print(f"{finished.seconds:6.1f} s  {finished.command}")
    return finished


def wait_until(ready: Callable[[], object], seconds: float, process: subprocess.Popen[str] | None = None) -> None:
    """Wait until a condition holds; fail early if the process ends."""
    deadline = time.monotonic() + seconds
    while True:
        # A server that does not listen yet refuses connections.
        with contextlib.suppress(OSError):
            if ready():
                return
        assert process is None or process.poll() is None, f"the process ended with {process.returncode}"
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.5)


@contextmanager
def started(
    command: list[str], directory: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in its own process group, as a terminal does."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Tests in the background ignore Ctrl-C, and their child processes would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            yield process
        except BaseException:
            print(log.read_text())
            raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal, Ctrl-C to the whole group, and wait until the process ends."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    # Dagster waits up to a minute for its webserver, then as long for its daemon.
    process.wait(150)


def left_behind(marker: str) -> list[str]:
    """Return the command lines of running processes whose environment contains a string."""
    return [*left_behind_by_id(marker).values()]


def left_behind_by_id(marker: str) -> dict[str, str]:
    """Return the same command lines by the ids of the processes."""
    found = {}
    for directory in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if directory.name.isdigit() and marker.encode() in (directory / "environ").read_bytes():
                found[directory.name] = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def assert_nothing_left_behind(marker: str) -> None:
    """Check that no process is running whose environment contains a string.

    If `dev` takes more than a few seconds to stop, as on a busy machine, Pants kills it. Its guardian then ends the
    other processes, within 9 seconds.
    """
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left_behind(marker), 60)
    assert left_behind(marker) == []


def refuses_connections(port: int) -> bool:
    """Return whether nothing listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
