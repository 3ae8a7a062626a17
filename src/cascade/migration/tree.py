"""The files of a project as a migration would leave them, while nothing on disk changes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cascade.exceptions import UsageError
from cascade.migration.plan import Decision, FileChange, Plan

_NEVER = frozenset(
    {
        *(".git", ".hg", ".jj", ".svn", ".idea", ".vscode", ".venv", ".tox", ".nox", ".cascade", ".pants.d", ".pids"),
        *("__pycache__", "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)
"""The directories that belong to tools, which a migration neither reads nor writes."""

_LARGEST = 500_000


@dataclass
class _Entry:
    origin: str | None
    content: bytes | None = None


class Tree:
    """The files of a directory. Writing, moving and removing changes only what `plan` returns.

    Directories of tools, virtual environments and symbolic links are left out.

    Args:
        root: the directory.
        into: the directory that a plan writes; by default, the same. Any other gets all files, changed or not.

    Attributes:
        links: the symbolic links, with what each points to, by path.

    Raises:
        UsageError: a directory cannot be listed.
    """

    def __init__(self, root: Path, into: Path | None = None) -> None:
        self.root = root
        self.into = into or root
        self.links: dict[str, str] = {}
        self._entries: dict[str, _Entry] = {}
        self._decisions: list[Decision] = []
        for place, directories, files in os.walk(root, onerror=_refuse):
            if Path(place) != root and "pyvenv.cfg" in files:
                directories.clear()
                continue
            for name in list(directories):
                if os.path.islink(os.path.join(place, name)):
                    files.append(name)
                    directories.remove(name)
            directories[:] = [name for name in directories if name not in _NEVER]
            for name in files:
                whole = os.path.join(place, name)
                path = PurePosixPath(Path(whole).relative_to(root).as_posix()).as_posix()
                if os.path.islink(whole):
                    self.links[path] = os.readlink(whole)
                elif os.path.isfile(whole):
                    self._entries[path] = _Entry(path)
        self._before = frozenset(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def paths(self, below: str = "") -> list[str]:
        """List the files, sorted.

        Args:
            below: only those in this directory and below it; all by default.
        """
        return sorted(path for path in self._entries if not below or path.startswith(f"{below}/"))

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            UsageError: the file cannot be read.
        """
        entry = self._entries[path]
        if entry.content is not None:
            return entry.content
        assert entry.origin is not None
        try:
            return (self.root / entry.origin).read_bytes()
        except OSError as error:
            raise UsageError(f"{self.root / entry.origin} cannot be read: {error.strerror}.") from error

    def small_text(self, path: str) -> str | None:
        """Return the text of a file that a person may have written, or None if it is too large for that."""
        entry = self._entries[path]
        if entry.content is None and (self.root / str(entry.origin)).stat().st_size > _LARGEST:
            return None
        return self.text(path)

    def text(self, path: str) -> str | None:
        """Return the content of a file as text with its own line ends, or None if it is not UTF-8."""
        try:
            return self.read(path).decode()
        except UnicodeDecodeError:
            return None

    def write(self, path: str, content: str | bytes) -> None:
        """Create or change a file. Its mode stays as it is.

        Args:
            path: the path from the root, with forward slashes.
            content: the content, with the line ends that the file will have.
        """
        data = content.encode() if isinstance(content, str) else content
        entry = self._entries.setdefault(path, _Entry(None))
        if entry.origin is None or data != self.read(path):
            entry.content = data

    def move(self, old: str, new: str) -> None:
        """Move a file to a path where no file is."""
        assert new not in self._entries, new
        self._entries[new] = self._entries.pop(old)

    def remove(self, path: str) -> None:
        """Remove a file."""
        del self._entries[path]

    def decide(self, text: str, file: str = "", line: int = 0) -> None:
        """Leave something to a person: see `Decision`."""
        decision = Decision(file, line, text)
        if decision not in self._decisions:
            self._decisions.append(decision)

    def plan(self) -> Plan:
        """Return the difference between the files on disk and these."""
        in_place = self.into == self.root
        kept = {entry.origin for entry in self._entries.values()}
        changes = [
            FileChange(entry.origin, path, entry.content)
            for path, entry in self._entries.items()
            if not in_place or entry.origin != path or entry.content is not None
        ]
        if in_place:
            changes += [FileChange(path, None) for path in self._before - kept]
        ordered = sorted(changes, key=lambda each: (each.new or each.old or "", each.old or ""))
        return Plan(self.root, self.into, tuple(ordered), tuple(sorted(self._decisions)))


def _refuse(error: OSError) -> None:
    raise UsageError(f"{error.filename} cannot be listed: {error.strerror}.") from error
