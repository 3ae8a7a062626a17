"""What git says about changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cascade_pants.affected.comparison import Comparison
from cascade_pants.git import Change, GitError, Repository

COMMIT = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false", "commit", "-qam", "x")


def git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Create a repository whose build root is a directory of it."""
    root = tmp_path / "build"
    root.mkdir()
    (tmp_path / "outside.txt").write_text("")
    for name in ("moved.py", "kept.py", "two words.py", "gone.py", "ä\n.py"):
        (root / name).write_text(f"name = {name!r}\n" * 20)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, *COMMIT)
    return root


def changes(place: Path, since: str = "main") -> list[tuple[str, str]]:
    repository = Repository(str(place))
    return [(one.path, one.status) for one in repository.changes(repository.base_of(since))]


def test_all_that_differs_from_the_base(place: Path) -> None:
    git(place, "checkout", "-q", "-b", "topic")
    git(place, "mv", "moved.py", "new name.py")
    (place / "two words.py").write_text("")
    git(place, *COMMIT)
    (place / "ä\n.py").write_text("staged")
    git(place, "add", "-A")
    (place / "untracked.py").write_text("")
    (place / "gone.py").unlink()
    (place.parent / "outside.txt").write_text("changed")
    assert changes(place) == [
        ("gone.py", "deleted"),
        ("moved.py", "deleted"),
        ("new name.py", "added"),
        ("two words.py", "modified"),
        ("untracked.py", "added"),
        ("ä\n.py", "modified"),
    ]


def test_commits_of_the_base_do_not_count(place: Path) -> None:
    git(place, "checkout", "-q", "-b", "topic")
    git(place, "checkout", "-q", "main")
    (place / "kept.py").write_text("")
    git(place, *COMMIT)
    git(place, "checkout", "-q", "topic")
    assert changes(place) == []


def test_a_file_that_is_no_longer_tracked(place: Path) -> None:
    git(place, "rm", "-q", "--cached", "kept.py", "gone.py")
    (place / ".gitignore").write_text("gone.py\n")
    # Pants does not see what git ignores.
    assert changes(place) == [(".gitignore", "added"), ("gone.py", "deleted"), ("kept.py", "modified")]


def test_files_at_the_base(place: Path) -> None:
    repository = Repository(str(place))
    base = repository.base_of("main")
    (place / "ä\n.py").unlink()
    comparison = Comparison(repository, base)
    assert comparison.before("ä\n.py") == "name = 'ä\\n.py'\n".encode() * 20
    assert comparison.before("kept.py") == b"name = 'kept.py'\n" * 20
    assert comparison.before("../outside.txt") is comparison.before("never.py") is None


def test_files_with_words(place: Path) -> None:
    repository = Repository(str(place))
    assert repository.files_with_words(["kept", "gone"]) == ["gone.py", "kept.py"]
    assert repository.files_with_words(["kep"]) == repository.files_with_words([]) == []


@pytest.mark.parametrize("since", ["origin/main", "main..HEAD", "--help", "kept.py"])
def test_no_such_commit(place: Path, since: str) -> None:
    with pytest.raises(GitError, match=r"names no commit of this repository.*--since=HEAD~1"):
        changes(place, since)


def test_nothing_in_common(place: Path) -> None:
    git(place, "checkout", "-q", "--orphan", "other")
    (place / "kept.py").write_text("")
    git(place, *COMMIT)
    with pytest.raises(GitError, match=r"no commit in common.*fetch-depth: 0"):
        changes(place)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        changes(tmp_path)


def test_links_give_files_other_names(place: Path) -> None:
    (place / "inner").mkdir()
    (place / "inner/file.py").write_text("x = 1\n")
    (place / "alias").symlink_to("inner")
    (place / "away").symlink_to("/etc")
    git(place, "add", "-A")
    git(place, *COMMIT)
    (place / "inner/file.py").write_text("x = 2\n")
    repository = Repository(str(place))
    comparison = Comparison(repository, repository.base_of("main"))
    assert comparison.changes == (Change("alias/file.py", "modified"), Change("inner/file.py", "modified"))
    assert comparison.before("alias/file.py") == b"x = 1\n"


def test_patterns_that_hide_tracked_files(place: Path) -> None:
    repository = Repository(str(place))
    assert repository.hides_tracked_files("", b"kept.py\n")
    assert not repository.hides_tracked_files("", b"*.log\n")
