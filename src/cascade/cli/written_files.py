"""Writing generated files into a project: all of them or, where one would be lost or strayed, none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cascade.exceptions import CascadeError, UsageError


@dataclass(frozen=True)
class Written:
    """What was done to each file, as paths from the root, in the order given.

    Args:
        created: files that were not there.
        overwritten: files that had another content.
        unchanged: files that had this very content; they were not touched.
    """

    created: tuple[str, ...] = ()
    overwritten: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def write_files(root: Path, files: Mapping[str, str], *, force: bool) -> Written:
    """Writes generated files, each whole or not at all, and no file but these.

    Everything is checked before the first is written.

    Args:
        root: the directory that they belong to. It is made if it is not there.
        files: the text of each file by its path from the root, with forward slashes.
        force: whether a file with another content may be overwritten.

    Returns:
        What was done to each.

    Raises:
        UsageError: a file with another content is there and `force` is false, or a path cannot be a file inside of the
            root; the message names each. Nothing was written.
        CascadeError: the system refused to write a file.
    """
    places = {path: _inside(root, path) for path in files}
    _refuse(sentence for path, place in places.items() for sentence in _obstacles(root, path, place))
    present = {path: _content(place) for path, place in places.items()}
    other = [path for path, text in files.items() if present[path] not in (None, text.encode())]
    if other and not force:
        noun, verb = ("This file has", "it") if len(other) == 1 else ("These files have", "them")
        raise UsageError(
            f"{noun} another content already, in {root}:" + "".join(f"\n  {path}" for path in other),
            hint=f"Nothing was written. Give --force to overwrite {verb}.",
        )
    for path, text in files.items():
        if present[path] != text.encode():
            _write(places[path], text)
    return Written(
        created=tuple(path for path in files if present[path] is None),
        overwritten=tuple(other),
        unchanged=tuple(path for path, text in files.items() if present[path] == text.encode()),
    )


def _refuse(sentences: Iterator[str]) -> None:
    found = tuple(sentences)
    if found:
        raise UsageError("\n".join(found), hint="Nothing was written.")


def _inside(root: Path, path: str) -> Path:
    """Follows every link on the way, because that is where a write would go."""
    try:
        place = (root / path).resolve()
    except (OSError, RuntimeError) as error:
        # A link that leads to itself.
        raise UsageError(f"{root / path} cannot be followed: {error}.", hint="Nothing was written.") from error
    inside = root.resolve()
    if not place.is_relative_to(inside) or place == inside:
        raise UsageError(
            f"{path} leads to {place}, which is not inside of {root}.",
            hint="Nothing was written. Only files of the project are.",
        )
    return place


def _obstacles(root: Path, path: str, place: Path) -> Iterator[str]:
    if place.is_dir():
        yield f"{root / path} is a directory, and a file is to be written there."
    inside = root.resolve()
    for parent in (inside, *(parent for parent in place.parents if parent.is_relative_to(inside))):
        if parent.exists() and not parent.is_dir():
            yield f"{parent} is a file, and a directory is to be made there for {path}."


def _content(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}.", hint="Nothing was written.") from error


def _write(place: Path, text: str) -> None:
    # Beside its place, so that the renaming is one step of one file system, and not by `tempfile`, whose files are for
    # their owner alone.
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(text.encode())
            if place.exists():
                shutil.copymode(place, temporary)
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise CascadeError(f"{place} cannot be written: {error.strerror}.") from error
