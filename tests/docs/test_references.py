"""The generated pages match their sources. The runtime's own tests check the page of the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from docs.conftest import FOREIGN_VARIABLES, PAGES, REPOSITORY
from processes import run

GENERATORS = PAGES / "generators"
ADVICE = "Type: scripts/docs --write"


def generated(script: Path, told: str = "") -> str:
    """Return the output of a generator."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    return subprocess.run(
        [sys.executable, str(script)], input=told, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_reference_of_the_commands_is_up_to_date() -> None:
    page = (PAGES / "reference" / "commands.md").read_text(encoding="utf-8")
    assert page == generated(GENERATORS / "commands.py"), ADVICE


def test_the_reference_of_the_backend_is_up_to_date() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    # The daemon may be busy with another command.
    told = run(["./pants", "--no-pantsd", "help-all"], REPOSITORY, environment).ok().out
    page = (PAGES / "reference" / "pants.md").read_text(encoding="utf-8")
    assert page == generated(GENERATORS / "pants_help.py", told), ADVICE
