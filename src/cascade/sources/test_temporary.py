from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from cascade.sources import temporary
from cascade.sources.conftest import Write, rows_of
from cascade.sources.files import read_csv
from cascade.sources.temporary import temporary_copy

LONG_AGO = (0, 0)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "[temporary]"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    temporary._remove_abandoned.cache_clear()
    return made


def abandoned(directory: Path, name: str = "cascade-killed.csv") -> Path:
    file = directory / name
    file.write_text("id\n1\n")
    os.utime(file, LONG_AGO)
    return file


def test_a_copy_that_a_killed_process_left_is_removed(directory: Path, write: Write) -> None:
    left = abandoned(directory)
    assert rows_of(read_csv(write("rows.csv", "id\nö\n".encode("utf-16")))) == [{"id": "ö"}]
    assert not left.exists()
    assert list(directory.iterdir()) == []


def test_a_copy_in_use_is_kept(directory: Path) -> None:
    with temporary_copy() as used:
        os.utime(used.name, LONG_AGO)
        temporary._remove_abandoned.cache_clear()
        with temporary_copy():
            assert Path(used.name).exists()


def test_new_copies_and_files_of_others_are_kept(directory: Path) -> None:
    kept = [abandoned(directory, "other.csv"), abandoned(directory, "cascade-notes.txt"), directory / "cascade-new.csv"]
    kept[-1].touch()
    (directory / "cascade-link.csv").symlink_to(kept[0])
    os.utime(directory / "cascade-link.csv", LONG_AGO, follow_symlinks=False)
    with temporary_copy():
        pass
    assert all(file.exists() for file in kept)
