"""The files of a project that differ from a commit, and the project as it was there."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cascade.exceptions import UsageError
from cascade.git import ADDED, DELETED, MODIFIED, GitError, Repository
from cascade.reader.fingerprint import fingerprint

_HAPPENED = {ADDED: "is new", MODIFIED: "has changed", DELETED: "was deleted"}


@dataclass(frozen=True)
class Happened:
    """What happened to a file.

    Args:
        path: the file, from the directory of the project.
        what: a verb, such as `has changed`.
    """

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path} {self.what}"

    @property
    def clause(self) -> str:
        """The same as the end of a sentence."""
        return f"{self.path}, which {self.what}"


@dataclass(frozen=True)
class ChangedFiles:
    """The files that differ from a commit. Python files of which only comments, docstrings or layout differ are not.

    Args:
        root: the directory of the project, without symbolic links.
        repository: its repository.
        base: the id of the commit.
        statuses: what happened to each file, by its path without symbolic links.
    """

    root: Path
    repository: Repository
    base: str
    statuses: Mapping[str, str]

    @classmethod
    def since(cls, root: Path, since: str) -> ChangedFiles:
        """Compare the working tree of a project with the newest commit that it has in common with another one.

        Args:
            root: the directory of the project.
            since: a commit, a tag or a branch, such as `origin/main`.

        Raises:
            UsageError: this is no git repository, there is no such commit, or the two have nothing in common.
        """
        place = Path(os.path.realpath(root))
        try:
            repository = Repository(Repository(str(place)).top())
            base = repository.base_of(since)
            changes = repository.changes(base)
            python = [one.path for one in changes if one.status == MODIFIED and one.path.endswith(".py")]
            before = repository.base_contents(repository.base_files(base), python)
        except GitError as error:
            raise UsageError(str(error)) from error
        top = repository.directory
        statuses = {
            os.path.realpath(os.path.join(top, one.path)): one.status
            for one in changes
            if not _says_the_same(before.get(one.path), repository.read(one.path))
        }
        return cls(place, repository, base, statuses)

    def happened(self, file: str) -> Happened | None:
        """Return what happened to a file; None if nothing did.

        Args:
            file: the file.
        """
        place = os.path.realpath(file)
        status = self.statuses.get(place)
        return None if status is None else Happened(os.path.relpath(place, self.root), _HAPPENED[status])

    def lost(self, directory: Path) -> bool:
        """Return whether a file in a directory was deleted.

        Args:
            directory: the directory.
        """
        inside = os.path.join(os.path.realpath(directory), "")
        return any(file.startswith(inside) for file, status in self.statuses.items() if status == DELETED)

    @contextmanager
    def before(self) -> Iterator[Path]:
        """Write the project as it was at the commit to a temporary directory.

        Yields:
            Its directory.

        Raises:
            UsageError: git cannot read the commit.
        """
        below = os.path.relpath(self.root, self.repository.directory)
        try:
            archive = self.repository.archive(self.base, below)
        except GitError as error:
            raise UsageError(str(error)) from error
        with tempfile.TemporaryDirectory(prefix="cascade-before-") as name:
            directory = Path(os.path.realpath(name))
            if archive:
                with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                    tar.extractall(directory, filter=_without_links)
            yield directory / below


def _without_links(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    """Leave out symbolic links, which may lead out of the directory."""
    return None if member.issym() or member.islnk() else tarfile.data_filter(member, path)


def _says_the_same(before: bytes | None, now: bytes | None) -> bool:
    if before is None or now is None:
        return False
    return fingerprint(before, is_python=True) == fingerprint(now, is_python=True)
