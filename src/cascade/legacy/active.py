"""The project in the layout from before version 1.0 that this process has loaded, if it has.

Code that every project runs asks here, so this imports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ActiveProject:
    """A project in the old layout.

    Args:
        package: its package `cascade`.
        partitions: the arguments of the decorator that its workflows lack: `partition_start`, `partition_timezone`.
    """

    package: Path
    partitions: Mapping[str, str]


_active: ActiveProject | None = None


def active_project() -> ActiveProject | None:
    """Return the project, or None in any other project."""
    return _active


def set_active(project: ActiveProject | None) -> None:
    """Remember the project, or forget it. Only the finder of its modules does that."""
    global _active
    _active = project


def default_partitions() -> Mapping[str, str]:
    """Return the arguments of the decorator that the workflows of an old project lack; empty in any other project."""
    return _active.partitions if _active is not None else {}
