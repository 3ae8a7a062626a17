"""Write generated files into a project: all, or none if one would overwrite a file or be outside the project."""

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
    """The result for each file, as paths from the root, in the given order.

    Args:
        created: new files.
        overwritten: files that had different content.
        unchanged: files that already had this content, and were not touched.
    """

    created: tuple[str, ...] = ()
    overwritten: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, list[str]]:
        """The same, for JSON."""
        return {
            "created": list(self.created),
            "overwritten": list(self.overwritten),
            "unchanged": list(self.unchanged),
        }


def write_files(root: Path, files: Mapping[str, str | bytes], *, force: bool, instead: str = "") -> Written:
    """Write generated files: all of them or none.

    All paths are checked before the first file is written. If the system refuses a write, the files already written are
    restored.

    Args:
        root: the directory for the files. It is created if necessary.
        files: the text or the bytes of each file by its path from the root, with forward slashes.
        force: whether to overwrite files with different content.
        instead: a sentence for the hint, on what to do instead of overwriting files.

    Returns:
        The result for each file.

    Raises:
        UsageError: a file with different content exists and `force` is false, or a path cannot be a file inside the
            root. The message lists each path. Nothing was written.
        CascadeError: the system refused a write. The hint lists the files that could not be restored.
    """
    contents = {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}
    places = {path: _inside(root, path) for path in files}
    _refuse(dict.fromkeys(sentence for path in files for sentence in _obstacles(root / path, places[path])))
    present = {path: _content(place) for path, place in places.items()}
    other = [path for path, content in contents.items() if present[path] not in (None, content)]
    if other and not force:
        noun, them = ("This file exists", "it") if len(other) == 1 else ("These files exist", "them")
        raise UsageError(
            f"{noun} with different content in {root}:" + "".join(f"\n  {path}" for path in other),
            hint=f"Nothing was written. Use --force to overwrite {them}." + (f"\n{instead}" if instead else ""),
        )
    changed = [path for path, content in contents.items() if present[path] != content]
    _write_all({places[path]: contents[path] for path in changed}, {places[path]: present[path] for path in changed})
    return Written(
        created=tuple(path for path in files if present[path] is None),
        overwritten=tuple(other),
        unchanged=tuple(path for path, content in contents.items() if present[path] == content),
    )


def _refuse(sentences: Collection[str]) -> None:
    if sentences:
        raise UsageError("\n".join(sentences), hint="Nothing was written.")


def _inside(root: Path, path: str) -> Path:
    """Return where a write would go, following links."""
    try:
        place = (root / path).resolve()
    except (OSError, RuntimeError) as error:
        # A link points to itself.
        raise UsageError(f"{root / path} cannot be followed: {error}.", hint="Nothing was written.") from error
    inside = root.resolve()
    if not place.is_relative_to(inside) or place == inside:
        raise UsageError(
            f"{path} leads to {place}, which is outside {root}.",
            hint="Nothing was written. New files must be inside the project.",
        )
    return place


def _obstacles(path: Path, place: Path) -> Iterator[str]:
    if place.is_dir():
        yield f"{path} is a directory, but must be a file."
    for parent in place.parents:
        if parent.exists() and not parent.is_dir():
            yield f"{parent} is a file, but must be a directory."


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
        # Anything that ends the block early, Ctrl-C included, undoes the registered steps in reverse.
        with ExitStack() as undo:
            staged: dict[Path, Path] = {}
            # A full disk fails here, before any existing file has changed.
            for current, text in texts.items():
                staged[current] = _stage(current, text, undo.callback)
            for current, temporary in staged.items():
                _put(temporary, current, before[current], undo.callback)
            undo.pop_all()
    except OSError as error:
        lost = [str(place) for place, content in before.items() if not _holds(place, content)]
        raise CascadeError(
            f"{current} cannot be written: {error.strerror}.",
            hint=f"These files could not be restored: {', '.join(lost)}." if lost else "All files are unchanged.",
        ) from error


def _stage(place: Path, text: bytes, on_failure: Callable[..., object]) -> Path:
    """Write a temporary file next to the final one, so that renaming it is atomic."""
    missing = [parent for parent in place.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        on_failure(_quietly, parent.rmdir)
    # `tempfile` would make it readable only by its owner.
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
    # The mode is unchanged.
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
