"""The goal that writes the workspace of the webserver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml  # pants: no-infer-dep
from pants.core.util_rules import distdir
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import RuleRunner

from cascade_pants.goals import workspace
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.goals.workspace import CascadeWorkspace
from cascade_pants.testing import rule_runner

FILES = {
    "BUILD": "cascade_project(name='dev')\ncascade_project(name='all', port=4000)\n",
    "teams/a/BUILD": "cascade_project(name='dev', layout='packed')",
}


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner([*workspace.rules(), *distdir.rules()])  # type: ignore[no-untyped-call]
    runner.write_files(FILES)
    return runner


def run(runner: RuleRunner, *arguments: str) -> tuple[int, str, str]:
    done = runner.run_goal_rule(CascadeWorkspace, args=arguments)
    return done.exit_code, done.stdout, done.stderr


def test_all_projects_are_in_it(runner: RuleRunner) -> None:
    code, out, error = run(runner)
    assert (code, error) == (0, "")
    assert out.splitlines() == [
        "Wrote dist/workspace.yaml and dist/Procfile. The code locations:",
        "  all at 127.0.0.1:4000: dist/all.pex code-server --port 4000",
        "  dev at 127.0.0.1:4001: dist/dev.pex code-server --port 4001",
        "  teams_a_dev at 127.0.0.1:4002: env CASCADE_PROJECT_ROOT=teams/a dist/teams.a/dev.pex/__main__.py "
        "code-server --port 4002",
    ]
    written = Path(runner.build_root, "dist/workspace.yaml").read_text()
    assert [line.split()[1] for line in written.splitlines() if "location_name" in line] == [
        "all",
        "dev",
        "teams_a_dev",
    ]
    assert Path(runner.build_root, "dist/Procfile").read_text().count("code-server") == 3


def test_a_choice_has_the_names_and_ports_of_the_whole(runner: RuleRunner) -> None:
    code, out, _ = run(runner, "--format=json", "teams/a:dev")
    assert code == 0
    assert json.loads(out) == [
        {
            "name": "teams_a_dev",
            "address": "teams/a:dev",
            "host": "127.0.0.1",
            "port": 4002,
            "pex": "dist/teams.a/dev.pex",
            "command": ["dist/teams.a/dev.pex/__main__.py", "code-server", "--port", "4002"],
            "environment": {"CASCADE_PROJECT_ROOT": "teams/a"},
        }
    ]
    assert not Path(runner.build_root, "dist/workspace.yaml").exists()


def test_a_host_for_each(runner: RuleRunner) -> None:
    code, out, error = run(runner, "--host={name}.dagster", "--format=files")
    assert code == 0
    assert "dev at dev.dagster:4000: dist/dev.pex code-server --host 0.0.0.0 --port 4000" in out
    assert "gRPC has no password" in error


def test_the_values_of_the_chart(runner: RuleRunner) -> None:
    code, out, error = run(runner, "--format=helm", "--image=registry.example.com/{name}:1.4", "--env-from={name}-env")
    assert (code, error) == (0, "")
    assert out.startswith("Wrote dist/values.yaml. Install the chart with it: helm upgrade --install dagster")
    values = yaml.safe_load(Path(runner.build_root, "dist/values.yaml").read_text())
    deployments = values["dagster-user-deployments"]["deployments"]
    assert [one["name"] for one in deployments] == ["all", "dev", "teams-a-dev"]
    assert deployments[2] == {
        "name": "teams-a-dev",
        "image": {"repository": "registry.example.com/teams-a-dev", "tag": "1.4", "pullPolicy": "Always"},
        "codeServerArgs": ["--module-name", "cascade_project_teams__a__dev", "--attribute", "defs"],
        "port": 4000,
        "envSecrets": [{"name": "teams-a-dev-env"}],
        "includeConfigInLaunchedRuns": {"enabled": True},
    }
    assert values["concurrency"] == {"enabled": True, "pools": {"granularity": "run", "defaultLimit": 1}}


def test_names_that_kubernetes_does_not_allow(runner: RuleRunner) -> None:
    for build, message in (
        ("cascade_project(name='1st')", "does not allow the name of teams/b:1st: '1st'"),
        ("cascade_project(name='ALL')", "Both //:all and teams/b:ALL would be the deployment all"),
        (f"cascade_project(name='{'x' * 64}')", "at most 63 lower-case letters"),
    ):
        runner.write_files({"teams/b/BUILD": build})
        code, out, error = run(runner, "--format=helm", "--image=registry.example.com/{name}:1.4")
        assert (code, out) == (WRONG_USE, "")
        assert message in error


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        ("", ("--format=helm",), 'name them: --image="registry.example.com/{name}:1.4"'),
        ("", ("--format=helm", "--image=registry.example.com:5000/{name}"), "--image has no tag"),
        ("", ("--format=helm", "--image=x:1", "--env-from=A B"), "--env-from is 'A B'"),
        ("cascade_project(name='dev', port=4000)", (), "is 4000, which is that of //:all too"),
        ("", ("--first-port=0",), "--first-port is 0. Use a port from 1 to 65535"),
        ("", ("teams/b::",), "matches no cascade_project"),
    ],
)
def test_wrong_use(runner: RuleRunner, build: str, arguments: tuple[str, ...], message: str) -> None:
    runner.write_files({"teams/b/BUILD": build})
    code, out, error = run(runner, *arguments)
    assert (code, out) == (WRONG_USE, "")
    assert message in error


def test_a_port_that_does_not_exist(runner: RuleRunner) -> None:
    runner.write_files({"teams/a/BUILD": "cascade_project(name='dev', port=70000)"})
    with pytest.raises(ExecutionError, match="A port is at most 65535"):
        run(runner)
