"""Dagster's own commands, started with what the project says."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import SampleProject


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[list[str], dict[str, str]]]]:
    """Return the command lines and environments with which the process was replaced."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def replace(program: str, argv: list[str], environment: dict[str, str]) -> Any:
        assert program == sys.executable
        found.append((argv[1:], environment))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", replace)
    for name in ("DAGSTER_CONTAINER_CONTEXT", "DAGSTER_CURRENT_IMAGE", "CASCADE_DAGSTER_DATABASE"):
        monkeypatch.setenv(name, "")
    before = signal.getsignal(signal.SIGINT)
    yield found
    signal.signal(signal.SIGINT, before)


def test_commands_use_the_runs_of_the_project(
    cascade: Cascade, project: SampleProject, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    assert cascade("dagster", "run", "list", "--limit", "5").exit_code == 0
    ((argv, environment),) = started
    assert argv == ["-m", "dagster", "run", "list", "--limit", "5"]
    assert environment["DAGSTER_HOME"] == str(project.root / ".cascade" / "dagster")
    assert (project.root / ".cascade" / "dagster" / "dagster.yaml").is_file()


def test_a_launcher_in_a_container_is_told_where_the_runs_are(
    cascade: Cascade,
    project: SampleProject,
    started: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CASCADE_DAGSTER_DATABASE", "postgresql://user:geheim@unreachable.invalid/dagster")
    assert cascade("dagster", "api", "execute_run", "{}").exit_code == 0
    ((argv, environment),) = started
    assert argv == ["-m", "dagster", "api", "execute_run", "{}"]
    # Of the drivers that SQLAlchemy knows, it names the one that is installed.
    assert environment["CASCADE_DAGSTER_DATABASE"].startswith("postgresql+psycopg2://")
    # It writes nothing, since the file system may be read-only.
    assert not (project.root / ".cascade").exists()


def test_the_code_server_of_the_helm_chart_says_what_runs_need(
    cascade: Cascade,
    project: SampleProject,
    started: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"k8s": {"env_secrets": ["shared"]}}
    monkeypatch.setenv("DAGSTER_HOME", str(project.root / "given"))
    monkeypatch.setenv("DAGSTER_CONTAINER_CONTEXT", json.dumps(given))
    monkeypatch.setenv("CASCADE_RUN_ENV_FROM", "mine")
    assert cascade("dagster", "code-server", "start", "-p", "4000").exit_code == 0
    ((_, environment),) = started
    assert environment["DAGSTER_HOME"] == str(project.root / "given")
    assert json.loads(environment["DAGSTER_CONTAINER_CONTEXT"]) == {"k8s": {"env_secrets": ["shared", "mine"]}}
