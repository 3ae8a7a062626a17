"""`parse_dbt_project`, without the seconds that dbt takes: `cascade/dbt` tests the parsing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cascade.dbt import parse
from cascade.dbt.results import DbtModel, DbtProblem, DbtProject
from cascade.exceptions import CascadeError
from cascade.testing import parse_dbt_project

PROJECT = DbtProject(models={"daily": DbtModel("daily", "models/daily.sql")})


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record the directories that are parsed."""
    directories: list[Path] = []

    def parse_project(directory: Path) -> DbtProject:
        directories.append(directory)
        return PROJECT

    monkeypatch.setattr(parse, "parse_project", parse_project)
    monkeypatch.setattr(parse, "dbt_is_installed", lambda: True)
    return directories


def test_the_configured_project_is_parsed_once_as_long_as_it_stays(
    tmp_path: Path, parsed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "sql/models/daily.sql"
    model.parent.mkdir(parents=True)
    model.write_text("select 1")
    (tmp_path / "pyproject.toml").write_text('[tool.cascade]\ndbt_project_dir = "sql"\n')
    monkeypatch.chdir(tmp_path)
    assert parse_dbt_project() is PROJECT
    assert parse_dbt_project(tmp_path / "sql") is PROJECT
    assert parsed == [tmp_path / "sql"]
    os.utime(model, (1, 1))
    assert parse_dbt_project() is PROJECT
    assert len(parsed) == 2


def test_problems_are_raised_with_their_locations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = (DbtProblem("dbt: one", tmp_path / "a.sql", 3), DbtProblem("dbt: two", tmp_path / "b.yml", 1))
    monkeypatch.setattr(parse, "parse_project", lambda directory: DbtProject(problems=problems))
    monkeypatch.setattr(parse, "dbt_is_installed", lambda: True)
    with pytest.raises(CascadeError) as caught:
        parse_dbt_project(tmp_path)
    assert str(caught.value) == f"{tmp_path}/a.sql:3: dbt: one\n{tmp_path}/b.yml:1: dbt: two"


def test_without_dbt_a_test_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "dbt_is_installed", lambda: False)
    with pytest.raises(pytest.skip.Exception) as caught:
        parse_dbt_project(tmp_path)
    assert "Type: pip install 'cascade-workflows[dbt]'" in str(caught.value)
