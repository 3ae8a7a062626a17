"""Parsing a dbt project by dbt itself, without a profile and without leaving anything in the project."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cascade.dbt.layout import PROJECT_FILE, read_profile_name
from cascade.dbt.results import DbtProblem, DbtProject, read_manifest, read_problems
from cascade.exceptions import UsageError

INSTALL_DBT = "pip install 'cascade-workflows[dbt]'"
"""The command that installs what parsing needs."""

_TARGET = "dev"

# `python -m dbt.cli.main` warns that the module is loaded twice.
_START = "from dbt.cli.main import cli; cli()"


def dbt_is_installed() -> bool:
    """Tell whether dbt and its adapter of DuckDB, which stands for every database while parsing, are installed."""
    try:
        return all(importlib.util.find_spec(name) for name in ("dbt.cli", "dbt.adapters.duckdb"))
    except ModuleNotFoundError:
        return False


def parse_project(directory: Path) -> DbtProject:
    """Parse a dbt project, as `dbt parse` does: its YAML, its Jinja, and whether each `ref()` and `source()` is there.

    No database is asked and no macro of a running project is called. The profile is made for this call, with the name
    that the project asks for, whether or not the project has a `profiles.yml` of its own; so are the directories for
    what dbt writes. It takes about four seconds.

    dbt runs in a process of its own, because it changes settings of the whole process and prints what it likes.

    Args:
        directory: of the `dbt_project.yml`.

    Returns:
        What dbt found, or what it complained of.

    Raises:
        UsageError: dbt is not installed.
    """
    if not dbt_is_installed():
        raise UsageError("The dbt project cannot be parsed: dbt is not installed.", hint=f"Type: {INSTALL_DBT}")
    directory = directory.absolute()
    project_file = directory / PROJECT_FILE
    if not project_file.is_file():
        message = f"dbt: there is no {PROJECT_FILE}. `cascade create-workflow --type transform` writes one."
        return DbtProject(problems=(DbtProblem(message, project_file),))
    # dbt may keep a file of its log open until it has ended.
    with tempfile.TemporaryDirectory(prefix="cascade-dbt-", ignore_cleanup_errors=True) as name:
        temporary = Path(name)
        result = _run_dbt(directory, temporary)
        problems = read_problems(_events(result.stdout), directory)
        manifest = temporary / "target" / "manifest.json"
        if result.returncode == 0 and manifest.is_file():
            return read_manifest(json.loads(manifest.read_bytes()), problems)
    if not problems:
        last = (result.stderr.strip() or result.stdout.strip() or "it gave no reason").splitlines()[-1]
        problems = (DbtProblem(f"dbt: it ended with exit code {result.returncode}: {last}", project_file),)
    return DbtProject(problems=problems)


def _run_dbt(directory: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    profile = read_profile_name(directory)
    output = {"type": "duckdb", "path": ":memory:"}
    # JSON is YAML.
    (temporary / "profiles.yml").write_text(
        json.dumps({profile: {"target": _TARGET, "outputs": {_TARGET: output}}}), encoding="utf-8"
    )
    options = {
        "--project-dir": directory,
        "--profiles-dir": temporary,
        "--profile": profile,
        "--target": _TARGET,
        "--target-path": temporary / "target",
        "--log-path": temporary / "logs",
    }
    command = [
        *(sys.executable, "-c", _START),
        *("--log-format", "json", "--log-level", "warn", "--log-level-file", "none", "--no-use-colors"),
        *("--no-send-anonymous-usage-stats", "--no-quiet", "parse", "--no-partial-parse"),
        *(str(word) for option in options.items() for word in option),
    ]
    return subprocess.run(
        command,
        # Inside of a PEX the interpreter alone does not know where the packages are.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _events(output: str) -> Iterator[dict[str, Any]]:
    """Read dbt's events. A line that is none was printed by the project."""
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
