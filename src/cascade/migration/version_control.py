"""Whether a migration could be undone with git."""

from __future__ import annotations

from pathlib import Path

from cascade.git import GitError, Repository


def uncommitted(root: Path) -> list[str] | None:
    """List the files below a directory that differ from the newest commit, untracked ones included.

    Args:
        root: the directory.

    Returns:
        Paths from the directory, sorted; None if it is not in a git repository with a commit.
    """
    repository = Repository(str(root))
    try:
        return [change.path for change in repository.changes("HEAD")]
    except GitError:
        return None


def ignored(root: Path) -> list[str]:
    """List the files and directories below a directory that git ignores.

    Args:
        root: the directory.

    Returns:
        Paths from the directory, those of directories with a slash at the end. Empty without git.
    """
    try:
        return Repository(str(root)).ignored()
    except GitError:
        return []
