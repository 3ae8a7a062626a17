from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cascade.scaffold import SOURCES, IngestionRequest, package_files, render_ingestion
from cascade.scaffold.environment import import_block, literal
from cascade.scaffold.examples import Example, ExampleColumn
from cascade.scaffold.names import asset_problems

KEYS = (
    ("id",),
    ("station", "observed_at"),
    ("date", "dt"),
    ("dt", "datetime", "value"),
    ("day",),
    ("identifier_of_the_station", "identifier_of_the_instrument", "identifier_of_the_reading"),
)
FLAVOURS = {
    "pants": ("workflows.credit_risk", "src/workflows/credit_risk"),
    "standalone": ("workflows.ingestion.credit_risk", "workflows/ingestion/credit_risk"),
}
OTHER_ASSETS = ("zones", "readings_of_instruments_in_towns")
LONG = "credit_risk_of_companies_by_region_and_quarter"


def every_request(first_party: bool = True) -> list[IngestionRequest]:
    long = [tuple(name.replace("credit_risk", LONG) for name in place) for place in FLAVOURS.values()]
    places = [*FLAVOURS.items(), *zip(FLAVOURS, long, strict=True)]
    return [
        IngestionRequest(
            package=package,
            directory=directory,
            source=source,
            asset=asset,
            unique_key=key,
            flavour=flavour,
            cron=None if key == ("id",) else "0 6 * * *",
            runtime_is_first_party=first_party,
        )
        for source in SOURCES
        for (flavour, (package, directory)), key, asset in [
            *((place, key, "observations") for place in places for key in KEYS),
            *((place, ("id",), asset) for place in FLAVOURS.items() for asset in OTHER_ASSETS),
        ]
    ]


def write(files: dict[str, str], directory: Path) -> None:
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_has_a_function_a_schema_a_test_and_a_package(source: str) -> None:
    request = IngestionRequest(package="workflows.weather", directory="src/workflows/weather", source=source)
    files = render_ingestion(request)
    assert {path.removeprefix("src/workflows/weather/") for path in files} - {"data/observations.csv"} == {
        "__init__.py",
        "observations.py",
        "schema.py",
        "test_observations.py",
        "testdata/weather_observations.jsonl",
    }
    code = files["src/workflows/weather/observations.py"]
    assert 'table_name="weather_observations"' in code
    assert 'unique_key="id"' in code
    assert "def observations(" in code
    assert "from workflows.weather.schema import WeatherObservation" in code
    assert "class WeatherObservation(BaseModel):" in files["src/workflows/weather/schema.py"]


@pytest.mark.parametrize("source", SOURCES)
def test_the_descriptions_that_dagster_and_the_table_show_are_noun_phrases(source: str) -> None:
    request = IngestionRequest(
        package="x", directory="x", source=source, asset="rides", unique_key=("zone", "measured_on")
    )
    files = render_ingestion(request)
    code = "\n".join(files.values())
    assert '    """The rides of one day' in files["x/rides.py"]
    assert "The zone of the observation, part of its key." in code
    assert "The day of the observation, part of its key." in code


def test_a_standalone_project_has_folders_for_schemas_and_tests() -> None:
    request = IngestionRequest(
        package="workflows.ingestion.weather", directory="workflows/ingestion/weather", flavour="standalone"
    )
    files = render_ingestion(request)
    assert set(files) == {
        "workflows/ingestion/weather/__init__.py",
        "workflows/ingestion/weather/observations.py",
        "workflows/ingestion/weather/data/observations.csv",
        "workflows/ingestion/weather/testdata/weather_observations.jsonl",
        "workflows/schemas/weather.py",
        "tests/test_weather.py",
    }
    assert "from workflows.schemas.weather import" in files["workflows/ingestion/weather/observations.py"]
    assert "from workflows.ingestion.weather.observations import" in files["tests/test_weather.py"]
    assert set(package_files(request)) == {
        "workflows/__init__.py",
        "workflows/ingestion/__init__.py",
        "workflows/schemas/__init__.py",
    }


def test_a_second_asset_of_a_domain_has_its_own_files() -> None:
    request = IngestionRequest(
        package="workflows.ingestion.weather",
        directory="workflows/ingestion/weather",
        asset="hourly_forecasts",
        flavour="standalone",
    )
    files = render_ingestion(request)
    assert set(files) == {
        "workflows/ingestion/weather/__init__.py",
        "workflows/ingestion/weather/hourly_forecasts.py",
        "workflows/ingestion/weather/data/hourly_forecasts.csv",
        "workflows/ingestion/weather/testdata/weather_hourly_forecasts.jsonl",
        "workflows/schemas/weather_hourly_forecasts.py",
        "tests/test_weather_hourly_forecasts.py",
    }
    code = files["workflows/ingestion/weather/hourly_forecasts.py"]
    assert '"""The weather hourly forecasts, read from a file next to this module."""' in code
    assert "from workflows.schemas.weather_hourly_forecasts import WeatherHourlyForecastsRow" in code
    assert 'table_name="weather_hourly_forecasts"' in code
    assert "def hourly_forecasts(" in code
    assert not [path for path, text in files.items() if "observations" in text]


def test_an_asset_cannot_have_a_name_that_the_code_uses() -> None:
    for source in SOURCES:
        for key in KEYS:
            request = IngestionRequest(
                package="flows.x", directory="flows/x", source=source, asset="zones", unique_key=key
            )
            for path, text in render_ingestion(request).items():
                if path.endswith(".py") and "schema" not in path:
                    taken = {name for name in names_in(text) if name.islower()} - {"zones", "flows"}
                    assert not [name for name in taken if not list(asset_problems(name))], path


def names_in(code: str) -> Iterator[str]:
    """Return every name that a module defines, imports or uses, except fields and attributes."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)


def test_the_decorator_has_the_requested_arguments() -> None:
    request = IngestionRequest(
        package="a.b",
        directory="a/b",
        table="Prices_1",
        unique_key=("x", "y"),
        cron="*/5 * * * *",
        group="markets",
    )
    tree = ast.parse(render_ingestion(request)["a/b/observations.py"])
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list)
    (decorator,) = function.decorator_list
    assert isinstance(decorator, ast.Call)
    given = {word.arg: ast.unparse(word.value) for word in decorator.keywords}
    assert given == {
        "table_name": "'Prices_1'",
        "unique_key": "('x', 'y')",
        "group": "'markets'",
        "validation_schema": "BObservation",
        "partition_start": "'2024-01-01'",
        "cron": "'*/5 * * * *'",
    }


def test_no_field_hides_the_type_of_another() -> None:
    for request in every_request():
        for path, text in render_ingestion(request).items():
            if "schema" not in path:
                continue
            tree = ast.parse(text)
            (model,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
            fields = {node.target.id: node for node in model.body if isinstance(node, ast.AnnAssign)}  # type: ignore[union-attr]
            used = {
                name.id
                for field in fields.values()
                for name in ast.walk(field.annotation)
                if isinstance(name, ast.Name)
            }
            assert not used & set(fields), (request.unique_key, used & set(fields))


def test_the_same_request_gives_the_same_files() -> None:
    assert [render_ingestion(request) for request in every_request()] == [
        render_ingestion(request) for request in every_request()
    ]


def test_a_given_example_replaces_the_default_one() -> None:
    columns = (
        ExampleColumn("station", "str", "The station."),
        ExampleColumn("observed_on", "date", "The day."),
        ExampleColumn("particles", "float", "Fine particles in the air, in micrograms.", bounds="ge=0, le=900"),
        ExampleColumn("ozone", "float", "Ozone.", required=False, bounds="ge=0"),
    )
    rows: list[dict[str, int | float | str | None]] = [
        {"station": "North", "observed_on": "2024-03-01", "particles": 7.5, "ozone": None}
    ]
    request = IngestionRequest(
        package="workflows.air", directory="src/workflows/air", unique_key=("station", "observed_on")
    )
    files = render_ingestion(request, Example(columns, rows))
    assert 'partition_start="2024-03-01"' in files["src/workflows/air/observations.py"]
    assert files["src/workflows/air/data/observations.csv"] == (
        "station,observed_on,particles,ozone\nNorth,2024-03-01,7.5,\n"
    )
    schema = files["src/workflows/air/schema.py"]
    assert "    particles: float = Field(\n        ge=0,\n        le=900,\n        description=" in schema
    assert '    ozone: float | None = Field(default=None, ge=0, description="Ozone.")' in schema


def test_all_code_compiles() -> None:
    for request in every_request():
        for path, text in {**render_ingestion(request), **package_files(request)}.items():
            if path.endswith(".py"):
                compile(text, path, "exec", dont_inherit=True)
                assert text == "" or (text.endswith("\n") and not text.endswith("\n\n"))


@pytest.mark.skipif(
    shutil.which("ruff") is None, reason="ruff is not on the path; the repository's lint command has it"
)
@pytest.mark.parametrize("width", [88, 120])
@pytest.mark.parametrize("first_party", [True, False])
def test_all_code_is_formatted_and_clean(tmp_path: Path, width: int, first_party: bool) -> None:
    for number, request in enumerate(every_request(first_party)):
        write(render_ingestion(request), tmp_path / str(number))
    ours = ["workflows", "cascade"] if first_party else ["workflows"]
    ruff = ["ruff", "--isolated", "--config", f"line-length={width}"]
    sources = ["--config", f"lint.isort.known-first-party={ours}", "--select", "E,F,I,UP,B,SIM,RUF", "--ignore", "E501"]
    for command in ([*ruff, "format", "--diff", "."], [*ruff, "check", *sources, "."]):
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_imports_are_sorted_into_sections_and_wrapped() -> None:
    block = import_block(
        [
            "from workflows.a import b",
            "import polars as pl",
            "from cascade.testing import test_workflow",
            "from pathlib import Path",
            "import json",
            "from __future__ import annotations",
            f"from workflows.{'x' * 60} import one, two, three",
        ],
        first_party=frozenset({"workflows"}),
    )
    assert block == (
        "from __future__ import annotations\n\n"
        "import json\nfrom pathlib import Path\n\n"
        "import polars as pl\nfrom cascade.testing import test_workflow\n\n"
        f"from workflows.a import b\nfrom workflows.{'x' * 60} import (\n    one,\n    two,\n    three,\n)"
    )


@pytest.mark.parametrize(
    "value", ["plain", 'a "quoted" text', "it's", "a\nb", "a\\b", "naïve", 3, None, ("a",), [1, "b"], {"a": None}]
)
def test_literals_evaluate_to_the_given_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value
