"""Commands report modules that fail to load, and still show all others."""

from __future__ import annotations

import pytest
from standalone.conftest import Project


def test_each_module_that_fails_to_load_is_reported_with_its_line_and_hides_no_other(project: Project) -> None:
    directory = "workflows/ingestion/odd"
    project.write(f"{directory}/prints.py", "print('a line of a module')\n")
    project.write(f"{directory}/ends.py", "import sys\n\nsys.exit(4)\n")
    project.write(f"{directory}/raises.py", "class Odd(BaseException): ...\n\n\nraise Odd('no luck')\n")
    project.write(f"{directory}/broken.py", "def f(:\n")
    project.write(f"{directory}/_private.py", "1 / 0\n")
    project.write_workflow("workflows/ingestion/traffic/observations.py", "traffic_observations")

    listed = project.types("cascade", "list", "--json")
    assert listed.code == 1
    document = listed.json_document()
    assert [workflow["asset"] for workflow in document["workflows"]] == ["traffic_observations", "weather_observations"]
    assert len(document["failures"]) == 3
    assert "a line of a module" in listed.err

    checked = project.types("cascade", "validate")
    assert checked.code == 1
    told = [line for line in checked.out.splitlines() if line.startswith(directory)]
    assert [line.partition(": ")[0] for line in told] == [
        f"{directory}/broken.py:1",
        f"{directory}/ends.py:3",
        f"{directory}/raises.py:4",
    ]
    assert "SystemExit: 4" in told[1]
    assert "Odd: no luck" in told[2]

    # A mistake elsewhere does not stop a workflow.
    ran = project.types("cascade", "materialize", "traffic_observations", "--partition", "2024-01-01").ok()
    assert ran.err.count("not loaded") == 3


def test_two_workflows_of_one_table_are_one_error_with_both_locations(project: Project) -> None:
    project.write_workflow("workflows/ingestion/again.py", "weather_observations")
    for command in (("validate",), ("list",), ("materialize", "weather_observations", "--partition", "2024-01-01")):
        done = project.types("cascade", *command)
        assert done.code != 0
        said = done.out + done.err
        assert said.count("already declared") == 1
        assert "workflows/ingestion/again.py:7" in said
        assert "workflows/ingestion/weather/observations.py:7" in said
        assert "Traceback" not in said


@pytest.mark.parametrize("name", ["email", "my-workflows"])
def test_a_directory_that_cannot_be_a_package_is_refused_with_the_reason(project: Project, name: str) -> None:
    (project.root / "workflows").rename(project.root / name)
    done = project.types("cascade", "list", CASCADE_WORKFLOWS_PATH=name)
    assert done.code == 1
    assert "the name of the standard module" in done.err or "not a valid name for a Python package" in done.err
    assert "Traceback" not in done.err
