"""Which targets the changes touch directly, and why."""

from __future__ import annotations

from collections.abc import Iterable

from pants.engine.addresses import Address

from cascade_pants.affected.closure import Cause
from cascade_pants.git import Change


class Causes:
    """Collects the targets that changes touch, and why."""

    def __init__(self) -> None:
        self.all: dict[Address, dict[str, Cause]] = {}
        """For each target, the reasons by the path of the changed file."""
        self.settings: dict[Address, Cause] = {}
        """Projects whose settings have changed, and with them all that they load."""
        self.notes: dict[str, str] = {}
        """Why a change touches nothing, by its path."""
        self.counted: set[str] = set()
        """The paths of changes that touch something."""

    @property
    def by_target(self) -> dict[Address, Cause]:
        """The first reason of each target."""
        return {address: next(iter(found.values())) for address, found in self.all.items()}

    def only(self, path: str) -> Causes:
        """Return the causes that come from one changed file."""
        found = Causes()
        found.all = {address: {path: causes[path]} for address, causes in self.all.items() if path in causes}
        found.settings = {project: cause for project, cause in self.settings.items() if cause.path == path}
        return found

    def add(self, addresses: Iterable[Address], change: Change, why: str) -> None:
        """Record that a change touches some targets.

        Args:
            addresses: the targets.
            change: the change.
            why: how the file concerns them, to be read after its name.
        """
        for address in addresses:
            self.all.setdefault(address, {}).setdefault(change.path, Cause(change.path, change.status, why))
            self.counted.add(change.path)

    def add_settings(self, project: Address, change: Change, why: str) -> None:
        """Record that a change touches the settings of a project."""
        self.add([project], change, why)
        self.settings.setdefault(project, Cause(change.path, change.status, why))

    def note(self, change: Change, why: str) -> None:
        """Record why a change touches nothing, unless it touches something for another reason."""
        self.notes.setdefault(change.path, why)
