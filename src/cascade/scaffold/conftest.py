"""Running generated projects as a user would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def python(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module in a project. It can import the project and everything that this test can import."""
    path = os.pathsep.join([str(project), *(entry for entry in sys.path if entry)])
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def assert_tests_pass(project: Path, tests: int, *options: str) -> None:
    """Run the tests of a project, and check how many there are."""
    result = python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(project))
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"\b{tests} passed", result.stdout), result.stdout
