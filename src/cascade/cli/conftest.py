"""Calling the command line in a project of one's own."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.framework.conftest import SampleProject, project

__all__ = ["Cascade", "cascade", "files", "program", "project"]


class Cascade:
    """The command line, in this process."""

    def __call__(self, *arguments: str, given: Any = None) -> Result:
        """Runs a command and gives its result, with standard output and standard error apart."""
        return CliRunner().invoke(cli, list(arguments), obj=Invocation(given=given), prog_name="cascade")

    def json(self, *arguments: str) -> Any:
        """Runs a command with `--json` and gives the one document on standard output."""
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def cascade(project: SampleProject) -> Cascade:
    """The command line of `project`."""
    return Cascade()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was started by its own name, which is in what it says to type next."""
    monkeypatch.setattr(sys, "argv", ["cascade"])


def files(project: SampleProject) -> list[str]:
    """Lists the files of a project, whose directory of workflows is called `flows` here, whatever its name is."""
    found = (path for path in project.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path.relative_to(project.root).as_posix().replace(project.package, "flows") for path in found)
