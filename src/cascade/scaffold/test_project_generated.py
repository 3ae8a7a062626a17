"""A new project works: tests, commands, dbt, types and format, without a network."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

# The generated code and the processes below need these modules. A sandbox holds only what this file imports.
import cascade.cli.main
import cascade.dbt.parse
import cascade.testing
import cascade.testing.plugin
from cascade.scaffold.conftest import assert_mypy_finds_nothing, assert_tests_pass, needs_mypy, needs_ruff, python
from cascade.scaffold.project import ProjectRequest, render_project
from cascade.scaffold.project_layout import TEMPLATES

assert cascade.cli.main and cascade.testing.plugin

with_dbt = pytest.mark.skipif(not cascade.dbt.parse.dbt_is_installed(), reason="dbt is not installed")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Generate a project of each template, and return them by the template's name."""
    roots = {}
    for template in TEMPLATES:
        roots[template] = root = tmp_path_factory.mktemp("projects") / f"my-{template}"
        for path, text in render_project(ProjectRequest(name=root.name, template=template)).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    return roots


@with_dbt
@pytest.mark.parametrize(("template", "tests"), [("minimal", 2), ("basic", 6), ("advanced", 12)])
def test_its_tests_pass(projects: Mapping[str, Path], template: str, tests: int) -> None:
    # With the wheel installed, pytest finds the fixtures by itself.
    assert_tests_pass(projects[template], tests, "-p", "cascade.testing.plugin")


@pytest.mark.parametrize("template", TEMPLATES)
def test_validate_finds_nothing(projects: Mapping[str, Path], template: str) -> None:
    result = python(projects[template], "-m", "cascade", "validate")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "No problems" in result.stdout


@pytest.mark.parametrize("template", TEMPLATES)
def test_its_first_runs_land(projects: Mapping[str, Path], template: str) -> None:
    root = projects[template]
    for asset, partition in ProjectRequest(name=root.name, template=template).first_runs:
        key = ("--partition", partition) if partition else ()
        result = python(root, "-m", "cascade", "materialize", asset, *key, "--json")
        assert result.returncode == 0, result.stdout + result.stderr
        (run,) = json.loads(result.stdout)["runs"]
        assert run["committed"]
        assert run["rows_good"] == run["rows_in"] > 0


@with_dbt
@pytest.mark.parametrize("template", ["basic", "advanced"])
def test_its_models_run_on_its_tables(projects: Mapping[str, Path], template: str, tmp_path: Path) -> None:
    import duckdb
    import polars as pl

    root, database = projects[template], tmp_path / "tables.duckdb"
    data = root / "workflows" / "ingestion"
    tables = {
        "air_quality_observations": pl.read_csv(data / "air_quality" / "data" / "observations.csv").filter(
            pl.col("pm25") >= 0
        )
    }
    if template == "advanced":
        answer = json.loads((data / "stations" / "data" / "stations.json").read_text("utf-8"))
        tables["stations"] = pl.DataFrame(answer["data"]).rename({"name": "station"})
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE SCHEMA raw")
        for table, rows in tables.items():
            connection.register("rows", rows.to_arrow())
            connection.execute(f"CREATE TABLE raw.{table} AS FROM rows")
    output = {"type": "duckdb", "path": str(database)}
    # JSON is YAML.
    (tmp_path / "profiles.yml").write_text(json.dumps({"cascade": {"target": "test", "outputs": {"test": output}}}))
    arguments = ["--warn-error", "build", "--project-dir", "transforms/dbt", "--profiles-dir", str(tmp_path)]
    arguments += ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    result = python(root, "-c", "from dbt.cli.main import cli; cli()", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    group = "district" if template == "advanced" else "station"
    with duckdb.connect(str(database)) as connection:
        found = connection.execute(
            f"SELECT {group}, days, days_above_guideline FROM air_quality_by_{group} ORDER BY 1"
        ).fetchall()
    assert (
        found
        == {
            "station": [("Castle Street", 3, 2), ("Harbour", 3, 1), ("Mill Lane", 3, 1), ("Old Park", 3, 1)],
            "district": [("Old Town", 6, 3), ("Southside", 5, 2)],
        }[group]
    )


@needs_mypy
@pytest.mark.parametrize("template", TEMPLATES)
def test_it_passes_mypy_as_configured_in_its_pyproject(
    projects: Mapping[str, Path], template: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert_mypy_finds_nothing(projects[template], tmp_path_factory)


@needs_ruff
@pytest.mark.parametrize("template", TEMPLATES)
def test_it_is_formatted_and_clean(projects: Mapping[str, Path], template: str) -> None:
    for command in (["ruff", "check", "--no-cache"], ["ruff", "format", "--no-cache", "--diff"]):
        result = subprocess.run(command, cwd=projects[template], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
