"""A project of one's own for each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

_NUMBERS = count()

THINGS = """
    from datetime import date
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Thing(BaseModel):
        id: int
        name: str

    @cascade_ingestion(
        table_name="things", unique_key="id", group="g", validation_schema=Thing,
        partition_start=date(2024, 1, 1), partition_end=date(2024, 1, 6),
    )
    def things(partition_date: str):
        print("a line of the workflow")
        day = int(partition_date[-2:])
        if day == 3:
            raise ValueError("the source is down")
        if day == 4:
            return [{"id": "four", "name": "a"}, {"id": 400, "name": "b"}]
        return [{"id": day * 100 + i, "name": f"n{i}"} for i in range(7)]
"""
"""A workflow with five partitions, of which the third fails and the fourth has a row that is refused."""


@dataclass(frozen=True)
class SampleProject:
    """A project in a temporary directory.

    Args:
        root: its root.
        package: the name of its directory of workflows, which is another one in each test.
    """

    root: Path
    package: str

    def write(self, name: str, text: str) -> Path:
        """Writes a module of the workflows and gives its path."""
        path = self.root / self.package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
        return path

    def module(self, name: str) -> str:
        """Gives the full name of a module of the workflows."""
        return f"{self.package}.{name}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleProject]:
    """An empty project, which is the working directory."""
    for name in [name for name in os.environ if name.startswith("CASCADE_")]:
        monkeypatch.delenv(name)
    # Commands set it for their children. Set here, it is restored at the end.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "project"), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    package = f"flows{next(_NUMBERS)}"
    root = tmp_path / "project"
    (root / package).mkdir(parents=True)
    (root / "pyproject.toml").write_text(f'[tool.cascade]\nworkflows_path = "{package}"\n', encoding="utf-8")
    monkeypatch.chdir(root)
    yield SampleProject(root, package)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
