"""The command `cascade doctor`."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import pytest

from cascade.cli.conftest import Cascade
from cascade.doctor import machine
from cascade.doctor.project import check_workflows
from cascade.exceptions import DiscoveryError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.processes import ports
from cascade.time_limit import within


@pytest.fixture(autouse=True)
def a_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 3000 counts as free, even if a UI is running on this machine."""
    monkeypatch.setattr(ports, "require_free_port", lambda host, port, command: None)


def by_check(document: Any) -> dict[str, Any]:
    return {each["check"]: each for each in document["checks"]}


def test_a_healthy_project_has_no_problems_and_stays_unchanged(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", "print('loud')\n" + THINGS.replace("\n    ", "\n"))
    before = sorted(project.root.rglob("*"))
    result = cascade("doctor", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["status"] == "ok", document
    checks = by_check(document)
    assert checks["project"]["detail"].startswith(str(project.root))
    assert checks["workflows"]["detail"] == "1 workflow, and every module imports"
    assert {"Python", "packages", "clock", "disk", "git", "settings", "state", "catalog", "warehouse", "dbt"} <= {
        *checks
    }
    assert sorted(project.root.rglob("*")) == before


def test_problems_have_hints_and_exit_code_1(cascade: Cascade, project: SampleProject) -> None:
    path = project.write("bad.py", "import os\nraise RuntimeError('no luck')\n")
    result = cascade("doctor")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    (number,) = (number for number, line in enumerate(lines) if line.startswith("problem"))
    assert lines[number].startswith("problem  workflows           0 workflows and 1 module that does not import.")
    assert f"{path}:2: " in lines[number]
    assert lines[number + 1].strip().startswith("See all problems: ")
    assert lines[number + 1].endswith("cascade validate")
    assert lines[-1] == "1 problem, 0 warnings."
    assert "Traceback" not in result.output


def test_outside_a_project_only_the_machine_is_checked(cascade: Cascade, project: SampleProject) -> None:
    (project.root / "pyproject.toml").unlink()
    result = cascade("doctor", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["status"] == "warning"
    assert "cascade init my-project" in by_check(document)["project"]["hint"]
    assert "catalog" not in by_check(document)


def test_invalid_settings_do_not_stop_the_other_checks(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    result = cascade("doctor", "--json")
    assert result.exit_code == 1
    checks = by_check(json.loads(result.stdout))
    assert checks["settings"]["status"] == "problem"
    assert checks["git"]["status"] == "ok"


def test_a_check_that_raises_is_a_finding(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect() -> NoReturn:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(machine, "check_time_zones", defect)
    result = cascade("doctor", "--json")
    assert result.exit_code == 1
    found = by_check(json.loads(result.stdout))["time zones"]
    assert (found["status"], found["detail"]) == ("problem", "the check itself failed: ZeroDivisionError: a defect")


def test_the_longest_name_of_a_check_is_apart_from_what_it_found(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_DAGSTER_DATABASE", "postgresql+psycopg2://nobody@127.0.0.1:1/dagster")
    monkeypatch.setenv("CASCADE_RUN_LAUNCHER", "docker")
    said = cascade("doctor").stdout
    assert "problem  Dagster's database  Dagster" in said and "problem  run launcher        Runs are" in said


def test_no_secret_is_printed(cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", "sqlite:////nowhere/hunter22.db")
    monkeypatch.setenv("CASCADE_POSTGRES_PASSWORD", "hunter22")
    result = cascade("doctor")
    assert "hunter22" not in result.output
    assert "nowhere/**********.db" in result.output


def test_for_a_project_without_workflows_the_hint_creates_one(cascade: Cascade) -> None:
    found = by_check(cascade.json("doctor"))["workflows"]
    assert (found["status"], found["detail"]) == ("ok", "none yet")
    assert found["hint"].endswith("cascade create-workflow")


def test_a_failed_search_for_workflows_is_a_problem() -> None:
    def load() -> NoReturn:
        raise DiscoveryError("There is no directory.", hint="Make it.")

    found = check_workflows(load, "cascade")
    assert (found.status, found.detail, found.hint) == ("problem", "There is no directory.", "Make it.")


def test_an_error_within_the_time_limit_is_raised() -> None:
    def fail() -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within(5, fail)
    assert within(5, lambda: None) is None
