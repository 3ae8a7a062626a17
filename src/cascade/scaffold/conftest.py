"""Run generated projects as a user would.

A command that loads workflows spends most of its time importing Dagster and other libraries. On Linux, the commands of
all tests of a process are therefore forks of one process that has imported them. Each command still is a process of its
own, with its own modules of the project, environment, output and exit code.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import multiprocessing
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cascade.collector import collector_paused

needs_mypy = pytest.mark.skipif(
    shutil.which("mypy") is None, reason="mypy is not on the path; the repository's lint command has it"
)
needs_ruff = pytest.mark.skipif(
    shutil.which("ruff") is None, reason="ruff is not on the path; the repository's lint command has it"
)

IMPORTED = (
    "alembic.command",
    "cascade.cli.materialize",
    "cascade.framework.runs",
    "cascade.ingestion",
    "cascade.testing.workflow",
    "dagster._core.storage.runs.sqlite",
    "dlt.sources.rest_api",
    "dlt.sources.sql_database",
    "hypothesis",
    "pandas",
    "polars",
    "pydantic_settings",
    "pyiceberg.catalog.sql",
    "pytest",
)
"""What the commands of most tests import."""


def python(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project. It can import the project and everything that this test can import.

    Args:
        project: the working directory.
        arguments: those of the interpreter: `-m MODULE` or `-c CODE`, and the words after it.
        variables: variables of the environment, in addition to those of this process.

    Returns:
        The exit code and the output, as of `subprocess.run`.
    """
    path = os.pathsep.join([str(project), *(entry for entry in sys.path if entry)])
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    return python_in(project, arguments, environment)


def python_in(
    directory: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python in a directory with this environment and no other variables.

    Args:
        directory: the working directory.
        arguments: those of the interpreter: `-m MODULE` or `-c CODE`, and the words after it.
        environment: the variables.

    Returns:
        The exit code and the output, as of `subprocess.run`.
    """
    if sys.platform == "linux":
        return _fork(directory, arguments, environment)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def assert_tests_pass(project: Path, tests: int, *options: str) -> None:
    """Run the tests of a project, and check how many there are."""
    result = python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(project))
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"\b{tests} passed", result.stdout), result.stdout


def assert_mypy_finds_nothing(project: Path, temporary: pytest.TempPathFactory, *arguments: str) -> None:
    """Check the types of a project.

    Args:
        project: the working directory of mypy.
        temporary: makes the cache of the types of libraries, which all projects share, unless MYPY_CACHE_DIR names one.
        arguments: options of mypy, and the files to check if the project does not configure them.
    """
    cache = os.environ.get("MYPY_CACHE_DIR") or str(temporary.getbasetemp() / "mypy")
    # Options that change what mypy knows of a library are those of the runtime's check, whose cache this can use.
    options = ["--follow-imports=silent", "--cache-dir", cache]
    result = subprocess.run(
        ["mypy", "--python-executable", sys.executable, *options, *arguments],
        cwd=project,
        env={**os.environ, "MYPYPATH": f"{Path(__file__).parents[2]}{os.pathsep}{project}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no issues found" in result.stdout, result.stdout


def _fork(project: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    with tempfile.TemporaryDirectory(prefix="cascade-python-") as name:
        output, errors = (Path(name, stream) for stream in ("stdout", "stderr"))
        request = {
            "directory": str(project),
            "arguments": arguments,
            "environment": environment,
            "files": [os.devnull, str(output), str(errors)],
        }
        print(json.dumps(request), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        printed = output.read_text("utf-8"), errors.read_text("utf-8")
    return subprocess.CompletedProcess([sys.executable, *arguments], code, *printed)


@functools.cache
def _server() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    # It ends at the end of its input.
    atexit.register(process.communicate)
    return process


def serve() -> None:
    """Run what each line of standard input asks for in a fork of this process, and print its exit code."""
    # The garbage collector of a fork would copy every page of them.
    with collector_paused(for_good=True):
        for module in IMPORTED:
            # A module that is not installed is the concern of the commands that import it.
            with contextlib.suppress(ModuleNotFoundError):
                import_module(module)
    forks = multiprocessing.get_context("fork")
    for line in sys.stdin:
        child = forks.Process(target=_become, args=(json.loads(line),))
        # Python warns of the threads of libraries, which only clean up after them.
        with warnings.catch_warnings(action="ignore"):
            child.start()
        child.join()
        print(child.exitcode, flush=True)


def _become(request: Mapping[str, Any]) -> None:
    for number, file in enumerate(request["files"]):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    # An import may have looked up TMPDIR already.
    tempfile.tempdir = None
    kind, what, *words = request["arguments"]
    sys.argv[:] = [kind, *words]
    given = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
    # The first place is that of `-m` or `-c`, and the others are those of PYTHONPATH.
    added = [place for place in (request["directory"], *given) if place and place not in sys.path]
    sys.path[:1] = [request["directory"] if kind == "-m" else "", *added]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
