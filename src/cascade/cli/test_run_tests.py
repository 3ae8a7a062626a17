"""`cascade test`: pytest in the project's root, and the tests of one workflow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.project import Project
from cascade.processes import pytest_run
from cascade.processes.children import child_environment

CHECKS = """
    import os, sys
    from pathlib import Path

    def test_where(lakehouse):
        root = os.environ["CASCADE_PROJECT_ROOT"]
        assert (os.getcwd(), sys.path.count(root) > 0) == (root, True)
        assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"
        assert not Path(lakehouse.warehouse.removeprefix("file://")).is_relative_to(root)

    def test_imports():
        import {package}.weather.observations
"""


@pytest.fixture(autouse=True)
def weather(project: SampleProject) -> None:
    """Write a workflow `things` in the domain `weather`, without tests."""
    project.write("weather/observations.py", THINGS)


def write_test(project: SampleProject, name: str, text: str = "def test_it(): ...") -> Path:
    path = project.root / "tests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text.replace("{package}", project.package)), encoding="utf-8")
    return path


def ran(cascade: Cascade, *arguments: str) -> list[str]:
    """Return the files whose tests were run, each once."""
    return list(dict.fromkeys(test["file"] for test in cascade.json("test", *arguments)["tests"]))


def test_tests_run_in_the_root_with_the_projects_settings(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_test(project, "test_checks.py", CHECKS)
    monkeypatch.chdir(project.root / "tests")
    document = cascade.json("test")
    assert (document["success"], document["passed"], len(document["tests"])) == (True, 2, 2), document
    assert not (project.root / ".cascade").exists()


def test_a_failed_test_is_reported_with_exit_code_1(cascade: Cascade, project: SampleProject) -> None:
    write_test(project, "test_it.py", "def test_good(): ...\n\ndef test_bad():\n    assert 1 == 2\n")
    result = cascade("test", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["success"], document["passed"], document["failed"]) == (False, 1, 1)
    failed = document["tests"][1]
    assert (failed["name"], failed["file"], failed["line"]) == ("test_bad", "tests/test_it.py", 3)
    assert (failed["outcome"], failed["message"]) == ("failed", "assert 1 == 2")


def test_a_test_that_does_not_import_is_a_failure(cascade: Cascade, project: SampleProject) -> None:
    write_test(project, "test_it.py", "import not_installed_anywhere\n")
    result = cascade("test", "--json")
    assert result.exit_code == 1
    (broken,) = json.loads(result.stdout)["tests"]
    assert broken["outcome"] == "error"


def test_arguments_after_the_dashes_go_to_pytest(cascade: Cascade, project: SampleProject) -> None:
    write_test(project, "test_it.py", "def test_one(): ...\n\ndef test_two(): ...\n")
    document = json.loads(cascade("test", "--json", "--", "-k", "two").stdout)
    assert [test["name"] for test in document["tests"]] == ["test_two"]


def test_a_path_may_be_relative_to_the_working_directory(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_test(project, "test_one.py", "def test_one(): ...\n\ndef test_two(): ...\n")
    write_test(project, "test_two.py")
    monkeypatch.chdir(project.root / "tests")
    assert [test["name"] for test in cascade.json("test", "test_one.py::test_two")["tests"]] == ["test_two"]
    assert ran(cascade, "tests/test_two.py") == ["tests/test_two.py"]


def test_without_tests_the_hint_shows_where_to_write_one(cascade: Cascade) -> None:
    result = cascade("test")
    assert result.exit_code == 1
    assert "No test was run" in result.stderr
    assert "tests/test_<domain>.py" in result.stderr


def test_an_unknown_option_of_pytest_is_invalid_usage(cascade: Cascade) -> None:
    assert cascade("test", "--", "--no-such-option").exit_code == 2


def test_an_option_of_pytest_before_the_dashes_is_explained(cascade: Cascade) -> None:
    result = cascade("test", "-k", "two")
    assert result.exit_code == 2
    assert "Options of pytest come after --." in result.stderr


@pytest.mark.parametrize("name", ["weather", "things"])
def test_the_tests_of_one_workflow_are_run(cascade: Cascade, project: SampleProject, name: str) -> None:
    write_test(project, "test_of_rain.py", "from {package}.weather.observations import things\n\ndef test_it(): ...\n")
    write_test(project, "test_other.py")
    assert ran(cascade, "--workflow", name) == ["tests/test_of_rain.py"]


def test_a_workflow_from_a_factory_is_found_by_loading_it(cascade: Cascade, project: SampleProject) -> None:
    source = dedent(THINGS).replace('table_name="things"', 'table_name="".join("made")')
    project.write("factory.py", source)
    write_test(project, "test_it.py", "import {package}.factory\n\ndef test_it(): ...\n")
    assert ran(cascade, "--workflow", "made") == ["tests/test_it.py"]


def test_an_unknown_workflow_is_invalid_usage_and_the_hint_lists_the_known_ones(cascade: Cascade) -> None:
    result = cascade("test", "--workflow", "wether")
    assert result.exit_code == 2
    assert 'There is no workflow "wether". Did you mean "weather"?' in result.stderr
    assert "The workflows are: things, weather." in result.stderr


def test_the_error_for_a_workflow_without_tests_explains_how_they_are_found(
    cascade: Cascade, project: SampleProject
) -> None:
    write_test(project, "test_other.py")
    result = cascade("test", "--workflow", "weather")
    assert result.exit_code == 1
    assert "The workflow weather has no tests" in result.stderr
    assert "Write tests/test_weather.py" in result.stderr


def test_without_pytest_the_hint_installs_it(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_run, "find_spec", lambda name: None)
    result = cascade("test")
    assert result.exit_code == 1
    assert "Type: pip install 'cascade-workflows[testing]'" in result.stderr


def test_a_project_of_pants_is_tested_with_pants(cascade: Cascade) -> None:
    result = cascade("test", given=Project("dev", (), address="//:dev", module="cascade_project_dev"))
    assert result.exit_code == 2
    assert "pants test ::" in result.stderr


def test_ctrl_c_lets_pytest_end_by_itself(project: SampleProject) -> None:
    write_test(
        project,
        "test_slow.py",
        "import pathlib, time\n\ndef test_it():\n    pathlib.Path('started').touch()\n    time.sleep(60)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "cascade", "test"],
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A process in the background ignores Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (project.root / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "KeyboardInterrupt" in printed
    assert "no tests ran" in printed
