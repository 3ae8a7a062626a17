"""The parse that a PEX brings along: what it is taken for, and that dbt takes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cascade.config import CascadeConfig
from cascade.config.dbt_directory import PACKED_VARIABLE, PARSED_SUFFIX, describe_packed
from cascade.dbt import parse
from cascade.dbt.conftest import DBT_PROJECT, write_files
from cascade.dbt.manifest import current_manifest, find_manifest
from cascade.dbt.packing import main
from cascade.dbt.parse import log_events
from cascade.dbt.process import dbt_executable
from cascade.dbt.profile import dbt_environment

# dbt brings it along, and does not run on every Python.
msgpack = pytest.importorskip("msgpack")

INSIDE = "transforms/dbt"
# What stands for dbt writes its own paths and a time, as dbt does.
_FAKE = """
import json, msgpack, os, pathlib, sys, time
target = pathlib.Path(sys.argv[sys.argv.index("--target-path") + 1])
error = os.environ.get("FAKE_ERROR")
if error:
    print(json.dumps({"info": {"level": "error", "msg": error}, "data": {"exc": error}}))
    sys.exit(2)
if os.environ.get("FAKE_LOG"):
    open(os.environ["FAKE_LOG"], "a").write("parse ")
project = os.environ["DBT_PROJECT_DIR"]
metadata = {"generated_at": str(time.time()), "invocation_id": str(os.getpid())}
node = {"created_at": time.time(), "root_path": project, "database": os.environ["DBT_CASCADE_DUCKDB_FILE"]}
(target / "manifest.json").write_text(json.dumps({"nodes": {"a": node}, "metadata": metadata}))
path = {"project_root": project, "modification_time": time.time()}
(target / "partial_parse.msgpack").write_bytes(msgpack.packb({
    "nodes": {"a": node}, "metadata": metadata,
    "files": {"a": {"path": path}, "b": {"path": {**path, "project_root": "/x"}}},
    "state_check": {"profile_hash": {"checksum": "?"}}, "env_vars": {"REGION": "DBT_DEFAULT_PLACEHOLDER"},
}))
"""


def files_of_pex(directory: Path, files: dict[str, str]) -> Path:
    packed = directory / "pex/dev_dbt/0123"
    write_files(packed, files)
    return packed


def pack(files: Path) -> Path:
    output = files.with_name(f"{files.name}{PARSED_SUFFIX}")
    assert main([json.dumps({"files": str(files), "inside": INSIDE, "output": str(output)})]) == 0
    return output


@pytest.fixture
def log(config: CascadeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file to which each parse where the PEX runs writes, instead of dbt. It packs a project before."""
    for name in ("START", "START_IN_ORDER"):
        monkeypatch.setattr(parse, name, _FAKE)
    files = files_of_pex(tmp_path, DBT_PROJECT)
    pack(files)
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    (tmp_path / "log").touch()
    monkeypatch.setenv(PACKED_VARIABLE, describe_packed(files, INSIDE))
    return tmp_path / "log"


@pytest.fixture
def server(tmp_path: Path) -> CascadeConfig:
    """Return the settings of a project that has only the dbt project of its PEX."""
    (tmp_path / "server").mkdir(exist_ok=True)
    return CascadeConfig(project_root=tmp_path / "server")


def test_nothing_is_parsed_where_the_pex_runs(log: Path, server: CascadeConfig) -> None:
    found = find_manifest(server)
    assert found is not None and found == current_manifest(server)
    assert log.read_text() == ""
    node = json.loads(found.read_bytes())["nodes"]["a"]
    assert node["root_path"] == str(server.dbt_project_directory)
    assert node["database"] == str(server.state_directory / "dbt/lakehouse.duckdb")
    partial = msgpack.unpackb(found.with_name("partial_parse.msgpack").read_bytes())
    assert partial["files"]["a"]["path"]["project_root"] == str(server.dbt_project_directory)


def test_the_same_files_give_the_same_bytes_elsewhere(log: Path, tmp_path: Path) -> None:
    first = pack(files_of_pex(tmp_path, DBT_PROJECT))
    second = pack(files_of_pex(tmp_path / "another/place", DBT_PROJECT))
    names = sorted(file.name for file in first.iterdir())
    assert names == ["manifest.json", "parse.json", "partial_parse.msgpack"]
    for name in names:
        content = (first / name).read_bytes()
        assert content == (second / name).read_bytes()
        assert str(tmp_path).encode() not in content


def _edit_a_file(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    write_files(config.dbt_project_directory, {"models/silver/daily.sql": "select 2 as n"})


def _add_a_file(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    write_files(config.dbt_project_directory, {"models/target/more.sql": "select 2 as n"})


def _set_a_variable_that_a_model_reads(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("REGION", "north")


def _set_an_option_of_dbt(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("DBT_TARGET", "production")


def _write_a_profile(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    write_files(config.dbt_project_directory, {"profiles.yml": "shop: {}"})


def _read_the_environment_in_the_project_file(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    files = Path(json.loads(os.environ[PACKED_VARIABLE])["files"])
    text = f"{DBT_PROJECT[f'{INSIDE}/dbt_project.yml']}vars: {{region: \"{{{{ env_var('REGION', '') }}}}\"}}\n"
    write_files(files, {f"{INSIDE}/dbt_project.yml": text})
    write_files(config.dbt_project_directory, {"dbt_project.yml": text})
    with pytest.MonkeyPatch.context() as context:
        context.delenv("FAKE_LOG")
        pack(files)


def _come_from_another_dbt(config: CascadeConfig, patch: pytest.MonkeyPatch) -> None:
    files = Path(json.loads(os.environ[PACKED_VARIABLE])["files"])
    description = files.with_name(f"{files.name}{PARSED_SUFFIX}") / "parse.json"
    description.write_text(json.dumps({**json.loads(description.read_text()), "dbt": "1.0.0"}))


@pytest.mark.parametrize(
    "change",
    [
        _edit_a_file,
        _add_a_file,
        _set_a_variable_that_a_model_reads,
        _set_an_option_of_dbt,
        _write_a_profile,
        _read_the_environment_in_the_project_file,
        _come_from_another_dbt,
    ],
)
def test_dbt_parses_again_what_may_differ(
    log: Path, server: CascadeConfig, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    change(server, monkeypatch)
    assert find_manifest(server) is None
    current_manifest(server)
    assert log.read_text() == "parse "


def test_on_trino_dbt_parses_where_the_pex_runs(log: Path, server: CascadeConfig) -> None:
    current_manifest(CascadeConfig(project_root=server.project_root, trino_host="trino.example"))
    assert log.read_text() == "parse "


def test_a_project_in_the_directory_does_not_take_it(log: Path, config: CascadeConfig) -> None:
    current_manifest(config)
    assert log.read_text() == "parse "


def test_a_broken_project_fails_with_the_message_of_dbt(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_ERROR", "Compilation Error in model daily (models/silver/daily.sql)\n  no\n    line 3")
    files = files_of_pex(tmp_path, DBT_PROJECT)
    question = json.dumps({"files": str(files), "inside": INSIDE, "output": str(tmp_path / "out")})
    assert main([question]) == 1
    assert capsys.readouterr().err.startswith(f"{INSIDE}/models/silver/daily.sql:3: dbt: Compilation Error in model")
    assert not (tmp_path / "out").exists()

    monkeypatch.setenv("FAKE_ERROR", "Parsing Error\n  Env var required but not provided: 'REGION'")
    assert main([question]) == 0
    assert "It reads the environment variable REGION" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_dbt_takes_it(config: CascadeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = "select {{ env_var('REGION', 'north') | length }} as n, date '2024-01-01' as day"
    seed = {f"{INSIDE}/seeds/regions.csv": "name\nnorth\n"}
    files = files_of_pex(tmp_path, {**DBT_PROJECT, f"{INSIDE}/models/region.sql": model, **seed})
    parsed = pack(files)
    for file in parsed.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()
    description = json.loads((parsed / "parse.json").read_text())
    assert description["variables"] == {"REGION": "DBT_DEFAULT_PLACEHOLDER"}
    assert description["is_whole"]

    # Where the PEX was built is gone where it runs.
    moved = tmp_path / "elsewhere"
    shutil.move(files.parent, moved)
    monkeypatch.setenv(PACKED_VARIABLE, describe_packed(moved / files.name, INSIDE))
    server = CascadeConfig(project_root=tmp_path / "server")
    with pytest.MonkeyPatch.context() as context:
        context.setattr(parse, "START", "raise SystemExit('dbt was started')")
        manifest = json.loads(current_manifest(server).read_bytes())
    assert "model.shop.region" in manifest["nodes"]
    target = current_manifest(server).parent
    words = ["--log-format", "json", "--debug", "parse", "--target-path", str(target), "--log-path", str(target)]
    result = subprocess.run(
        [dbt_executable(server), *words],
        env={**os.environ, **dbt_environment(server)},
        capture_output=True,
        text=True,
        check=True,
    )
    names = {event["info"]["name"] for event in log_events(result.stdout)}
    assert "PartialParsingSkipParsing" in names, result.stdout
