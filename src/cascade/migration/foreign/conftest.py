"""A project of another tool, and what is made of it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from cascade.config import CascadeConfig
from cascade.migration.foreign.planning import plan_from


class Other:
    """A project of another tool, next to an empty one of Cascade.

    Args:
        root: its directory.
        project: the project of Cascade.
    """

    def __init__(self, root: Path, project: Path) -> None:
        self.root, self.project = root, project
        self.decisions: list[str] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project and return its path."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
        return path

    def migrate(self, tool: str, name: str = "") -> dict[str, str]:
        """Return the texts of the planned files by their paths below `workflows`, and keep the decisions."""
        plan = plan_from(tool, self.root / name, CascadeConfig.from_user_config())
        self.decisions = [str(each) for each in plan.decisions]
        return {
            str(each.new).removeprefix("workflows/"): (each.content or b"").decode()
            for each in plan.changes
            if each.content
        }


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Other:
    """Return an empty project of another tool."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.cascade]\n")
    monkeypatch.chdir(project)
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", str(project))
    root = tmp_path / "other"
    root.mkdir()
    return Other(root, project)
