"""Generated files never overwrite the user's files unasked, and never leave the project."""

from __future__ import annotations

import os
import stat
from itertools import count
from pathlib import Path

import pytest

from cascade.authoring.written_files import Written, write_files
from cascade.exceptions import CascadeError, UsageError

FILES = {"README.md": "# Shop\n", "workflows/__init__.py": "", "workflows/ingestion/naïve.py": "x = 'ü'\n"}


def everything(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_directories_are_created_and_no_temporary_files_are_left(tmp_path: Path) -> None:
    root = tmp_path / "new" / "shop"
    assert write_files(root, FILES, force=False) == Written(created=tuple(FILES))
    assert everything(root) == FILES


def test_writing_the_same_files_again_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, FILES, force=False)
    os.utime(tmp_path / "README.md", (1, 1))
    assert write_files(tmp_path, FILES, force=False) == Written(unchanged=tuple(FILES))
    assert (tmp_path / "README.md").stat().st_mtime == 1


def test_different_content_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows/__init__.py").write_text("'''mine'''\n")
    with pytest.raises(UsageError) as caught:
        write_files(tmp_path, {"new.py": "", **FILES}, force=False)
    assert "These files exist with different content" in str(caught.value)
    assert "\n  README.md\n  workflows/__init__.py\n" in str(caught.value)
    assert "--force" in str(caught.value)
    assert everything(tmp_path) == {"README.md": "mine\n", "workflows/__init__.py": "'''mine'''\n"}


def test_force_overwrites_these_files_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    (tmp_path / "README.md").chmod(0o640)
    (tmp_path / "notes.txt").write_text("mine\n")
    written = write_files(tmp_path, FILES, force=True)
    assert written == Written(created=tuple(FILES)[1:], overwritten=("README.md",))
    assert everything(tmp_path) == {**FILES, "notes.txt": "mine\n"}
    assert stat.S_IMODE((tmp_path / "README.md").stat().st_mode) == 0o640


def test_new_files_have_the_mode_that_the_umask_allows(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_files(tmp_path, FILES, force=False)
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "README.md").stat().st_mode) == 0o644


@pytest.mark.parametrize("path", ["../stray.txt", "workflows/../../stray.txt", "."])
def test_a_path_out_of_the_root_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "shop"
    with pytest.raises(UsageError, match="which is outside"):
        write_files(root, {**FILES, path: "stray\n"}, force=True)
    with pytest.raises(UsageError, match="which is outside"):
        write_files(root, {str(tmp_path / "stray.txt"): "stray\n"}, force=True)
    assert everything(tmp_path) == {}


def test_a_link_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "shop"
    outside.mkdir()
    root.mkdir()
    (outside / "README.md").write_text("theirs\n")
    (root / "workflows").symlink_to(outside)
    (root / "README.md").symlink_to(outside / "README.md")
    for path in ("workflows/__init__.py", "README.md"):
        with pytest.raises(UsageError, match="which is outside"):
            write_files(root, {path: "ours\n"}, force=True)
    assert everything(outside) == {"README.md": "theirs\n"}


def test_a_link_within_the_root_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").symlink_to("docs/index.md")
    write_files(tmp_path, {"README.md": "# Shop\n"}, force=False)
    assert (tmp_path / "README.md").is_symlink()
    assert (tmp_path / "docs/index.md").read_text() == "# Shop\n"


def test_a_link_to_itself_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "README.md").symlink_to("README.md")
    with pytest.raises(UsageError, match="cannot be followed"):
        write_files(tmp_path, FILES, force=True)


def test_a_directory_for_a_file_and_a_file_for_a_directory_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    (tmp_path / "workflows").write_text("not a directory\n")
    with pytest.raises(UsageError) as caught:
        write_files(tmp_path, FILES, force=True)
    assert caught.value.message.splitlines() == [
        f"{tmp_path / 'README.md'} is a directory, but must be a file.",
        f"{tmp_path / 'workflows'} is a file, but must be a directory.",
    ]


def test_a_root_below_a_file_is_refused_once(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine\n")
    with pytest.raises(UsageError) as caught:
        write_files(tmp_path / "notes" / "shop", FILES, force=True)
    assert caught.value.message == f"{tmp_path / 'notes'} is a file, but must be a directory."


@pytest.mark.parametrize("refused_at", [1, 2, 3])
@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_write_refused_half_way_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, refused_at: int
) -> None:
    root = tmp_path / "new" / "shop"
    refuse(monkeypatch, step, refused_at, OSError(28, "No space left on device"))
    path = list(FILES)[refused_at - 1]
    with pytest.raises(CascadeError, match=rf"{path} cannot be written: No space left on device\.") as caught:
        write_files(root, FILES, force=False)
    assert caught.value.hint == "All files are unchanged."
    assert list(tmp_path.iterdir()) == []


def test_overwritten_files_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    (tmp_path / "README.md").chmod(0o640)
    (tmp_path / "workflows").mkdir()
    for error in (PermissionError(13, "Permission denied"), KeyboardInterrupt()):
        with monkeypatch.context() as patched:
            refuse(patched, "replace", 3, error)
            with pytest.raises(CascadeError if isinstance(error, OSError) else KeyboardInterrupt):
                write_files(tmp_path, FILES, force=True)
        assert everything(tmp_path) == {"README.md": "mine\n"}
        assert stat.S_IMODE((tmp_path / "README.md").stat().st_mode) == 0o640
        assert list((tmp_path / "workflows").iterdir()) == []


def test_files_that_cannot_be_restored_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "replace", 2, OSError(5, "Input/output error"))
    refuse(monkeypatch, "unlink", 1, OSError(5, "Input/output error"), path="README.md")
    with pytest.raises(CascadeError) as caught:
        write_files(tmp_path, FILES, force=False)
    assert caught.value.hint == f"These files could not be restored: {tmp_path / 'README.md'}."
    assert everything(tmp_path) == {"README.md": "# Shop\n"}


def refuse(
    monkeypatch: pytest.MonkeyPatch, method: str, call: int, error: BaseException, path: str | None = None
) -> None:
    """Make one call of a method of `Path` fail. With a path, count only calls for files of that name."""
    original, calls = getattr(Path, method), count(1)

    def refusing(self: Path, *arguments: object) -> object:
        if path in (None, self.name) and next(calls) == call:
            raise error
        return original(self, *arguments)

    monkeypatch.setattr(Path, method, refusing)
