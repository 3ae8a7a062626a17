"""The reference of the commands matches them. Tests in `cascade.config` and `e2e` check the other generated pages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from docs.conftest import PAGES, REPOSITORY

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
