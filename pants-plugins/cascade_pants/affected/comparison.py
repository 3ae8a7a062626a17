"""The two states that are compared: the base, and the working tree."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property

from cascade_pants.git import DELETED, LINK, BaseFile, Change, Repository


class Comparison:
    """The base and the working tree.

    Args:
        repository: the repository.
        base: the id of the commit to compare with.
    """

    def __init__(self, repository: Repository, base: str) -> None:
        self.repository = repository
        self.base = base
        self._real: dict[str, str] = {}
        self._before: dict[str, bytes] = {}

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The changes, each also under the names that symbolic links give to its file, sorted by path."""
        found = {change.path: change for change in self.repository.changes(self.base)}
        if not found:
            return ()
        for link, target in self._links():
            for change in list(found.values()):
                if change.path == target or change.path.startswith(f"{target}/"):
                    alias = link + change.path[len(target) :]
                    if alias not in found:
                        self._real[alias] = change.path
                        found[alias] = Change(alias, change.status)
        return tuple(sorted(found.values()))

    @cached_property
    def base_files(self) -> dict[str, BaseFile]:
        """All files of the base by path."""
        return self.repository.base_files(self.base)

    def _links(self) -> list[tuple[str, str]]:
        """Return the symbolic links whose targets are in the repository, each with its target."""
        links = []
        for link in self.repository.links():
            try:
                pointed = os.readlink(os.path.join(self.repository.directory, link))
            except OSError:
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(link), pointed))
            if not os.path.isabs(pointed) and not target.startswith(".."):
                links.append((link, target))
        return links

    def is_directory(self, path: str) -> bool:
        """Return whether a changed path is a submodule or a link to a directory, at the base or now."""
        mode = self.base_files[path].mode if path in self.base_files else ""
        now = os.path.join(self.repository.directory, path)
        if mode == "160000" or os.path.isdir(now):
            return True
        if mode != LINK:
            return False
        target = os.path.normpath(os.path.join(os.path.dirname(path), os.fsdecode(self.before(path) or b"")))
        return any(one.startswith(f"{target}/") for one in self.base_files)

    def load(self, paths: Iterable[str]) -> None:
        """Read files of the base at once, which is faster than one at a time."""
        real = {self._real.get(path, path) for path in paths} - self._before.keys()
        self._before.update(self.repository.base_contents(self.base_files, sorted(real)))

    def before(self, path: str) -> bytes | None:
        """Return a file at the base, or None if there was none."""
        self.load([path])
        return self._before.get(self._real.get(path, path))

    def after(self, path: str) -> bytes | None:
        """Return a file now, or None if there is none."""
        return self.repository.read(path)

    @property
    def deleted(self) -> list[str]:
        """The files that are gone."""
        return [change.path for change in self.changes if change.status == DELETED]
