"""Reload the code locations when a file is saved, added or deleted, while the UI keeps running."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import watchfiles

from cascade.processes.watched import (
    SETTINGS_FILES,
    FolderFilter,
    Places,
    SourceFilter,
    dbt_files,
    is_build_file,
    is_dbt_file,
    python_files,
)
from cascade.reader.modules import read_module
from cascade.terminal.waiting import telling
from cascade.terminal.words import say_on_stderr

if TYPE_CHECKING:
    from cascade.processes.pants_manifest import ManifestRenewal
    from cascade.processes.ui import Location, UserInterface

_DEAD = "Could not reach user code server"


class Watcher(threading.Thread):
    """Watches files and has the webserver reload its code locations.

    Args:
        ui: the webserver.
        locations: the names of the code locations.
        places: returns what to watch. Called again after each change, because a directory may be created later.
        modules: the modules of the manifest; None in a project that discovers new files.
        renewal: asks Pants for the modules again when workflows are added, moved or deleted; None if the Pants backend
            did not say how to ask.
    """

    def __init__(
        self,
        ui: UserInterface,
        locations: Sequence[str],
        places: Callable[[], Places],
        modules: Sequence[str] | None,
        renewal: ManifestRenewal | None = None,
    ) -> None:
        super().__init__(name="cascade-watcher", daemon=True)
        self._ui = ui
        self._locations = tuple(locations)
        self._places = places
        self._modules = modules
        self._renewal = renewal
        self._renewed: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()
        self._asked: set[Path] = set()
        self._assets: dict[str, Location] = {}
        self._serving = threading.Event()
        self._ended = threading.Event()
        self._changes: queue.SimpleQueue[set[Path]] = queue.SimpleQueue()

    def serve(self, shown: Sequence[Location] = ()) -> None:
        """Begin to reload, now that the webserver is up. Changes since the start are reloaded too.

        Args:
            shown: the code locations that the webserver shows.
        """
        self._assets = {location.name: location for location in shown}
        self._serving.set()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._serving.set()
        self._changes.put(set())

    def run(self) -> None:
        """Reload after each change, until stopped."""
        places = self._places()
        known, known_dbt = python_files(places.trees), dbt_files(places.dbt)
        watching = self._watch(places)
        while True:
            changed = self._next_changes()
            self._serving.wait()
            if self._ended.is_set():
                watching.set()
                return
            outdated = None
            wanted = self._places()
            if wanted != places:
                places, outdated = wanted, watching
                watching = self._watch(places)
            present = python_files(places.trees)
            added, gone = present - known, known - present
            known = present
            paths = {path for path in changed if path.suffix == ".py" or path.name in SETTINGS_FILES}
            # A moved directory is one change, without its files.
            present_dbt = dbt_files(places.dbt)
            dbt = (present_dbt ^ known_dbt) | {path for path in changed if is_dbt_file(path, places.dbt)}
            known_dbt = present_dbt
            if paths or added or gone or dbt:
                self._reload(sorted({path.name for path in paths | added | gone | dbt}))
            if self._modules is not None:
                self._follow_manifest(sorted(present & (added | paths)), sorted(gone), filter(is_build_file, changed))
            if outdated is not None:
                # The new watch has begun by now. Another pass finds files that were added in the meantime.
                outdated.set()
                self._changes.put(set())

    def _next_changes(self) -> set[Path]:
        changed = self._changes.get()
        while not self._changes.empty():
            changed |= self._changes.get()
        return changed

    def _watch(self, places: Places) -> threading.Event:
        """Watch places in the background, until the returned event is set."""
        stop = threading.Event()
        if places.trees:
            _in_background(self._collect, places.trees, SourceFilter(places.trees, places.dbt), stop, recursive=True)
        _in_background(self._collect, places.folders, FolderFilter(), stop, recursive=False)
        return stop

    def _collect(
        self, directories: Sequence[Path], matters: watchfiles.BaseFilter, stop: threading.Event, *, recursive: bool
    ) -> None:
        try:
            for changes in watchfiles.watch(
                *directories,
                watch_filter=matters,
                stop_event=stop,
                raise_interrupt=False,
                recursive=recursive,
                ignore_permission_denied=True,
            ):
                self._changes.put({Path(path) for _, path in changes})
        except FileNotFoundError:
            # A directory went away before the watch began. Without a pause, a deleted project would keep a core busy.
            stop.wait(1)
            self._changes.put(set())
        except OSError as error:
            # Usually the system's limit on watches.
            if not stop.is_set():
                say_on_stderr("error", f"File changes are no longer detected: {error}. Restart `dev`.", "red")

    def _reload(self, files: Sequence[str]) -> None:
        names = ", ".join(files[:3]) + (" …" if len(files) > 3 else "")
        begun = time.monotonic()
        for location in self._locations:
            try:
                with telling(f"reloading {location} after {names}"):
                    error = self._ui.reload(location)
                    if error is not None and _DEAD in error:
                        # A module ended the process that loaded it. This edit may be the fix.
                        error = self._ui.reload(location)
                shown = {found.name: found for found in self._ui.locations()}
            except OSError as failure:
                if not self._ended.is_set():
                    say_on_stderr("error", f"{location} could not be reloaded: {failure}", "red")
                continue
            if error is not None:
                say_on_stderr("error", f"{location} does not load after {names}: {error}", "red")
                continue
            news = _difference(self._assets.get(location), shown.get(location))
            self._assets |= {name: found for name, found in shown.items() if name == location}
            click.echo(f"Reloaded {location} after {names} in {time.monotonic() - begun:.1f} s{news}.")

    def _follow_manifest(self, present: Sequence[Path], gone: Sequence[Path], builds: Iterable[Path]) -> None:
        """Have the manifest renewed if its list of modules may be out of date, and load the renewed one."""
        while not self._renewed.empty():
            self._take_over(self._renewed.get())
        builds, new = sorted(builds), [path for path in present if self._is_new_workflow(path)]
        reasons = [
            *(f"{path} was changed" for path in builds),
            *(f"{path} is a new workflow" for path in new if builds or path not in self._asked),
            *(f"{path} was deleted" for path in gone if self._is_listed(path)),
        ]
        if not reasons:
            return
        if self._renewal is None:
            for reason in reasons:
                say_on_stderr("warning", f"{reason}. Restart `dev` to update the list of workflows.", "yellow")
            return
        self._asked |= set(new)
        self._renewal.request(reasons, self._wake)

    def _wake(self, modules: tuple[str, ...]) -> None:
        self._renewed.put(modules)
        self._changes.put(set())

    def _take_over(self, modules: tuple[str, ...]) -> None:
        if set(modules) != set(self._modules or ()):
            self._modules = modules
            self._reload(["the new list of workflows"])
        else:
            click.echo("The list of workflows is unchanged.")
        for path in sorted(filter(self._is_new_workflow, self._asked)):
            message = f"{path} is in no cascade_workflow of the project. To add the target, run: pants tailor ::"
            say_on_stderr("warning", message, "yellow")

    def _is_new_workflow(self, path: Path) -> bool:
        try:
            return not self._is_listed(path) and read_module(path.read_bytes()).declares_workflow
        except OSError:
            return False

    def _is_listed(self, path: Path) -> bool:
        parts = path.with_suffix("").parts
        return any(tuple(name.split(".")) == parts[-len(name.split(".")) :] for name in self._modules or ())


def _in_background(function: Callable[..., None], *arguments: object, recursive: bool) -> None:
    threading.Thread(target=function, args=arguments, kwargs={"recursive": recursive}, daemon=True).start()


def _difference(before: Location | None, after: Location | None) -> str:
    old, new = _keys(before), _keys(after)
    was_broken, is_broken = _broken(before), _broken(after)
    parts = [
        ("new", new - old),
        ("removed", old - new),
        ("broken", is_broken - was_broken),
        ("no longer broken", (was_broken - is_broken) & new),
    ]
    return "".join(f"; {word}: {', '.join(sorted(keys))}" for word, keys in parts if keys)


def _keys(location: Location | None) -> frozenset[str]:
    return frozenset(asset.key for asset in location.assets) if location else frozenset()


def _broken(location: Location | None) -> frozenset[str]:
    return frozenset(asset.key for asset in location.assets if asset.broken) if location else frozenset()
