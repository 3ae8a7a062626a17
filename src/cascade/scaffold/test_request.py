from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cascade.exceptions import UsageError
from cascade.scaffold import IngestionRequest
from cascade.scaffold.__main__ import answer, main
from cascade.scaffold.request import columns_of

WEATHER = {"package": "workflows.weather", "directory": "src/workflows/weather"}


def test_the_defaults_follow_from_the_directory() -> None:
    request = IngestionRequest.from_json({"kind": "ingestion", **WEATHER, "table": None, "cron": None})
    assert request.domain == "weather"
    assert request.table_name == "weather_observations"
    assert request.group_name == "weather"
    assert request.unique_key == ("id",)
    assert request.source == "file"


def test_a_bad_package_is_one_problem() -> None:
    with pytest.raises(UsageError) as caught:
        IngestionRequest(package="workflows.credit-risk", directory="src/workflows/credit-risk")
    assert len(str(caught.value).splitlines()) == 1


def test_all_problems_come_in_one_error() -> None:
    with pytest.raises(UsageError) as caught:
        IngestionRequest(
            package="workflows.weather",
            directory="src/workflows/weather",
            source="rest_api",
            table="a b",
            unique_key=("x-y",),
            cron="never",
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "4 arguments are invalid:"
    assert len(lines) == 5
    assert 'Did you mean "rest-api"?' in lines[1]
    assert caught.value.exit_code == 2


def test_a_standalone_workflow_is_in_the_ingestion_folder() -> None:
    with pytest.raises(UsageError, match=r"must end with ingestion\.weather"):
        IngestionRequest(package="workflows.weather", directory="workflows/weather", flavour="standalone")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], "A request must be a JSON object, not list."),
        ({"package": "workflows.weather"}, "The request lacks the field 'directory'."),
        ({**WEATHER, "tabel": "x"}, 'Did you mean "table"?'),
        ({**WEATHER, "kind": "transform"}, "Unknown kind 'transform': use ingestion."),
        ({**WEATHER, "source": "qualty"}, 'dataframe, quality or dbt. Did you mean "quality"?'),
        ({**WEATHER, "source": "data-base"}, 'Did you mean "database"?'),
        ({**WEATHER, "table": 3}, "'table' must be a string, not 3."),
        ({**WEATHER, "unique_key": 3}, "'3' cannot be the name of a schema field"),
    ],
)
def test_the_error_for_an_invalid_document_says_why(document: object, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        IngestionRequest.from_json(document)
    assert expected in str(caught.value)


def test_columns_come_from_strings_and_lists() -> None:
    assert columns_of("a, b") == columns_of(["a", "b"]) == columns_of(["a,b"]) == ("a", "b")


def test_the_answer_has_the_files_and_the_parent_packages() -> None:
    document = answer(json.dumps(WEATHER))
    assert str(document["build"]).startswith("cascade_workflow()\n")
    assert document["packages"] == {"src/workflows/__init__.py": ""}
    assert isinstance(document["files"], dict)
    assert list(document["files"]) == [
        f"src/workflows/weather/{name}"
        for name in (
            *("__init__.py", "observations.py", "schema.py", "test_observations.py", "data/observations.csv"),
            "testdata/weather_observations.jsonl",
        )
    ]
    in_resolve = answer(json.dumps({**WEATHER, "resolve": "data-team"}))
    assert 'resolve="data-team")' in str(in_resolve["build"])


def test_errors_are_answers() -> None:
    assert "is not valid JSON" in str(answer("{")["error"])
    assert "Use src/workflows/credit_risk" in str(
        answer(json.dumps({"package": "workflows.credit-risk", "directory": "src/workflows/credit-risk"}))["error"]
    )


def test_the_module_runs_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, runpy; sys.argv = ['scaffold', sys.argv[1]]\n"
        "try:\n    runpy.run_module('cascade.scaffold', run_name='__main__')\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "heavy = {'dagster', 'dlt', 'pyarrow', 'pyiceberg', 'polars', 'pandas', 'pydantic', 'click', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps(WEATHER)], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert set(json.loads(result.stdout)) == {"build", "files", "packages", "table", "partition"}


def test_without_a_request_the_usage_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Usage: python -m cascade.scaffold" in capsys.readouterr().err
