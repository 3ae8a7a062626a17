"""Processes that run a function, quickly and many at a time, and that can be killed.

A new interpreter spends seconds on the imports of a run. So each process is a fork of one that has imported everything
and has done nothing else: it has no threads, whose locks a fork would copy.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

_IMPORTED = (
    "alembic.command",
    "cascade.iceberg.null_lists",
    "cascade.iceberg.snapshot.writing",
    "cascade.ingestion.run",
    "cascade.testing.trials.cases",
    "cascade.testing.trials.sites",
    "dagster",
    "dlt",
    "dlt.pipeline",
    "dlt.sources.helpers.requests",
    "polars",
    "psycopg2",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "pyiceberg.catalog.rest",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "pyiceberg.table",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
)
"""What a run imports, at the latest when it needs it."""


class ChildError(AssertionError):
    """A child ended with an error. The message is its traceback."""


@dataclass
class Child:
    """A process that runs a function.

    Args:
        pid: its id.
        directory: where it puts its result and its output.
    """

    pid: int
    directory: tempfile.TemporaryDirectory[str]
    started: float = field(default_factory=time.monotonic)

    def kill(self) -> None:
        """Kill it with SIGKILL, which nothing can catch, unless it has ended."""
        # Its id is its own until `wait` asks for its exit code.
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait until it ends, and return its exit code; -9 if it was killed.

        Raises:
            ChildError: it raised an error.
        """
        code: int = _ask("wait", self.pid)
        with self.directory:
            path = Path(self.directory.name)
            if code not in (0, -signal.SIGKILL):
                raise ChildError(f"A child ended with {code}.\n{(path / 'output').read_text('utf-8', 'replace')}")
            self._result = pickle.loads((path / "result").read_bytes()) if code == 0 else None
        return code

    def result(self) -> Any:
        """Wait until it ends, and return what its function returned.

        Raises:
            ChildError: it raised an error, or was killed.
        """
        if (code := self.wait()) != 0:
            raise ChildError(f"A child ended with {code}.")
        return self._result

    _result: Any = field(default=None, init=False)


def start(function: Callable[..., object], *arguments: object) -> Child:
    """Start a process.

    Args:
        function: what it runs, a function of a module.
        arguments: what it is called with. They are pickled, and so is what it returns.
    """
    directory = tempfile.TemporaryDirectory(prefix="cascade-child-")
    pid: int = _ask("start", (directory.name, list(sys.path), pickle.dumps((function, arguments))))
    return Child(pid, directory)


def _ask(kind: str, about: object) -> Any:
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    pickle.dump((kind, about), server.stdin)
    server.stdin.flush()
    return pickle.load(server.stdout)


@functools.cache
def _server() -> subprocess.Popen[bytes]:
    import atexit

    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    # It ends at the end of its input.
    atexit.register(process.communicate)
    return process


def serve() -> None:
    """Start processes for what standard input asks for, until it ends."""
    for module in _IMPORTED:
        # An extra that is not installed is not needed either.
        with contextlib.suppress(ImportError):
            import_module(module)
    # The garbage collector of a child would copy every page of them.
    gc.freeze()
    warnings.simplefilter("ignore", DeprecationWarning)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    while True:
        try:
            kind, about = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(_started(*about) if kind == "start" else _ended(about), answers)
        answers.flush()


def _ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _started(directory: str, path: list[str], work: bytes) -> int:
    pid = os.fork()
    return pid if pid else _become(Path(directory), path, work)


def _become(directory: Path, path: list[str], work: bytes) -> NoReturn:
    code = 1
    try:
        _redirect(os.open(os.devnull, os.O_RDONLY), 0)
        for number in (1, 2):
            _redirect(os.open(directory / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.path[:] = path
        function, arguments = pickle.loads(work)
        (directory / "result").write_bytes(pickle.dumps(function(*arguments)))
        if _server.cache_info().currsize:
            # It started processes itself.
            _server().communicate()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        output: list[IO[str]] = [sys.stdout, sys.stderr]
        for stream in output:
            with contextlib.suppress(OSError):
                stream.flush()
        # What the process that forked does at its end is not this one's to do.
        os._exit(code)


def _redirect(source: int, target: int) -> None:
    os.dup2(source, target)
    os.close(source)
