"""What a package of Cascade or a plugin adds to a project: definitions for Dagster, and problems for `validate`.

A plugin is a distribution that registers its contributor in the entry point group `cascade.plugins.contributors`:

    [project.entry-points."cascade.plugins.contributors"]
    lineage = "acme_cascade:LineageContributor"

`cascade.framework` asks every contributor in turn, then assembles what they return.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cascade.exceptions import CascadeError, DeclarationError, SchemaConversionError, SourceLocation

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

__all__ = ["Contribution", "Contributor", "LoadedProject", "Problem", "problems_of", "relative_path", "relative_paths"]


@dataclass(frozen=True)
class LoadedProject:
    """A project whose modules are loaded, as contributors see it.

    Args:
        config: the settings. Under `validate` they are defaults, so that a check does not depend on the machine.
        modules: the loaded modules by name. Under `validate` and `pants check` these may be a subset of the project's.
        workflows: the decorated functions of the modules, of every kind, each with its `declaration`.
        dbt_directory: the directory of the dbt project to check; None to skip dbt.
        dbt_assets_directory: the directory of the dbt project that adds assets; None to add none.
        complete: whether the modules are certainly all of the project's.
        neighbours: decorated functions of other modules, whose tables the project's own functions may name.
    """

    config: CascadeConfig
    modules: Mapping[str, ModuleType] = field(default_factory=dict)
    workflows: tuple[Any, ...] = ()
    dbt_directory: Path | None = None
    dbt_assets_directory: Path | None = None
    complete: bool = False
    neighbours: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Contribution:
    """Definitions for Dagster that one contributor adds to a project.

    Args:
        assets: assets and asset specs.
        asset_checks: asset checks.
        jobs: jobs.
        schedules: schedules.
        sensors: sensors.
        definitions: whole `Definitions` objects.
        resources: resources by key. A key that Cascade uses itself, such as `lakehouse`, is refused.
        failures: errors of parts that are left out. The other parts still load.
        homes: the module or plugin that each object comes from, by the object's `id`, for errors.
    """

    assets: tuple[Any, ...] = ()
    asset_checks: tuple[Any, ...] = ()
    jobs: tuple[Any, ...] = ()
    schedules: tuple[Any, ...] = ()
    sensors: tuple[Any, ...] = ()
    definitions: tuple[dg.Definitions, ...] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[CascadeError, ...] = ()
    homes: Mapping[int, str] = field(default_factory=dict)

    def home(self, value: object) -> str | None:
        """Return the name of the module in which an object was found, or None if it is unknown."""
        return self.homes.get(id(value))

    def with_homes(
        self, kind: Literal["assets", "asset_checks", "jobs", "schedules", "sensors"]
    ) -> Iterator[tuple[Any, str]]:
        """List the definitions of a kind, including those inside whole `Definitions`.

        Args:
            kind: which definitions to list.

        Yields:
            each object, with the module or plugin in which it, or the `Definitions` that contain it, was found. An
            object that is found in both is yielded twice.
        """
        for value in getattr(self, kind):
            yield value, self.home(value) or "another module"
        for definitions in self.definitions:
            home = self.home(definitions) or "another module"
            yield from ((value, home) for value in getattr(definitions, kind) or ())


class Contributor(Protocol):
    """Adds definitions to a project, and finds problems in it. Override the methods that you need.

    If a method of a plugin raises, the error is reported with the plugin's name and the others go on.
    """

    def contribute(self, project: LoadedProject) -> Contribution:
        """Return what to add to the project's definitions. Do not open a catalog here: this runs at every load.

        Args:
            project: the loaded project.
        """
        return Contribution()

    def problems(self, project: LoadedProject) -> Iterable[Problem]:
        """Find what is wrong with the project, for `cascade validate` and `pants check`. Must not write anything.

        Args:
            project: the loaded project.
        """
        return ()


@dataclass(frozen=True)
class Problem:
    """One problem of a project.

    Args:
        message: what is wrong, and what to do.
        kind: the class of the error.
        location: the file and line to change; None if the problem has no location.
    """

    message: str
    kind: str
    location: SourceLocation | None = None

    @property
    def order(self) -> tuple[str, int]:
        """The key to sort problems by: file, then line."""
        return (self.location.file, self.location.line) if self.location else ("", 0)

    def render(self, base: Path | None = None) -> str:
        """Return the line `path:line: message`.

        Args:
            base: the directory to make every path relative to; a path outside it is unchanged.
        """
        message = relative_paths(self.message, base)
        if self.location is None:
            return message
        return f"{relative_path(self.location.file, base)}:{self.location.line}: {message}"


def problems_of(error: CascadeError, location: SourceLocation | None = None) -> list[Problem]:
    """Turn an error into problems: one for each wrong argument of a decorator or field of a schema.

    Args:
        error: the error.
        location: where to report an error that has no location.
    """
    kind = type(error).__name__
    if isinstance(error, DeclarationError):
        return [Problem(f"@{error.decorator}: {problem}", kind, error.location) for problem in error.problems]
    message = error.message
    if error.hint:
        message += f"{'' if message.endswith(('.', '?', '!', ':')) else '.'} {error.hint}"
    found = [Problem(message, kind, error.location or location)]
    for other in error.others if isinstance(error, SchemaConversionError) else ():
        found += problems_of(other, location)
    return found


def relative_path(file: str, base: Path | None) -> str:
    """Return a path relative to a directory, or the path itself if it is outside the directory."""
    path = Path(file)
    for directory in (base, base.resolve() if base else None):
        if directory is not None and path.is_relative_to(directory):
            return str(path.relative_to(directory))
    return file


def relative_paths(text: str, base: Path | None) -> str:
    """Make the paths in a text relative to a directory. A path outside the directory is unchanged.

    Args:
        text: a message that may quote paths.
        base: the directory.
    """
    if base is None:
        return text
    # A path begins where no other path goes on.
    for prefix in sorted({str(base), str(base.resolve())}, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.~/-]){re.escape(prefix.rstrip('/'))}/(?=[^/\s])", "", text)
    return text
