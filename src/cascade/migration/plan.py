"""What a migration would change, as data: the files, and what a person must decide."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Decision:
    """Something that the migration leaves to a person.

    Args:
        file: the file it is about, from the root of the written project, with forward slashes; empty if none.
        line: the line of the file after the migration, from 1; 0 if it is about the whole file.
        text: what is to be decided, and what to do, in whole sentences.
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        file = printable(self.file)
        place = f"{file}:{self.line}" if self.line else file
        return f"{place}: {self.text}" if place else self.text


@dataclass(frozen=True)
class FileChange:
    """A file that is created, changed, moved or removed.

    Args:
        old: its path before, from the root that is read, with forward slashes; None for a new file.
        new: its path after, from the root that is written; None for a file that is removed.
        content: its new content; None if that stays as it is.
    """

    old: str | None
    new: str | None
    content: bytes | None = None

    @property
    def kind(self) -> str:
        """One of `new`, `changed`, `moved`, `rewritten` (moved and changed), and `removed`."""
        if self.old is None:
            return "new"
        if self.new is None:
            return "removed"
        if self.old == self.new:
            return "changed"
        return "moved" if self.content is None else "rewritten"


@dataclass(frozen=True)
class Plan:
    """A migration that was not applied.

    Args:
        root: the directory that is read.
        into: the directory that is written. If it is another one, `root` stays as it is.
        changes: the files that change. No two have the same path before, or after.
        decisions: what a person must decide.
    """

    root: Path
    into: Path
    changes: tuple[FileChange, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def in_place(self) -> bool:
        """Whether the project itself is changed."""
        return self.root == self.into

    @property
    def document(self) -> dict[str, object]:
        """The plan for JSON, without the content of files, which may be secret."""
        return {
            "root": str(self.root),
            "into": str(self.into),
            "files": [
                {"kind": each.kind, "from": printable(each.old or "") or None, "to": printable(each.new or "") or None}
                for each in self.changes
            ],
            "decisions": [
                {"file": printable(each.file) or None, "line": each.line or None, "text": each.text}
                for each in self.decisions
            ],
        }

    def writes(self) -> Iterator[FileChange]:
        """Yield the changes that write a file."""
        return (each for each in self.changes if each.new is not None)

    def removals(self) -> Iterable[str]:
        """Return the paths that no longer exist after the migration."""
        if not self.in_place:
            return ()
        written = {each.new for each in self.changes}
        return [each.old for each in self.changes if each.old is not None and each.old not in written]


def printable(path: str) -> str:
    """Return a path without the bytes that are no UTF-8, which neither JSON nor a terminal has."""
    return os.fsencode(path).decode(errors="replace")
