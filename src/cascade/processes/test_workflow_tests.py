"""Which test files belong to a workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.framework.conftest import THINGS, SampleProject, project
from cascade.framework.declared_names import declared_names, module_files
from cascade.framework.modules import import_root
from cascade.processes.workflow_tests import (
    domain_of,
    find_test_files,
    modules_of,
    names_of_others,
    select_tests,
    workflow_names,
)

__all__ = ["project"]


@pytest.fixture(autouse=True)
def weather(project: SampleProject) -> None:
    """Write a workflow `things` in the domain `weather`."""
    project.write("ingestion/weather/observations.py", THINGS)
    project.write("schemas/weather.py", "")


def write_test(project: SampleProject, name: str, text: str = "") -> None:
    path = project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("{package}", project.package), encoding="utf-8")


def chosen(project: SampleProject, workflow: str) -> list[str]:
    workflows = project.root / project.package
    found = module_files(workflows)
    modules = modules_of(workflow, found)
    others = names_of_others(modules, declared_names(found))
    tests, base = find_test_files(project.root), import_root(workflows)
    files = select_tests(workflow, modules, tests, project.root, base, others=others)
    return [str(path.relative_to(project.root)) for path in files]


@pytest.mark.parametrize(
    "source",
    [
        "import {package}.ingestion.weather.observations",
        "from {package}.ingestion.weather.observations import things",
        "from {package}.ingestion.weather import observations as seen",
        "def test_it():\n    from {package}.ingestion.weather import observations",
    ],
)
@pytest.mark.parametrize("workflow", ["weather", "things", "raw.things"])
def test_a_file_that_imports_the_module(project: SampleProject, source: str, workflow: str) -> None:
    write_test(project, "tests/test_of_rain.py", source)
    write_test(project, "tests/test_other.py", "import {package}.ingestion, os\nfrom {package} import ingestion")
    assert chosen(project, workflow) == ["tests/test_of_rain.py"]


def test_a_file_that_imports_another_module_of_the_domain(project: SampleProject) -> None:
    write_test(project, "tests/test_rows.py", "from {package}.schemas.weather import Thing")
    assert chosen(project, "weather") == ["tests/test_rows.py"]
    assert chosen(project, "things") == []


def test_a_file_named_after_the_workflow(project: SampleProject) -> None:
    names = ("test_weather.py", "test_weather_rows.py", "weather/test_it.py", "weather_test.py", "test_weathered.py")
    for name in names:
        write_test(project, f"tests/{name}")
    write_test(project, "tests/test_things.py")
    assert sorted(chosen(project, "weather")) == [f"tests/{name}" for name in sorted(names[:-1])]
    assert chosen(project, "things") == ["tests/test_things.py"]


def test_a_file_named_after_a_workflow_with_a_longer_name(project: SampleProject) -> None:
    project.write("ingestion/weather_alerts/observations.py", THINGS.replace('"things"', '"alerts"'))
    project.write("ingestion/weather/hourly.py", THINGS.replace('"things"', '"weather_hourly"'))
    own = ["tests/test_weather_hourly.py", "tests/test_weather_quality.py"]
    alerts = ["tests/test_weather_alerts.py", "tests/test_weather_alerts_quality.py"]
    for name in (*own, *alerts):
        write_test(project, name)
    assert chosen(project, "weather") == own
    assert chosen(project, "weather_alerts") == alerts
    write_test(project, alerts[1], "from {package}.schemas import weather")
    assert chosen(project, "weather") == [alerts[1], *own]


def test_a_file_next_to_the_workflow_with_a_relative_import(project: SampleProject) -> None:
    for package in ("", "ingestion/", "ingestion/weather/"):
        project.write(f"{package}__init__.py", "")
    project.write("ingestion/weather/test_beside.py", "from .observations import things")
    project.write("ingestion/test_above.py", "from .weather import observations")
    directory = f"{project.package}/ingestion"
    assert chosen(project, "things") == [f"{directory}/test_above.py", f"{directory}/weather/test_beside.py"]


def test_files_in_environments_and_builds_are_left_out(project: SampleProject) -> None:
    for place in (".venv", "env", "build", "node_modules/x"):
        write_test(project, f"{place}/test_weather.py")
    write_test(project, "env/pyvenv.cfg")
    assert find_test_files(project.root) == []


def test_a_file_with_an_error_is_chosen_by_its_name_alone(project: SampleProject) -> None:
    write_test(project, "tests/test_weather.py", "import (")
    write_test(project, "tests/test_rows.py", "import (")
    assert chosen(project, "weather") == ["tests/test_weather.py"]


def test_the_domain_of_a_module() -> None:
    assert domain_of("workflows.ingestion.weather.observations") == "weather"
    assert domain_of("workflows.weather.observations") == "weather"
    assert domain_of("workflows.ingestion.weather") == "weather"
    assert domain_of("workflows.weather") == "weather"


def test_a_workflow_can_be_chosen_by_its_domain_and_by_its_table(project: SampleProject) -> None:
    project.write("native.py", "import dagster as dg\n\n@dg.asset\ndef plain(): ...\n")
    names = declared_names(module_files(Path(project.package)))
    assert workflow_names(names) == ["things", "weather"]
