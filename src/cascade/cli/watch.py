"""Reloading the code location when a file is saved. The UI stays as it is."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.output import say_on_stderr
from cascade.cli.processes import source_paths

if TYPE_CHECKING:
    from cascade.cli.ui import UserInterface
    from cascade.config import CascadeConfig

_SETTINGS_FILES = ("cascade_config.py", "pyproject.toml", ".env")
_IGNORED_DIRECTORIES = frozenset(
    {"__pycache__", "node_modules", "dist", "build", "site-packages", ".cascade", ".git", ".pants.d", ".venv", "venv"}
)
_DECLARES = re.compile(rb"^@[ \t]*[\w.]*cascade_ingestion\b", re.MULTILINE)


def watched_paths(config: CascadeConfig, more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Lists the directories and files to watch: the roots of the user's sources, and the settings.

    Args:
        config: the settings.
        more: further directories.
    """
    roots = [Path(path) for path in source_paths()]
    if config.workflows_directory.is_dir():
        roots.append(config.workflows_directory)
    roots.extend(more)
    settings = [config.project_root / name for name in _SETTINGS_FILES if (config.project_root / name).is_file()]
    directories = [place for root in roots if root.is_dir() for place in _without_the_rest_of_a_repository(root)]
    return tuple(dict.fromkeys([*directories, *settings]))


def _without_the_rest_of_a_repository(root: Path) -> list[Path]:
    """A whole repository holds much that is no source, and watching costs memory for each directory."""
    if not any((root / mark).exists() for mark in (".git", "pants.toml", "pyproject.toml", ".cascade")):
        return [root]
    return [
        child
        for child in root.iterdir()
        if child.is_dir() and child.name not in _IGNORED_DIRECTORIES and not child.name.startswith(".")
    ]


class Watcher(threading.Thread):
    """Watches files and has the webserver reload its code locations.

    Args:
        ui: the webserver.
        locations: names of the code locations.
        paths: what to watch.
        modules: the modules of the manifest, where a new one needs a restart; None where new files are found.
    """

    def __init__(
        self, ui: UserInterface, locations: Sequence[str], paths: Sequence[Path], modules: Sequence[str] | None
    ) -> None:
        super().__init__(name="cascade-watcher", daemon=True)
        self._ui = ui
        self._locations = tuple(locations)
        self._paths = tuple(paths)
        self._modules = modules
        self._serving = threading.Event()
        self._ended = threading.Event()

    def serve(self) -> None:
        """Tells it that the webserver is up. What was saved since the start is reloaded now."""
        self._serving.set()

    def stop(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self._serving.set()

    def run(self) -> None:
        """Waits for changes and reloads, until stopped."""
        import watchfiles

        for changes in watchfiles.watch(
            *self._paths,
            watch_filter=_is_source,
            stop_event=self._ended,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            self._serving.wait()
            if self._ended.is_set():
                return
            paths = {Path(path): change for change, path in changes}
            self._reload(sorted(paths))
            added = [path for path, change in paths.items() if change == watchfiles.Change.added and path.exists()]
            gone = [path for path in paths if not path.exists()]
            self._advise(added, gone)

    def _reload(self, paths: Sequence[Path]) -> None:
        names = ", ".join(path.name for path in paths[:3]) + (" …" if len(paths) > 3 else "")
        begun = time.monotonic()
        for location in self._locations:
            try:
                error = self._ui.reload(location)
            except OSError as failure:
                if not self._ended.is_set():
                    say_on_stderr("error", f"{location} could not be reloaded: {failure}", "red")
                continue
            if error is not None:
                say_on_stderr("error", f"{location} does not load after {names}: {error}", "red")
                continue
            click.echo(f"Reloaded {location} after {names} in {time.monotonic() - begun:.1f} s.")

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


def _is_source(change: object, path: str) -> bool:
    place = Path(path)
    if _IGNORED_DIRECTORIES.intersection(place.parts):
        return False
    return place.suffix == ".py" or place.name in _SETTINGS_FILES
