"""What `create-workflow` asks the user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from cascade.authoring import create, new_ingestion, new_over_table
from cascade.cli import create_workflow
from cascade.cli.conftest import Cascade
from cascade.cli.context import Invocation
from cascade.cli.main import cli
from cascade.framework.conftest import THINGS, SampleProject


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command ask."""
    monkeypatch.setattr(create_workflow, "can_ask", lambda as_json: not as_json)


def test_the_user_is_asked_for_missing_options(project: SampleProject) -> None:
    project.write("other.py", THINGS.replace("things", "weather_observations"))
    answers = ["", "credit risk", "rain", "dataf", "input", "showers"]
    answers += ["weather_observations", "rainfall", "a b", "station, day"]
    result = CliRunner().invoke(cli, ["create-workflow"], input="\n".join([*answers, ""]), obj=Invocation())
    assert result.exit_code == 0, result.output
    assert "Error: The domain 'credit risk' cannot be the name of a Python package" in result.stderr
    assert "Error: The generated code uses the name 'input' itself" in result.stderr
    assert "Error: The table raw.weather_observations is already declared" in result.stderr
    assert "Error: The key column 'a b'" in result.stderr
    code = (project.root / project.package / "ingestion/rain/showers.py").read_text()
    assert 'table_name="rainfall"' in code
    assert 'unique_key=("station", "day")' in code
    assert "pl.DataFrame" in code


def test_the_user_is_not_asked_for_given_options(monkeypatch: pytest.MonkeyPatch, cascade: Cascade) -> None:
    def ask(*question: object, **options: object) -> Iterator[str]:
        raise AssertionError(f"{question} was asked")

    for module in (create, new_ingestion):
        monkeypatch.setattr(module, "ask_text", ask)
    for module in (create, new_over_table):
        monkeypatch.setattr(module, "ask_choice", ask)
    given = ["--domain", "weather", "--source", "file", "--table", "weather_observations", "--key", "id"]
    assert cascade("create-workflow", *given).exit_code == 0
    assert cascade("create-workflow", "--type", "quality", "--domain", "weather").exit_code == 0
    assert cascade("create-workflow", "--type", "transform", "--domain", "weather").exit_code == 0


def test_the_user_chooses_among_the_tables(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("more.py", THINGS.replace('"things"', '"more_things"'))
    result = CliRunner().invoke(cli, ["create-workflow"], input="quality\nstock\nraw.t\n", obj=Invocation())
    assert result.exit_code == 0, result.output
    code = (project.root / project.package / "quality/stock.py").read_text()
    assert f"from {project.package}.things import things" in code
    assert "    table=things," in code
