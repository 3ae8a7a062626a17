"""Child processes that never outlive their parent.

Each child leads its own process group, so that Ctrl-C on the terminal reaches only the parent, which then stops the
children in order. A guardian process reads from a pipe: if the parent is killed, the pipe closes and the guardian ends
the remaining groups.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

_GUARDIAN = """
import os, shutil, signal, sys, time
for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(ignored, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
def alive(group):
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
for number, seconds in ((signal.SIGINT, 5), (signal.SIGTERM, 2), (signal.SIGKILL, 2)):
    for group in filter(alive, groups):
        os.killpg(group, number)
    deadline = time.monotonic() + seconds
    while any(map(alive, groups)) and time.monotonic() < deadline:
        time.sleep(0.05)
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@dataclass
class Child:
    """A child process.

    Args:
        name: its name in messages.
        process: the process, which leads its own group.
    """

    name: str
    process: subprocess.Popen[bytes]

    @property
    def ended(self) -> int | None:
        """The exit code: negative after a signal, None while the process runs."""
        return self.process.poll()


@dataclass
class Children:
    """The children of one command, as a context manager that ends them all.

    Set `silent` to drop further output of children that were started with `shows`.

    Args:
        scratch: a directory for sockets and similar files. It is removed at the end.
        grace: how many seconds the children have to end after SIGINT.
    """

    scratch: Path
    grace: float = 8.0
    running: list[Child] = field(default_factory=list)
    silent: bool = field(default=False, init=False)

    def __enter__(self) -> Children:
        command = [sys.executable, "-I", "-S", "-c", _GUARDIAN, str(self.scratch)]
        self._guardian = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            if self._guardian.stdin is not None:
                # Where the guardian was ended from outside, closing writes what it has not read.
                with suppress(BrokenPipeError):
                    self._guardian.stdin.close()
            self._guardian.wait()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        shows: Callable[[str], str | None] | None = None,
        talks: bool = False,
    ) -> Child:
        """Start a child.

        Args:
            name: its name in messages.
            argv: its command line.
            env: its environment; the parent's by default.
            shows: returns what to print of a line of its standard error, or None to drop it. By default the child
                writes to standard error directly.
            talks: whether its standard input and output are pipes to this process.
        """
        process = subprocess.Popen(
            list(argv),
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else None,
            stderr=None if shows is None else subprocess.PIPE,
            start_new_session=True,
        )
        if shows is not None and process.stderr is not None:

            def shown(line: str) -> str | None:
                return None if self.silent else shows(line)

            threading.Thread(target=_pass_on, args=(process.stderr, shown), daemon=True).start()
        child = Child(name, process)
        self.running.append(child)
        self._tell_guardian("+", process.pid)
        return child

    def dead(self) -> Child | None:
        """Return a child that has ended, or None while all are running."""
        return next((child for child in self.running if child.ended is not None), None)

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """End all children and the processes they started: with SIGINT first, then with SIGTERM and SIGKILL.

        Args:
            hurry: returns whether to kill what is still running now.
        """
        steps = ((signal.SIGINT, self.grace, False), (signal.SIGTERM, 2.0, True), (signal.SIGKILL, 5.0, True))
        for number, seconds, whole_group in steps:
            if number == signal.SIGTERM and hurry():
                continue
            for child in self.running:
                _signal(child, number, whole_group=whole_group)
            if self._wait(seconds, (lambda: False) if number == signal.SIGKILL else hurry):
                break
        for child in self.running:
            self._tell_guardian("-", child.process.pid)
        self.running.clear()

    def forget(self, children: Iterable[Child]) -> None:
        """Wait for children that end on their own, and drop them from the list."""
        for child in children:
            child.process.wait()
            self.running.remove(child)
            self._tell_guardian("-", child.process.pid)

    def _wait(self, seconds: float, hurry: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            # Reap a leader that has ended first: a zombie keeps its group alive.
            left = [child for child in self.running if child.process.poll() is None or _group_lives(child.process.pid)]
            if not left:
                return True
            if time.monotonic() >= deadline or hurry():
                return False
            time.sleep(0.05)

    def _tell_guardian(self, sign: str, group: int) -> None:
        if self._guardian.stdin is not None:
            try:
                self._guardian.stdin.write(f"{sign}{group}\n".encode())
                self._guardian.stdin.flush()
            except BrokenPipeError:
                # The guardian was ended from outside. This process still stops its children.
                pass


def _pass_on(lines: IO[bytes], shows: Callable[[str], str | None]) -> None:
    with lines:
        for line in lines:
            text = shows(line.decode(errors="replace"))
            if text is not None:
                sys.stderr.write(text)
                sys.stderr.flush()


def _signal(child: Child, number: int, *, whole_group: bool) -> None:
    try:
        if whole_group or child.process.poll() is not None:
            os.killpg(child.process.pid, number)
        else:
            os.kill(child.process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def child_environment(**changes: str) -> dict[str, str]:
    """Return an environment in which a child with this interpreter can import the same modules as this process.

    A PEX and Pants put the user's sources on the import path of one process only. PYTHONPATH passes them on.

    Args:
        changes: further variables.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join(source_paths()), **changes}


def source_paths() -> list[str]:
    """Return the entries of the import path that a new interpreter of this installation lacks."""
    own = tuple({os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix)})
    paths = [os.path.abspath(path) for path in sys.path]
    return [path for path in dict.fromkeys(paths) if not path.startswith(own) and path + os.sep not in own]
