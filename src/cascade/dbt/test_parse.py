"""Parsing by dbt. Each call takes seconds, so one project covers as much as possible."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from cascade.dbt import how_to_install_dbt, parse_project
from cascade.dbt.results import DbtModel, DbtSource
from cascade.exceptions import UsageError

PROJECT = {
    "dbt_project.yml": 'name: demo\nversion: "1.0.0"\nprofile: shop\non-run-start: ["{{ this_is_not_called() }}"]\n',
    # Parsing must neither contact this server nor need its adapter.
    "profiles.yml": "shop:\n  target: prod\n  outputs:\n    prod: {type: trino, host: nowhere.example}\n",
    "models/sources.yml": """
sources:
  - name: raw
    tables:
      - name: things
        config:
          meta:
            dagster:
              asset_key: [lake, things]
      - name: unclaimed
""",
    "models/daily.sql": """
{% if target.name == "dev" and target.type == "duckdb" and target.profile_name == "shop" %}
select day, count(*) as things from {{ source("raw", "things") }} group by day
{% endif %}
""",
    "models/weekly.sql": "{{ print('printed') }} select * from {{ ref('daily') }}, {{ source('raw', 'things') }}",
    "models/daily.yml": """
models:
  - name: daily
    columns:
      - name: day
        data_tests: [not_null]
  - name: monthly
""",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_parsing_writes_nothing_into_the_project(directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    project = parse_project(directory)
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    assert capfd.readouterr() == ("", "")
    assert project.models == {
        "daily": DbtModel("daily", "models/daily.sql", ("raw.things",), ("not_null_daily_day",)),
        "weekly": DbtModel("weekly", "models/weekly.sql", ("daily", "raw.things")),
    }
    assert project.sources == {
        "raw.things": DbtSource("raw.things", "models/sources.yml", ("lake", "things"), table="raw.things"),
        "raw.unclaimed": DbtSource("raw.unclaimed", "models/sources.yml", table="raw.unclaimed"),
    }
    (problem,) = project.problems
    assert (problem.file, problem.line) == (directory / "models/daily.yml", 7)


def test_an_error_has_a_file_and_a_line(directory: Path) -> None:
    (directory / "models/daily.sql").write_text("select 1\n\nfrom {{ source('raw', 'thing') }}\n")
    project = parse_project(directory)
    assert not project.models
    (problem,) = (problem for problem in project.problems if "source" in problem.message)
    assert (problem.file, problem.line) == (directory / "models/daily.sql", 3)
    assert "depends on a source named 'raw.thing' which was not found. Did you mean \"raw.things\"?" in problem.message


def test_a_directory_without_a_project_is_a_problem(tmp_path: Path) -> None:
    (problem,) = parse_project(tmp_path).problems
    assert problem.file == tmp_path / "dbt_project.yml"
    assert "cascade create-workflow --type transform" in problem.message


def test_without_dbt_the_hint_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        parse_project(tmp_path)
    assert caught.value.hint == how_to_install_dbt()


def test_the_hint_installs_dbt_only_on_a_python_that_dbt_runs_on() -> None:
    assert how_to_install_dbt((3, 13)) == "Type: pip install 'cascade-workflows[dbt]'"
    assert how_to_install_dbt((3, 13), "trino") == "Type: pip install 'cascade-workflows[trino]'"
    assert how_to_install_dbt((3, 14)).endswith("uv venv --python 3.13")
