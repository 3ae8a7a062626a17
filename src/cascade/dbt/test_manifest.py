"""When dbt parses the project, and what becomes of its errors. The program that runs here is not dbt."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import packed_parse, parse
from cascade.dbt.conftest import write_files
from cascade.dbt.manifest import current_manifest
from cascade.exceptions import CascadeError

_FAKE = """
import json, os, pathlib, sys
target = pathlib.Path(sys.argv[sys.argv.index("--target-path") + 1])
with open(os.environ["FAKE_LOG"], "a") as log:
    print((target / "partial_parse.msgpack").is_file(), file=log)
if os.environ.get("FAKE_ERROR"):
    for text in os.environ["FAKE_ERROR"].split("|"):
        print(json.dumps({"info": {"level": "error", "msg": text}, "data": {"exc": text}}))
    sys.exit(2)
(target / "manifest.json").write_text("{}")
(target / "partial_parse.msgpack").write_text("")
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file to which each parse writes whether it could begin with what was parsed before."""
    monkeypatch.setattr(parse, "START", _FAKE)
    monkeypatch.setattr(packed_parse, "version", lambda name: "1.11.0")
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def parses(log: Path) -> list[str]:
    return log.read_text().split()


def test_dbt_parses_once_until_a_file_changes_and_begins_with_what_it_parsed_before(
    config: CascadeConfig, log: Path
) -> None:
    first = current_manifest(config)
    assert current_manifest(config) == first
    assert parses(log) == ["False"]
    write_files(config.project_root, {"transforms/dbt/models/silver/more.sql": "select 1 as x"})
    second = current_manifest(config)
    assert second != first and second.is_file() and (second.parent / "partial_parse.msgpack").is_file()
    assert parses(log) == ["False", "True"]


def test_what_dbt_writes_is_not_a_change(config: CascadeConfig, log: Path) -> None:
    current_manifest(config)
    for name in ("target/manifest.json", "logs/dbt.log", ".idea/x.xml"):
        write_files(config.dbt_project_directory, {name: "x"})
    current_manifest(config)
    assert len(parses(log)) == 1


@pytest.mark.parametrize("name", ["dbt_packages/p/macros/m.sql", "models/target/t.sql", "profiles.yml", "seeds/a.csv"])
def test_every_file_that_dbt_reads_counts(config: CascadeConfig, log: Path, name: str) -> None:
    current_manifest(config)
    write_files(config.dbt_project_directory, {name: "x"})
    current_manifest(config)
    assert len(parses(log)) == 2


def test_another_target_or_variable_is_another_manifest(
    config: CascadeConfig, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {current_manifest(config)}
    found.add(current_manifest(CascadeConfig(project_root=config.project_root, trino_host="trino.example")))
    monkeypatch.setenv("DBT_SHOP_REGION", "north")
    found.add(current_manifest(config))
    assert len(found) == len(parses(log)) == 3


def test_old_manifests_are_removed(config: CascadeConfig, log: Path) -> None:
    for number in range(6):
        write_files(config.dbt_project_directory, {"models/m.sql": "x" * number})
        found = current_manifest(config)
        os.utime(found.parent, (number, number))
    assert found.is_file()
    assert len(list((config.state_directory / "dbt/parsed").iterdir())) == 3


def test_an_error_names_its_file_and_leaves_no_manifest(
    config: CascadeConfig, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "Compilation Error in model daily (models/silver/daily.sql)\n  unexpected '}'\n    line 3"
    monkeypatch.setenv("FAKE_ERROR", f"{wrong}|Runtime Error\n  another")
    with pytest.raises(CascadeError) as caught:
        current_manifest(config)
    assert caught.value.location is not None
    assert str(caught.value.location) == f"{config.dbt_project_directory / 'models/silver/daily.sql'}:3"
    assert "unexpected '}'" in caught.value.message and "another" in caught.value.message
    assert list((config.state_directory / "dbt/parsed").iterdir()) == []
    monkeypatch.setenv("FAKE_ERROR", "")
    assert json.loads(current_manifest(config).read_text()) == {}
