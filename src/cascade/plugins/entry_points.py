"""Find the entry points of plugins, and load them so that a plugin that fails stops nothing.

Reading the entry points of some hundred distributions takes tens of milliseconds, so nothing here runs at import, and a
process reads them again only after a directory of its import path has changed.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from cascade.config.secrets import mask_secrets
from cascade.exceptions import DiscoveryError, SourceLocation, asks_for_the_end

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Kind = Literal["source", "quality", "contributor", "catalog", "command", "resource"]

PREFIX = "cascade.plugins."
GROUPS: Mapping[Kind, tuple[str, ...]] = {
    "source": (f"{PREFIX}sources",),
    "quality": (f"{PREFIX}quality",),
    "contributor": (f"{PREFIX}transforms", f"{PREFIX}contributors"),
    "catalog": (f"{PREFIX}catalogs",),
    "command": (f"{PREFIX}commands",),
    "resource": (f"{PREFIX}resources",),
}
"""The groups of entry points of each kind. The first is the one to write."""

_UNKNOWN = "an unknown package"


class PluginError(DiscoveryError):
    """A plugin does not load, raises, or adds a name that is already taken. Everything else still works."""


@dataclass(frozen=True)
class Plugin:
    """One entry point of an installed distribution.

    Args:
        kind: what it adds.
        name: the entry point's name.
        distribution: the distribution's name.
        entry_point: the entry point; None if the distribution's `entry_points.txt` cannot be read.
        problem: why the plugin cannot be loaded, if its entry point shows that already.
    """

    kind: Kind
    name: str
    distribution: str
    entry_point: EntryPoint | None
    problem: str | None = None

    def __str__(self) -> str:
        if self.entry_point is None:
            return f"the file entry_points.txt of {self.distribution}"
        kind = "quality plugin" if self.kind == "quality" else self.kind
        return f'the {kind} "{self.name}" of {self.distribution}'

    @property
    def version(self) -> str | None:
        """The version of the distribution; None if it is unknown."""
        distribution = self.entry_point.dist if self.entry_point else None
        return distribution.metadata["Version"] if distribution else None

    def load(self) -> object:
        """Import the object that the entry point refers to.

        Raises:
            PluginError: the object cannot be imported.
        """
        if self.entry_point is None or self.problem is not None:
            raise self.error(self.problem or "cannot be read")
        return self.run(self.entry_point.load, "does not load")

    def instance(self) -> object:
        """Import the object that the entry point refers to, and call it if it is a class.

        Raises:
            PluginError: the object cannot be imported, or the class cannot be called.
        """
        loaded = self.load()
        return self.run(loaded, "cannot be created") if isinstance(loaded, type) else loaded

    def run(self, call: Callable[[], T], what: str) -> T:
        """Call the plugin's code.

        Args:
            call: the call to make.
            what: what went wrong if it raises, such as "does not load".

        Raises:
            PluginError: the call raised any exception that is not a request to stop.
        """
        try:
            return call()
        except BaseException as error:
            # A panic of a Rust extension and a skip of pytest are not of the class Exception.
            if asks_for_the_end(error):
                raise
            failure = self.error(f"{what}: {type(error).__name__}: {_reason(error)}", _location_of(error))
            raise failure from error

    def error(self, what: str, location: SourceLocation | None = None, *, hint: str | None = None) -> PluginError:
        """Return an error about this plugin.

        Args:
            what: the sentence, without its subject and its period.
            location: the line of the plugin's code.
            hint: what to do; by default, to upgrade or remove the distribution.
        """
        hint = hint or f"Upgrade {self.distribution}, or remove it from the environment."
        return PluginError(f"{str(self)[0].upper()}{str(self)[1:]} {what}.", location=location, hint=hint)


def find_plugins(kind: Kind) -> tuple[Plugin, ...]:
    """List the plugins of a kind, sorted by the names of their distributions and their own.

    Args:
        kind: what they add.
    """
    try:
        installed = _installed()
        found = [
            _plugin(kind, each, _distribution_of(each)) for group in GROUPS[kind] for each in installed.get(group, ())
        ]
    except Exception:
        # One malformed file among all distributions hides the entry points of all the others.
        found = list(_one_by_one(kind))
    # A distribution that serves older releases too may name one object in both groups of a kind.
    distinct = {(plugin.distribution, plugin.name, _value(plugin)): plugin for plugin in reversed(found)}
    return tuple(distinct[key] for key in sorted(distinct))


def _value(plugin: Plugin) -> str:
    return plugin.entry_point.value if plugin.entry_point else ""


def _installed() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return the entry points of all distributions on the import path, by the groups that belong to Cascade."""
    return _installed_in(tuple(_state(place) for place in sys.path))


@functools.lru_cache(maxsize=1)
def _installed_in(places: tuple[object, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points

    found = entry_points()
    return {group: tuple(found.select(group=group)) for group in found.groups if group.startswith(PREFIX)}


def unknown_groups() -> tuple[tuple[str, str], ...]:
    """Return the groups of entry points that look like those of Cascade and are not, each with its distribution."""
    known = {group for groups in GROUPS.values() for group in groups}
    try:
        found = _installed()
    except Exception:
        # One distribution is malformed, which `find_plugins` reports.
        return ()
    wrong = {
        (group, _distribution_of(each) or _UNKNOWN)
        for group, entries in found.items()
        if group not in known
        for each in entries
    }
    return tuple(sorted(wrong))


def _state(place: str) -> tuple[object, ...]:
    # Installing or removing a distribution changes the directory that holds it.
    try:
        status = os.stat(place or ".")
    except OSError:
        return (place,)
    return place, status.st_dev, status.st_ino, status.st_mtime_ns


def _one_by_one(kind: Kind) -> Iterator[Plugin]:
    from importlib.metadata import distributions

    seen: set[str] = set()
    for distribution in distributions():
        name = distribution.metadata["Name"] or _UNKNOWN
        if name in seen:
            # An earlier directory of the import path hides it.
            continue
        seen.add(name)
        try:
            entries = [each for group in GROUPS[kind] for each in distribution.entry_points.select(group=group)]
        except Exception:
            text = distribution.read_text("entry_points.txt") or ""
            if any(group in text for group in GROUPS[kind]):
                yield Plugin(kind, "", name, None, f"is malformed, so its plugins are left out{_malformed_line(text)}")
        else:
            yield from (_plugin(kind, each, name) for each in entries)


def _plugin(kind: Kind, entry_point: EntryPoint, distribution: str | None) -> Plugin:
    problem = None
    if not entry_point.name:
        problem = "has no name"
    elif not entry_point.pattern.match(entry_point.value):
        problem = f'refers to "{entry_point.value}", which does not have the form module:object'
    return Plugin(kind, entry_point.name, distribution or _UNKNOWN, entry_point, problem)


def _malformed_line(text: str) -> str:
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if line and not line.startswith(("#", ";")) and "=" not in line and not (line[0] == "[" and line[-1] == "]"):
            return f': line {number} is "{line}"'
    return ""


def has_plugins(*kinds: Kind) -> bool:
    """Return whether any distribution adds plugins of some kinds.

    Args:
        kinds: what they add.
    """
    try:
        found = _installed()
    except Exception:
        # One distribution is malformed, and `find_plugins` asks one after the other.
        return any(find_plugins(kind) for kind in kinds)
    return any(found.get(group) for kind in kinds for group in GROUPS[kind])


def _distribution_of(entry_point: EntryPoint) -> str | None:
    # A half-removed distribution has entry points, but no metadata with its name.
    return entry_point.dist.metadata["Name"] if entry_point.dist else None


def _reason(error: BaseException) -> str:
    try:
        return mask_secrets(str(error))
    except Exception as another:
        return f"its message could not be rendered ({type(another).__name__})"


def _location_of(error: BaseException) -> SourceLocation | None:
    """Return the innermost line of the traceback outside the import system and this file."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return SourceLocation(error.filename, error.lineno)
    frames = [(frame.filename, frame.lineno or 1) for frame in traceback.extract_tb(error.__traceback__)]
    others = [SourceLocation(*frame) for frame in frames if not _is_machinery(frame[0])]
    return others[-1] if others else None


def _is_machinery(file: str) -> bool:
    return file.startswith("<frozen ") or file == __file__ or "/importlib/" in file
