"""Calling the command line in a project of one's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.framework.conftest import SampleProject, project

__all__ = ["Cascade", "cascade", "project"]


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
