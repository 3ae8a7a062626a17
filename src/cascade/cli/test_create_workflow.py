"""`create-workflow`: its defaults, what it refuses, and where the files of an ingestion go.

`test_create_over_table.py` covers checks and models, and `test_created_project.py` runs the generated files.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cascade.authoring import create
from cascade.cli.conftest import Cascade, files
from cascade.framework.conftest import SampleProject
from cascade.framework.project import Project
from cascade.scaffold import SOURCES

pytestmark = pytest.mark.usefixtures("program")


WEATHER = [
    "flows/__init__.py",
    "flows/ingestion/__init__.py",
    "flows/ingestion/weather/__init__.py",
    "flows/ingestion/weather/data/observations.csv",
    "flows/ingestion/weather/observations.py",
    "flows/ingestion/weather/testdata/weather_observations.jsonl",
    "flows/schemas/__init__.py",
    "flows/schemas/weather.py",
    "pyproject.toml",
    "tests/test_weather.py",
]


def test_in_a_pipe_the_domain_is_enough(cascade: Cascade, project: SampleProject) -> None:
    (project.root / project.package).rmdir()
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 0, result.output
    assert files(project) == WEATHER
    lines = result.stdout.splitlines()
    assert [line.removeprefix("Wrote ").replace(project.package, "flows") for line in lines[:9]] == [
        *(path for path in WEATHER if path.endswith("flows/__init__.py")),
        "flows/ingestion/__init__.py",
        "flows/schemas/__init__.py",
        "flows/ingestion/weather/__init__.py",
        "flows/ingestion/weather/observations.py",
        "flows/schemas/weather.py",
        "tests/test_weather.py",
        "flows/ingestion/weather/data/observations.csv",
        "flows/ingestion/weather/testdata/weather_observations.jsonl",
    ]
    assert lines[9:] == [
        "",
        "Next:",
        "  cascade materialize weather_observations --partition 2024-01-01",
        "  cascade test --workflow weather",
    ]
    listed = cascade.json("list")["workflows"]
    assert [(workflow["table"], workflow["group"], workflow["unique_key"]) for workflow in listed] == [
        ("raw.weather_observations", "weather", ["id"])
    ]


def test_the_options_are_in_the_workflow(cascade: Cascade, project: SampleProject) -> None:
    document = cascade.json(
        "create-workflow",
        *("--type", "ingestion", "--source", "dataframe", "--domain", "prices", "--table", "quotes"),
        *("--key", "market,symbol", "--unique-key", "day", "--cron", "0 6 * * *", "--group", "markets"),
    )
    assert document["files"]["created"][-2:] == [
        "tests/test_prices.py",
        f"{project.package}/ingestion/prices/testdata/quotes.jsonl",
    ]
    assert document["directory"] == str(project.root)
    assert document["next"][0] == "cascade materialize quotes --partition 2024-01-01"
    (workflow,) = cascade.json("list")["workflows"]
    assert {name: workflow[name] for name in ("table", "group", "unique_key", "cron")} == {
        "table": "raw.quotes",
        "group": "markets",
        "unique_key": ["market", "symbol", "day"],
        "cron": "0 6 * * *",
    }


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_may_be_given_as_the_type(cascade: Cascade, source: str) -> None:
    document = cascade.json("create-workflow", "--type", source, "--domain", "weather", "--dry-run")
    assert (document["type"], document["source"]) == ("ingestion", source)
    alike = cascade.json("create-workflow", "--source", source, "--domain", "weather", "--dry-run")
    assert document == alike


def test_the_sources_are_those_of_the_templates() -> None:
    assert tuple(create.SOURCES) == SOURCES


def test_a_notice_explains_how_to_set_the_address_of_a_database_or_an_api(cascade: Cascade) -> None:
    result = cascade("create-workflow", "--type", "database", "--domain", "orders")
    assert "  SOURCES__ORDERS__CREDENTIALS=postgresql+psycopg2://user:password@host/database\n" in result.stdout
    result = cascade("create-workflow", "--type", "rest-api", "--domain", "weather")
    assert "Set your own in " in result.stdout


def test_the_next_command_after_a_rest_api_works_without_its_server(cascade: Cascade) -> None:
    result = cascade("create-workflow", "--type", "rest-api", "--domain", "weather")
    assert "The tests need no network." in result.stdout
    commands = result.stdout.partition("Next:\n")[2].split("\n")
    assert [command.split()[-3:] for command in commands if command] == [["test", "--workflow", "weather"]]


def test_it_works_in_any_directory_of_the_project(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = project.root / "some" / "where"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"In {project.root}:\nWrote ")
    assert not any(below.iterdir())
    assert "tests/test_weather.py" in files(project)


@pytest.mark.parametrize("workflows_path", ["src/flows", "deep/down/flows"])
def test_workflows_may_be_in_a_subdirectory(cascade: Cascade, project: SampleProject, workflows_path: str) -> None:
    (project.root / "pyproject.toml").write_text(f'[tool.cascade]\nworkflows_path = "{workflows_path}"\n')
    document = cascade.json("create-workflow", "--domain", "weather")
    assert f"{workflows_path}/schemas/weather.py" in document["files"]["created"]
    assert "tests/test_weather.py" in document["files"]["created"]
    code = (project.root / workflows_path / "ingestion/weather/observations.py").read_text()
    assert "from flows.schemas.weather import WeatherObservation" in code


def test_an_existing_package_stays_unchanged(cascade: Cascade, project: SampleProject) -> None:
    (project.root / project.package / "schemas").mkdir()
    assert cascade("create-workflow", "--domain", "weather").exit_code == 0
    assert "flows/schemas/__init__.py" not in files(project)
    assert "flows/__init__.py" not in files(project)
    assert "flows/ingestion/__init__.py" in files(project)
    assert cascade("validate").exit_code == 0


@pytest.mark.parametrize("path", ["../elsewhere", ".", "/elsewhere"])
def test_workflows_outside_the_project_are_refused(cascade: Cascade, project: SampleProject, path: str) -> None:
    (project.root / "pyproject.toml").write_text(f'[tool.cascade]\nworkflows_path = "{path}"\n')
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 2
    assert f"[tool.cascade] is {path!r}, which is not a directory inside the project" in result.stderr
    assert files(project) == ["pyproject.toml"]


def test_a_link_out_of_the_project_is_not_followed(cascade: Cascade, project: SampleProject, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project.root / "tests").symlink_to(outside)
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 2
    assert f"tests/test_weather.py leads to {outside}" in result.stderr
    assert not any(outside.iterdir())
    assert files(project) == ["pyproject.toml"]


def test_outside_a_project_the_hint_is_init(
    cascade: Cascade, project: SampleProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 2
    assert "cascade init" in result.stderr
    assert sorted(tmp_path.iterdir()) == [project.root]


def test_a_project_of_pants_is_refused(cascade: Cascade, project: SampleProject) -> None:
    result = cascade("create-workflow", "--domain", "weather", given=Project("demo", (), module="manifest"))
    assert result.exit_code == 2
    assert "pants cascade-scaffold" in result.stderr
    assert files(project) == ["pyproject.toml"]


def test_in_a_pants_repository_new_directories_get_build_files(cascade: Cascade, project: SampleProject) -> None:
    (project.root / "pants.toml").write_text("")
    (project.root / "tests").mkdir()
    (project.root / "tests/BUILD").write_text("# ours\n")
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 0, result.output
    assert (project.root / project.package / "ingestion/weather/BUILD").read_text() == "cascade_workflow()\n"
    assert (project.root / "tests/BUILD").read_text() == "# ours\n"
    assert result.stdout.splitlines()[-1].startswith("  pants test ")


def test_a_domain_is_needed(cascade: Cascade, project: SampleProject) -> None:
    result = cascade("create-workflow", "--type", "database")
    assert result.exit_code == 2
    assert "Type, for example: cascade create-workflow --type ingestion --domain weather" in result.stderr
    assert files(project) == ["pyproject.toml"]


@pytest.mark.parametrize(
    ("domain", "good"), [("credit-risk", "credit_risk"), ("_hidden", "hidden"), ("weather_test", "weather")]
)
def test_for_an_invalid_domain_the_hint_has_a_valid_one(cascade: Cascade, domain: str, good: str) -> None:
    result = cascade("create-workflow", "--domain", domain)
    assert result.exit_code == 2
    assert f"Type, for example: cascade create-workflow --type ingestion --domain {good}\n" in result.stderr


def test_all_invalid_options_are_one_error(cascade: Cascade) -> None:
    result = cascade("create-workflow", *("--domain", "weather", "--table", "a.b", "--key", "x-y", "--cron", "never"))
    assert result.exit_code == 2
    assert all(value in result.stderr for value in ("3 arguments are invalid", "'a.b'", "'x-y'", "'never'"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--type", "file", "--source", "database"], "--type file and --source database"),
        (["--type", "quality", "--cron", "@daily", "--key", "id"], "A check takes no --unique-key, --cron"),
        (["--type", "transform", "--source", "file"], "A dbt model takes no --source"),
        (["--type", "quality", "--asset", "forecasts"], "A check takes no --asset"),
        (["--asset", "list"], "The generated code uses the name 'list' itself"),
        (["--type", "quality", "--group", ""], "A check takes no --group"),
        (["--type", "databse"], 'Did you mean "database"?'),
        (["--type", "qualty"], 'Did you mean "quality"?'),
        (["--source", "rest"], 'Did you mean "rest-api"?'),
        (["--key", ""], "The unique key needs at least one column"),
    ],
)
def test_contradicting_options_are_refused(cascade: Cascade, arguments: list[str], said: str) -> None:
    result = cascade("create-workflow", "--domain", "weather", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_with_different_content_is_kept_unless_forced(cascade: Cascade, project: SampleProject) -> None:
    assert cascade("create-workflow", "--domain", "weather").exit_code == 0
    again = cascade("create-workflow", "--domain", "weather")
    assert again.exit_code == 0
    assert "Wrote" not in again.stdout
    schema = project.write("schemas/weather.py", "# mine\n")
    before = files(project)
    refused = cascade("create-workflow", "--domain", "weather", "--key", "station")
    assert refused.exit_code == 2
    assert f"{project.package}/schemas/weather.py" in refused.stderr
    assert "--force" in refused.stderr
    assert "To add another workflow to weather, name its rows, for example: --asset forecasts" in refused.stderr
    assert schema.read_text() == "# mine\n"
    assert files(project) == before
    forced = cascade("create-workflow", "--domain", "weather", "--force")
    assert f"Overwrote {project.package}/schemas/weather.py" in forced.stdout
    assert "class WeatherObservation" in schema.read_text()


def test_a_domain_may_have_several_assets(cascade: Cascade, project: SampleProject) -> None:
    assert cascade("create-workflow", "--domain", "weather").exit_code == 0
    package = project.write("ingestion/weather/__init__.py", "# mine\n")
    document = cascade.json("create-workflow", "--domain", "weather", "--asset", "forecasts")
    assert sorted(document["files"]["created"]) == [
        f"{project.package}/ingestion/weather/data/forecasts.csv",
        f"{project.package}/ingestion/weather/forecasts.py",
        f"{project.package}/ingestion/weather/testdata/weather_forecasts.jsonl",
        f"{project.package}/schemas/weather_forecasts.py",
        "tests/test_weather_forecasts.py",
    ]
    assert document["next"] == [
        "cascade materialize weather_forecasts --partition 2024-01-01",
        "cascade test --workflow weather",
    ]
    assert package.read_text() == "# mine\n"
    assert cascade("validate").exit_code == 0
    assert [workflow["table"] for workflow in cascade.json("list")["workflows"]] == [
        "raw.weather_forecasts",
        "raw.weather_observations",
    ]


@pytest.mark.parametrize("there", ["ingestion/weather.py", "schemas/weather/__init__.py", "schemas/weather/rows.py"])
def test_a_module_that_would_be_hidden_is_refused(cascade: Cascade, project: SampleProject, there: str) -> None:
    project.write(there, "# mine\n")
    before = files(project)
    refused = cascade("create-workflow", "--domain", "weather", "--force")
    assert refused.exit_code == 2
    name = f"{project.package}/{there.split('/')[0]}/weather"
    assert f"{name}.py and the directory {name} would be the same module" in refused.stderr
    assert files(project) == before


def test_a_directory_without_modules_hides_nothing(cascade: Cascade, project: SampleProject) -> None:
    project.write("schemas/weather/__pycache__/rows.cpython-312.pyc", "")
    assert cascade("create-workflow", "--domain", "weather").exit_code == 0
    assert cascade("validate").exit_code == 0


def test_a_dry_run_writes_nothing(cascade: Cascade, project: SampleProject) -> None:
    result = cascade("create-workflow", "--domain", "weather", "--dry-run")
    assert result.exit_code == 0
    assert "# tests/test_weather.py\n" in result.stdout
    assert files(project) == ["pyproject.toml"]
    assert "tests/test_weather.py" in cascade.json("create-workflow", "--domain", "weather", "--dry-run")["files"]


def test_writing_a_workflow_again_does_not_collide_with_itself(cascade: Cascade) -> None:
    assert cascade("create-workflow", "--domain", "weather").exit_code == 0
    document = cascade.json("create-workflow", "--domain", "weather", "--table", "weather_observations", "--force")
    assert document["table"] == "weather_observations"


def test_an_error_is_a_json_document_for_a_script(cascade: Cascade) -> None:
    result = cascade("create-workflow", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["type"] == "UsageError"
