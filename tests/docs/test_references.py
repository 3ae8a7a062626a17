"""The generated pages say what their sources say. The settings' page is held by the runtime's own tests."""

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
    """What a generator prints."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    return subprocess.run(
        [sys.executable, str(script)], input=told, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_reference_of_the_commands_is_in_step() -> None:
    page = (PAGES / "reference" / "commands.md").read_text(encoding="utf-8")
    assert page == generated(GENERATORS / "commands.py"), ADVICE


def test_the_reference_of_the_backend_is_in_step() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    # Without the daemon, which may be at work for somebody else.
    told = run(["./pants", "--no-pantsd", "help-all"], REPOSITORY, environment).ok().out
    page = (PAGES / "reference" / "pants.md").read_text(encoding="utf-8")
    assert page == generated(GENERATORS / "pants_help.py", told), ADVICE
