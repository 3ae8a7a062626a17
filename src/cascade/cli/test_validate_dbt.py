"""`validate` and the dbt project next to the workflows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.contributor import LoadedProject
from cascade.dbt import parse
from cascade.dbt.contributor import DbtContributor
from cascade.dbt.results import DbtProblem, DbtProject, DbtSource
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.project import Project

MODEL = "transforms/dbt/models/daily.sql"


@pytest.fixture(autouse=True)
def things(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    write(project, "transforms/dbt/dbt_project.yml", "name: demo\nprofile: cascade\n")
    write(project, MODEL, "select 1\nfrom {{ source('raw', 'things') }}\n")


def write(project: SampleProject, path: str, text: str) -> Path:
    (project.root / path).parent.mkdir(parents=True, exist_ok=True)
    (project.root / path).write_text(text)
    return project.root / path


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record the directories that are parsed, each without a problem."""
    directories: list[Path] = []

    def parse_project(directory: Path) -> DbtProject:
        directories.append(directory)
        return DbtProject()

    monkeypatch.setattr(parse, "parse_project", parse_project)
    monkeypatch.setattr(parse, "dbt_is_installed", lambda: True)
    return directories


def test_an_error_of_dbt_is_a_problem_with_its_line(cascade: Cascade, project: SampleProject) -> None:
    before = sorted(project.root.rglob("*"))
    result = cascade("validate")
    assert result.exit_code == 1, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{MODEL}:2: dbt: ")
    assert "a source named 'raw.things' which was not found" in line
    assert [path for path in sorted(project.root.rglob("*")) if "__pycache__" not in str(path)] == before


def test_a_project_without_a_problem_is_counted(cascade: Cascade, project: SampleProject, parsed: list[Path]) -> None:
    result = cascade("validate")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(" and the dbt project.\n")
    assert parsed == [project.root / "transforms/dbt"]
    assert cascade.json("validate")["dbt_project"] == str(project.root / "transforms/dbt")


def test_a_source_that_no_workflow_declares_is_a_problem_of_the_whole_project(
    cascade: Cascade, project: SampleProject, parsed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"raw.thing": DbtSource("raw.thing", "models/s.yml", table="raw.thing")}
    monkeypatch.setattr(parse, "parse_project", lambda directory: DbtProject(sources=sources))
    write(project, "transforms/dbt/models/s.yml", "sources:\n- name: raw\n  tables:\n  - name: thing\n")
    result = cascade("validate")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert line.startswith(
        "transforms/dbt/models/s.yml:4: dbt: the source raw.thing reads the table raw.thing, which no"
    )
    assert 'Did you mean "raw.things"?' in line
    # Without the workflows, nobody knows.
    assert cascade("validate", "transforms/dbt").exit_code == 0
    project.write("broken.py", "1 / 0")
    assert "reads the table" not in cascade("validate").stdout


def test_the_configured_directory_is_parsed(
    cascade: Cascade, project: SampleProject, parsed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "sql/dbt_project.yml", "name: other\n")
    monkeypatch.setenv("CASCADE_DBT_PROJECT_DIR", "sql")
    assert cascade("validate").exit_code == 0
    assert parsed == [project.root / "sql"]


def test_chosen_modules_are_checked_alone(cascade: Cascade, project: SampleProject, parsed: list[Path]) -> None:
    assert cascade("validate", "--module", project.module("things")).exit_code == 0
    assert not parsed


def test_only_modules_of_a_manifest_are_checked(cascade: Cascade, project: SampleProject, parsed: list[Path]) -> None:
    given = Project("demo", (project.module("things"),), module="manifest")
    assert cascade("validate", given=given).exit_code == 0
    assert not parsed


def test_without_dbt_a_warning_explains_how_to_install_it(
    cascade: Cascade, parsed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse, "dbt_is_installed", lambda: False)
    result = cascade("validate")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Type: pip install 'cascade-workflows[dbt]'") == 1
    assert not parsed


def test_models_without_a_project_are_a_problem(cascade: Cascade, project: SampleProject) -> None:
    (project.root / "transforms/dbt/dbt_project.yml").unlink()
    result = cascade("validate")
    assert result.exit_code == 1
    assert result.stdout.startswith("transforms/dbt/dbt_project.yml:1: dbt: dbt_project.yml does not exist.")
    (project.root / MODEL).unlink()
    assert cascade("validate").exit_code == 0


def test_problems_come_in_the_order_of_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = tuple(DbtProblem("m", Path(file), line) for file, line in (("b.yml", 1), ("a.yml", 9), ("a.yml", 2)))
    monkeypatch.setattr(parse, "parse_project", lambda directory: DbtProject(problems=problems))
    project = LoadedProject(CascadeConfig(), dbt_directory=Path())
    found = [str(problem.location) for problem in DbtContributor().problems(project)]
    assert found == ["a.yml:2", "a.yml:9", "b.yml:1"]
