"""dbt's errors in the wording of dbt 1.11, each with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.dbt.results import DbtProblem, error_of, read_problems

FILES = {
    "dbt_project.yml": "name: demo\n",
    "models/silver/daily.sql": "select 1\n\nfrom {{ source('raw', 'things') }}\njoin {{ ref('other') }}\n",
    "models/silver/daily.yml": "models:\n  - name: daily\n  - name: 'dayly' # a typo\n",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def problem(directory: Path, exc: str) -> DbtProblem:
    event = {"info": {"level": "error", "name": "MainEncounteredError", "msg": f"Encountered an error:\n{exc}"}}
    (found,) = read_problems([{**event, "data": {"exc": exc}}], directory)
    return found


@pytest.mark.parametrize(
    ("exc", "file", "line", "said"),
    [
        (
            "Compilation Error in model daily (models/silver/daily.sql)\n  unexpected '}', expected ')'\n    line 3\n"
            '      from {{ source("raw", "x" }}',
            "models/silver/daily.sql",
            3,
            "unexpected '}', expected ')'",
        ),
        (
            "Compilation Error\n  Model 'model.demo.daily' (models/silver/daily.sql) depends on a source named "
            "'raw.things' which was not found",
            "models/silver/daily.sql",
            3,
            "source named 'raw.things' which was not found. Declare it in a YAML file",
        ),
        (
            "Compilation Error\n  Model 'model.demo.daily' (models/silver/daily.sql) depends on a node named 'other' "
            "which was not found",
            "models/silver/daily.sql",
            4,
            "node named 'other' which was not found",
        ),
        (
            "Parsing Error\n  The schema file at models/silver/daily.yml is invalid because a list element for "
            "'models' does not have a name attribute.",
            "models/silver/daily.yml",
            1,
            "does not have a name attribute",
        ),
        (
            "Runtime Error\n  at path ['name']: 'demo-x' does not match '^[^\\d\\W]\\w*$'\n\n"
            "Error encountered in ./dbt_project.yml",
            "dbt_project.yml",
            1,
            "'demo-x' does not match",
        ),
        ("Runtime Error\n  something without a file", "dbt_project.yml", 1, "something without"),
    ],
)
def test_the_file_and_the_line_are_found(directory: Path, exc: str, file: str, line: int, said: str) -> None:
    found = problem(directory, exc)
    assert (found.file, found.line) == (directory / file, line)
    assert said in found.message
    assert "\n" not in found.message


def test_a_yaml_error_omits_the_excerpt(directory: Path) -> None:
    # The path is relative to the model directory.
    found = problem(
        directory,
        "Parsing Error\n  Error reading demo: silver/daily.yml - Runtime Error\n    Syntax error near line 3\n"
        "    ------------------------------\n    1  | models:\n    2  |   - name: a\n    3  |    x: [\n    \n"
        "    Raw Error:\n    ------------------------------\n    while parsing a block collection\n"
        "      in \"<unicode string>\", line 2, column 3\n    did not find expected '-' indicator",
    )
    assert (found.file, found.line) == (directory / "models/silver/daily.yml", 3)
    assert found.message == (
        "dbt: Parsing Error: Error reading demo: silver/daily.yml - Runtime Error Syntax error near line 3 "
        "while parsing a block collection in \"<unicode string>\", line 2, column 3 did not find expected '-' indicator"
    )


def test_properties_of_a_model_that_does_not_exist_are_a_problem(directory: Path) -> None:
    event = {
        "info": {"level": "warn", "name": "NoNodeForYamlKey"},
        "data": {"file_path": "models/silver/daily.yml", "patch_name": "dayly", "yaml_key": "models"},
    }
    (found,) = read_problems([event, event], directory)
    assert (found.file, found.line) == (directory / "models/silver/daily.yml", 3)
    assert "the models include no 'dayly'" in found.message


def test_other_warnings_are_not_problems(directory: Path) -> None:
    assert read_problems([{"info": {"level": "warn", "name": "UnusedResourceConfigPath"}, "data": {}}], directory) == ()


def test_an_error_lists_the_first_problems_and_counts_the_others() -> None:
    problems = [DbtProblem(f"dbt: {name}", Path(f"{name}.sql"), 2) for name in "abcdefgh"]
    lines = str(error_of(problems)).splitlines()
    assert lines == [*(f"{name}.sql:2: dbt: {name}" for name in "abcdef"), "... and 2 more"]
    assert str(error_of(problems[:2])).splitlines() == lines[:2]
