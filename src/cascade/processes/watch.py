"""Reloading the code location when a file is saved, made or deleted. The UI stays as it is."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.processes.children import source_paths
from cascade.terminal.words import say_on_stderr

if TYPE_CHECKING:
    import watchfiles

    from cascade.config import CascadeConfig
    from cascade.processes.ui import Location, UserInterface

_SETTINGS_FILES = ("cascade_config.py", "pyproject.toml", "dg.toml", ".env")
_IGNORED_DIRECTORIES = frozenset(
    {"__pycache__", "node_modules", "dist", "build", "site-packages", ".cascade", ".git", ".pants.d", ".venv", "venv"}
)
_DECLARES = re.compile(rb"^@[ \t]*[\w.]*cascade_ingestion\b", re.MULTILINE)
_DEAD = "Could not reach user code server"
_LOOK_AROUND_MILLISECONDS = 1000


def watched_directories(config: CascadeConfig, more: Iterable[Path] = (), *, standalone: bool) -> tuple[Path, ...]:
    """Lists the directories to watch: the roots of the user's sources.

    Args:
        config: the settings.
        more: further directories.
        standalone: whether all of the project's directory is its source, and not only what is on the import path.
    """
    roots = [*map(Path, source_paths()), config.workflows_directory, *more]
    if standalone:
        roots.append(config.project_root)
    places = (place for root in roots if root.is_dir() for place in _without_the_rest_of_a_repository(root))
    return tuple(dict.fromkeys(places))


def _without_the_rest_of_a_repository(root: Path) -> list[Path]:
    """A whole repository holds much that is no source, and watching costs memory for each directory."""
    if not any((root / mark).exists() for mark in (".git", "pants.toml", "pyproject.toml", ".cascade")):
        return [root]
    return [child for child in sorted(root.iterdir()) if child.is_dir() and not _is_ignored(child.name)]


class Watcher(threading.Thread):
    """Watches files and has the webserver reload its code locations.

    Args:
        ui: the webserver.
        locations: names of the code locations.
        directories: gives what to watch, again and again, since a directory may be made later.
        root: the directory of the files with settings.
        modules: the modules of the manifest, where a new one needs a restart; None where new files are found.
    """

    def __init__(
        self,
        ui: UserInterface,
        locations: Sequence[str],
        directories: Callable[[], tuple[Path, ...]],
        root: Path,
        modules: Sequence[str] | None,
    ) -> None:
        super().__init__(name="cascade-watcher", daemon=True)
        self._ui = ui
        self._locations = tuple(locations)
        self._directories = directories
        self._root = root
        self._modules = modules
        self._assets: dict[str, frozenset[str]] = {}
        self._serving = threading.Event()
        self._ended = threading.Event()

    def serve(self, shown: Sequence[Location] = ()) -> None:
        """Tells it that the webserver is up. What was saved since the start is reloaded now.

        Args:
            shown: what the webserver shows.
        """
        self._assets = {location.name: _keys(location) for location in shown}
        self._serving.set()

    def stop(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self._serving.set()

    def run(self) -> None:
        """Waits for changes and reloads, until stopped."""
        known = _sources(self._directories())
        try:
            for changed in self._changes():
                self._serving.wait()
                if self._ended.is_set():
                    return
                present = _sources(self._directories())
                added, gone = present - known, known - present
                known = present
                paths = {path for path in changed if path.suffix == ".py" or path.name in _SETTINGS_FILES}
                if paths or added or gone:
                    self._reload(sorted(paths | added | gone))
                    self._advise(sorted(added), sorted(gone))
        except OSError as error:
            # Most likely the system's limit on watches.
            say_on_stderr("error", f"Edits are no longer noticed: {error}. Stop and start again to see them.", "red")

    def _changes(self) -> Iterator[set[Path]]:
        """Gives what has changed, a burst at a time. A path may be a directory's, or of none at all."""
        import watchfiles

        settings = self._settings()
        while not self._ended.is_set():
            directories = self._directories()
            for changes in watchfiles.watch(
                *directories,
                watch_filter=_filter(directories),
                rust_timeout=_LOOK_AROUND_MILLISECONDS,
                yield_on_timeout=True,
                stop_event=self._ended,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                before, settings = settings, self._settings()
                changed = {path for path, _ in before.items() ^ settings.items()}
                changed |= {Path(path) for _, path in changes}
                moved_on = self._directories() != directories
                if changed or moved_on:
                    yield changed
                if moved_on:
                    break

    def _settings(self) -> Mapping[Path, tuple[int, ...]]:
        """The files with settings, and what tells a version of one from the next. Editors replace files, so that a
        watch on one of them would end with its first version.
        """
        stamps = {}
        for name in _SETTINGS_FILES:
            with contextlib.suppress(OSError):
                status = (self._root / name).stat()
                stamps[self._root / name] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return stamps

    def _reload(self, paths: Sequence[Path]) -> None:
        names = ", ".join(path.name for path in paths[:3]) + (" …" if len(paths) > 3 else "")
        begun = time.monotonic()
        for location in self._locations:
            try:
                error = self._ui.reload(location)
                if error is not None and _DEAD in error:
                    # A module has ended the process that loaded it, and what was edited may have been just that.
                    error = self._ui.reload(location)
                shown = {found.name: _keys(found) for found in self._ui.locations()}
            except OSError as failure:
                if not self._ended.is_set():
                    say_on_stderr("error", f"{location} could not be reloaded: {failure}", "red")
                continue
            if error is not None:
                say_on_stderr("error", f"{location} does not load after {names}: {error}", "red")
                continue
            news = _difference(self._assets.get(location, frozenset()), shown.get(location, frozenset()))
            self._assets[location] = shown.get(location, frozenset())
            click.echo(f"Reloaded {location} after {names} in {time.monotonic() - begun:.1f} s{news}.")

    def _advise(self, added: Sequence[Path], gone: Sequence[Path]) -> None:
        if self._modules is None:
            return
        new = [path for path in added if self._is_new_workflow(path)]
        deleted = [path for path in gone if self._is_listed(path)]
        for path, what in [*((path, "is a new workflow") for path in new), *((path, "is gone") for path in deleted)]:
            say_on_stderr(
                "warning", f"{path} {what}: stop and start again, since the list of workflows is made then.", "yellow"
            )

    def _is_new_workflow(self, path: Path) -> bool:
        try:
            return not self._is_listed(path) and bool(_DECLARES.search(path.read_bytes()))
        except OSError:
            return False

    def _is_listed(self, path: Path) -> bool:
        parts = path.with_suffix("").parts
        return any(tuple(name.split(".")) == parts[-len(name.split(".")) :] for name in self._modules or ())


def _keys(location: Location) -> frozenset[str]:
    return frozenset(asset.key for asset in location.assets)


def _difference(before: frozenset[str], after: frozenset[str]) -> str:
    parts = [("new", sorted(after - before)), ("gone", sorted(before - after))]
    return "".join(f"; {word}: {', '.join(keys)}" for word, keys in parts if keys)


def _sources(directories: Iterable[Path]) -> frozenset[Path]:
    """The Python files in directories."""
    found: set[Path] = set()
    seen: set[str] = set()
    for directory in directories:
        for place, inner, files in os.walk(directory, followlinks=True):
            real = os.path.realpath(place)
            # A link may lead in circles.
            inner[:] = [] if real in seen else [name for name in inner if not _is_ignored(name)]
            seen.add(real)
            found.update(Path(place, name) for name in files if name.endswith(".py"))
    return frozenset(found)


def _is_ignored(directory: str) -> bool:
    return directory in _IGNORED_DIRECTORIES or directory.startswith(".")


def _filter(directories: Iterable[Path]) -> Callable[[watchfiles.Change, str], bool]:
    """Makes the function that tells which changes may matter: those of Python files, and of what may be a directory."""
    roots = tuple(directories)

    def may_matter(change: watchfiles.Change, path: str) -> bool:
        place = Path(path)
        inside = next((place.relative_to(root) for root in roots if place.is_relative_to(root)), place)
        if any(_is_ignored(name) for name in inside.parts[:-1]):
            return False
        # A directory that is moved is one change, its own.
        return place.suffix == ".py" or (not place.suffix and not _is_ignored(place.name) and change.name != "modified")

    return may_matter
