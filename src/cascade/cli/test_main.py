"""The command line as a whole: help, errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from types import ModuleType

import pytest
from click.testing import CliRunner

from cascade.cli import main as main_module
from cascade.cli.conftest import Cascade
from cascade.cli.main import cli, run_project
from cascade.framework.conftest import THINGS, SampleProject
from cascade.processes.children import child_environment
from cascade.program import typed


def test_help_lists_every_command_with_a_line_of_help() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name in main_module._COMMANDS:
        assert f"  {name} " in result.stdout


def test_each_command_has_help() -> None:
    for name in main_module._COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, result.output
        assert len(result.stdout.splitlines()) > 4


def test_help_imports_nothing_heavy() -> None:
    heavy = ("dagster", "dlt", "pyiceberg", "pyarrow", "polars", "pandas", "pandera", "pydantic", "rich", "sqlalchemy")
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from cascade.cli.main import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_a_misspelt_command_is_corrected(cascade: Cascade) -> None:
    result = cascade("materialise")
    assert result.exit_code == 2
    assert 'Did you mean "materialize"?' in result.stderr


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("cascade ")


@pytest.mark.parametrize("command", [("list",), ("materialize", "things"), ("validate",), ("config", "show")])
def test_a_wrong_fault_point_is_an_error_of_every_command(
    cascade: Cascade, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CASCADE_FAULT_POINT", "bogus")
    result = cascade(*command)
    assert result.exit_code == 2, result.output
    assert 'error: CASCADE_FAULT_POINT: "bogus" is not a fault point.' in result.stderr
    assert "The fault points are extract, normalise, write, commit, audit, publish, state." in result.stderr
    assert cascade("--help").exit_code == 0


def test_a_bad_setting_is_a_message_and_exit_code_2(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    result = cascade("config", "show")
    assert result.exit_code == 2
    assert "CASCADE_POSTGRES_PORT in the environment is 'many'" in result.stderr
    assert "Traceback" not in result.output


def test_an_unexpected_error_is_a_message_and_shows_its_traceback_on_demand(
    cascade: Cascade, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cascade.config import CascadeConfig

    def defect(self: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(CascadeConfig, "describe", defect)
    result = cascade("config", "show")
    assert result.exit_code == 1
    assert "unexpected ZeroDivisionError: a defect" in result.stderr
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    result = cascade("--debug", "config", "show")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "in defect" in result.stderr
    assert result.stderr.endswith("error: unexpected ZeroDivisionError: a defect\n")


def test_a_traceback_changes_no_exit_code(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    result = cascade("--debug", "config", "show")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "error: CASCADE_POSTGRES_PORT in the environment is 'many'" in result.stderr


def test_an_unexpected_error_shows_no_password(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    from cascade.config import CascadeConfig

    def defect(self: object) -> None:
        address = "me:hush".join(("postgresql://", "@host"))
        raise OSError(address)

    monkeypatch.setattr(CascadeConfig, "describe", defect)
    for words in (("config", "show"), ("--debug", "config", "show"), ("config", "show", "--json")):
        result = cascade(*words)
        assert "postgresql://me:**********@host" in result.stderr
        assert "//me:hush" not in result.output


def test_an_error_is_a_document_too(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    result = cascade("config", "show", "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert (error["type"], error["location"]) == ("ConfigError", None)
    assert "CASCADE_POSTGRES_PORT in the environment is 'many'" in error["message"]
    assert "config docs" in error["hint"]


@pytest.mark.parametrize(
    "words", [("materialize", "--json"), ("table", "show", "--jsn", "--json"), ("config", "--json")]
)
def test_invalid_usage_is_a_document_too(cascade: Cascade, words: tuple[str, ...]) -> None:
    result = cascade(*words)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["message"] in result.stderr


def test_an_unexpected_error_is_a_document_too(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    from cascade.config import CascadeConfig

    def defect(self: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(CascadeConfig, "describe", defect)
    result = cascade("config", "show", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == {
        "type": "ZeroDivisionError",
        "message": "a defect",
        "location": None,
        "hint": None,
    }


def test_a_manifest_runs_the_command_line_with_its_modules(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("things.py", THINGS)
    project.write("other.py", "raise RuntimeError('not in the manifest')")
    for variable in ("CASCADE_PROJECT_NAME", "CASCADE_PROGRAM"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    # It is not among the installed packages, as that of an image would be.
    manifest = ModuleType("cascade_project_dev")
    manifest.__file__ = str(project.root / "cascade_project_dev.py")
    monkeypatch.setitem(sys.modules, "cascade_project_dev", manifest)
    with pytest.raises(SystemExit) as caught:
        run_project(
            {
                "version": 1,
                "name": "dev",
                "address": "//:dev",
                "module": "cascade_project_dev",
                "modules": (project.module("things"),),
            },
            ["materialize", "thing"],
        )
    monkeypatch.setenv("CASCADE_PROJECT_NAME", "")
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert 'Did you mean "things"?' in message
    assert "pants run //:dev -- list" in message
    assert typed("table history things").endswith("pants run //:dev -- table history things")


def test_python_m_cascade_runs_the_command_line(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    result = subprocess.run(
        [sys.executable, "-m", "cascade", "list"], capture_output=True, text=True, env=child_environment()
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "raw.things" in result.stdout
