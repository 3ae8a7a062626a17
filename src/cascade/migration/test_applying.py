"""A migration changes all files or none, as far as a reader of the project can tell, and never one outside."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cascade.exceptions import CascadeError, UsageError
from cascade.migration import applying
from cascade.migration.applying import apply, finish, is_interrupted
from cascade.migration.plan import FileChange, Plan
from cascade.migration.tree import Tree

BEFORE = {"old/a.py": b"a\r\n", "old/deep/b.csv": b"\x00\xff", "keep.py": b"keep", "change.py": b"1", "gone.txt": b"x"}
AFTER = {"new/a.py": b"A\r\n", "new/b.csv": b"\x00\xff", "keep.py": b"keep", "change.py": b"2", "old/a.py": b"other"}


class Killed(BaseException):
    """Ends a migration as a signal would."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "the project"
    for path, content in BEFORE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "old/a.py").chmod(0o755)
    (root / "old/deep/__pycache__").mkdir()
    (root / "old/deep/__pycache__/b.pyc").write_bytes(b"")
    return root


def planned(root: Path) -> Plan:
    tree = Tree(root)
    tree.move("old/a.py", "new/a.py")
    tree.write("new/a.py", b"A\r\n")
    tree.write("old/a.py", "other")
    tree.move("old/deep/b.csv", "new/b.csv")
    tree.write("change.py", "2")
    tree.write("keep.py", "keep")
    tree.remove("gone.txt")
    return tree.plan()


def content(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_plan_is_the_difference_to_the_disk(project: Path) -> None:
    kinds = {(each.kind, each.old, each.new) for each in planned(project).changes}
    assert kinds == {
        ("rewritten", "old/a.py", "new/a.py"),
        ("new", None, "old/a.py"),
        ("moved", "old/deep/b.csv", "new/b.csv"),
        ("changed", "change.py", "change.py"),
        ("removed", "gone.txt", None),
    }


def test_files_are_moved_with_their_mode_and_emptied_directories_removed(project: Path) -> None:
    apply(planned(project))
    assert content(project) == AFTER
    assert (project / "new/a.py").stat().st_mode & 0o777 == 0o755
    assert not (project / "old/deep").exists()
    assert not (project / ".cascade").exists()


def test_a_migration_killed_at_any_moment_is_finished_by_the_next(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, calls = content(project), [0, 0]
    real = {name: getattr(os, name) for name in ("replace", "unlink", "rmdir", "mkdir", "chmod")}

    def counting(name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == calls[1]:
                raise Killed
            return real[name](*arguments, **options)

        return call

    seen = set()
    plan = planned(project)
    remove, remove_tree = applying._remove_empty, shutil.rmtree

    def unless_killed(what: Any) -> Any:
        """Return a function that does nothing once the process would be dead."""
        return lambda *each, **options: None if calls[0] >= calls[1] else what(*each, **options)

    for moment in range(1, 100):
        calls[:] = 0, moment
        with monkeypatch.context() as patched:
            for name in real:
                patched.setattr(os, name, counting(name))
            patched.setattr(applying, "_remove_empty", unless_killed(remove))
            patched.setattr(shutil, "rmtree", unless_killed(remove_tree))
            try:
                apply(plan)
                return
            except Killed:
                pass
        interrupted = is_interrupted(project)
        seen.add(interrupted)
        without_staging = {path: data for path, data in content(project).items() if not path.startswith(".cascade/")}
        if interrupted:
            finish(project)
            assert content(project) == AFTER
        elif without_staging != AFTER:
            assert without_staging == before
        for path in [*content(project)]:
            (project / path).unlink()
        for path, data in before.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_bytes(data)
    assert seen == {True, False}


def test_a_file_that_changed_after_the_interruption_is_not_overwritten(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(applying, "finish", lambda root: None)
        apply(planned(project))
    (project / "change.py").write_text("mine")
    with pytest.raises(UsageError, match=r"changed since:\n.*change\.py"):
        finish(project)
    assert (project / "change.py").read_text() == "mine"
    (project / "change.py").unlink()
    (project / "change.py").mkdir()
    with pytest.raises(UsageError, match=r"changed since:\n.*change\.py"):
        finish(project)
    (project / "change.py").rmdir()
    (project / "change.py").write_text("1")
    finish(project)
    assert content(project) == AFTER


@pytest.mark.parametrize("path", ["link/new.py", "link.py", "../outside.py"])
def test_nothing_is_written_outside_of_the_project(tmp_path: Path, project: Path, path: str) -> None:
    (tmp_path / "outside").mkdir()
    (project / "link").symlink_to(tmp_path / "outside")
    (project / "link.py").symlink_to(tmp_path / "outside" / "x.py")
    before = content(project)
    with pytest.raises(UsageError, match="outside"):
        apply(Plan(project, project, (FileChange(None, "fine.py", b""), FileChange(None, path, b""))))
    assert content(project) == before
    assert not list((tmp_path / "outside").iterdir())


def test_a_file_that_came_after_the_plan_is_kept(project: Path) -> None:
    plan = planned(project)
    (project / "new").mkdir()
    (project / "new/a.py").write_text("mine")
    with pytest.raises(UsageError, match=r"new/a\.py exists"):
        apply(plan)
    assert (project / "new/a.py").read_text() == "mine"


def test_a_name_that_is_not_utf8_is_moved_and_can_be_printed(project: Path) -> None:
    name = os.fsdecode(b"b\xff.csv")
    (project / name).write_bytes(b"")
    tree = Tree(project)
    tree.move(name, f"new/{name}")
    plan = tree.plan()
    json.dumps(plan.document, ensure_ascii=False).encode()
    apply(plan)
    assert (project / "new" / name).is_file()


def test_a_refused_write_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(project)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", "there")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(CascadeError, match="No space left"):
        apply(planned(project))
    assert content(project) == before
    assert not (project / ".cascade").exists()


def test_another_directory_gets_everything_and_the_source_stays(tmp_path: Path, project: Path) -> None:
    before = content(project)
    tree = Tree(project, tmp_path / "other")
    tree.move("old/a.py", "new/a.py")
    tree.remove("gone.txt")
    apply(tree.plan())
    assert content(project) == before
    assert content(tmp_path / "other") == {
        "new/a.py": b"a\r\n",
        **{path: before[path] for path in ("old/deep/b.csv", "keep.py", "change.py")},
    }
