"""What git knows of a change: its files, and those of the commit before it. Standard library only."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ADDED, MODIFIED, DELETED = "added", "modified", "deleted"
LINK = "120000"
"""The mode of a symbolic link."""

_STATUSES = {"A": ADDED, "D": DELETED}


class GitError(Exception):
    """Git cannot answer. The message says why and what to do."""


@dataclass(frozen=True, order=True)
class Change:
    """A file that differs from the base.

    Args:
        path: the file, from the root of the repository.
        status: `added`, `modified` or `deleted`. A renamed file is deleted and added.
    """

    path: str
    status: str


@dataclass(frozen=True)
class BaseFile:
    """A file of the base.

    Args:
        mode: its mode, as git writes it.
        object: the id of its content.
    """

    mode: str
    object: str


def parse_changes(listed: bytes) -> list[Change]:
    """Parse the output of `git diff --name-status -z`."""
    parts = [os.fsdecode(part) for part in listed.split(b"\0")]
    return [Change(path, _STATUSES.get(status[:1], MODIFIED)) for status, path in zip(parts[0::2], parts[1::2])]


class Repository:
    """A git repository, seen from the root of the build.

    Args:
        directory: the root of the build, which may be below that of the repository.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def top(self) -> str:
        """Return the root of the repository.

        Raises:
            GitError: this is no repository.
        """
        return os.fsdecode(self._git("rev-parse", "--show-toplevel")).rstrip("\n")

    def base_of(self, since: str) -> str:
        """Find the commit to compare with.

        Args:
            since: a commit, a tag or a branch, such as `origin/main`.

        Returns:
            The id of the newest commit that `since` and `HEAD` have in common.

        Raises:
            GitError: this is no repository, there is no such commit, or the two have nothing in common.
        """
        self.top()
        if since.startswith("-") or not self._succeeds("rev-parse", "--verify", "--quiet", f"{since}^{{commit}}"):
            raise GitError(
                f"--since={since!r} names no commit of this repository. Give a branch, a tag or a commit, such as "
                "`--since=HEAD~1`. If it exists elsewhere, fetch it first: `git fetch origin`."
            )
        found = self._run("merge-base", since, "HEAD")
        if found.returncode != 0:
            raise GitError(
                f"{since!r} and HEAD have no commit in common, as far as this clone knows. If the clone is shallow, "
                "type `git fetch --unshallow`. In GitHub Actions, set `fetch-depth: 0` for actions/checkout; in "
                'GitLab, `GIT_DEPTH: "0"`.'
            )
        return found.stdout.decode().strip()

    def changes(self, base: str) -> list[Change]:
        """List the files that differ between a commit and the working tree, with untracked ones, sorted.

        Git's own search for renames is off, because it leaves out the old names.
        """
        different = self._git(
            *("diff", "--no-renames", "--name-status", "-z", "--relative", "--no-ext-diff", "--no-textconv", base, "--")
        )
        untracked = self._git("ls-files", "--others", "--exclude-standard", "-z")
        found = {change.path: change for change in parse_changes(different)}
        for path in map(os.fsdecode, filter(None, untracked.split(b"\0"))):
            # Git calls a file deleted that is no longer tracked but still there.
            found[path] = Change(path, MODIFIED if path in found else ADDED)
        return sorted(found.values())

    def base_files(self, base: str) -> dict[str, BaseFile]:
        """List all files of a commit by path."""
        files = {}
        for entry in filter(None, self._git("ls-tree", "-r", "-z", base).split(b"\0")):
            about, _, path = entry.partition(b"\t")
            mode, _, identity = about.decode().split(" ")
            files[os.fsdecode(path)] = BaseFile(mode, identity)
        return files

    def links(self) -> list[str]:
        """List the symbolic links among the tracked files."""
        entries = filter(None, self._git("ls-files", "--stage", "-z").split(b"\0"))
        return [os.fsdecode(one.partition(b"\t")[2]) for one in entries if one.startswith(LINK.encode())]

    def base_contents(self, files: Mapping[str, BaseFile], paths: Iterable[str]) -> dict[str, bytes]:
        """Read files of a commit with one process.

        Args:
            files: the files of the commit.
            paths: which of them to read. Those that the commit lacks are left out.
        """
        wanted = [path for path in paths if path in files]
        if not wanted:
            return {}
        answer = self._git("cat-file", "--batch", given="".join(f"{files[path].object}\n" for path in wanted).encode())
        contents, position = {}, 0
        for path in wanted:
            end = answer.index(b"\n", position)
            header = answer[position:end].split(b" ")
            # A partial clone may lack the object, and a submodule has none.
            size = int(header[2]) if len(header) == 3 and header[1] == b"blob" else None
            position = end + 1
            if size is not None:
                contents[path] = answer[position : position + size]
                position += size + 1
            elif len(header) == 3:
                position += int(header[2]) + 1
        return contents

    def archive(self, base: str, path: str) -> bytes:
        """Return a directory of a commit as a tar file; that of a commit without it is empty.

        Args:
            base: the commit.
            path: the directory, from the root of the build.
        """
        if not self._git("ls-tree", "-z", base, "--", path):
            return b""
        return self._git("archive", "--format=tar", base, "--", path)

    def files_with_words(self, words: Sequence[str]) -> list[str]:
        """List the tracked files whose text has one of some words."""
        if not words:
            return []
        patterns = [argument for word in words for argument in ("-e", word)]
        found = self._run("grep", "--files-with-matches", "-z", "--word-regexp", "--fixed-strings", "-I", *patterns)
        if found.returncode > 1:
            raise GitError(f"`git grep` failed: {found.stderr.decode(errors='replace').strip()}")
        return [os.fsdecode(path) for path in found.stdout.split(b"\0") if path]

    def hides_tracked_files(self, directory: str, ignore: bytes) -> bool:
        """Return whether the patterns of a `.gitignore` match tracked files, which Pants then leaves out."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(ignore)
            file.flush()
            place = os.path.join(self.directory, directory)
            listing = ("ls-files", "--cached", "--ignored", "-z", f"--exclude-from={file.name}")
            return bool(os.path.isdir(place) and self._git("-C", place, *listing))

    def ignored(self) -> list[str]:
        """List what is untracked and ignored. A directory stands for everything in it, and ends with a slash."""
        listed = self._git("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
        return [os.fsdecode(path) for path in listed.split(b"\0") if path]

    def read(self, path: str) -> bytes | None:
        """Read a file of the working tree; None if there is no such file."""
        try:
            with open(os.path.join(self.directory, path), "rb") as stream:
                return stream.read()
        except OSError:
            return None

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._run(*arguments, given=given)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise GitError(f"`git {arguments[0]}` failed in {self.directory}: {said}")
        return done.stdout

    def _succeeds(self, *arguments: str) -> bool:
        return self._run(*arguments).returncode == 0

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", *arguments],
                cwd=self.directory,
                env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
                input=given,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise GitError("Git says what has changed, and there is no `git` on PATH.") from error
