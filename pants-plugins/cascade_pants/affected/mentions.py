"""Which files may have used a file that is gone, by the words in them. Pure.

A dependency on a file that is gone is not in the graph any more. Whatever used it has not changed, or it would count
for that, so its text still names the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

_WORD = re.compile(r"\w+")
_JINJA_DEFINITION = re.compile(rb"{%-?\s*(?:macro|test|materialization|data_test)\b")
_JINJA_SNAPSHOT = re.compile(rb"{%-?\s*snapshot\s+(\w+)")


@dataclass(frozen=True)
class Gone:
    """A file that is gone, or that no target owns any more.

    Args:
        path: the file.
        words: the words of which a file that used it has at least one.
        parent: a word that such a file has too, unless it is below `directory`. None if there is none.
        directory: the directory of the file.
    """

    path: str
    words: frozenset[str]
    parent: str | None
    directory: str

    def may_be_used_by(self, path: str, words: Collection[str]) -> bool:
        """Return whether a file may have used this one.

        Args:
            path: the other file.
            words: the words in it.
        """
        if self.words.isdisjoint(words):
            return False
        return self.parent is None or self.parent in words or path.startswith(f"{self.directory}/")


def gone_module(path: str, is_root: Callable[[str], bool]) -> Gone:
    """Return what to look for if a Python module is gone.

    An import names the module and the package around it, unless it is relative and in a file below that package.

    Args:
        path: the file.
        is_root: whether a directory is a source root, whose name no import has.
    """
    file = PurePosixPath(path)
    module = file.parent if file.name.startswith("__init__.") else file.with_suffix("")
    directory = "" if module.parent.name == "" else str(module.parent)
    return Gone(path, frozenset({module.name}), None if is_root(directory) else module.parent.name, directory)


def gone_dbt_file(path: str, content: bytes) -> Gone | None:
    """Return what to look for if a file of a dbt project is gone.

    Args:
        path: the file.
        content: what was in it.

    Returns:
        What to look for in the files of its project, or None if any of them may have used it: a macro may take the
        place of another one, and YAML may describe any model.
    """
    file = PurePosixPath(path)
    if file.suffix not in (".sql", ".csv", ".py") or _JINJA_DEFINITION.search(content):
        return None
    names = {name.decode() for name in _JINJA_SNAPSHOT.findall(content)}
    return Gone(path, frozenset({*_WORD.findall(file.stem), *names}), None, str(file.parent))


def words_to_find(gone: Iterable[Gone]) -> list[str]:
    """Return all words of some files, sorted."""
    return sorted({word for one in gone for word in one.words})


def words_of(content: bytes) -> frozenset[str]:
    """Return the words in a text."""
    return frozenset(_WORD.findall(content.decode("utf-8", errors="replace")))
