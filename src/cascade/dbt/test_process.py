"""What a process of dbt is given, and what becomes of its exit code. The program that runs here is not dbt."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import process
from cascade.dbt.manifest import find_manifest
from cascade.dbt.parse import how_to_install_dbt
from cascade.dbt.process import dbt_executable, run_dbt
from cascade.exceptions import UsageError

_FAKE = """
import json, os, pathlib, sys
target = pathlib.Path(os.environ["DBT_TARGET_PATH"])
target.mkdir(parents=True, exist_ok=True)
(target / "manifest.json").write_text("{}")
if "FAKE_EDIT" in os.environ:
    pathlib.Path(os.environ["FAKE_EDIT"]).write_text("select 1 as x")
(target / "called.json").write_text(json.dumps([sys.argv[1:], os.environ.get("DBT_STATE")]))
(target / "directory").write_text(os.getcwd())
sys.exit(int(os.environ.get("FAKE_EXIT", 0)))
"""


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", _FAKE)
    monkeypatch.setattr(process, "dbt_is_installed", lambda: True)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_that_of_dbt(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setenv("FAKE_EXIT", str(code))
    assert run_dbt(config, ["build", "--threads", "2"]) == code
    called, _ = json.loads((config.state_directory / "dbt/target/called.json").read_text())
    assert called == ["build", "--threads", "2"]


def test_the_state_is_that_of_the_last_whole_build_that_succeeded(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = config.state_directory / "dbt/state"
    for arguments in (
        ["test"],
        ["build", "-s", "x"],
        ["build", "--select=x"],
        ["build", "--help"],
        ["build", "--empty"],
    ):
        assert run_dbt(config, arguments) == 0
        assert not state.exists(), arguments
    monkeypatch.setenv("FAKE_EXIT", "1")
    run_dbt(config, ["build"])
    assert not state.exists()
    monkeypatch.setenv("FAKE_EXIT", "0")
    run_dbt(config, ["--quiet", "build", "--full-refresh"])
    assert [file.name for file in state.iterdir()] == ["manifest.json"]
    run_dbt(config, ["ls", "-s", "state:modified"])
    _, given = json.loads((config.state_directory / "dbt/target/called.json").read_text())
    assert given == str(state)


def test_with_a_profile_of_your_own_dbt_starts_where_dagster_starts_it(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    target = config.state_directory / "dbt/target"
    run_dbt(config, ["build"])
    assert (target / "directory").read_text() == str(tmp_path)
    (config.dbt_project_directory / "profiles.yml").write_text("{}")
    run_dbt(config, ["build"])
    assert (target / "directory").read_text() == str(config.dbt_project_directory)
    place = find_manifest(config)
    assert place is not None
    # dbt has written to a database in the project.
    (config.dbt_project_directory / "shop.duckdb").write_text("rows")
    assert find_manifest(config) == place


def test_what_a_command_has_parsed_is_not_parsed_again(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["build", "--vars", "{x: 1}"], ["build", "--target", "other"], ["ls"], ["build", "-s", "x"]):
        assert run_dbt(config, arguments) == 0
        assert find_manifest(config) is None, arguments
    monkeypatch.setenv("FAKE_EXIT", "2")
    run_dbt(config, ["build"])
    assert find_manifest(config) is None
    monkeypatch.delenv("FAKE_EXIT")
    model = config.dbt_project_directory / "models/edited.sql"
    monkeypatch.setenv("FAKE_EDIT", str(model))
    run_dbt(config, ["build"])
    # The file has changed while dbt ran, so the manifest may be that of the older one or of the newer one.
    assert find_manifest(config) is None
    monkeypatch.delenv("FAKE_EDIT")
    run_dbt(config, ["--quiet", "build"])
    assert find_manifest(config) is not None
    for number, arguments in enumerate((["parse"], ["run"], ["test"], ["source", "freshness"])):
        model.write_text(f"select {number} as edited")
        run_dbt(config, arguments)
        assert find_manifest(config) is not None
    assert len(list((config.state_directory / "dbt/parsed").iterdir())) == 3


def test_on_trino_the_adapter_is_needed_too(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "trino_is_installed", lambda: False)
    assert run_dbt(config, ["build"]) == 0
    with pytest.raises(UsageError, match="dbt-trino is not installed") as caught:
        run_dbt(config.model_copy(update={"trino_host": "trino.example"}), ["build"])
    assert caught.value.hint == how_to_install_dbt(extra="trino")


def test_without_a_dbt_project_the_error_says_how_to_create_one(config: CascadeConfig) -> None:
    (config.dbt_project_directory / "dbt_project.yml").unlink()
    with pytest.raises(UsageError, match="There is no dbt project") as caught:
        run_dbt(config, ["build"])
    assert "create-workflow --type transform" in str(caught.value.hint)


def test_without_dbt_the_error_says_how_to_install_it(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "dbt_is_installed", lambda: False)
    with pytest.raises(UsageError, match="dbt is not installed"):
        run_dbt(config, ["build"])


def test_the_executable_is_written_and_starts_this_environment(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "START", "import sys; print(sys.argv[1:])")
    executable = dbt_executable(config)
    assert executable == tmp_path / ".cascade/dbt/bin/dbt"
    assert subprocess.run([executable, "a b", "$c"], capture_output=True, text=True).stdout == "['a b', '$c']\n"
    before = executable.stat().st_mtime_ns
    assert dbt_executable(config).stat().st_mtime_ns == before
