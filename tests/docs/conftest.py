"""A reader of the pages, with Cascade installed and nothing else."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.session import Session

from cascade.scaffold.conftest import IMPORTED

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = REPOSITORY / "docs"
# Variables that would change what the reader's commands do.
FOREIGN_VARIABLES = ("PANTS_", "CASCADE_", "DAGSTER_", "DBT_", "DLT_", "PYTHON", "PEX_", "PYTEST_", "VIRTUAL_ENV")
INSTALLED = "CASCADE_E2E_BIN"


@pytest.fixture(scope="session")
def installed_cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` directory of an environment with Cascade: `cascade`, `python`, `pytest` and others.

    `CASCADE_E2E_BIN` names one with the wheel installed. Without it, the commands run the working tree with the
    requirements of the environment that runs the tests and the entry points of `pyproject.toml`.
    """
    if given := os.environ.get(INSTALLED):
        return Path(given)
    directory = tmp_path_factory.mktemp("installed")
    metadata = directory / "site" / "cascade_workflows-0+source.dist-info"
    metadata.mkdir(parents=True)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0+source\n")
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in groups.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    path = os.pathsep.join([str(REPOSITORY / "src"), str(directory / "site")])
    commands = directory / "bin"
    commands.mkdir()
    start = 'import sys; sys.argv[0] = "cascade"; from cascade.cli.main import main; main()'
    words = {"cascade": ["-c", start], "python": [], "pytest": ["-m", "pytest"], "dagster": ["-m", "dagster"]}
    for name, arguments in words.items():
        script = commands / name
        command = shlex.join([sys.executable, *arguments])
        script.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(path)} exec {command} "$@"\n')
        script.chmod(0o755)
    return commands


@pytest.fixture(scope="session")
def warm_cascade(installed_cascade: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a directory with the command `cascade` that starts as a fork of a warm process, on Linux.

    The command of the working tree is a script of the shell, which the warm process cannot run: it starts anew.
    """
    if sys.platform != "linux" or INSTALLED not in os.environ:
        yield installed_cascade
        return
    commands = tmp_path_factory.mktemp("warm")
    file, python, command = (
        Path(__file__).with_name("warm.py"),
        installed_cascade / "python",
        installed_cascade / "cascade",
    )
    # The path of a socket is limited to about a hundred bytes.
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        start = [str(python), str(file), "serve", f"{directory}/s", str(command), *IMPORTED]
        environment = reader_environment(commands, installed_cascade)
        with subprocess.Popen(
            start, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None and server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            script = commands / "cascade"
            words = shlex.join([sys.executable, "-I", "-S", str(file), "call", f"{directory}/s"])
            # Signals must reach a server.
            anew = f'case $1 in dev | code-server) exec {shlex.quote(str(command))} "$@" ;; esac'
            script.write_text(f'#!/bin/sh\n{anew}\nexec {words} "$@"\n')
            script.chmod(0o755)
            yield commands


def reader_environment(home: Path, *commands: Path) -> dict[str, str]:
    """Return the variables of a reader with these directories of commands."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    path = os.pathsep.join([*(str(directory) for directory in commands), environment["PATH"]])
    return environment | {"HOME": str(home), "PATH": path}


@pytest.fixture
def reader(installed_cascade: Path, tmp_path: Path) -> Session:
    """Return a reader with Cascade installed and an empty home directory."""
    return Session(tmp_path, tmp_path, reader_environment(tmp_path, installed_cascade))


@pytest.fixture
def warm_reader(warm_cascade: Path, installed_cascade: Path, tmp_path: Path) -> Session:
    """Return a reader whose command `cascade` starts warm. Everything else is the same."""
    return Session(tmp_path, tmp_path, reader_environment(tmp_path, warm_cascade, installed_cascade))
