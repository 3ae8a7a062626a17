"""Parse a dbt project with dbt, without its profile and without writing to the project."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cascade.dbt.layout import PROJECT_FILE, read_profile_name
from cascade.dbt.meta import meta_problems
from cascade.dbt.results import DbtProblem, DbtProject, read_manifest, read_problems
from cascade.exceptions import UsageError
from cascade.program import typed

_FIRST_WITHOUT_DBT = (3, 14)
"""The first Python that dbt does not run on. The extras `dbt` and `trino` in pyproject.toml name it too."""

_TARGET = "dev"

START = "from cascade.dbt.start import run; run()"
"""What a Python process runs to be dbt."""

START_IN_ORDER = "from cascade.dbt.start import run_in_order; run_in_order()"
"""What it runs so that the same files give the same parse on every file system."""


def dbt_is_installed() -> bool:
    """Return whether dbt is installed, with its DuckDB adapter, which replaces every database while parsing."""
    return _are_installed("dbt.cli", "dbt.adapters.duckdb")


def trino_is_installed() -> bool:
    """Return whether dbt's adapter for Trino is installed."""
    return _are_installed("dbt.adapters.trino")


def _are_installed(*modules: str) -> bool:
    try:
        return all(importlib.util.find_spec(module) for module in modules)
    except ModuleNotFoundError:
        return False


def how_to_install_dbt(python: tuple[int, int] = sys.version_info[:2], extra: str = "dbt") -> str:
    """Return the sentence that tells a user without dbt what to type.

    Args:
        python: the version of Python that Cascade runs on.
        extra: the extra that is missing, `dbt` or `trino`.
    """
    if python >= _FIRST_WITHOUT_DBT:
        return "dbt needs CPython 3.13 or earlier. Create another environment, for example: uv venv --python 3.13"
    return f"Type: pip install 'cascade-workflows[{extra}]'"


def parse_project(directory: Path) -> DbtProject:
    """Parse a dbt project like `dbt parse`: its YAML, its Jinja, and the targets of each `ref()` and `source()`.

    This takes about four seconds. It connects to no database and runs no `on-run-start` hook. dbt gets a temporary
    profile with the name that the project uses, even if the project has its own `profiles.yml`, and writes to
    temporary directories. It runs in a separate process, because it changes process-wide settings and prints freely.

    Args:
        directory: the directory of `dbt_project.yml`.

    Returns:
        The project as dbt parsed it, or the problems that dbt reported.

    Raises:
        UsageError: dbt is not installed.
    """
    if not dbt_is_installed():
        raise UsageError("Cannot parse the dbt project: dbt is not installed.", hint=how_to_install_dbt())
    directory = directory.absolute()
    project_file = directory / PROJECT_FILE
    if not project_file.is_file():
        message = f"dbt: {PROJECT_FILE} does not exist. To create it, type: {typed('create-workflow --type transform')}"
        return DbtProject(problems=(DbtProblem(message, project_file),))
    # dbt may keep its log file open until it exits.
    with tempfile.TemporaryDirectory(prefix="cascade-dbt-", ignore_cleanup_errors=True) as name:
        temporary = Path(name)
        result = _run_dbt(directory, temporary)
        problems = read_problems(log_events(result.stdout), directory)
        manifest = temporary / "target" / "manifest.json"
        if result.returncode == 0 and manifest.is_file():
            document = json.loads(manifest.read_bytes())
            return read_manifest(document, (*problems, *meta_problems(document, directory)))
    if not problems:
        problems = (failed_without_reason(result, project_file),)
    return DbtProject(problems=problems)


def failed_without_reason(result: subprocess.CompletedProcess[str], project_file: Path) -> DbtProblem:
    """Return the problem of a dbt that failed and logged no problem: the last line that it printed.

    Args:
        result: the process that has ended.
        project_file: the `dbt_project.yml`.
    """
    last = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()[-1]
    return DbtProblem(f"dbt failed with exit code {result.returncode}: {last}", project_file)


def _run_dbt(directory: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    import yaml

    profile = read_profile_name(directory)
    output = {"type": "duckdb", "path": ":memory:"}
    (temporary / "profiles.yml").write_text(
        yaml.safe_dump({profile: {"target": _TARGET, "outputs": {_TARGET: output}}}), encoding="utf-8"
    )
    options = {
        "--project-dir": directory,
        "--profiles-dir": temporary,
        "--profile": profile,
        "--target": _TARGET,
        "--target-path": temporary / "target",
        "--log-path": temporary / "logs",
    }
    words = [
        *("--no-send-anonymous-usage-stats", "--no-partial-parse"),
        *(str(word) for option in options.items() for word in option),
    ]
    # Inside a PEX, a new interpreter does not find the packages by itself.
    return run_parse(words, {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))})


def run_parse(
    words: Sequence[str], variables: Mapping[str, str], *, in_order: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `dbt parse`, which prints the log that `log_events` reads.

    Args:
        words: further options.
        variables: variables to add to the environment.
        in_order: whether dbt reads files in the order of their names.
    """
    start = START_IN_ORDER if in_order else START
    return subprocess.run(
        [
            *(sys.executable, "-c", start, "--log-format", "json", "--log-level", "warn", "--log-level-file", "none"),
            *("--no-use-colors", "--no-quiet", "parse", *words),
        ],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def log_events(output: str) -> Iterator[dict[str, Any]]:
    """Read dbt's log events. Other lines were printed by the project."""
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
