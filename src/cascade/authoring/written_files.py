"""Writing generated files into a project: all of them or, where one would be lost or strayed, none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
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
    """Writes generated files, all of them or none, and no file but these.

    Everything is checked before the first is written. Where the system refuses one half-way, the others become again
    what they were.

    Args:
        root: the directory that they belong to. It is made if it is not there.
        files: the text of each file by its path from the root, with forward slashes.
        force: whether a file with another content may be overwritten.

    Returns:
        What was done to each.

    Raises:
        UsageError: a file with another content is there and `force` is false, or a path cannot be a file inside of the
            root; the message names each. Nothing was written.
        CascadeError: the system refused to write a file. What could not be put back, if anything, is named.
    """
    places = {path: _inside(root, path) for path in files}
    _refuse(dict.fromkeys(sentence for path in files for sentence in _obstacles(root / path, places[path])))
    present = {path: _content(place) for path, place in places.items()}
    other = [path for path, text in files.items() if present[path] not in (None, text.encode())]
    if other and not force:
        noun, verb = ("This file has", "it") if len(other) == 1 else ("These files have", "them")
        raise UsageError(
            f"{noun} another content already, in {root}:" + "".join(f"\n  {path}" for path in other),
            hint=f"Nothing was written. Give --force to overwrite {verb}.",
        )
    changed = [path for path, text in files.items() if present[path] != text.encode()]
    _write_all(
        {places[path]: files[path].encode() for path in changed}, {places[path]: present[path] for path in changed}
    )
    return Written(
        created=tuple(path for path in files if present[path] is None),
        overwritten=tuple(other),
        unchanged=tuple(path for path, text in files.items() if present[path] == text.encode()),
    )


def _refuse(sentences: Collection[str]) -> None:
    if sentences:
        raise UsageError("\n".join(sentences), hint="Nothing was written.")


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


def _obstacles(path: Path, place: Path) -> Iterator[str]:
    if place.is_dir():
        yield f"{path} is a directory, and a file is to be written there."
    for parent in place.parents:
        if parent.exists() and not parent.is_dir():
            yield f"{parent} is a file, and a directory is to be made there."


def _content(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}.", hint="Nothing was written.") from error


def _write_all(texts: Mapping[Path, bytes], before: Mapping[Path, bytes | None]) -> None:
    current = Path()
    try:
        # What was registered is undone, last first, by whatever ends the block early: Ctrl-C as well.
        with ExitStack() as undo:
            staged: dict[Path, Path] = {}
            # A full disk shows here, before any file has another content.
            for current, text in texts.items():
                staged[current] = _stage(current, text, undo.callback)
            for current, temporary in staged.items():
                _put(temporary, current, before[current], undo.callback)
            undo.pop_all()
    except OSError as error:
        lost = [str(place) for place, content in before.items() if not _holds(place, content)]
        raise CascadeError(
            f"{current} cannot be written: {error.strerror}.",
            hint=f"This could not be put back: {', '.join(lost)}." if lost else "Everything is as it was before.",
        ) from error


def _stage(place: Path, text: bytes, on_failure: Callable[..., object]) -> Path:
    """Writes a file beside its place, so that the renaming is one step of one file system."""
    missing = [parent for parent in place.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        on_failure(_quietly, parent.rmdir)
    # Not by `tempfile`, whose files are for their owner alone.
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    on_failure(_quietly, temporary.unlink)
    temporary.write_bytes(text)
    if place.exists():
        shutil.copymode(place, temporary)
    return temporary


def _put(temporary: Path, place: Path, before: bytes | None, on_failure: Callable[..., object]) -> None:
    if before is None:
        on_failure(_quietly, place.unlink)
    else:
        on_failure(_quietly, lambda: _restore(place, before))
    temporary.replace(place)


def _restore(place: Path, content: bytes) -> None:
    # It still has the mode that it had.
    if not _holds(place, content):
        place.write_bytes(content)


def _quietly(undo: Callable[[], object]) -> None:
    with suppress(OSError):
        undo()


def _holds(place: Path, content: bytes | None) -> bool:
    try:
        return place.read_bytes() == content
    except OSError:
        return content is None and not place.exists()
