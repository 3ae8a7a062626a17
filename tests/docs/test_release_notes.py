"""The notes of a release are its changelog section, and a version without one cannot be released."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY
from processes import Finished, run

CHANGELOG = """\
# Changelog

## Unreleased

## 1.2.0 (2026-03-01)

### Added
- More.

## 1.2 (2026-01-01)

- Less.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy2(REPOSITORY / "scripts" / "release-notes", tmp_path / "scripts")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def notes(repository: Path, version: str) -> Finished:
    return run(["scripts/release-notes", version], repository, {"PATH": "/usr/bin:/bin"})


def test_the_section_of_the_version_is_printed_and_no_other(repository: Path) -> None:
    assert notes(repository, "1.2.0").ok().out == "### Added\n- More.\n"
    assert notes(repository, "1.2").ok().out == "- Less.\n"


@pytest.mark.parametrize("version", ["1.2.1", "Unreleased", "2"])
def test_a_version_without_lines_is_refused(repository: Path, version: str) -> None:
    refused = notes(repository, version)
    assert refused.code == 1
    assert f'"## {version}"' in refused.err
