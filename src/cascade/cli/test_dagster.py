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
from cascade.cli.dagster import _CODE_LOCATIONS, _LOADING, _SHORT, loads_the_project
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


def test_commands_that_load_assets_load_the_project(
    cascade: Cascade, project: SampleProject, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    assert cascade("dagster", "asset", "list", "--select", "a").exit_code == 0
    ((argv, _),) = started
    assert argv == [
        *("-m", "dagster", "asset", "list", "--select", "a", "--module-name", "cascade.framework.definitions"),
        *("--attribute", "defs", "--working-directory", str(project.root)),
    ]


@pytest.mark.parametrize(
    ("typed", "loads"),
    [
        ("asset materialize --select a", True),
        ("job execute -j a", True),
        ("asset list -m other", False),
        ("asset list -fother.py", False),
        ("definitions validate --workspace=workspace.yaml", False),
        ("asset wipe --all", False),
        ("schedule list", False),
        ("run list", False),
        ("asset", False),
        ("", False),
    ],
)
def test_the_project_is_named_where_a_command_needs_one(typed: str, loads: bool) -> None:
    assert loads_the_project(typed.split()) == loads


def test_dagster_knows_the_commands_and_options() -> None:
    from dagster._cli import create_dagster_cli

    program: Any = create_dagster_cli()  # type: ignore[no-untyped-call]
    for group, name in _LOADING:
        command = program.commands[group].commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--module-name", "--attribute", "--working-directory"} <= options
        targets = {
            one for one in options if one in _SHORT or one.startswith(("--package", "--python", "--grpc", "--w"))
        }
        assert targets - {"--working-directory", "--grpc-socket"} <= {*_CODE_LOCATIONS, *_SHORT}
