"""The files that `create-workflow` writes pass their tests, the commands, dbt, mypy and the formatter."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

# The written code and the processes below need these. Nothing else here imports them, and a sandbox holds imports only.
import cascade.cli.main
import cascade.dbt.parse
import cascade.testing
from cascade.scaffold import SOURCES
from cascade.scaffold.conftest import (
    assert_mypy_finds_nothing,
    assert_tests_pass,
    needs_mypy,
    needs_ruff,
    python,
)

assert cascade.cli.main and cascade.testing

DOMAINS = {source: source.replace("-", "_") for source in SOURCES}
INGESTIONS = (
    ["--domain", "weather"],
    *(["--type", source, "--domain", domain] for source, domain in DOMAINS.items()),
    # Names that are keywords of SQL and Python, and a key of columns of several types.
    ["--domain", "select", "--source", "database", "--key", "order,observed_at", "--cron", "@daily"],
    ["--domain", "json", "--source", "file", "--key", "date"],
)
OVER_TABLES = [
    ["--type", kind, "--domain", domain] for domain in ("weather", "select") for kind in ("quality", "transform")
]
# Two of each ingestion and of two checks, one of each of two models.
TESTS = len(INGESTIONS) * 2 + 2 * 2 + 2 * 1

# What a user of the published package writes against the workflow by hand.
BY_HAND = """
from workflows.ingestion.weather.observations import observations
from workflows.schemas.weather import WeatherObservation


def test_names() -> None:
    assert observations.op is not None
    assert observations.op.name == "dlt_weather_observations"
    assert WeatherObservation.model_fields
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a project with a workflow of each kind, and checks and models on some of them."""
    root = tmp_path_factory.mktemp("created")
    (root / "pyproject.toml").write_text(
        '[tool.cascade]\nworkflows_path = "workflows"\n\n'
        '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = ["--import-mode=importlib"]\n'
    )
    for arguments in (*INGESTIONS, *OVER_TABLES):
        result = cascade_(root, "create-workflow", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
    return root


def cascade_(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return python(root, "-m", "cascade", *arguments, **variables)


with_dbt = pytest.mark.skipif(not cascade.dbt.parse.dbt_is_installed(), reason="dbt is not installed")


@with_dbt
def test_its_tests_pass(project: Path) -> None:
    (project / "tests/test_by_hand.py").write_text(BY_HAND.lstrip())
    assert_tests_pass(project, TESTS + 1)


@with_dbt
def test_validate_finds_nothing(project: Path) -> None:
    result = cascade_(project, "validate")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(" and the dbt project.\n")
    assert not {path.name for path in project.rglob("*")} & {"target", "logs", "profiles.yml", ".user.yml"}


def test_a_run_succeeds_and_a_second_run_writes_nothing(project: Path) -> None:
    first = cascade_(project, "materialize", "weather_observations", "--partition", "2024-01-15")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Materialized weather_observations 2024-01-15 successfully.\n" in first.stdout
    assert "rows in 2, rows good 2, rows refused 0, snapshot id " in first.stdout
    assert ", seconds " in first.stdout
    again = cascade_(project, "materialize", "weather_observations", "--partition", "2024-01-15", "--json")
    (run,) = json.loads(again.stdout)["runs"]
    assert run["committed"] is False
    checks = [(check["name"], check["passed"]) for check in run["checks"]]
    assert checks == [("validation", True), ("plausible__values", True), ("plausible__row_count", True)]


def test_a_database_is_read_at_the_address_in_the_dotenv(project: Path) -> None:
    path = project / "source.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE observations ("order" TEXT, observed_at TEXT, observed_on DATE, value REAL)')
        connection.executemany(
            "INSERT INTO observations VALUES (?, ?, ?, ?)",
            [("a", f"{day}T01:00:00Z", day, None) for day in ("2024-01-01", "2024-01-02")],
        )
    arguments = ("materialize", "select_observations", "--partition", "2024-01-02")
    missing = cascade_(project, *arguments)
    assert missing.returncode == 1
    assert "Set SOURCES__SELECT__CREDENTIALS in the environment or in .env.\n" in missing.stderr
    (project / ".env").write_text(f"SOURCES__SELECT__CREDENTIALS=sqlite:///{path}\n")
    result = cascade_(project, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "rows in 1, rows good 1" in result.stdout
    assert "the check plausible__values failed: 1 of 1 rows fail (100 %): value is null." in result.stderr


@needs_ruff
def test_it_passes_the_formatter_and_the_linter(project: Path) -> None:
    for command in (["format", "--diff"], ["check", "--select", "E,F,I,UP,B,SIM,RUF", "--ignore", "E501"]):
        result = subprocess.run(
            ["ruff", command[0], "--isolated", *command[1:], "workflows", "tests"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr


@needs_mypy
def test_it_passes_mypy_strict(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert_mypy_finds_nothing(project, tmp_path_factory, "--strict", "--explicit-package-bases", "workflows", "tests")
