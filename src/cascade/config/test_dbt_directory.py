"""The dbt project that a PEX brings along."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.config.dbt_directory import PACKED_VARIABLE, dbt_directory, describe_packed
from cascade.exceptions import ConfigError

SQL = "src/sql"
INSIDE = f"{SQL}/shop"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a project, in a process of a PEX with a dbt project and one that it needs."""
    monkeypatch.setenv(PACKED_VARIABLE, describe_packed(packed(tmp_path, "one", "select 1"), INSIDE))
    root = tmp_path / "server"
    root.mkdir()
    return root


def packed(directory: Path, name: str, model: str) -> Path:
    files = directory / "pex" / name
    for path, text in (
        (f"{INSIDE}/dbt_project.yml", "name: shop"),
        (f"{INSIDE}/models/a.sql", model),
        (f"{INSIDE}/models/__pycache__/b.pyc", ""),
        (f"{SQL}/base/dbt_project.yml", "name: base"),
    ):
        file = files / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        # As in a PEX, where all files are as old as zip files allow, and may be read only.
        os.utime(file, (315532800, 315532800))
        file.chmod(0o444)
    return files


def test_it_is_copied_once_with_what_it_needs(root: Path) -> None:
    copy = CascadeConfig(project_root=root).dbt_project_directory
    assert copy == root / ".cascade/dbt/packed/one" / INSIDE
    assert (copy / "../base/dbt_project.yml").read_text() == "name: base"
    assert not (copy / "models/__pycache__").exists()
    # A file of dbt's own, and an edit, are possible and stay.
    (copy / "models/a.sql").write_text("select 2")
    (copy / "package-lock.yml").write_text("")
    assert dbt_directory(root, "transforms/dbt") == copy
    assert (copy / "models/a.sql").read_text() == "select 2"
    assert [file.name for file in (root / ".cascade/dbt/packed").iterdir()] == ["one"]


def test_another_release_has_a_copy_with_other_times(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dbt_directory(root, "transforms/dbt") / "models/a.sql"
    monkeypatch.setenv(PACKED_VARIABLE, describe_packed(packed(tmp_path, "two", "select 9"), INSIDE))
    after = dbt_directory(root, "transforms/dbt") / "models/a.sql"
    assert (before.read_text(), after.read_text()) == ("select 1", "select 9")
    assert before.stat().st_mtime_ns != after.stat().st_mtime_ns


def test_copies_of_old_releases_go(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        name = f"release{number}"
        monkeypatch.setenv(PACKED_VARIABLE, describe_packed(packed(tmp_path, name, ""), INSIDE))
        copy = dbt_directory(root, "transforms/dbt")
        assert copy.is_dir()
        # Clocks of file systems may be coarse.
        os.utime(root / ".cascade/dbt/packed" / name, (number, number))
    assert sorted(one.name for one in (root / ".cascade/dbt/packed").iterdir()) == [
        "release2",
        "release3",
        "release4",
    ]


def test_a_dbt_project_in_the_directory_wins(root: Path) -> None:
    own = root / "transforms/dbt/dbt_project.yml"
    own.parent.mkdir(parents=True)
    own.write_text("name: own")
    assert dbt_directory(root, "transforms/dbt") == own.parent
    assert not (root / ".cascade").exists()


def test_another_process_that_copies_the_same_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copyfile = shutil.copyfile
    done = root / ".cascade/dbt/packed/one"

    def overtaken(source: Path, target: Path) -> None:
        copyfile(source, target)
        (done / INSIDE / "models").mkdir(parents=True, exist_ok=True)
        (done / INSIDE / "models/a.sql").write_text("select 'first'")

    monkeypatch.setattr(shutil, "copyfile", overtaken)
    copy = dbt_directory(root, "transforms/dbt")
    assert (copy / "models/a.sql").read_text() == "select 'first'"
    assert [file.name for file in (root / ".cascade/dbt/packed").iterdir()] == ["one"]


def test_a_place_that_cannot_be_written(root: Path) -> None:
    (root / ".cascade").write_text("")
    with pytest.raises(
        ConfigError, match=r"Cannot copy the dbt project of the PEX to .*packed: .*\n.*writable, or set"
    ):
        dbt_directory(root, "transforms/dbt")


def test_where_it_is_in_the_pex_is_no_setting(root: Path) -> None:
    assert "packed_dbt_project" not in {setting.name for setting in CascadeConfig(project_root=root).describe()}
