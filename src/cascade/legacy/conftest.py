"""A project in the layout from before version 1.0 for each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from legacy.project import LegacyProject, write_legacy_project

from cascade.legacy.finder import deactivate


@pytest.fixture
def legacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LegacyProject]:
    """Write the project, make it the working directory, and forget its modules after the test."""
    for name in [name for name in os.environ if name.startswith("CASCADE_")]:
        monkeypatch.delenv(name)
    # Commands set them; setting them here restores them after the test.
    for name in ("CASCADE_LEGACY_TOLD", "CASCADE_PROGRAM", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    project = write_legacy_project(tmp_path / "old")
    monkeypatch.chdir(project.root)
    yield project
    deactivate()
