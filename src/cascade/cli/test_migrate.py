"""`migrate` shows what would change, changes it on demand, and is safe to run twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade, commit
from cascade.migration.applying import is_interrupted
from cascade.migration.tree import Tree
from cascade.scaffold.project import ProjectRequest, render_project


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a new standalone project."""
    root = tmp_path / "my project"
    for path, text in render_project(ProjectRequest(name="demo")).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    monkeypatch.chdir(root)
    return root


def test_a_project_of_today_needs_nothing(here: Path) -> None:
    result = Cascade()("migrate")
    assert (result.exit_code, result.stdout) == (0, "There is nothing to migrate.\n")


def test_check_shows_and_apply_writes_once(here: Path) -> None:
    before = Tree(here).paths()
    result = Cascade()("migrate", "--to", "pants")
    assert result.exit_code == 1
    assert "+cascade_project(" in result.stdout
    assert result.stdout.endswith("To do it: cascade migrate --to pants --apply\n")
    assert Tree(here).paths() == before
    document = Cascade().json("migrate", "--to", "pants", "--apply")
    assert document["applied"]
    assert Tree(here).paths() == sorted([*before, *(each["to"] for each in document["files"])])
    result = Cascade()("migrate", "--to", "pants", "--apply")
    assert (result.exit_code, result.stdout) == (0, "There is nothing to migrate.\n")


def test_files_that_git_does_not_have_are_told(here: Path) -> None:
    commit(here)
    (here / "workflows/mine.py").write_text("x = 1\n")
    result = Cascade()("migrate", "--to", "pants", "--apply")
    assert result.exit_code == 2
    assert "workflows/mine.py" in result.stderr
    assert "pants.toml" not in Tree(here).paths()
    assert Cascade()("migrate", "--to", "pants", "--apply", "--allow-dirty").exit_code == 0


def test_an_interrupted_migration_is_told_and_finished(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(here)
    with monkeypatch.context() as patched:
        patched.setattr("cascade.migration.applying.finish", lambda root: ())
        Cascade()("migrate", "--to", "pants", "--apply")
    assert is_interrupted(here)
    result = Cascade()("migrate")
    assert result.exit_code == 1
    assert "interrupted" in result.stdout
    result = Cascade()("migrate", "--apply")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "Finished the migration that was interrupted.")
    assert "pants generate-lockfiles" in result.stdout
    assert "pants.toml" in Tree(here).paths()
    assert not is_interrupted(here)


def test_wrong_use_changes_nothing(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Cascade()("migrate", "--check", "--apply").exit_code == 2
    (tmp_path / "empty").mkdir()
    result = Cascade()("migrate", "--to", "pants", str(tmp_path / "empty"))
    assert result.exit_code == 2
    assert "[tool.cascade]" in result.stderr
