"""From the targets that a change touches to everything that depends on them, by shortest paths. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Optional

from pants.engine.addresses import Address


@dataclass(frozen=True)
class Cause:
    """Why a target is touched, other than by a dependency.

    Args:
        path: the changed file.
        status: what happened to it.
        why: how the file concerns the target, as in `owns it`.
    """

    path: str
    status: str
    why: str


@dataclass(frozen=True)
class Closure:
    """What a change reaches.

    Args:
        causes: why each target is touched directly.
        through: for each target that is reached, the dependency it is reached through; None if directly.
    """

    causes: Mapping[Address, Cause]
    through: Mapping[Address, Optional[Address]]  # noqa: UP045

    def __contains__(self, address: object) -> bool:
        return address in self.through

    def path(self, address: Address) -> tuple[Cause, tuple[Address, ...]]:
        """Return a shortest path from a changed file to a target.

        Args:
            address: a target that is reached.

        Returns:
            The cause, and the targets from the one that it touches to the given one.
        """
        steps = [address]
        while True:
            before = self.through[steps[-1]]
            if before is None:
                return self.causes[steps[-1]], tuple(reversed(steps))
            steps.append(before)


def reach(causes: Mapping[Address, Cause], dependents: Mapping[Address, Iterable[Address]]) -> Closure:
    """Find everything that depends on some targets.

    Args:
        causes: the targets, and why.
        dependents: the direct dependents of each target.
    """
    through: dict[Address, Address | None] = dict.fromkeys(sorted(causes))
    level = list(through)
    while level:
        following = []
        for address in level:
            for dependent in sorted(dependents.get(address, ())):
                if dependent not in through:
                    through[dependent] = address
                    following.append(dependent)
        level = following
    return Closure(causes, through)
