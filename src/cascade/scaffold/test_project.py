"""The files and names of a new project."""

from __future__ import annotations

import tomllib

import pytest

from cascade.exceptions import UsageError
from cascade.scaffold.project import ProjectRequest, dbt_name, directory_problems, distribution_name, render_project
from cascade.scaffold.project_layout import TEMPLATES
from cascade.scaffold.project_pants import PantsPlace

STANDALONE = {
    "minimal": {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "tests/test_air_quality.py",
        "workflows/__init__.py",
        "workflows/air_quality.py",
    },
    "basic": {
        ".env.example",
        ".gitignore",
        "README.md",
        "cascade_config.py",
        "pyproject.toml",
        "tests/test_air_quality.py",
        "tests/test_air_quality_quality.py",
        "tests/test_transforms.py",
        "transforms/dbt/dbt_project.yml",
        "transforms/dbt/models/bronze/sources.yml",
        "transforms/dbt/models/gold/air_quality_by_station.sql",
        "transforms/dbt/models/gold/models.yml",
        "transforms/dbt/models/silver/air_quality_days.sql",
        "transforms/dbt/models/silver/models.yml",
        "transforms/dbt/tests/fine_particles_are_particles.sql",
        "workflows/__init__.py",
        "workflows/defs/__init__.py",
        "workflows/ingestion/__init__.py",
        "workflows/ingestion/air_quality/__init__.py",
        "workflows/ingestion/air_quality/data/observations.csv",
        "workflows/ingestion/air_quality/observations.py",
        "workflows/ingestion/air_quality/testdata/air_quality_observations.jsonl",
        "workflows/quality/__init__.py",
        "workflows/quality/air_quality.py",
        "workflows/schemas/__init__.py",
        "workflows/schemas/air_quality.py",
        "workspace.yaml",
    },
}
STANDALONE["advanced"] = (STANDALONE["basic"] - {"transforms/dbt/models/gold/air_quality_by_station.sql"}) | {
    ".github/workflows/ci.yml",
    "tests/test_stations.py",
    "transforms/dbt/models/gold/air_quality_by_district.sql",
    "workflows/ingestion/stations/__init__.py",
    "workflows/ingestion/stations/data/stations.json",
    "workflows/ingestion/stations/stations.py",
    "workflows/ingestion/stations/testdata/stations.jsonl",
    "workflows/schemas/stations.py",
}


def rendered(
    template: str, *, name: str = "shop", version: str = "", pants: PantsPlace | None = None
) -> dict[str, str]:
    return render_project(ProjectRequest(name=name, template=template, runtime_version=version, pants=pants))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_has_exactly_these_files(template: str) -> None:
    assert set(rendered(template)) == STANDALONE[template]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("pants", [None, PantsPlace("teams/shop")])
def test_every_file_ends_with_one_newline_and_is_fully_rendered(template: str, pants: PantsPlace | None) -> None:
    for path, text in rendered(template, pants=pants).items():
        if text:
            assert text.endswith("\n"), path
            assert not text.endswith("\n\n"), path
        if not path.endswith((".sql", ".yml")):
            assert "{%" not in text, path
            assert "{{" not in text, path


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_pyproject_names_its_packages_and_the_project(template: str) -> None:
    document = tomllib.loads(rendered(template, version="1.4.0")["pyproject.toml"])
    assert document["project"]["name"] == "shop"
    assert document["project"]["dependencies"] == ["cascade-workflows>=1.4.0"]
    assert document["project"]["optional-dependencies"]["dev"] == document["dependency-groups"]["dev"]
    tool = document["tool"]
    assert tool["setuptools"]["packages"]["find"]["include"] == ["workflows*"]
    assert tool["cascade"]["project_name"] == "shop"
    assert tool["cascade"]["workflows_path"] == "workflows"
    assert ("dg" in tool) == (template != "minimal")


def test_every_file_gives_dagster_the_same_name() -> None:
    files = rendered("basic", name="Air Quality")
    tool = tomllib.loads(files["pyproject.toml"])["tool"]
    assert tool["cascade"]["project_name"] == tool["dg"]["project"]["code_location_name"] == "air-quality"
    assert 'location_name: "air-quality"' in files["workspace.yaml"]


@pytest.mark.parametrize(
    ("version", "bound"),
    [
        ("0.1.0", ">=0.1.0"),
        ("1.0rc1", ">=1.0rc1"),
        ("0.2.dev3+g1a2b3c.d20240101", ">=0.2.dev3"),
        ("0+source", ""),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_the_requirement_has_the_release_as_its_minimum(version: str, bound: str) -> None:
    request = ProjectRequest(name="shop", runtime_version=version)
    assert request.requirement() == f"cascade-workflows{bound}"
    assert request.requirement("dbt", "testing") == f"cascade-workflows[dbt,testing]{bound}"


def test_the_error_for_an_unknown_template_suggests_one() -> None:
    with pytest.raises(UsageError, match=r'use basic, advanced or minimal\. Did you mean "advanced"\?'):
        ProjectRequest(name="shop", template="advance")


@pytest.mark.parametrize("name", ["shop", "my-project", "My Project", "2024_sales", "naïve", "json", "cascade"])
def test_valid_names(name: str) -> None:
    assert not list(directory_problems(name))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("", "'project'"),
        ("123", "'project-123'"),
        ("-x", "'x'"),
        (".shop", "'shop'"),
        ("a:b", "'a-b'"),
        ("tab\there", "'tab-here'"),
        ("end.", "'end'"),
        (" shop", "'shop'"),
        ("日本", "'project'"),
        ("\udcffshop", "'shop'"),
    ],
)
def test_the_problem_of_an_invalid_name_suggests_a_valid_one(name: str, meant: str) -> None:
    (problem,) = directory_problems(name)
    assert f"Use {meant}" in problem
    assert not list(directory_problems(meant.strip("'")))


def test_a_very_long_name_is_refused() -> None:
    assert len(list(directory_problems("a" * 101))) == 1


@pytest.mark.parametrize(
    ("name", "distribution", "dbt"),
    [
        ("My_Shop.2", "my-shop-2", "my_shop_2"),
        ("2024-sales", "2024-sales", "project_2024_sales"),
        ("json", "json-project", "json_project"),
        ("concurrent_futures", "concurrent-futures", "concurrent_futures"),
        ("Cascade", "cascade-project", "cascade_project"),
        ("workflows", "workflows-project", "workflows_project"),
        ("dagster", "dagster-project", "dagster_project"),
        ("class", "class", "project_class"),
        ("météo", "meteo", "meteo"),
    ],
)
def test_names_derived_from_the_directory(name: str, distribution: str, dbt: str) -> None:
    assert distribution_name(name) == distribution
    assert dbt_name(distribution) == dbt
