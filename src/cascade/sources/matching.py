"""Find the local files that a reader was given, by path or by pattern."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias

from cascade.exceptions import SourceError

OneFile: TypeAlias = str | os.PathLike[str] | Traversable
"""A path, a pattern, or a file of a package (see `importlib.resources`)."""

Files: TypeAlias = OneFile | Iterable[OneFile]
"""One or several of them."""


@dataclass(frozen=True)
class InputFile:
    """A file to read.

    Args:
        shown: its path as the user knows it, for messages.
        place: the path, or a resource of a package that may lie in an archive.
    """

    shown: str
    place: Path | Traversable

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Yield a path that can be opened inside the block."""
        if isinstance(self.place, Path):
            yield self.place
        else:
            with as_file(self.place) as path:
                yield path


def matching_files(files: Files, *, missing_ok: bool) -> list[InputFile]:
    """Find the files of paths and patterns, in order, each once.

    Args:
        files: what the user passed to a reader.
        missing_ok: whether a path or pattern may match nothing.

    Raises:
        SourceError: a path or pattern matches no file.
    """
    given = [files] if isinstance(files, (str, os.PathLike, Traversable)) else list(files)
    found: dict[str, InputFile] = {}
    missing: list[str] = []
    for item in given:
        matched = list(_matches(item))
        if not matched:
            missing.append(str(item))
        for file in matched:
            found.setdefault(os.path.realpath(file.place) if isinstance(file.place, Path) else file.shown, file)
    if not given or (missing and not missing_ok):
        raise _nothing_matches(missing)
    return list(found.values())


def _matches(item: OneFile) -> Iterator[InputFile]:
    if not isinstance(item, (str, os.PathLike)):
        if item.is_file():
            yield InputFile(str(item), item)
        return
    text = os.fspath(item)
    if re.match(r"[a-z][a-z0-9+]+://", text, re.IGNORECASE):
        raise SourceError(
            f'"{text}" is an address, but files are read from a local path.',
            hint="Download the file first, or ingest it with a dlt source, such as dlt.sources.filesystem.",
        )
    # A file whose name has brackets or an asterisk in it is itself, not a pattern.
    if os.path.isdir(text):
        raise SourceError(
            f'"{text}" is a directory.', hint=f'Say which of its files to read, such as "{os.path.join(text, "*")}".'
        )
    if os.path.exists(text):
        yield InputFile(text, Path(text))
    elif glob.has_magic(text):
        for path in sorted(glob.glob(_any_case(text), recursive=True)):
            if os.path.isfile(path):
                yield InputFile(path, Path(path))


def _any_case(pattern: str) -> str:
    """Let the ending of a pattern match in upper and lower case: `*.csv` also finds `DAY.CSV`."""
    directory, name = os.path.split(pattern)
    stem, dot, ending = name.partition(".")
    if "[" in ending:
        return pattern
    either = re.sub(r"[a-zA-Z]", lambda found: f"[{found[0].lower()}{found[0].upper()}]", ending)
    return os.path.join(directory, f"{stem}{dot}{either}")


def _nothing_matches(missing: list[str]) -> SourceError:
    listed = " or ".join(f'"{name}"' for name in missing) or "an empty list of paths"
    relative = any(not os.path.isabs(name) for name in missing)
    where = f" in the working directory {os.getcwd()}" if relative else ""
    return SourceError(
        f"No file matches {listed}{where}.",
        hint="Correct the path, or pass missing_ok=True if a partition may have no file.",
    )
