"""A project for each test, and plugins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

from cascade.dagster_storage import speed_up_dagster_storage

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
"""A workflow with five partitions. The third one fails, and a row of the fourth is refused."""


@dataclass(frozen=True)
class SampleProject:
    """A project in a temporary directory.

    Args:
        root: its root.
        package: the name of its directory of workflows, different in each test.
    """

    root: Path
    package: str

    def write(self, name: str, text: str) -> Path:
        """Write a module of the workflows and return its path."""
        path = self.root / self.package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
        return path

    def module(self, name: str) -> str:
        """Return the full name of a module of the workflows."""
        return f"{self.package}.{name}"


@pytest.fixture(scope="session", autouse=True)
def quick_dagster() -> None:
    """Spare the Dagster instances of all tests what the first one did."""
    speed_up_dagster_storage()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleProject]:
    """Make an empty project the working directory."""
    for name in [name for name in os.environ if name.startswith("CASCADE_")]:
        monkeypatch.delenv(name)
    # Commands set it for their children; setting it here restores it after the test.
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


class Plugins:
    """Installs distributions with entry points on the import path.

    Args:
        site: the directory of the import path that holds them.
    """

    def __init__(self, site: Path) -> None:
        self.site = site

    def install(self, distribution: str, group: str, name: str, value: str, source: str = "") -> None:
        """Install a distribution with one entry point.

        Args:
            distribution: its name.
            group: what follows `cascade.plugins.` in the group's name.
            name: the entry point's name.
            value: the object it names, such as `acme_lineage:Contributor`.
            source: the text of the module in `value`.
        """
        metadata = self.site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[cascade.plugins.{group}]\n{name} = {value}\n")
        (self.site / f"{value.partition(':')[0]}.py").write_text(dedent(source).lstrip(), encoding="utf-8")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugins]:
    """Let a test install plugins."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)
    yield Plugins(site)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)):
            del sys.modules[name]
