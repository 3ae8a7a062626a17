"""The goal that prints manifests."""

from __future__ import annotations

import json

import pytest
from pants.testutil.rule_runner import RuleRunner

from cascade_pants.goals import manifest as manifest_goal
from cascade_pants.goals.manifest import CascadeManifest
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.testing import RUNTIME, project_rules, rule_runner, workflow

OPTIONS = ["--source-root-patterns=['src']", "--python-interpreter-constraints=['>=3.9,<3.14']"]


@pytest.fixture(scope="module")
def runner() -> RuleRunner:
    runner = rule_runner([*project_rules(), *manifest_goal.rules()])
    runner.write_files(
        {
            **RUNTIME,
            **workflow("weather", "weather_observations"),
            **workflow("rivers", "river_levels"),
            "BUILD": "cascade_project(name='dev')\ncascade_project(name='wet', workflows=['src/workflows/rivers'])",
        }
    )
    return runner


def test_it_prints_what_each_project_loads(runner: RuleRunner) -> None:
    done = runner.run_goal_rule(CascadeManifest, args=[":wet", ":dev"], global_args=OPTIONS)
    assert done.exit_code == 0
    wet, dev = json.loads(done.stdout)
    assert (wet["address"], wet["modules"]) == ("//:wet", ["workflows.rivers.observations"])
    assert dev["module"] == "cascade_project_dev"
    assert dev["modules"] == ["workflows.rivers.observations", "workflows.weather.observations"]


def test_without_a_project_it_lists_those_that_exist(runner: RuleRunner) -> None:
    done = runner.run_goal_rule(CascadeManifest, args=["src/workflows::"], global_args=OPTIONS)
    assert done.exit_code == WRONG_USE
    assert "cascade-manifest //:wet" in done.stderr
