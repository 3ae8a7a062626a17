"""The command line in a temporary project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.framework.conftest import SampleProject, project
from cascade.terminal import waiting

__all__ = ["Cascade", "cascade", "commit", "files", "program", "project"]


class Cascade:
    """The command line, in this process."""

    def __call__(self, *arguments: str, given: Any = None) -> Result:
        """Run a command and return its result, with separate standard output and standard error."""
        return CliRunner().invoke(cli, list(arguments), obj=Invocation(given=given), prog_name="cascade")

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json` and return the document on standard output."""
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def cascade(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> Cascade:
    """Return the command line of `project`."""
    # A slow machine must not add lines to standard error.
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 600)
    return Cascade()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the command line by its own name, which its hints repeat."""
    monkeypatch.setattr(sys, "argv", ["cascade"])


def files(project: SampleProject) -> list[str]:
    """Return the files of a project, with `flows` in place of the name of its directory of workflows."""
    found = (path for path in project.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path.relative_to(project.root).as_posix().replace(project.package, "flows") for path in found)


def commit(root: Path) -> None:
    """Make a git repository of a directory, and commit what is there."""
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
