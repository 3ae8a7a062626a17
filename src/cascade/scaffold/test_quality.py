"""Quality checks can be generated for any table. `test_created_project.py` runs them."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cascade.exceptions import UsageError
from cascade.scaffold import DeclaredTable, QualityRequest, TableColumn, quality_packages, render_quality
from cascade.scaffold.__main__ import answer

WEATHER = DeclaredTable(
    namespace="raw",
    name="weather_observations",
    asset_key=("weather_observations",),
    unique_key=("id",),
    columns=(
        TableColumn("id", "number"),
        TableColumn("note", "text", required=False),
        TableColumn("Celsius", "number", required=False),
    ),
    module="workflows.ingestion.weather.observations",
    attribute="observations",
)
TEXT = replace(WEATHER, columns=WEATHER.columns[:2])
REQUIRED = replace(WEATHER, columns=WEATHER.columns[:1])
# Comes from a factory, in a list: it cannot be imported by name.
NAMELESS = replace(WEATHER, namespace="mart", asset_key=("mart", "weather_observations"), module=None, attribute=None)


def request(table: DeclaredTable, domain: str = "weather") -> QualityRequest:
    return QualityRequest(package="workflows.quality", directory="workflows/quality", domain=domain, table=table)


def test_the_paths_of_the_check_and_its_test() -> None:
    assert list(render_quality(request(WEATHER))) == ["workflows/quality/weather.py", "tests/test_weather_quality.py"]
    assert list(quality_packages(request(WEATHER))) == ["workflows/__init__.py", "workflows/quality/__init__.py"]
    nested = QualityRequest(package="flows.quality", directory="src/flows/quality", domain="weather", table=WEATHER)
    assert list(quality_packages(nested)) == ["src/flows/__init__.py", "src/flows/quality/__init__.py"]


@pytest.mark.parametrize(
    ("table", "column", "checks", "checked"),
    [
        (WEATHER, "Celsius", "[NotNull(COLUMN, name='values'), RowCount(min=1)]", "observations"),
        (TEXT, "note", "[NotNull(COLUMN, name='values'), RowCount(min=1)]", "observations"),
        (REQUIRED, "id", "[RowCount(min=1)]", "observations"),
        (NAMELESS, "Celsius", "[NotNull(COLUMN, name='values'), RowCount(min=1)]", "'mart.weather_observations'"),
    ],
)
def test_the_checks_read_an_optional_column(table: DeclaredTable, column: str, checks: str, checked: str) -> None:
    tree = ast.parse(render_quality(request(table))["workflows/quality/weather.py"])
    assigned = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert assigned == {"COLUMN": column}
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    (decorator,) = function.decorator_list
    assert function.name == "plausible" and isinstance(decorator, ast.Call)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in decorator.keywords}
    assert (given["table"], given["checks"]) == (checked, checks)


def test_a_check_gets_an_unused_name() -> None:
    taken = frozenset({"plausible", "plausible_2"})
    third = replace(request(WEATHER), taken=taken)
    assert third.check == "plausible_3"
    check, test = render_quality(third).values()
    assert "def plausible_3(" in check and "judge_rows(plausible_3, " in test


def test_a_domain_that_cascade_would_not_load_is_refused() -> None:
    with pytest.raises(UsageError, match="'weather', for example"):
        request(WEATHER, domain="weather_test")


def asked_by_pants(**changes: object) -> dict[str, object]:
    document = {
        "kind": "quality",
        "package": "workflows.weather",
        "directory": "src/workflows/weather",
        "table": "raw.weather_observations",
        "unique_key": ["station", "day"],
        "module": "workflows.weather.observations",
        "attribute": "observations",
        "runtime_is_first_party": True,
        **changes,
    }
    return answer(json.dumps({name: value for name, value in document.items() if value is not None}))


def test_pants_asks_for_checks_next_to_their_test() -> None:
    found = asked_by_pants()
    files = found["files"]
    assert isinstance(files, dict)
    assert list(files) == ["src/workflows/weather/checks.py", "src/workflows/weather/test_checks.py"]
    assert found["build"] == "cascade_workflow()\n" and found["table"] == "raw.weather_observations"
    check, test = files.values()
    assert "from workflows.weather.observations import observations\n" in check and "table=observations," in check
    assert "from workflows.weather.checks import COLUMN, plausible\n" in test
    nameless = asked_by_pants(module=None, attribute=None, unique_key=None)["files"]
    assert isinstance(nameless, dict)
    assert 'table="raw.weather_observations",' in nameless["src/workflows/weather/checks.py"]
    assert asked_by_pants(table=None) == {"error": "The request lacks the field 'table'."}


@pytest.mark.skipif(
    shutil.which("ruff") is None, reason="ruff is not on the path; the repository's lint command has it"
)
@pytest.mark.parametrize("width", [88, 100, 120])
def test_generated_code_is_formatted_and_clean(tmp_path: Path, width: int) -> None:
    tables = [WEATHER, TEXT, REQUIRED, NAMELESS, replace(WEATHER, columns=(TableColumn("x" * 40, "number", False),))]
    asked = [request(table, "credit_risk") for table in tables]
    longest = request(replace(WEATHER, columns=(TableColumn("x" * 36, "number", False),)), "credit_risk")
    asked += [longest, replace(longest, taken=frozenset({longest.check}))]
    for number, quality in enumerate(asked):
        for path, text in render_quality(quality).items():
            (tmp_path / str(number) / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / str(number) / path).write_text(text)
    ruff = ["ruff", "--isolated", "--config", f"line-length={width}"]
    ours = ["--config", 'lint.isort.known-first-party=["workflows"]', "--select", "E,F,I,UP,B,SIM,RUF,D1"]
    for command in ([*ruff, "format", "--diff", "."], [*ruff, "check", *ours, "--ignore", "E501,D103,D104", "."]):
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
