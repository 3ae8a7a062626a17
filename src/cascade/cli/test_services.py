"""`services` starts, shows and stops servers, and points a project to them. The servers are Python's."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.config import CascadeConfig
from cascade.services import parts, preparation
from cascade.services.conftest import Fake
from cascade.services.conftest import listening as listening
from cascade.services.running import end_process
from cascade.services.service import Service
from cascade.services.stack import FILE, Stack, open_stack


class Postgres(Fake):
    name = "postgres"


class Seaweed(Fake):
    name = "seaweedfs"

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.stack.ports["iceberg"],)

    @property
    def settings(self) -> dict[str, str]:
        return {"CASCADE_ICEBERG_CATALOG": self.stack.url("iceberg"), "CASCADE_CATALOG_CREDENTIAL": "a:geheim"}

    def trouble(self) -> str | None:
        return None


class Trino(Fake):
    name = "trino"


def servers(stack: Stack, trino: Path | None) -> tuple[Service, ...]:
    return Postgres(stack), Seaweed(stack), Trino(stack, absent=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to a new project whose servers are Python's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cascade"])
    monkeypatch.setattr(parts, "services_of", servers)
    monkeypatch.setattr(preparation, "services_of", servers)
    (tmp_path / "pyproject.toml").write_text("[tool.cascade]\n")
    yield tmp_path
    stack = open_stack(tmp_path / ".cascade" / "services")
    for service in servers(stack, None) if stack else ():
        end_process(service)


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["services", *words], obj=Invocation(), prog_name="cascade")
    assert result.exit_code == code, result.output
    assert "geheim" not in result.output
    return result


def test_a_project_is_pointed_to_servers_that_start_and_stop(project: Path) -> None:
    said = run("init")
    assert "warning: trino is left out. It is not here.\nTo get it: get it" in said.stderr
    assert f"Wrote the settings of postgres, seaweedfs in {project / '.env'}." in said.stdout
    assert run("init").stdout.startswith("Unchanged: the settings of postgres, seaweedfs")
    config = CascadeConfig(project_root=project)
    stack = open_stack(config.services_directory)
    assert stack is not None and config.iceberg_catalog == stack.url("iceberg")
    assert [line.split()[1] for line in run("status").stdout.splitlines()[1:3]] == ["stopped", "stopped"]
    said = run("start")
    assert "postgres   healthy" in said.stdout and "services init" not in said.stdout
    shown = json.loads(run("status", "--json").stdout)["services"]
    assert [each["state"] for each in shown] == ["healthy", "healthy", "not installed"]
    assert shown[1]["addresses"] == {"HTTP": stack.url("s3")} and psutil.pid_exists(shown[0]["pid"])
    assert "postgres  | listening" in run("logs").stdout
    assert run("logs", "seaweedfs", "-n", "1").stdout == "listening\n"
    assert "while servers run: postgres, seaweedfs" in run("init", "--new-ports", code=1).stderr
    kept = (stack.directory / FILE).read_text()
    (stack.directory / FILE).write_text("{")
    assert "stop them (cascade services stop)" in run("start", code=1).stderr
    assert json.loads(run("stop", "--json").stdout) == {"stopped": ["seaweedfs", "postgres"]}
    (stack.directory / FILE).write_text(kept)
    assert "was not running" in run("stop", "postgres").stdout
    (project / ".cascade" / "catalog.db").touch()
    assert "cascade copy --from embedded --to production" in run("init", "--new-ports").stdout
    assert CascadeConfig(project_root=project).iceberg_catalog != stack.url("iceberg")


def test_servers_are_shown_before_any_was_started(project: Path) -> None:
    assert "cascade services start" in run("status").stdout
    assert "cascade services start" in run("logs", code=1).stderr
    assert run("stop").stdout.count("was not running") == 3
    assert "To point the project to them: cascade services init" in run("start").stdout


def test_a_directory_that_cannot_be_written_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "file").touch()
    monkeypatch.setenv("CASCADE_SERVICES_DIRECTORY", str(project / "file"))
    for command in ("init", "start", "stop"):
        assert "set CASCADE_SERVICES_DIRECTORY to another one" in run(command, code=1).stderr


def test_a_server_that_was_named_and_is_missing_is_an_error(project: Path) -> None:
    said = run("start", "trino", "--json", code=1)
    assert json.loads(said.stdout)["services"][0]["state"] == "not installed"
    assert "error: Not installed: trino." in said.stderr
    assert "Did you mean" in run("start", "trno", code=2).stderr


def test_a_port_that_is_taken_fails_one_server_only(project: Path, listening: Callable[[int], None]) -> None:
    run("init")
    stack = open_stack(project / ".cascade" / "services")
    assert stack is not None
    listening(stack.ports["s3"])
    said = run("start", code=1)
    assert "error: postgres is stopped. Its port" in said.stderr and "seaweedfs  healthy" in said.stdout


def test_settings_that_come_before_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", "https://catalog.example.com")
    monkeypatch.setenv("CASCADE_NESSIE_URI", "https://nessie.example.com")
    said = run("init").stderr
    assert "CASCADE_ICEBERG_CATALOG in the environment comes before the value in" in said
    assert "CASCADE_NESSIE_URI in the environment is set, and comes before" in said


def test_a_new_project_may_begin_with_servers(project: Path) -> None:
    words = ["init", "shop", "--stack", "production", "--json"]
    result = CliRunner().invoke(cli, words, obj=Invocation(), prog_name="cascade")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["stack"], document["services"]) == ("production", ["postgres", "seaweedfs"])
    assert document["next"][1:3] == ["cascade services start", "cascade doctor"]
    shop = project / "shop"
    assert CascadeConfig(project_root=shop).catalog_credential is not None
    assert (shop / ".env").stat().st_mode & 0o77 == 0
    assert ".env\n" in (shop / ".gitignore").read_text()
    assert "cascade-workflows[postgres,services,testing,trino]" in (shop / "pyproject.toml").read_text()
    assert "\ncascade services start\ncascade materialize " in (shop / "README.md").read_text()


@pytest.mark.parametrize(("words", "code"), [(("table", "list"), 2), (("doctor",), 1)])
def test_a_command_that_fails_says_how_to_start_the_stopped_servers(
    project: Path, words: tuple[str, ...], code: int
) -> None:
    run("init")
    result = CliRunner().invoke(cli, words, obj=Invocation(), prog_name="cascade")
    assert result.exit_code == code
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Stopped servers: postgres, seaweedfs") and last.endswith("them: cascade services start")
    compose = project / ".cascade/services/compose.yaml"
    compose.touch()
    result = CliRunner().invoke(cli, words, obj=Invocation(), prog_name="cascade")
    assert result.stderr.endswith(f"docker compose -f {compose} up -d\n")


def test_an_error_of_the_user_says_nothing_about_stopped_servers(project: Path) -> None:
    run("init")
    words = ["copy", "--from", "nowhere", "--to", "embedded"]
    result = CliRunner().invoke(cli, words, obj=Invocation(), prog_name="cascade")
    assert (result.exit_code, "Stopped servers" in result.stderr) == (2, False), result.stderr
