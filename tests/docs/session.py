"""A reader at a shell, who runs the commands of a page in order, in an empty directory."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dagster_ui import assets
from docs.console import Command, Written, ids_in, output_pattern
from processes import (
    SECONDS,
    assert_nothing_left_behind,
    free_port,
    left_behind,
    refuses_connections,
    started,
    stop,
    wait_until,
)

HOME = "/home/you"
"""The name that the pages use for the reader's first directory."""

_SERVERS = re.compile(
    r"^(\./pants (--no-pantsd )?(cascade-dev|run :dev$)|(cascade|(dist|\.)/dev\.pex) (dev|code-server)\b)"
)
# Pants logs its own work, which depends on its cache, as does whether a PEX is unpacked.
_PANTS_LOG = re.compile(
    r"^Unpacking \S+\.pex, once\..*\n"
    # Its daemon can hear of a BUILD file that an earlier page left after it hears of the files beside it.
    r"|^\d\d:\d\d:\d\d\.\d\d \[WARN\] Unmatched glob from .*\n\nDo the file\(s\) exist\? .*\n\n?"
    r"|^\d\d:\d\d:\d\d\.\d\d \[INFO\] .*\n(?:  \d+\.\d+s\t.*\n)*| \((?:memoized|cached \w+)\)(?=\.$)",
    re.M,
)
# Commands say what they are doing if it takes longer than on the machine that wrote the page.
_WAITING = re.compile(
    r"^(?:loading the project|checking|materialize|backfill|replay|dev is|reloading)\b.* … \d+ s\n", re.M
)
_PORT = re.compile(r"--port[= ]\d+")
_LAST_WORDS = "Press Ctrl-C to stop."


@dataclass
class Session:
    """A shell that keeps its directory and variables from one command to the next.

    Args:
        home: the reader's home directory, where the session starts.
        directory: the working directory.
        environment: the variables of the first command.
        ids: the ids of snapshots and runs that commands printed, by those that the page shows in their place.
    """

    home: Path
    directory: Path
    environment: Mapping[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def follow(self, steps: list[Command | Written]) -> None:
        """Follow the steps of a page.

        Raises:
            AssertionError: the exit code or the output of a command differs from the page.
        """
        waiting = list(steps)
        while waiting:
            step = waiting.pop(0)
            if isinstance(step, Written):
                self.write(step)
                continue
            code = 0
            # A page shows the exit code of a command that fails with `echo $?`.
            if waiting and isinstance(waiting[0], Command) and waiting[0].text == "echo $?":
                code = int(waiting.pop(0).expected[0])  # type: ignore[union-attr]
            self.serve(step) if _SERVERS.match(step.text) else self.run(step, code)

    def write(self, file: Written) -> None:
        """Write a file, or append to it."""
        path = self.directory / file.path
        if file.added:
            path.write_text(path.read_text() + "\n" + file.text)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)

    def run(self, command: Command, code: int = 0) -> None:
        """Run a command, and compare its exit code and output with the page."""
        start = time.monotonic()
        # Pants' daemon passes the two streams on separately, so that their lines arrive in any order.
        through_daemon = command.text.startswith("./pants")
        done = subprocess.run(
            ["bash", "-c", self._script(command.text)],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if through_daemon else subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        print(f"{time.monotonic() - start:6.1f} s  $ {command.text}")
        output, error = done.stdout, done.stderr or ""
        assert done.returncode == code, _told(command, output + error, f"exit code {done.returncode}, not {code}")
        self._remember()
        self._compare(command, output + error, error + output)

    def serve(self, command: Command) -> None:
        """Start a server, check that it answers, compare what it printed with the page, and stop it.

        Ctrl-C stops it; a PEX gets SIGTERM, as from a service manager; Pants is killed. None leaves a process behind.
        """
        port = free_port()
        marker = f"reader-{os.getpid()}-{port}"
        text, named = _PORT.subn(f"--port={port}", command.text)
        text = text if named else f"{text} --port={port}"
        log, is_ui = self.home / "server.log", "code-server" not in command.text

        def answers() -> bool:
            return _LAST_WORDS in log.read_text() if is_ui else not refuses_connections(port)

        start = time.monotonic()
        words = ["bash", "-c", self._script(f"exec {text}")]
        with started(words, self.directory, {**self.environment, "E2E_MARKER": marker}, log) as process:
            wait_until(answers, SECONDS, process)
            if is_ui:
                wait_until(lambda: assets(port), SECONDS, process)
                # At least the code server, the webserver and the daemon.
                assert len(left_behind(marker)) >= 3
            print(f"{time.monotonic() - start:6.1f} s  $ {command.text}")
            end = signal.SIGTERM if "dev.pex" in text else signal.SIGKILL if "pants" in text else signal.SIGINT
            stop(process, end)
            print(f"{time.monotonic() - start:6.1f} s  until it stopped")
        assert_nothing_left_behind(marker)
        assert refuses_connections(port)
        said = log.read_text()
        self._compare(command, said.partition(_LAST_WORDS)[0] + _LAST_WORDS + "\n" if is_ui else said)

    def _script(self, text: str) -> str:
        """Return a script that restores the state of the shell, runs the command, and saves the state.

        A reader types the ids that commands printed before, instead of those of the page.
        """
        for shown, actual in self.ids.items():
            text = text.replace(shown, actual)
        state = shlex.quote(str(self.home / ".state"))
        return (
            f"if [ -f {state}/variables ]; then . {state}/variables; fi\n{text}\n"
            f"code=$?; mkdir -p {state}; pwd >{state}/directory; export -p >{state}/variables; exit $code"
        )

    def _remember(self) -> None:
        self.directory = Path((self.home / ".state" / "directory").read_text().strip())

    def _compare(self, command: Command, *outputs: str) -> None:
        """Compare the page with what a command printed, in any of the orders in which it may have been printed."""
        if not command.expected:
            return
        pattern = output_pattern(command.expected, {HOME: str(self.home)})
        found = next(filter(None, (pattern.fullmatch(_without_notices(output)) for output in outputs)), None)
        assert found, _told(command, outputs[0], "the output differs from the page")
        self.ids.update(zip(ids_in(command.expected), found.groups(), strict=True))


def _without_notices(output: str) -> str:
    text = output if output.endswith("\n") else output + "\n"
    return _WAITING.sub("", _PANTS_LOG.sub("", text))


def _told(command: Command, output: str, problem: str) -> str:
    shown = "\n".join(command.expected)
    return f"line {command.line}: {problem}\n$ {command.text}\n--- it printed:\n{output}\n--- the page:\n{shown}"
